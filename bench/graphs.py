"""The graphs that are run, compiled to plans."""

from __future__ import annotations

from typing import Any

from millstream.processors.registry import load_registry
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.graph_links import link_static
from millstream.streams.plan import CompiledPlan, compile_plan

SPECS = {spec.id: spec for spec in load_registry().specs()}
_IDS = {spec.name: spec.id for spec in SPECS.values()}


def _graph(
    name: str, nodes: list[tuple[str, str, dict[str, Any]]], links: list[tuple[str, str, str, str]]
) -> Graph:
    keys = ("source_id", "source_name", "sink_id", "sink_name")
    body = {
        "name": name,
        "description": "",
        "nodes": [{"id": i, "block_id": _IDS[block], "input_default": d} for i, block, d in nodes],
        "links": [dict(zip(keys, link, strict=True)) for link in links],
    }
    return link_static(parse_graph(body), SPECS)


def compiled(graph: Graph) -> CompiledPlan:
    """Return the plan of a graph."""
    return compile_plan(graph, SPECS)


def chain(length: int) -> Graph:
    """Store values, one after the other."""
    nodes = [(f"n{i}", "StoreValueBlock", {"input": "x" * 50} if i == 0 else {}) for i in range(length)]
    return _graph("chain", nodes, [(f"n{i}", "output", f"n{i + 1}", "input") for i in range(length - 1)])


def fan(width: int) -> Graph:
    """One list, a node for each item, and an output that gathers them: 1 + 2 * width node executions."""
    return _graph(
        "fan",
        [
            ("each", "StepThroughItemsBlock", {"items": list(range(width))}),
            ("add", "CalculatorBlock", {"operation": "Add", "b": 1}),
            ("out", "AgentOutputBlock", {"name": "out"}),
        ],
        [("each", "item", "add", "a"), ("add", "result", "out", "value")],
    )


def gather(width: int) -> Graph:
    """`width` values onto the list pins of one sink: width + 2 node executions."""
    nodes: list[tuple[str, str, dict[str, Any]]] = [("start", "StoreValueBlock", {"input": 1})]
    nodes += [(f"v{i}", "StoreValueBlock", {}) for i in range(width)]
    nodes.append(("list", "CreateListBlock", {"values": []}))
    links = [("start", "output", f"v{i}", "input") for i in range(width)]
    links += [(f"v{i}", "output", "list", f"values_$_{i}") for i in range(width)]
    return _graph("gather", nodes, links)


def wide(size: int) -> Graph:
    """One node and `size - 1` that take its value, side by side: `size` node executions."""
    nodes: list[tuple[str, str, dict[str, Any]]] = [("start", "StoreValueBlock", {"input": 1})]
    nodes += [(f"v{i}", "StoreValueBlock", {}) for i in range(size - 1)]
    return _graph("wide", nodes, [("start", "output", f"v{i}", "input") for i in range(size - 1)])


def review() -> Graph:
    """One node that waits for a person."""
    return _graph("review", [("ask", "HumanInTheLoopBlock", {"data": "x" * 50, "name": "check"})], [])


def waits(seconds: float) -> Graph:
    """One node that waits."""
    return _graph("wait", [("wait", "WaitBlock", {"value": 1, "seconds": seconds})], [])
