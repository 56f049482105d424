"""The published client has each operation of the native API, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from millstream.cli import described, documents

CLIENT = documents.FOLDER.parent / "clients" / "python"
LEFT_OUT = {"ingest_inputs", "ingest"}
"""JSON lines: the generator has no form for them."""


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CLIENT / "openapi.json").read_text())
    return found


def test_the_schema_of_the_client_is_that_of_the_routes() -> None:
    assert (CLIENT / "openapi.json").read_text() == described.client_schema(), (
        "run `millstream documents`, then generate the client again: see clients/python/README.md"
    )


def test_the_client_has_each_operation() -> None:
    operations = [each for methods in schema()["paths"].values() for each in methods.values()]
    wanted = {
        f"{each['tags'][0].replace(' ', '_').lower()}/{each['operationId']}.py"
        for each in operations
        if each["operationId"] not in LEFT_OUT
    }
    api = CLIENT / "millstream_client" / "api"
    there = {str(path.relative_to(api)) for path in Path(api).glob("*/*.py") if path.name != "__init__.py"}
    assert there == wanted, "generate the client again: see clients/python/README.md"


def test_the_page_of_compatibility_is_that_of_the_routes() -> None:
    page = described.compatibility_page()
    assert (documents.FOLDER / "compatibility.md").read_text() == page, "run `millstream documents`"
    assert "| POST `/api/graphs/{graph_id}/execute/{graph_version}` | yes |" in page
    assert "of 222 operations" in page
