"""Whether a graph can be saved or run, given the specs of the blocks: all problems at once, in a fixed order.

Three questions, each with the one before: is the structure sound (links, pins, blocks); can it be saved
(also: names, and the inputs of Input, Output and Agent nodes); can it be run (also: the inputs of every node,
and how the run begins). Types of pins are not compared; cycles and loose nodes are allowed. Source: AutoGPT's
graph format, validation. `docs/graphs.md` lists the codes and the deviations.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from millstream.schemas.graph import Graph, Link, Node, SubGraph
from millstream.schemas.graph_inputs import Mask, node_problems, start_problems
from millstream.schemas.graph_links import Specs, incoming, input_pins, output_pins
from millstream.schemas.graph_problems import Problem, in_order
from millstream.schemas.pins import base_name, is_tool_pin

PINS_SHOWN: Final = 12
"""A reason lists at most this many pins of a block."""

DRY_RUN_TOLERATES: Final = frozenset(
    {
        "agent_input_missing",
        "dependency_missing",
        "input_null",
        "input_required",
        "linked_pin_unfed",
        "picker_invalid",
        "tool_argument_missing",
        "webhook_payload_missing",
    }
)
"""Codes of missing inputs and credentials, which a dry run makes up."""


def structure_problems(graph: Graph, specs: Specs) -> list[Problem]:
    """Find blocks that are unknown (severity `draft`) or disabled, and links whose ends do not exist."""
    return in_order(_in_each(graph, lambda part: _structure(part, specs)))


def save_problems(graph: Graph, specs: Specs) -> list[Problem]:
    """Find what keeps the graph from being saved (severity `error`) or makes it a draft (`draft`)."""
    nodes = _in_each(graph, lambda part: _nodes(part, specs, {}, for_run=False))
    return in_order([*structure_problems(graph, specs), *nodes])


def run_problems(
    graph: Graph,
    specs: Specs,
    *,
    inputs: Mapping[str, Any],
    masks: Mapping[str, Mask],
    dry_run: bool = False,
    of_graph: Iterable[Problem] | None = None,
) -> list[Problem]:
    """Find what keeps the graph from being run with these `inputs` (by name) and `masks` (values of pins, by
    node id).

    Every problem is an `error`: a draft does not run. A `dry_run` tolerates inputs that are missing. Whether
    values fit the schemas of their pins is not asked here: that comes after conversion, when a node becomes
    ready. `of_graph`: what `graph_problems` says with these masks, if that is known.
    """
    found = list(graph_problems(graph, specs, masks) if of_graph is None else of_graph)
    found += start_problems(graph, specs, inputs=inputs, masks=masks)
    return in_order(p for p in found if not (dry_run and p.code in DRY_RUN_TOLERATES))


def graph_problems(graph: Graph, specs: Specs, masks: Mapping[str, Mask]) -> list[Problem]:
    """Find what keeps the graph from being run with any inputs."""
    found = [replace(problem, severity="error") for problem in structure_problems(graph, specs)]
    return found + _in_each(graph, lambda part: _nodes(part, specs, masks, for_run=True))


def _in_each(graph: Graph, find: Callable[[SubGraph], Iterator[Problem]]) -> list[Problem]:
    """Problems of the graph and of its sub-graphs; the latter's carry the sub-graph's id."""
    found = list(find(graph))
    for sub in graph.sub_graphs:
        found += [replace(problem, graph=sub.id) for problem in find(sub)]
    return found


def _nodes(graph: SubGraph, specs: Specs, masks: Mapping[str, Mask], *, for_run: bool) -> Iterator[Problem]:
    links = incoming(graph)
    for node in graph.nodes:
        if spec := specs.get(node.block_id):
            linked = [link.sink_name for link in links.get(node.id, ())]
            yield from node_problems(node, spec, linked=linked, mask=masks.get(node.id, {}), for_run=for_run)


def _structure(graph: SubGraph, specs: Specs) -> Iterator[Problem]:
    nodes = {node.id: node for node in graph.nodes}
    for node in graph.nodes:
        yield from _block(node, specs)
    sources = _Pins(specs, "output", output_pins)
    sinks = _Pins(specs, "input", input_pins)
    for link in graph.links:
        yield from _end(link, link.source_id, link.source_name, nodes, sources)
        yield from _end(link, link.sink_id, link.sink_name, nodes, sinks)


def _block(node: Node, specs: Specs) -> Iterator[Problem]:
    spec = specs.get(node.block_id)
    if spec is None:
        yield Problem(
            node=node.id,
            pin=None,
            code="block_unknown",
            reason=f"No block has the id {node.block_id!r} here; install its package, or remove the node.",
            severity="draft",
        )
    elif spec.disabled:
        yield Problem(
            node=node.id,
            pin=None,
            code="block_disabled",
            reason=f"The block {spec.name!r} is disabled on this server; enable it, or remove the node.",
        )


class _Pins:
    """The pins of one side of nodes, by node: worked out once, however many links there are."""

    def __init__(self, specs: Specs, side: str, pins_of: Callable[..., Iterable[str]]) -> None:
        self.side = side
        self._specs = specs
        self._pins_of = pins_of
        self._known: dict[str, tuple[str, Iterable[str]] | None] = {}

    def of(self, node: Node) -> tuple[str, Iterable[str]] | None:
        """Return the block's name and the node's pins; None if the block is unknown."""
        if node.id not in self._known:
            spec = self._specs.get(node.block_id)
            self._known[node.id] = (spec.name, self._pins_of(node, spec)) if spec else None
        return self._known[node.id]


def _end(link: Link, node_id: str, pin: str, nodes: Mapping[str, Node], pins: _Pins) -> Iterator[Problem]:
    """Check one end of a link. Any node has tool pins; of an unknown block's pins nothing is known."""
    node = nodes.get(node_id)
    if node is None:
        end = "source" if pins.side == "output" else "sink"
        yield Problem(
            node=node_id,
            pin=pin,
            code=f"link_{end}_unknown",
            reason=f"{_link(link)}: the graph has no {end} node {node_id!r}; remove the link.",
        )
        return
    known = pins.of(node)
    if known is None or is_tool_pin(pin):
        return
    block, names = known
    if (base := base_name(pin)) not in names:
        yield Problem(
            node=node_id,
            pin=pin,
            code=f"{pins.side}_pin_unknown",
            reason=f"{_link(link)}: {block} has no {pins.side} {base!r}; {_choice(base, names)}.",
        )


def _link(link: Link) -> str:
    return f"The link {link.source_id!r}.{link.source_name!r} -> {link.sink_id!r}.{link.sink_name!r}"


def _choice(base: str, names: Iterable[str]) -> str:
    """What to write instead."""
    there = sorted(names)
    if not there:
        return "it has none"
    close = difflib.get_close_matches(base[:100], there[:100], n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    more = f" and {len(there) - PINS_SHOWN} more" if len(there) > PINS_SHOWN else ""
    return f"{meant}it has {', '.join(map(repr, there[:PINS_SHOWN]))}{more}"
