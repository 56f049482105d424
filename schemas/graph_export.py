"""A graph as a file for others: everything but secrets. Fork: the same, as a new graph of one's own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import Graph, Node, SubGraph
from millstream.schemas.graph_ids import create
from millstream.schemas.graph_links import Specs, properties
from millstream.schemas.pins import base_name
from millstream.schemas.sizes import NAME_LIMIT_CHARS

SECRET_WORDS: Final = ("credentials", "api_key", "password", "token", "secret")
"""A key with one of these in it, in any case, is taken for a secret (`max_tokens` too, as at AutoGPT)."""
SECRET_REF: Final = "$secret"
"""`{"$secret": id}` stands for a secret value that is kept elsewhere."""
SCHEMA_PINS: Final = {
    "Agent": frozenset({"input_schema", "output_schema"}),
    "MCP Tool": frozenset({"tool_input_schema"}),
}
"""Constants that are schemas: there a key that looks like a secret is the name of a pin, which links need."""
SCHEMA_VALUES: Final = ("default", "const", "enum", "examples")
"""Keywords of JSON Schema that hold values."""
COPY_SUFFIX: Final = " (copy)"


def export(graph: Graph, specs: Specs) -> dict[str, Any]:
    """Return the file form of `graph`, which `parse_graph` reads again.

    Left out: constants that the block's schema marks as secret, keys that look like secrets (unless true or
    false) at any depth, references to secrets, and the value of an Input node whose `secret` is true.
    """
    return {
        **_part(graph, specs),
        "sub_graphs": [_part(sub, specs) for sub in graph.sub_graphs],
        "user_id": "",
    }


def fork(graph: Graph, specs: Specs, *, user_id: str) -> Graph:
    """Return a copy of `graph` for `user_id`: no secrets, new ids, version 1, and where it comes from."""
    mine = create(Graph.model_validate(export(graph, specs)), user_id=user_id)
    name = graph.name[: NAME_LIMIT_CHARS - len(COPY_SUFFIX)] + COPY_SUFFIX
    return mine.model_copy(
        update={
            "name": name,
            "version": 1,
            "forked_from_id": graph.id,
            "forked_from_version": graph.version,
        }
    )


def _part(graph: SubGraph, specs: Specs) -> dict[str, Any]:
    head = graph.model_dump(exclude={"nodes", "links", "sub_graphs"})
    return {
        **head,
        "nodes": [_node(node, specs.get(node.block_id)) for node in graph.nodes],
        "links": [link.model_dump() for link in graph.links],
    }


def _node(node: Node, spec: BlockSpec | None) -> dict[str, Any]:
    return {
        "id": node.id,
        "block_id": node.block_id,
        "input_default": _constants(node.input_default, spec),
        "metadata": copy.deepcopy(node.metadata),
        "webhook_id": None,
    }


def _constants(values: Mapping[str, Any], spec: BlockSpec | None) -> dict[str, Any]:
    """The constants of a node that others may see."""
    marked = (
        {pin for pin, field in properties(spec.input_schema).items() if field.get("secret") is True}
        if spec
        else set()
    )
    schemas = SCHEMA_PINS.get(spec.kind, frozenset()) if spec else frozenset()
    if spec and spec.kind == "Input" and values.get("secret") is True:
        marked.add("value")
    open_to_all: dict[str, Any] = {}
    for pin, value in values.items():
        if pin in schemas:
            open_to_all[pin] = _without_values(value)
        elif base_name(pin) not in marked and not _is_secret(pin, value):
            open_to_all[pin] = without_secrets(value)
    return open_to_all


def without_secrets(value: Any) -> Any:
    """Return a copy of a JSON value without the keys that look like secrets and the references to secrets."""
    if isinstance(value, dict):
        if SECRET_REF in value:
            return None
        return {key: without_secrets(item) for key, item in value.items() if not _is_secret(key, item)}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


def _is_secret(key: str, value: Any) -> bool:
    """A boolean is none: `secret: true` is a mark, and `use_token: false` a switch."""
    if isinstance(value, dict) and SECRET_REF in value:
        return True
    lower = key.lower()
    return not isinstance(value, bool) and any(word in lower for word in SECRET_WORDS)


def _without_values(schema: Any, name: str = "", hidden: bool = False) -> Any:
    """Return a copy of a JSON Schema where no property that is a secret, or lies in one, says its value."""
    if isinstance(schema, list):
        return [_without_values(item, hidden=hidden) for item in schema]
    if not isinstance(schema, dict):
        return schema
    hidden = hidden or schema.get("secret") is True or _is_secret(name, schema)
    shown: dict[str, Any] = {}
    for key, part in schema.items():
        if key == "properties" and isinstance(part, dict):
            shown[key] = {pin: _without_values(field, pin, hidden) for pin, field in part.items()}
        elif key not in SCHEMA_VALUES:
            shown[key] = _without_values(part, hidden=hidden)
        elif not hidden:
            shown[key] = without_secrets(part)
    return shown
