"""The inputs and outputs of a graph as JSON Schema, computed from its Input and Output nodes."""

from __future__ import annotations

import copy
from typing import Any, Final

from millstream.schemas.blocks import BlockSpec, Kind
from millstream.schemas.graph import Node, SubGraph
from millstream.schemas.graph_links import Specs, properties

FROM_NODE: Final = ("title", "description", "default", "secret", "advanced")
"""Keys of a property that the node says, never the block's own `value` field."""
CHOICES: Final = ("options", "placeholder_values")
"""Pins of a dropdown that list what to choose from; the second is what old files call it."""


def input_schema(graph: SubGraph, specs: Specs) -> dict[str, Any]:
    """Return the schema of a run's `inputs`: a property for each Input node, by its name.

    Required are those without a value of their own. Nodes without a name, and of unknown blocks, are left
    out.
    """
    return _schema(graph, specs, "Input")


def output_schema(graph: SubGraph, specs: Specs) -> dict[str, Any]:
    """Return the schema of a run's outputs, one property for each name; a run gives a list of such values."""
    return _schema(graph, specs, "Output")


def _schema(graph: SubGraph, specs: Specs, kind: Kind) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    required: dict[str, None] = {}
    shared: dict[str, Any] = {}
    for node in graph.nodes:
        spec = specs.get(node.block_id)
        name = node.input_default.get("name")
        if spec is None or spec.kind != kind or not isinstance(name, str) or not name.strip():
            continue
        fields[name] = _property(node, spec, name)
        if "default" in fields[name]:
            required.pop(name, None)
        else:
            required[name] = None
        shared |= spec.input_schema.get("$defs", {}) if "$ref" in str(fields[name]) else {}
    schema: dict[str, Any] = {"type": "object", "properties": fields, "required": list(required)}
    return {**schema, "$defs": copy.deepcopy(shared)} if shared else schema


def _property(node: Node, spec: BlockSpec, name: str) -> dict[str, Any]:
    """One input or output, as the block's `value` field with what the node says about it."""
    pins = properties(spec.input_schema)
    value = _constant(node, pins, "value")
    field = {key: copy.deepcopy(part) for key, part in pins.get("value", {}).items() if key not in FROM_NODE}
    field["secret"] = bool(_constant(node, pins, "secret"))
    field["advanced"] = bool(_constant(node, pins, "advanced")) and value is not None
    field["title"] = _text(node, pins, "title") or name
    if description := _text(node, pins, "description"):
        field["description"] = description
    if value is not None:
        field["default"] = copy.deepcopy(value)
    if choices := _choices(node, pins):
        field["enum"] = choices
    return field


def _constant(node: Node, pins: dict[str, dict[str, Any]], pin: str) -> Any:
    """What the node sets, else what the block's schema has by default."""
    return node.input_default[pin] if pin in node.input_default else pins.get(pin, {}).get("default")


def _text(node: Node, pins: dict[str, dict[str, Any]], pin: str) -> str:
    """The same, if it is a text: a file may say anything, but JSON Schema wants a text here."""
    value = _constant(node, pins, pin)
    return value if isinstance(value, str) else ""


def _choices(node: Node, pins: dict[str, dict[str, Any]]) -> list[Any]:
    """The choices of a dropdown: an Input whose block has `options`. A plain one has none, whatever is set."""
    if "options" not in pins:
        return []
    for pin in CHOICES:
        choices = node.input_default.get(pin)
        if isinstance(choices, list) and choices:
            return list(choices)
    return []
