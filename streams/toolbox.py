"""What a node may call, told so that a language model understands it: made once with the plan, from blocks and agents. Pure.

A tool is a node that is linked from a tool pin (`tools`, `tools_^_...`); its parameters are the pins that these links lead to,
and no others, so that the author of the graph decides what a model may fill. JSON list of `{node, name, description,
parameters, pins}`: `parameters` is a JSON Schema, `pins` has the pin of each parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.pins import base_name, is_tool_pin
from millstream.schemas.tools import DESCRIPTION_LIMIT, NAME_LIMIT, tool_name

if TYPE_CHECKING:
    from millstream.schemas.graph import Node, SubGraph

_DROPPED = ("title", "advanced", "hidden", "secret", "placeholder")
"""Of a pin's schema: for forms, not for models."""


def toolboxes(
    graph: SubGraph, specs: Mapping[str, BlockSpec], subs: Mapping[str, SubGraph]
) -> dict[str, bytes]:
    """Return node id -> its tools as JSON, for nodes that have any."""
    linked: dict[str, dict[str, list[str]]] = {}
    for link in graph.links:
        if is_tool_pin(link.source_name):
            pins = linked.setdefault(link.source_id, {}).setdefault(link.sink_id, [])
            if link.sink_name not in pins:
                pins.append(link.sink_name)
    if not linked:
        return {}
    nodes = {node.id: node for node in graph.nodes}
    found: dict[str, bytes] = {}
    for source, sinks in linked.items():
        names: set[str] = set()
        tools = []
        for sink, pins in sinks.items():
            tool = _tool(nodes[sink], specs.get(nodes[sink].block_id), subs, pins)
            tool["name"] = _unique(tool["name"], names)
            tools.append(tool)
        found[source] = orjson.dumps(tools)
    return found


def _tool(
    node: Node, spec: BlockSpec | None, subs: Mapping[str, SubGraph], pins: list[str]
) -> dict[str, Any]:
    constants = node.input_default
    schema: dict[str, Any] = {} if spec is None else spec.input_schema
    name, description = "" if spec is None else spec.name, "" if spec is None else spec.description
    if spec is not None and spec.kind == "Agent":
        sub = subs.get(str(constants.get("graph_id")))
        own = constants.get("input_schema")
        schema = own if isinstance(own, dict) else {}
        name = str(constants.get("agent_name") or (sub.name if sub else "") or name)
        description = (sub.description if sub else "") or description
        constants = constants.get("inputs") or {}
    custom = node.metadata.get("customized_name")
    if isinstance(custom, str) and custom.strip():
        name = custom
    arguments: set[str] = set()
    named = {_unique(_clean(pin), arguments): pin for pin in pins}
    return {
        "node": node.id,
        "name": tool_name(name or "tool"),
        "description": description[:DESCRIPTION_LIMIT],
        "parameters": _parameters(schema, named, constants),
        "pins": named,
    }


def _parameters(schema: dict[str, Any], named: dict[str, str], constants: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = schema.get("properties") or {}
    properties = {argument: _pin(known, pin) for argument, pin in named.items()}
    needed = schema.get("required") or ()
    required = [a for a, pin in named.items() if pin in needed and constants.get(pin) is None]
    parameters: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    if b'"$ref"' in orjson.dumps(properties) and schema.get("$defs"):
        parameters["$defs"] = schema["$defs"]
    return parameters


def _pin(known: dict[str, Any], pin: str) -> dict[str, Any]:
    base = base_name(pin)
    schema = known.get(pin)
    if schema is None and base != pin:
        part = re.split(r"_[$#@]_", pin[len(base) :])[-1]
        return {"description": f"{part!r} of {base!r}."}
    schema = schema if isinstance(schema, dict) else {}
    return {key: value for key, value in schema.items() if key not in _DROPPED}


def _clean(name: str) -> str:
    plain = re.sub(r"_[$#@]_", "_", name)  # `values_#_who` becomes `values_who`
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain)[:NAME_LIMIT].strip("_") or "value"


def _unique(name: str, taken: set[str]) -> str:
    found, number = name, 2
    while found in taken:
        end = f"_{number}"
        found, number = name[: NAME_LIMIT - len(end)] + end, number + 1
    taken.add(found)
    return found
