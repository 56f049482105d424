"""Odd inputs from a JSON Schema: values at the edges of what it allows, and some beyond."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

TEXTS = (
    "",
    " ",
    "a",
    "0",
    "-1",
    "null",
    "ñ\u0000\u202e\U0001f600",
    "{{ x }}{% for",
    "(a+)+$",
    "[1, {",
    "<a><b>",
    "1;DROP TABLE x;--",
    "../../etc/passwd",
    "2026-02-30",
    "25:61",
    "http://",
    "x" * 5000,
    "\n\r\t",
    "1e999",
    "$.[?",
)
NUMBERS = (0, 1, -1, 2, 7, 255, -(2**31), 2**31, 2**53, 10**18)
_FORMATS = {
    "file": ("data:text/plain,hello", "data:;base64,!!", "workspace://nothing", ""),
    "date": ("2026-02-28", "0001-01-01", "never"),
    "time": ("23:59:59", "noon"),
    "date-time": ("2026-02-28T10:00:00Z", "soon"),
}
_DEPTH = 4


def odd_inputs(random: Random, schema: dict[str, Any], known: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return inputs: those of a sample with some pins made odd, or all made up."""
    pins: dict[str, Any] = schema["properties"]
    definitions: dict[str, Any] = schema.get("$defs", {})
    inputs = copy.deepcopy(random.choice(known)) if known and random.random() < 0.7 else {}
    for pin, prop in pins.items():
        if "credentials_provider" in prop:
            continue
        chance = random.random()
        if pin not in inputs or chance < 0.4:
            if chance < 0.1:
                inputs[pin] = _anything(random, 0)
            elif pin in schema.get("required", ()) or chance < 0.5:
                inputs[pin] = value(random, prop, definitions)
    return inputs


def value(random: Random, schema: dict[str, Any], definitions: dict[str, Any], depth: int = 0) -> Any:
    """Return a value that fits a schema, as far as types, choices and limits of numbers go."""
    if "$ref" in schema:
        schema = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return random.choice(schema["enum"])
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return value(random, random.choice(choices), definitions, depth)
    match schema.get("type"):
        case "array":
            return _array(random, schema, definitions, depth)
        case "object":
            return _object(random, schema, definitions, depth)
        case _:
            return _scalar(random, schema, depth)


def _scalar(random: Random, schema: dict[str, Any], depth: int) -> Any:
    match schema.get("type"):
        case "string":
            return random.choice(_FORMATS.get(str(schema.get("format")), TEXTS))
        case "integer":
            return int(_between(random.choice(NUMBERS), schema))
        case "number":
            return _between(random.choice((*NUMBERS, 0.5, -0.0, 1e308)), schema)
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
        case _:
            return _anything(random, depth)


def _between(number: float, schema: dict[str, Any]) -> float:
    low: float = schema.get("minimum", schema.get("exclusiveMinimum", number))
    high: float = schema.get("maximum", schema.get("exclusiveMaximum", number))
    return min(max(number, low), high)


def _array(random: Random, schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> list[Any]:
    if depth >= _DEPTH:
        return []
    count = max(random.choice((0, 1, 2, 3)), schema.get("minItems", 0))
    return [value(random, schema.get("items", {}), definitions, depth + 1) for _ in range(count)]


def _object(
    random: Random, schema: dict[str, Any], definitions: dict[str, Any], depth: int
) -> dict[str, Any]:
    if depth >= _DEPTH:
        return {}
    if "properties" in schema:
        parts: dict[str, Any] = schema["properties"]
        return {name: value(random, part, definitions, depth + 1) for name, part in parts.items()}
    inner = schema.get("additionalProperties")
    inner = inner if isinstance(inner, dict) else {}
    names = random.sample(TEXTS[:8], random.choice((0, 1, 2)))
    return {name: value(random, inner, definitions, depth + 1) for name in names}


def _anything(random: Random, depth: int) -> Any:
    match random.randrange(7 if depth < _DEPTH else 5):
        case 0:
            return None
        case 1:
            return random.random() < 0.5
        case 2:
            return random.choice(NUMBERS)
        case 3 | 4:
            return random.choice(TEXTS)
        case 5:
            return [_anything(random, depth + 1) for _ in range(random.choice((0, 1, 3)))]
        case _:
            return {random.choice(TEXTS): _anything(random, depth + 1) for _ in range(2)}
