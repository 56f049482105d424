"""Which values of a graph are secret: pins that their block marks so, inputs that are marked so. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar
from uuid import UUID

import orjson

from millstream.schemas.graph import Graph, Node, SubGraph
from millstream.schemas.graph_credentials import credentials_pins
from millstream.schemas.graph_links import Specs, properties
from millstream.schemas.pins import base_name
from millstream.schemas.secrets import REF_BYTES, ref, ref_id

PartT = TypeVar("PartT", bound=SubGraph)
Keep = Callable[[Any], Awaitable[UUID]]
"""Seals a value and returns its id."""


def secret_pins(node: Node, specs: Specs) -> frozenset[str]:
    """Return the pins of a node whose constants, and masks, are secret."""
    spec = specs.get(node.block_id)
    if spec is None:
        return frozenset()
    marked = {pin for pin, field in properties(spec.input_schema).items() if field.get("secret") is True}
    if spec.kind == "Input" and node.input_default.get("secret") is True:
        marked.add("value")
    return frozenset(marked)


def secret_inputs(graph: SubGraph, specs: Specs) -> frozenset[str]:
    """Return the names of a graph's inputs that are secret."""
    return frozenset(
        node.input_default["name"]
        for node in graph.nodes
        if (spec := specs.get(node.block_id)) is not None
        and spec.kind == "Input"
        and isinstance(node.input_default.get("name"), str)
        and (node.input_default.get("secret") is True or "value" in secret_pins(node, specs))
    )


def _inner(node: Node, specs: Specs) -> frozenset[str]:
    """The names of an agent's inputs that are secret: their constants are under `inputs`."""
    spec = specs.get(node.block_id)
    if spec is None or spec.kind != "Agent":
        return frozenset()
    fields = properties(node.input_default.get("input_schema"))
    return frozenset(name for name, field in fields.items() if field.get("secret") is True)


def is_plain(graph: Graph, specs: Specs) -> bool:
    """Tell whether a graph has nothing to do with secrets: no pins for them, none marked, and no references."""
    if credentials_pins(graph, specs):
        return False
    nodes = [node for part in graph.all_graphs for node in part.nodes]
    if any(secret_pins(node, specs) or _inner(node, specs) for node in nodes):
        return False
    return REF_BYTES not in orjson.dumps(
        [node.input_default for node in nodes], option=orjson.OPT_NON_STR_KEYS
    )


async def without_plain_secrets(graph: Graph, specs: Specs, keep: Keep) -> Graph:
    """Return the graph with references in the places of secret constants; itself if there are none."""
    subs = [await _part(sub, specs, keep) for sub in graph.sub_graphs]
    mine = await _part(graph, specs, keep)
    if mine is graph and all(new is old for new, old in zip(subs, graph.sub_graphs, strict=True)):
        return graph
    return mine.model_copy(update={"sub_graphs": subs})


async def _part(part: PartT, specs: Specs, keep: Keep) -> PartT:
    nodes = [await _node(node, specs, keep) for node in part.nodes]
    if all(new is old for new, old in zip(nodes, part.nodes, strict=True)):
        return part
    return part.model_copy(update={"nodes": nodes})


async def _node(node: Node, specs: Specs, keep: Keep) -> Node:
    constants = await kept(node.input_default, secret_pins(node, specs), keep)
    if names := _inner(node, specs):
        given = constants.get("inputs")
        if isinstance(given, dict) and (inner := await kept(given, names, keep)) is not given:
            constants = {**constants, "inputs": inner}
    return node if constants is node.input_default else node.model_copy(update={"input_default": constants})


async def kept(values: Mapping[str, Any], marked: frozenset[str], keep: Keep) -> dict[str, Any]:
    """Return values with references in the places of those that are marked; the same object if there are none."""
    assert isinstance(values, dict)
    changed: dict[str, Any] = {}
    for pin in _plain(values, marked):
        changed[pin] = ref(await keep(values[pin]))
    return {**values, **changed} if changed else values


def _plain(values: Mapping[str, Any], marked: frozenset[str]) -> Iterator[str]:
    if not marked:
        return
    for pin, value in values.items():
        if base_name(pin) in marked and value not in (None, "") and ref_id(value) is None:
            yield pin
