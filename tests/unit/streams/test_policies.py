"""What a node's policy does to an execution, and what is given instead of a run."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from millstream.schemas.errors import GraphInvalidError
from tests.unit.streams import transitions
from tests.unit.streams.scenes import CALLS, IDS, OUT, REGISTRY, NodeRow, graph, one, ran
from tests.unit.streams.simulation import Simulation


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


async def test_a_failure_that_may_pass_is_tried_again_after_a_growing_wait() -> None:
    simulation = await ran(one("FlakyBlock", {"retries": 3, "backoff_s": 10, "jitter": 0}))
    assert simulation.outputs() == {"result": [1]}
    transitions.check(delta for _, delta in simulation.events)
    assert len(CALLS) == 3
    assert simulation.now >= 1_000_000 + 10_000 + 20_000
    reasons = [orjson.loads(d.detail)["reason"] for _, d in simulation.events if d.kind == "NODE" and d.status == "QUEUED"
               and d.detail]  # fmt: skip
    assert [(r["try"], r["of"]) for r in reasons] == [(2, 4), (3, 4)]
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_tries_end_and_the_last_error_stands() -> None:
    simulation = await ran(one("FlakyBlock", {"retries": 1}))
    assert simulation.outputs() == {"error": ["try later"]}
    assert simulation.status == "COMPLETED"
    verdict = simulation.detail["verdict"]
    assert (verdict["result"], verdict["errors"], verdict["failed_nodes"]) == ("errors", 1, ["n"])
    block_id = IDS["FlakyBlock"]
    failed = {"node": "n", "block": block_id, "code": "upstream_failed", "message": "try later"}
    assert verdict["failed"] == [failed]


async def test_a_failure_goes_on_with_the_default_when_asked() -> None:
    simulation = await ran(one("BrokenBlock", {"on_error": "continue", "default": {"result": 7}}))
    assert simulation.outputs() == {"result": [1, 7]}
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_failure_fails_the_run_when_asked() -> None:
    simulation = await ran(one("BrokenBlock", {"on_error": "fail"}))
    assert simulation.status == "FAILED"
    assert "it broke" in simulation.detail["failure"]["message"]


async def test_a_disabled_node_completes_without_running() -> None:
    simulation = await ran(one("FlakyBlock", {"disabled": True}))
    assert simulation.outputs() == {}
    assert CALLS == []
    assert simulation.executions()["n"][0]["status"] == "COMPLETED"


async def test_pinned_data_is_emitted_in_test_runs_only() -> None:
    policy = {"pinned": {"result": [5, 6]}, "retries": 3, "backoff_s": 0}
    assert (await ran(one("FlakyBlock", policy), test=True)).outputs() == {"result": [5, 6]}
    assert CALLS == []
    assert (await ran(one("FlakyBlock", policy))).outputs() == {"result": [1]}


async def test_recorded_outputs_stand_in_for_the_nodes_before_the_one_to_run() -> None:
    found = graph(
        [
            ("a", "FlakyBlock", {"value": 1}, {}),
            ("b", "StoreValueBlock", {}, {}),
            ("o", OUT, {"name": "out"}, {}),
        ],
        ["a.result -> b.input", "b.output -> o.value"],
    )
    simulation = Simulation(REGISTRY, found, recorded={"a": [[["result", 41]]]})
    await simulation.run()
    assert CALLS == []
    assert simulation.outputs() == {"out": [41]}


async def test_a_long_chain_of_recorded_nodes_is_no_recursion() -> None:
    names = [f"n{i}" for i in range(1500)]
    nodes: list[NodeRow] = [(n, "StoreValueBlock", {"input": 0} if n == "n0" else {}, {}) for n in names]
    found = graph(nodes, [f"{a}.output -> {b}.input" for a, b in zip(names, names[1:], strict=False)])
    simulation = Simulation(REGISTRY, found, recorded={n: [[["output", 3]]] for n in names})
    await simulation.run()
    assert simulation.detail["stats"]["node_count"] == 1500


async def test_the_wall_time_ends_a_run_that_waits() -> None:
    found = graph([("w", "WaitBlock", {"value": 1, "seconds": 3600}, {})], [])
    simulation = Simulation(REGISTRY, found, wall_time_ms=1000)
    await simulation.run()
    assert simulation.status == "FAILED"
    assert simulation.detail["failure"]["code"] == "wall_time"
    assert simulation.detail["verdict"]["result"] == "timed_out"
    assert simulation.executions()["w"][0]["status"] == "FAILED"


@pytest.mark.parametrize(
    "raw", [{"retires": 3}, {"retries": -1}, {"on_error": "shrug"}, {"timeout_s": "soon"}, 7]
)
def test_a_policy_that_is_not_understood_names_the_node(raw: Any) -> None:
    found = one("FlakyBlock", {})
    nodes = [n.model_copy(update={"metadata": {"policy": raw}}) for n in found.nodes]
    with pytest.raises(GraphInvalidError, match="'n'"):
        Simulation(REGISTRY, found.model_copy(update={"nodes": nodes}))


async def test_a_cached_node_runs_once_for_the_same_input() -> None:
    policy = {"cache_s": 60, "retries": 3, "backoff_s": 0}
    first = await ran(one("FlakyBlock", policy))
    assert len(CALLS) == 3
    second = Simulation(REGISTRY, one("FlakyBlock", policy), cache=first.cache)
    await second.run()
    assert second.outputs() == {"result": [1]}
    assert len(CALLS) == 3
    third = Simulation(REGISTRY, one("FlakyBlock", policy, value=2), cache=first.cache)
    await third.run()
    assert len(CALLS) == 4


async def test_a_dry_run_calls_no_block_and_makes_outputs_up() -> None:
    found = one("FlakyBlock", {})
    simulation = await ran(found, dry_run=True)
    assert CALLS == []
    assert simulation.outputs() == {"result": [1]}
