"""Blocks that call others, and graphs of them, for tests of calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from millstream import Context, Emit, Outputs, Park, block
from millstream.processors.calls import Call, Calls, Tool
from millstream.processors.registry import Registry
from millstream.schemas.graph import Graph
from tests.unit.streams.scenes import OUT, REGISTRY, NodeRow, graph


class Heard(Outputs):
    result: Any
    error_text: str


@block(calls="always")
async def caller(
    items: list[Any],
    parallel: int = 1,
    rounds: int = 1,
    stop: bool = False,
    node: str = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Heard]]:
    """Calls its tools with each item, in as many rounds as wanted."""
    done = (ctx.resumed or {}).get("round", 0)
    for result in ctx.results:
        if result.ok:
            yield "result", result.plain()
        else:
            yield "error_text", result.error
    if done == rounds:
        return
    tools = list(ctx.tools)
    if node:
        tools = [Tool(node=node, name="x", description="", parameters={}, pins={"value": "value"})]
    made = [
        Call(tool, item if isinstance(item, dict) else {next(iter(tool.pins.values())): item})
        for item in items
        for tool in tools
    ]
    yield Park(None, {"round": done + 1}, calls=Calls(made, parallel=parallel, stop_on_error=stop))


@block
async def pair(value: int, other: int = 0, *, ctx: Context) -> AsyncIterator[Emit[Heard]]:
    """Emits twice; fails on 13."""
    yield "result", [value, other]
    if value == 13:
        raise ValueError("unlucky")


@block(sensitive=True)
async def guarded(value: int) -> int:
    """Wants a person's approval."""
    return value * 10


OWN = {b.spec.id: b for b in (caller, pair, guarded)}
BLOCKS = Registry({spec.id: REGISTRY.get(spec.id) for spec in REGISTRY.specs()} | OWN)
IDS = {spec.name: spec.id for spec in BLOCKS.specs()}


def scene(defaults: dict[str, Any], body: NodeRow | None = None, links: list[str] | None = None) -> Graph:
    nodes: list[NodeRow] = [
        ("c", "CallerBlock", defaults, {}),
        body or ("t", "PairBlock", {}, {}),
        ("o", OUT, {"name": "out"}, {}),
        ("e", OUT, {"name": "errors"}, {}),
    ]
    if links:
        nodes.append(("s", OUT, {"name": "side"}, {}))
    return own_graph(
        nodes, ["c.tools -> t.value", "c.result -> o.value", "c.error_text -> e.value", *(links or [])]
    )


def own_graph(nodes: list[NodeRow], links: list[str], **more: Any) -> Graph:
    names = {"CallerBlock", "PairBlock", "GuardedBlock"}
    plain = [(i, "WaitBlock" if b in names else b, d, p) for i, b, d, p in nodes]
    made = graph(plain, links, **more)
    found = {i: IDS[b] for i, b, _, _ in nodes}
    return made.model_copy(
        update={"nodes": [n.model_copy(update={"block_id": found[n.id]}) for n in made.nodes]}
    )
