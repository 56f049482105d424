"""Blocks that look beyond their own run: one answer for each node execution, also when it is asked again."""

from __future__ import annotations

from typing import Any

from millstream.processors.blocks import flow_shared
from millstream.processors.sdk import Block
from millstream.testing import MemoryShared, context, emits


async def twice(
    block: Block, inputs: dict[str, Any], shared: MemoryShared, **fields: Any
) -> list[tuple[str, Any]]:
    """Run it, and run the same node execution again, as after a crash."""
    ctx = context(shared=shared, execution_id="e", **fields)
    first = await emits(block, inputs, ctx)
    again = context(shared=shared, execution_id="e", node_execution_id=ctx.node_execution_id, **fields)
    assert await emits(block, inputs, again) == first
    return first


async def test_a_value_passes_once() -> None:
    shared = MemoryShared()
    assert await twice(flow_shared.deduplicate, {"value": {"a": 1, "b": 2}}, shared) == [
        ("new", {"a": 1, "b": 2})
    ]
    assert await twice(flow_shared.deduplicate, {"value": {"b": 2, "a": 1}}, shared) == [
        ("seen", {"b": 2, "a": 1})
    ]
    assert await twice(flow_shared.deduplicate, {"value": 1, "key": "k"}, shared) == [("new", 1)]
    assert await twice(flow_shared.deduplicate, {"value": 2, "key": "k"}, shared) == [("seen", 2)]
    other = {"value": 2, "key": "k"}
    assert await twice(flow_shared.deduplicate, other, shared, node_id="other") == [("new", 2)]
    assert await twice(flow_shared.deduplicate, other | {"name": "n"}, shared, node_id="x") == [("new", 2)]
    assert await twice(flow_shared.deduplicate, other | {"name": "n"}, shared, node_id="y") == [("seen", 2)]


async def count(shared: MemoryShared, scope: str, execution: str, graph: str) -> int:
    ctx = context(shared=shared, execution_id=execution, graph_id=graph)
    return int(dict(await emits(flow_shared.counter, {"scope": scope}, ctx))["count"])


async def test_scopes_are_apart() -> None:
    shared = MemoryShared()
    assert [await count(shared, scope, "e1", "g1") for scope in ("run", "agent", "user")] == [1, 1, 1]
    assert [await count(shared, scope, "e2", "g1") for scope in ("run", "agent", "user")] == [1, 2, 2]
    assert [await count(shared, scope, "e3", "g2") for scope in ("run", "agent", "user")] == [1, 1, 3]


async def test_counts_go_on_from_one_to_the_next() -> None:
    shared = MemoryShared()
    assert await twice(flow_shared.counter, {"value": "a"}, shared) == [("count", 1), ("value", "a")]
    assert await twice(flow_shared.counter, {"value": "b", "amount": 5}, shared) == [
        ("count", 6),
        ("value", "b"),
    ]


async def test_who_comes_too_early_waits_by_a_timer() -> None:
    shared = MemoryShared()
    inputs = {"value": 1, "limit": 2, "per_s": 60}
    waits = [dict(await twice(flow_shared.rate_limit, inputs, shared))["waited_s"] for _ in range(4)]
    assert waits == [0, 0, 30, 60]


async def test_only_the_last_of_many_passes() -> None:
    shared = MemoryShared()
    first = context(shared=shared)
    parked = [emit async for emit in flow_shared.debounce.run({"value": 1}, first)]
    assert [type(emit).__name__ for emit in parked] == ["Park"]
    assert await emits(flow_shared.debounce, {"value": 2}, context(shared=shared)) == [("value", 2)]
    first.resumed = parked[0].state  # type: ignore[union-attr]
    assert [emit async for emit in flow_shared.debounce.run({"value": 1}, first)] == [("dropped", 1)]
