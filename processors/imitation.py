"""Outputs made up from a block's schema, for dry runs: nothing is called, and whoever reads them sees what they are."""

from __future__ import annotations

from typing import Any

from millstream.schemas.blocks import BlockSpec

_DEPTH = 4


def imitate(spec: BlockSpec, inputs: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return one value for each output pin but `error`, in the order of the schema; the same for the same block.

    An input block without a value gives its first option, else its name.
    """
    if spec.kind == "Input":
        value = inputs.get("value")
        if value is None:
            options = inputs.get("options") or []
            value = options[0] if options else inputs.get("name", "sample")
        return [("result", value)]
    definitions = spec.output_schema.get("$defs", {})
    properties: dict[str, Any] = spec.output_schema.get("properties", {})
    return [(pin, sample(schema, definitions, pin)) for pin, schema in properties.items() if pin != "error"]


def sample(schema: dict[str, Any], definitions: dict[str, Any], name: str, depth: int = 0) -> Any:
    """Return a value that fits a JSON Schema, the plainest there is."""
    reference = schema.get("$ref")
    if reference is not None:
        schema = definitions.get(str(reference).rsplit("/", 1)[-1], {})
    for key in ("const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for choice in schema.get("anyOf", schema.get("oneOf", [])):
        if choice.get("type") != "null":
            return sample(choice, definitions, name, depth)
    return _of_type(schema, definitions, name, depth)


def _of_type(schema: dict[str, Any], definitions: dict[str, Any], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return [sample(schema.get("items", {}), definitions, name, depth + 1)] if depth < _DEPTH else []
    if kind == "object":
        if depth >= _DEPTH:
            return {}
        parts: dict[str, Any] = schema.get("properties", {})
        return {key: sample(part, definitions, key, depth + 1) for key, part in parts.items()}
    plain = {"integer": schema.get("minimum", 1), "number": float(schema.get("minimum", 1)), "boolean": True}
    return plain.get(str(kind), f"sample {name}")
