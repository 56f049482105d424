"""Retry, run from here, run only this node; test runs, dry runs and policies, through the real platform."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.platform import Platform

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ids(platform: Platform) -> dict[str, str]:
    return {b["name"]: b["id"] for b in platform.client.get("/api/v1/blocks").json()}


def saved(platform: Platform, ids: dict[str, str]) -> dict[str, Any]:
    """now -> keep -> out, where `now` tells another time at each run."""
    clock = {"discriminator": "iso8601", "timezone": "UTC"}
    body = {
        "name": "again",
        "description": "",
        "nodes": [
            {"id": "x", "block_id": ids["AgentInputBlock"], "input_default": {"name": "x", "value": 1}},
            {"id": "sum", "block_id": ids["CalculatorBlock"], "input_default": {"operation": "Add", "b": 10}},
            {"id": "out", "block_id": ids["AgentOutputBlock"], "input_default": {"name": "out"}},
            {
                "id": "now",
                "block_id": ids["GetCurrentDateAndTimeBlock"],
                "input_default": {"trigger": "x", "format_type": clock},
            },
            {"id": "when", "block_id": ids["AgentOutputBlock"], "input_default": {"name": "when"}},
        ],
        "links": [
            {"source_id": "x", "source_name": "result", "sink_id": "sum", "sink_name": "a"},
            {"source_id": "sum", "source_name": "result", "sink_id": "out", "sink_name": "value"},
            {"source_id": "now", "source_name": "date_time", "sink_id": "when", "sink_name": "value"},
        ],
    }
    answer = platform.client.post("/api/v1/graphs", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def again(platform: Platform, execution_id: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = platform.client.post(f"/api/v1/executions/{execution_id}/retry", json=body)
    assert answer.status_code == 202, answer.text
    return platform.wait(answer.json()["id"])


def test_a_run_is_run_again_whole_from_a_node_or_one_node_alone(
    platform: Platform, ids: dict[str, str]
) -> None:
    graph = saved(platform, ids)
    by_name = {n["input_default"].get("name", n["block_id"]): n["id"] for n in graph["nodes"]}
    first = platform.wait(platform.execute(graph["id"], {"x": 5}))
    assert first["outputs"]["out"] == [15]

    time.sleep(1.1)  # the clock tells seconds
    whole = again(platform, first["id"], {})
    assert whole["outputs"]["out"] == [15]
    assert whole["outputs"]["when"] != first["outputs"]["when"]
    assert whole["parent_execution_id"] == first["id"]

    part = again(platform, first["id"], {"from_node": by_name["out"]})
    assert part["outputs"] == first["outputs"], "the clock must not have run again"
    assert part["parent_execution_id"] == first["id"]

    only = again(platform, first["id"], {"only_node": by_name[ids["CalculatorBlock"]]})
    assert [e["output_data"] for e in only["node_executions"]] == [{"result": [15.0]}]

    for body, status in [({"from_node": "nope"}, 404), ({"only_node": "nope"}, 404), ({"x": 1}, 422)]:
        answer = platform.client.post(f"/api/v1/executions/{first['id']}/retry", json=body)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_policies_pins_and_limits_hold_through_the_platform(platform: Platform, ids: dict[str, str]) -> None:
    body = {
        "name": "policies",
        "description": "",
        "nodes": [
            {
                "id": "bad",
                "block_id": ids["GetListItemBlock"],
                "input_default": {"list": [1], "index": 9},
                "metadata": {
                    "policy": {
                        "on_error": "continue",
                        "default": {"item": "none"},
                        "pinned": {"item": ["pin"]},
                    }
                },
            },
            {"id": "out", "block_id": ids["AgentOutputBlock"], "input_default": {"name": "out"}},
        ],
        "links": [{"source_id": "bad", "source_name": "item", "sink_id": "out", "sink_name": "value"}],
    }
    graph_id = platform.save(body)
    run = platform.wait(platform.execute(graph_id))
    assert (run["outputs"], run["verdict"]) == ({"out": ["none"]}, {"result": "ok"})
    assert platform.wait(platform.execute(graph_id, test=True))["outputs"] == {"out": ["pin"]}
    wait = {"id": "w", "block_id": ids["WaitBlock"], "input_default": {"value": 1, "seconds": 600}}
    slow = platform.save({"name": "slow", "description": "", "nodes": [wait], "links": []})
    ended = platform.wait(platform.execute(slow, wall_time_s=0.5))
    assert ended["status"] == "FAILED"
    assert ended["failure"]["code"] == "wall_time"


def test_a_policy_with_a_typo_is_refused_by_name(platform: Platform, ids: dict[str, str]) -> None:
    node = {"id": "n", "block_id": ids["StoreValueBlock"], "input_default": {"input": 1}}
    body = {
        "name": "typo",
        "description": "",
        "nodes": [node | {"metadata": {"policy": {"retires": 1}}}],
        "links": [],
    }
    answer = platform.client.post("/api/v1/graphs", json=body)
    if answer.status_code == 201:
        answer = platform.client.post(f"/api/v1/graphs/{answer.json()['id']}/execute", json={"inputs": {}})
    assert answer.status_code == 400
    assert "retires" in answer.text


def test_a_stop_ends_a_run_and_says_who(platform: Platform, ids: dict[str, str]) -> None:
    wait = {"id": "w", "block_id": ids["WaitBlock"], "input_default": {"value": 1, "seconds": 600}}
    execution_id = platform.execute(
        platform.save({"name": "slow", "description": "", "nodes": [wait], "links": []})
    )
    assert platform.client.post(f"/api/v1/executions/{execution_id}/stop", json={}).status_code == 202
    ended = platform.wait(execution_id)
    assert ended["status"] == "TERMINATED"
    assert ended["verdict"]["result"] == "stopped"
