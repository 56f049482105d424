"""For-each, repeat-until and try, on the engine with real blocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from millstream import Emit, Outputs, block
from millstream.processors.blocks import flow_calls
from millstream.processors.registry import Registry
from millstream.schemas.graph import Graph, parse_graph
from tests.unit.streams.calling import BLOCKS
from tests.unit.streams.scenes import OUT, NodeRow
from tests.unit.streams.simulation import Simulation

TRIES: list[int] = []


class Halved(Outputs):
    result: int
    done: bool


@block
async def halve(value: int) -> AsyncIterator[Emit[Halved]]:
    """Half of a number, until it is odd."""
    yield "result", value // 2
    yield "done", value // 2 % 2 == 1


@block
async def third_time(value: int) -> int:
    """Works at its third call."""
    TRIES.append(value)
    if len(TRIES) < 3:
        raise ValueError(f"not yet, {len(TRIES)}")
    return value


OWN = {b.spec.id: b for b in (halve, third_time)}
REGISTRY = Registry({spec.id: BLOCKS.get(spec.id) for spec in BLOCKS.specs()} | OWN)
IDS = {spec.name: spec.id for spec in REGISTRY.specs()}


def loop(
    name: str, defaults: dict[str, Any], body: NodeRow, *pins: str, into: tuple[str, ...] = ("value",)
) -> Graph:
    """A loop, what it calls, and an output for each of its pins."""
    rows: list[NodeRow] = [("c", name, defaults, {}), body, *((p, OUT, {"name": p}, {}) for p in pins)]
    ends = [("c", "tools", body[0], pin) for pin in into] + [("c", p, p, "value") for p in pins]
    return parse_graph(
        {
            "name": "g",
            "description": "",
            "nodes": [{"id": i, "block_id": IDS[b], "input_default": d} for i, b, d, _ in rows],
            "links": [
                {"source_id": a, "source_name": pin, "sink_id": z, "sink_name": sink}
                for a, pin, z, sink in ends
            ],
        }
    )


async def ran(found: Graph) -> Simulation:
    simulation = Simulation(REGISTRY, found)
    await simulation.run(order=lambda count: count - 1)
    return simulation


PAIR: NodeRow = ("t", "PairBlock", {}, {})


async def test_for_each_gives_results_in_the_order_of_the_items() -> None:
    found = loop("ForEachBlock", {"items": [3, 1, 2], "parallel": 3}, PAIR, "results", "errors", "count")
    simulation = await ran(found)
    assert simulation.outputs() == {"results": [[[3, 0], [1, 0], [2, 0]]], "errors": [[]], "count": [3]}
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_for_each_goes_on_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_calls, "ROUND_ITEMS", 4)
    found = loop("ForEachBlock", {"items": list(range(10)), "parallel": 3}, PAIR, "results", "count")
    simulation = await ran(found)
    assert simulation.outputs() == {"results": [[[i, 0] for i in range(10)]], "count": [10]}
    assert [run["input"]["value"] for run in simulation.executions()["t"]] == list(range(10))


async def test_for_each_collects_failures_with_their_items() -> None:
    found = loop(
        "ForEachBlock", {"items": [1, 13, 2], "on_error": "collect"}, PAIR, "results", "errors", "count"
    )
    simulation = await ran(found)
    [errors] = simulation.outputs()["errors"]
    assert errors == [{"index": 1, "item": 13, "message": "unlucky", "code": "block_failed"}]
    assert simulation.outputs()["results"] == [[[1, 0], None, [2, 0]]]
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_for_each_stops_at_the_first_failure() -> None:
    found = loop("ForEachBlock", {"items": [1, 13, 2, 3], "parallel": 1}, PAIR, "results", "error")
    simulation = await ran(found)
    assert simulation.outputs() == {"error": ["Item 1: unlucky"]}
    assert len(simulation.executions()["t"]) == 2
    assert simulation.detail["verdict"]["result"] == "errors"


async def test_for_each_spreads_objects_over_several_pins() -> None:
    items = [{"value": 1, "other": 2}, {"value": 3}]
    found = loop("ForEachBlock", {"items": items}, PAIR, "results", into=("value", "other"))
    assert (await ran(found)).outputs() == {"results": [[[1, 2], [3, 0]]]}
    found = loop("ForEachBlock", {"items": [1]}, PAIR, "error", into=("value", "other"))
    [message] = (await ran(found)).outputs()["error"]
    assert "each item has to be an object" in message


async def test_for_each_without_items_calls_nothing_and_without_a_link_says_so() -> None:
    assert (await ran(loop("ForEachBlock", {"items": []}, PAIR, "results"))).outputs() == {"results": [[]]}
    alone: NodeRow = ("t", "PairBlock", {"value": 1}, {})
    found = loop("ForEachBlock", {"items": [1]}, alone, "error", into=())
    [message] = (await ran(found)).outputs()["error"]
    assert message.startswith("Nothing is linked from the pin `tools`")


async def test_repeat_until_hands_on_what_came_before() -> None:
    body: NodeRow = ("t", "HalveBlock", {}, {})
    found = loop("RepeatUntilBlock", {"value": 40}, body, "result", "rounds", "done")
    simulation = await ran(found)
    assert simulation.outputs() == {"result": [5], "rounds": [3], "done": [True]}
    assert [run["input"]["value"] for run in simulation.executions()["t"]] == [40, 20, 10]
    found = loop("RepeatUntilBlock", {"value": 64, "max_rounds": 2}, body, "result", "rounds", "done")
    assert (await ran(found)).outputs() == {"result": [16], "rounds": [2], "done": [False]}
    found = loop("RepeatUntilBlock", {"value": 40, "negate": True}, body, "result", "rounds")
    assert (await ran(found)).outputs() == {"result": [20], "rounds": [1]}


async def test_try_tries_again_and_goes_another_way() -> None:
    body: NodeRow = ("t", "ThirdTimeBlock", {}, {})
    TRIES.clear()
    simulation = await ran(
        loop("TryBlock", {"value": 7, "attempts": 3, "wait_s": 60}, body, "result", "failure")
    )
    assert simulation.outputs() == {"result": [7]}
    assert simulation.now > 1_000_000 + 120_000, "two waits of a minute, by timers"
    assert simulation.detail["verdict"] == {"result": "ok"}
    TRIES.clear()
    simulation = await ran(loop("TryBlock", {"value": 7, "attempts": 2}, body, "result", "failure"))
    failure = {"message": "not yet, 2", "code": "block_failed", "attempts": 2, "value": 7}
    assert simulation.outputs() == {"failure": [failure]}
    assert simulation.detail["verdict"] == {"result": "ok"}
