"""The description of the API: every operation is named, illustrated and true to its own schemas."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import jsonschema_rs
import pytest
from pydantic import SecretStr

from millstream.api.app import create_app
from millstream.api.examples import GRAPH
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import load_registry
from millstream.schemas.graph import parse_graph
from millstream.schemas.graph_validation import save_problems


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    settings = EdgeSettings(
        kafka={},
        dsn=SecretStr("postgresql://localhost/x"),
        redis=SecretStr("redis://localhost"),
        objects="memory://",
        token=SecretStr("x" * 32),
    )
    return create_app(settings, []).openapi()


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_each_operation_has_a_name_of_its_own(schema: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, operation in operations(schema))
    assert [name for name, count in names.items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z]+(_[a-z0-9]+)+|healthz|readyz|metrics|[a-z]+", name) for name in names)
    families = {"/api/v1/": None, "/api/": "autogpt_", "/external-api/": "external_"}
    for where, operation in operations(schema):
        path = where.split(" ")[1]
        begins = next((mark for prefix, mark in families.items() if path.startswith(prefix)), None)
        assert begins is None or operation["operationId"].startswith(begins), where


def test_each_body_answer_and_parameter_has_an_example_that_fits(schema: dict[str, Any]) -> None:
    checked = 0
    for where, operation in operations(schema):
        for parameter in operation.get("parameters", []):
            inner = parameter["schema"]
            value = parameter["example"] if "example" in parameter else inner["examples"][0]
            _fits(schema, inner, value, f"{where}: {parameter['name']}")
            checked += 1
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in body.get("content", {}).values():
                if media.get("schema"):
                    _fits(schema, media["schema"], media["example"], where)
                    checked += 1
    assert checked > 300


def test_the_example_of_a_graph_can_be_saved() -> None:
    specs = {spec.id: spec for spec in load_registry().specs()}
    assert save_problems(parse_graph({**GRAPH}), specs) == []


def _fits(document: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> None:
    whole = {**schema, "components": document["components"]}
    errors = [error.message for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]
    assert not errors, f"{where}: {value!r}: {errors}"
