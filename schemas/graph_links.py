"""Which pins a node has, what is linked to it, and which nodes start: asked by validation, plan and API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import Graph, Link, Node, SubGraph

GraphT = TypeVar("GraphT", bound=SubGraph)
Specs = Mapping[str, BlockSpec]
"""Specs of blocks by block id."""

ERROR_PIN: Final = "error"
WITHOUT_ERROR_PIN: Final = frozenset({"Input", "Output", "Agent"})
"""Kinds whose blocks do not have the `error` output that all others have, declared or not."""


def link_static(graph: Graph, specs: Specs) -> Graph:
    """Mark each link from a block with a static output as static, whatever the request says.

    A link that is marked already stays so: any link may be static. Source: graph format, validation of
    structure.
    """
    subs = [_link_static(sub, specs) for sub in graph.sub_graphs]
    return _link_static(graph, specs).model_copy(update={"sub_graphs": subs})


def _link_static(graph: GraphT, specs: Specs) -> GraphT:
    static = {node.id for node in graph.nodes if (spec := specs.get(node.block_id)) and spec.static_output}
    links = [
        link.model_copy(update={"is_static": True})
        if link.source_id in static and not link.is_static
        else link
        for link in graph.links
    ]
    return graph.model_copy(update={"links": links})


def incoming(graph: SubGraph) -> dict[str, list[Link]]:
    """Return the links into each node that has some, in the order of `graph.links`."""
    links: dict[str, list[Link]] = {}
    for link in graph.links:
        links.setdefault(link.sink_id, []).append(link)
    return links


def starting_nodes(graph: SubGraph, specs: Specs) -> list[Node]:
    """Return the nodes that a run begins with, in the order of `graph.nodes`.

    They are those without a link into them and every Input node, linked or not; notes never start.
    """
    linked = {link.sink_id for link in graph.links}
    return [node for node in graph.nodes if _starts(kind_of(node, specs), node.id in linked)]


def _starts(kind: str | None, linked: bool) -> bool:
    return kind == "Input" or (kind != "Note" and not linked)


def kind_of(node: Node, specs: Specs) -> str | None:
    """Return the kind of the node's block; None if the block is unknown here."""
    spec = specs.get(node.block_id)
    return spec.kind if spec else None


def properties(schema: Any) -> dict[str, dict[str, Any]]:
    """Return the properties of a JSON Schema object; empty if it is none (agent nodes carry anything).

    A property that is no object (`true` is a schema too) is returned as one that says nothing.
    """
    found = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(found, dict):
        return {}
    if all(isinstance(field, dict) for field in found.values()):
        return found
    return {pin: field if isinstance(field, dict) else {} for pin, field in found.items()}


def required(schema: Any) -> list[str]:
    """Return the names that a JSON Schema object requires; empty if it is none."""
    found = schema.get("required") if isinstance(schema, dict) else None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def input_pins(node: Node, spec: BlockSpec) -> Iterable[str]:
    """Return the base names of the pins that links may lead to."""
    if spec.kind == "Agent":
        return properties(node.input_default.get("input_schema")).keys()
    own = properties(spec.input_schema).keys()
    if spec.kind == "MCP Tool":
        return own | properties(node.input_default.get("tool_input_schema")).keys()
    return own


def output_pins(node: Node, spec: BlockSpec) -> Iterable[str]:
    """Return the base names of the pins that links may come from."""
    if spec.kind == "Agent":
        return properties(node.input_default.get("output_schema")).keys()
    own = properties(spec.output_schema).keys()
    return own if spec.kind in WITHOUT_ERROR_PIN else own | {ERROR_PIN}
