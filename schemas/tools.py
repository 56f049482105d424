"""A block as a function that a language model can call: OpenAI's form of tools, strict where its schema allows that.

Strict tools take a part of JSON Schema only: objects name all their keys, and each is required; what may be left out is
then a null, which a block takes as absent. A block with pins of any form is offered without `strict`.
Source: OpenAI's "Structured outputs", supported schemas.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from millstream.schemas.blocks import BlockSpec

NAME_LIMIT: Final = 64
DESCRIPTION_LIMIT: Final = 1024
_KEPT: Final = (
    "type",
    "description",
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
)
_NULL: Final = {"type": "null"}


class _LooseError(Exception):
    """Strict tools have no words for a schema."""


def tool_of(spec: BlockSpec) -> dict[str, Any]:
    """Return `{"type": "function", "function": {"name", "description", "parameters", "strict"}}`.

    Pins that are hidden, secret, or ask for credentials are no business of a model.
    """
    pins = {name: pin for name, pin in spec.input_schema.get("properties", {}).items() if _is_open(pin)}
    required = [name for name in spec.input_schema.get("required", ()) if name in pins]
    definitions: dict[str, Any] = spec.input_schema.get("$defs", {})
    try:
        parameters = _object(pins, required)
        used = _reached(parameters, definitions)
        if used:
            parameters["$defs"] = {name: _strict(definitions[name]) for name in used}
        strict = True
    except _LooseError:
        parameters = {"type": "object", "properties": pins, "required": required}
        if definitions:
            parameters["$defs"] = definitions
        strict = False
    function = {
        "name": tool_name(spec.name),
        "description": spec.description[:DESCRIPTION_LIMIT],
        "parameters": parameters,
        "strict": strict,
    }
    return {"type": "function", "function": function}


def tool_name(name: str) -> str:
    """Return `send_web_request` of `SendWebRequestBlock`: at most 64 of the characters that a tool's name may have."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name.removesuffix("Block"))
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain).strip("_").lower()
    return snake[:NAME_LIMIT] or "block"


def _is_open(pin: dict[str, Any]) -> bool:
    return not (pin.get("hidden") or pin.get("secret") or "credentials_provider" in pin)


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """An object of which every key is there, those that may be absent as null."""
    found = {}
    for name, schema in properties.items():
        pin = _strict(schema)
        if name not in required:
            pin = _optional(pin, schema.get("default"))
        found[name] = pin
    return {
        "type": "object",
        "properties": found,
        "required": list(properties),
        "additionalProperties": False,
    }


def _optional(pin: dict[str, Any], default: Any) -> dict[str, Any]:
    about = pin.pop("description", "")
    if default is not None:
        shown = orjson.dumps(default).decode()
        about = f"{about} Null: {shown}.".strip() if len(shown) <= 100 else about
    choices = pin["anyOf"] if list(pin) == ["anyOf"] else [pin]
    choices = choices if _NULL in choices else [*choices, _NULL]
    return {**({"description": about} if about else {}), "anyOf": choices}


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema in the words that strict tools have. Errors: _LooseError."""
    if "$ref" in schema:
        return {key: schema[key] for key in ("$ref", "description") if key in schema}
    found: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        found.pop("type", None)
        return {**found, "anyOf": [_strict(choice) for choice in choices]}
    if "const" in schema:
        found["enum"] = [schema["const"]]
    kind = schema.get("type")
    if kind == "object":
        if "properties" not in schema or schema.get("additionalProperties"):
            raise _LooseError
        if schema["properties"].keys() != set(schema.get("required", ())):
            raise _LooseError  # deep inside, a null is no absent value to the block
        about = {"description": found["description"]} if "description" in found else {}
        return {**about, **_object(schema["properties"], list(schema.get("required", ())))}
    if kind == "array":
        if not schema.get("items") or "prefixItems" in schema:
            raise _LooseError
        return {**found, "items": _strict(schema["items"])}
    if not isinstance(kind, str) and "enum" not in found:
        raise _LooseError
    return found


def _reached(schema: Any, definitions: dict[str, Any]) -> list[str]:
    """Names of the definitions that a schema leads to, through others too."""
    found: dict[str, None] = {}
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in definitions and name not in found:
                found[name] = None
                waiting.append(definitions[name])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return list(found)
