"""Examples for the description of the API, built from its schemas: each fits the schema that it stands by (a test checks)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

DEPTH_MOST = 8
UUID = "0197f2d0-6f3c-7a51-9b0e-3d5c8a7e1f42"
FORMATS = {
    "uuid": UUID,
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "uri": "https://example.com/",
    "email": "ada@example.com",
    "binary": "text",
    "password": "correct horse battery",
}
WORDS = {
    "name": "Greeting",
    "graph_name": "Greeting",
    "description": "Says what it is told.",
    "detail": "There is no graph 0197f2d0-6f3c-7a51-9b0e-3d5c8a7e1f42.",
    "email": "ada@example.com",
    "timezone": "Europe/Berlin",
    "cursor": "WyIyMDI2LTAxLTMxVDEyOjAwOjAwWiIsICIwMTk3ZjJkMC02ZjNjLTdhNTEtOWIwZS0zZDVjOGE3ZTFmNDIiXQ",
    "token": "6b1f" * 24,
    "share_token": "6b1f" * 24,
    "prefix": "ms_Zk3vQ9aB",
    "media_type": "text/plain",
    "block_id": "b1ab9b19-67a6-406d-abf5-2dba76d00c79",
    "org": UUID,
}
"""Texts by the name of their field; others are `text`."""

GRAPH: dict[str, Any] = {
    "name": "Multiply",
    "description": "Multiplies a number by seven.",
    "nodes": [
        {
            "id": "in",
            "block_id": "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b",
            "input_default": {"name": "a"},
            "metadata": {"position": {"x": 0, "y": 0}},
        },
        {
            "id": "times",
            "block_id": "b1ab9b19-67a6-406d-abf5-2dba76d00c79",
            "input_default": {"operation": "Multiply", "b": 7},
            "metadata": {"position": {"x": 400, "y": 0}},
        },
    ],
    "links": [
        {
            "id": "link",
            "source_id": "in",
            "source_name": "result",
            "sink_id": "times",
            "sink_name": "a",
            "is_static": False,
        }
    ],
}


class Examples:
    """Builds values for schemas; references are looked up in the components."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components

    def of(self, schema: Schema, name: str = "", depth: int = 0) -> Any:
        """Return a value that fits. `name`: of the field that it is for."""
        if "$ref" in schema:
            return self.of(self._components[schema["$ref"].rsplit("/", 1)[1]], name, depth)
        for given in ("examples", "enum"):
            if schema.get(given):
                return schema[given][0]
        for given in ("example", "const", "default"):
            if schema.get(given) is not None:
                return schema[given]
        if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            found = next((each for each in choices if each.get("type") != "null"), {"type": "null"})
            return self.of(found, name, depth)
        return self._of_type(schema, name, depth)

    def _of_type(self, schema: Schema, name: str, depth: int) -> Any:
        kind = schema.get("type", "")
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "string":
            return _text(schema, name)
        if kind in ("integer", "number"):
            return _number(schema)
        return {"boolean": True, "null": None}.get(kind, "text")

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        if depth > DEPTH_MOST:
            return {}
        named = schema.get("properties", {})
        found = {each: self.of(inner, each, depth + 1) for each, inner in named.items()}
        more = schema.get("additionalProperties")
        if not named and isinstance(more, dict) and more:
            found["text"] = self.of(more, "", depth + 1)
        return found

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        if prefix := schema.get("prefixItems"):
            return [self.of(each, name, depth + 1) for each in prefix]
        if depth > DEPTH_MOST and not schema.get("minItems"):
            return []
        return [self.of(schema.get("items", {}), name.removesuffix("s"), depth + 1)]


def _text(schema: Schema, name: str) -> str:
    text = FORMATS.get(schema.get("format", "")) or WORDS.get(name, "text")
    if "pattern" in schema and not re.search(schema["pattern"], text):
        text = "text"
    text = text[: schema.get("maxLength", len(text))]
    return text.ljust(schema.get("minLength", 0), "x")


def _number(schema: Schema) -> int | float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    most = schema.get("maximum", schema.get("exclusiveMaximum", least + 2))
    number = min(max(least, 1), most)
    return int(number) if schema["type"] == "integer" else float(number)


def illustrate(schema: dict[str, Any]) -> None:
    """Give each body, answer and parameter of an OpenAPI document an example, where it has none."""
    components = schema["components"]["schemas"]
    components["Graph"]["examples"] = [GRAPH]
    examples = Examples(components)
    for methods in schema["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if "example" not in parameter and "examples" not in parameter["schema"]:
                    parameter["example"] = examples.of(parameter["schema"], parameter["name"].lower())
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                for media in body.get("content", {}).values():
                    if media.get("schema") and "example" not in media and "examples" not in media:
                        media["example"] = examples.of(media["schema"])
