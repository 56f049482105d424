"""Switch, merge and wait-until, on the engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.streams.scenes import OUT, NodeRow, graph, ran


def routes(value: Any) -> Any:
    cases = {"small": [1, 2], "large": 100}
    nodes: list[NodeRow] = [
        ("s", "SwitchBlock", {"value": value, "cases": cases}, {}),
        ("m", "MergeBlock", {}, {}),
        ("d", OUT, {"name": "rest"}, {}),
        ("l", OUT, {"name": "large"}, {}),
        ("o", OUT, {"name": "merged"}, {}),
    ]
    links = ["s.case_#_small -> m.value", "s.case_#_large -> m.value", "s.case_#_large -> l.value"]
    return graph(nodes, [*links, "s.default -> d.value", "m.value -> o.value"])


async def test_a_switch_takes_one_way_and_a_merge_brings_ways_together() -> None:
    assert (await ran(routes(2))).outputs() == {"merged": [2]}
    assert (await ran(routes("100"))).outputs() == {"merged": ["100"], "large": ["100"]}
    simulation = await ran(routes(7))
    assert simulation.outputs() == {"rest": [7]}
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_wait_until_is_a_timer() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.2)).isoformat()
    nodes: list[NodeRow] = [
        ("w", "WaitUntilBlock", {"value": 1, "time": soon}, {}),
        ("o", OUT, {"name": "out"}, {}),
    ]
    simulation = await ran(graph(nodes, ["w.value -> o.value"]))
    assert simulation.outputs() == {"out": [1]}
    assert any(d.detail and b'"kind":"timer"' in d.detail for _, d in simulation.events)
