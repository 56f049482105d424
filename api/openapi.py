"""The description of the API, with what FastAPI cannot see: the graph bodies, which our own parser reads."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from millstream.api.examples import illustrate
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
    illustrate(schema)
    return schema
