"""The description of the API, with what FastAPI cannot see: the graph bodies, which our own parser reads."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from millstream.api.examples import illustrate
from millstream.api.failures import describe_failures
from millstream.schemas.graph import Graph

REF = "#/components/schemas/{model}"


def operation_id(route: APIRoute) -> str:
    """Return the name of an operation in clients that are made from the description: its function's."""
    return route.name


def describe(app: FastAPI) -> None:
    """Give the app its `openapi()`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _with_short_names(schema: dict[str, Any]) -> dict[str, Any]:
    """Name models of two features that are called the same by their features: `SsoProviderOut`."""
    text = orjson.dumps(schema).decode()
    for name in schema["components"]["schemas"]:
        if name.startswith("millstream__"):
            feature, own = name.split("__")[2], name.rsplit("__", 1)[1]
            text = text.replace(f'"{name}"', f'"{feature.title()}{own}"')
            text = text.replace(f'/schemas/{name}"', f'/schemas/{feature.title()}{own}"')
    found: dict[str, Any] = orjson.loads(text)
    for name, model in found["components"]["schemas"].items():
        model["title"] = name
    return found


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description="Build, run and watch AI agents; every node execution is a message on Apache Kafka.",
        routes=app.routes,
    )
    graph = Graph.model_json_schema(ref_template=REF)
    components: dict[str, Any] = schema.setdefault("components", {}).setdefault("schemas", {})
    for name, part in graph.pop("$defs", {}).items():
        components.setdefault(name, part)
    components.setdefault("Graph", graph)
    schema = _with_short_names(schema)
    describe_failures(schema)
    illustrate(schema)
    return schema
