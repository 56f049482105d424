"""Calls through the real platform: agents with tools, loops over agents, and what is seen of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.platform import Platform

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def ids(platform: Platform) -> dict[str, str]:
    return {b["name"]: b["id"] for b in platform.client.get("/api/v1/blocks").json()}


def loop(ids: dict[str, str], items: list[Any], body: str, constants: dict[str, Any]) -> dict[str, Any]:
    """For-each over items, ten at a time."""
    rows = [
        ("each", "ForEachBlock", {"items": items, "parallel": 10, "on_error": "collect"}),
        ("body", body, constants),
        ("out", "AgentOutputBlock", {"name": "out"}),
        ("errors", "AgentOutputBlock", {"name": "errors"}),
    ]
    pin = "index" if body == "GetListItemBlock" else "value"
    ends = [
        ("each", "tools", "body", pin),
        ("each", "results", "out", "value"),
        ("each", "errors", "errors", "value"),
    ]
    return {
        "name": "loop",
        "description": "",
        "nodes": [{"id": i, "block_id": ids[b], "input_default": d} for i, b, d in rows],
        "links": [{"source_id": a, "source_name": p, "sink_id": z, "sink_name": s} for a, p, z, s in ends],
    }


def test_an_agent_with_tools_is_run_by_the_echo_model(platform: Platform) -> None:
    done = platform.cli("run", str(EXAMPLES / "agent_with_tools.json"), "--json")
    execution = json.loads(done.stdout)
    assert execution["outputs"] == {"answer": ["The tools gave: 42.0; Hello Ada!"]}
    assert execution["verdict"] == {"result": "ok"}


def test_a_for_each_calls_another_agent_for_each_line(platform: Platform) -> None:
    done = platform.cli("run", str(EXAMPLES / "for_each.json"), "--json")
    execution = json.loads(done.stdout)
    assert execution["outputs"] == {"counts": [[1, 2, 3]]}
    assert execution["verdict"] == {"result": "ok"}


def test_many_calls_give_their_results_in_order_and_failures_by_item(
    platform: Platform, ids: dict[str, str]
) -> None:
    items = [*range(120), 999]
    body = loop(ids, items, "GetListItemBlock", {"list": [i * i for i in range(120)]})
    ended = platform.wait(platform.execute(platform.save(body)))
    assert ended["outputs"]["out"] == [[*(i * i for i in range(120)), None]]
    [[error]] = ended["outputs"]["errors"]
    assert (error["index"], error["item"]) == (120, 999)
    assert ended["verdict"] == {"result": "ok"}, "the loop took care of it"
    assert ended["stats"]["node_error_count"] == 1
    called = [n for n in ended["node_executions"] if n["block_id"] == ids["GetListItemBlock"]]
    assert len(called) == 121


def test_who_waits_for_calls_says_so_and_a_stop_ends_all(platform: Platform, ids: dict[str, str]) -> None:
    id_ = platform.execute(platform.save(loop(ids, [1, 2, 3], "WaitBlock", {"seconds": 3600})))
    deadline = time.monotonic() + 60
    while True:
        execution = platform.client.get(f"/api/v1/executions/{id_}").json()
        reasons = [(n["reason"] or {}).get("kind") for n in execution["node_executions"]]
        if sorted(map(str, reasons)) == ["calls", "timer", "timer", "timer"]:
            break
        assert time.monotonic() < deadline, execution
        time.sleep(0.2)
    assert execution["reason"]["kind"] == "timer"
    caller = next(n for n in execution["node_executions"] if n["block_id"] == ids["ForEachBlock"])
    assert caller["reason"]["count"] == 3
    platform.client.post(f"/api/v1/executions/{id_}/stop", json={})
    ended = platform.wait(id_)
    assert ended["status"] == "TERMINATED"
    assert {n["status"] for n in ended["node_executions"]} == {"TERMINATED"}
