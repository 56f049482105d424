"""Processes killed while a loop calls: no call is lost, none is made twice, and the results are in order."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.platform import Platform

pytestmark = [pytest.mark.integration, pytest.mark.chaos, pytest.mark.full, pytest.mark.timeout(400)]
ITEMS = list(range(80))


def loop(mill: Platform) -> dict[str, Any]:
    ids = {b["name"]: b["id"] for b in mill.client.get("/api/v1/blocks").json()}
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("each", "ForEachBlock", {"items": ITEMS, "parallel": 4}),
        ("body", "WaitBlock", {"seconds": 0.3}),
        ("out", "AgentOutputBlock", {"name": "out"}),
    ]
    ends = [("each", "tools", "body", "value"), ("each", "results", "out", "value")]
    return {
        "name": "loop",
        "description": "",
        "nodes": [{"id": i, "block_id": ids[b], "input_default": d} for i, b, d in rows],
        "links": [{"source_id": a, "source_name": p, "sink_id": z, "sink_name": s} for a, p, z, s in ends],
    }


@pytest.mark.parametrize("kind", ["coordinator", "worker"])
def test_a_kill_in_the_middle_of_calls_changes_nothing(mill: Platform, kind: str) -> None:
    id_ = mill.execute(mill.save(loop(mill)))
    for victim in (f"{kind}-0", f"{kind}-1"):
        done = ended(mill, id_)
        deadline = time.monotonic() + 60
        while ended(mill, id_) < done + 8:
            assert time.monotonic() < deadline, "no call ends any more"
            time.sleep(0.1)
        assert mill.execution(id_)["status"] == "RUNNING", "it was too fast for this test"
        mill.kill(victim)
    found = mill.wait(id_, seconds=200)
    assert found["outputs"] == {"out": [ITEMS]}
    assert found["verdict"] == {"result": "ok"}
    calls = [
        node for node in found["node_executions"] if "value" in node["input_data"] and node["output_data"]
    ]
    called = [node["input_data"]["value"] for node in calls if isinstance(node["input_data"]["value"], int)]
    assert sorted(called) == ITEMS, "each item was called once"


def ended(mill: Platform, id_: str) -> int:
    """Return how many node executions have ended."""
    return sum(node["status"] == "COMPLETED" for node in mill.execution(id_)["node_executions"])
