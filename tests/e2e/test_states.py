"""Reasons of what is open and verdicts of what ended, through the real platform: one run for each."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.platform import Platform

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ids(platform: Platform) -> dict[str, str]:
    return {b["name"]: b["id"] for b in platform.client.get("/api/v1/blocks").json()}


def graph(ids: dict[str, str], nodes: dict[str, tuple[str, dict[str, Any]]], *links: str) -> dict[str, Any]:
    """Nodes are id -> (block, defaults); a default `policy` is the node's policy. Links `a.pin -> b.pin`."""
    ends = [[end.split(".", 1) for end in text.split(" -> ")] for text in links]
    return {
        "name": "states",
        "description": "",
        "nodes": [
            {
                "id": id_,
                "block_id": ids[block],
                "input_default": {pin: value for pin, value in defaults.items() if pin != "policy"},
                "metadata": {"policy": defaults["policy"]} if "policy" in defaults else {},
            }
            for id_, (block, defaults) in nodes.items()
        ],
        "links": [
            {"source_id": a, "source_name": out, "sink_id": b, "sink_name": into}
            for (a, out), (b, into) in ends
        ],
    }


SLOW: dict[str, tuple[str, dict[str, Any]]] = {"w": ("WaitBlock", {"value": 1, "seconds": 600})}
BROKEN: tuple[str, dict[str, Any]] = ("GetListItemBlock", {"list": [1], "index": 9})
NO: tuple[str, dict[str, Any]] = ("ConditionBlock", {"value1": 1, "operator": ">", "value2": 5})


def verdict(platform: Platform, body: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    ended = platform.wait(platform.execute(platform.save(body), **more))
    assert ended["reason"] is None
    listed = platform.client.get("/api/v1/executions").json()["items"]
    assert next(item for item in listed if item["id"] == ended["id"])["verdict"] == ended["verdict"]
    return ended["status"], ended["verdict"]


def reason(platform: Platform, body: dict[str, Any], kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Start, wait until the execution gives this reason, and stop it; returns it and the whole execution."""
    id_ = platform.execute(platform.save(body))
    deadline = time.monotonic() + 60
    while ((found := platform.execution(id_))["reason"] or {}).get("kind") != kind:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    listed = platform.client.get("/api/v1/executions").json()["items"]
    told = next(item for item in listed if item["id"] == id_)["reason"]
    assert told["kind"] == kind
    assert platform.client.post(f"/api/v1/executions/{id_}/stop", json={"reason": "seen"}).status_code == 202
    platform.wait(id_)
    return told, found


def test_a_join_goes_on_with_the_branch_that_was_taken(platform: Platform, ids: dict[str, str]) -> None:
    nodes = {"if": NO, "j": ("JoinBlock", {}), "o": ("AgentOutputBlock", {"name": "joined"})}
    links = ["if.yes_output -> j.values_#_yes", "if.no_output -> j.values_#_no", "j.result -> o.value"]
    ended = platform.wait(platform.execute(platform.save(graph(ids, nodes, *links))))
    assert ended["outputs"] == {"joined": [{"no": 5}]}
    assert (ended["status"], ended["verdict"]) == ("COMPLETED", {"result": "ok"})


def test_failed_nodes_are_named_with_block_and_message(platform: Platform, ids: dict[str, str]) -> None:
    status, found = verdict(platform, graph(ids, {"n": BROKEN}))
    assert (status, found["result"], found["errors"]) == ("COMPLETED", "errors", 1)
    assert found["failed"][0]["block"] == ids["GetListItemBlock"]
    assert "out of range" in found["failed"][0]["message"]


def test_nodes_left_waiting_are_named_and_the_command_ends_with_1(
    platform: Platform, ids: dict[str, str], tmp_path: Path
) -> None:
    nodes = {"if": NO, "c": ("CalculatorBlock", {"operation": "Add", "b": 1})}
    body = graph(
        ids, nodes | {"s": ("StoreValueBlock", {"input": 2})}, "if.yes_output -> c.a", "s.output -> c.b"
    )
    status, found = verdict(platform, body)
    assert (status, found["result"]) == ("COMPLETED", "left_waiting")
    assert [w["pins"] for w in found["waiting"]] == [["a"]]
    (tmp_path / "g.json").write_text(json.dumps(body))
    done = platform.cli("run", str(tmp_path / "g.json"), check=False)
    assert done.returncode == 1
    assert "! completed, but nodes never ran" in done.stdout
    runs = [line for line in platform.cli("status").stdout.splitlines() if " run " in line]
    assert runs[0].startswith("! run ")
    assert runs[0].endswith("completed, but nodes never ran")
    ended = platform.wait(platform.execute(platform.save(body)))
    [node] = [n for n in ended["node_executions"] if n["status"] == "INCOMPLETE"]
    assert node["reason"] == {"kind": "waiting", "pins": ["a"]}


def test_a_run_over_its_time_is_timed_out(platform: Platform, ids: dict[str, str]) -> None:
    status, found = verdict(platform, graph(ids, SLOW), wall_time_s=0.5)
    assert (status, found["result"]) == ("FAILED", "timed_out")


def test_a_failure_that_counts_fails_the_run(platform: Platform, ids: dict[str, str]) -> None:
    broken = (BROKEN[0], BROKEN[1] | {"policy": {"on_error": "fail"}})
    status, found = verdict(platform, graph(ids, {"n": broken}))
    assert (status, found["result"]) == ("FAILED", "failed")


def test_a_wait_says_until_when_and_a_stop_who_and_why(platform: Platform, ids: dict[str, str]) -> None:
    told, found = reason(platform, graph(ids, SLOW), "timer")
    assert told["until"] > time.time() * 1000
    [node] = found["node_executions"]
    assert (node["status"], node["reason"]["kind"]) == ("RUNNING", "timer")
    ended = platform.execution(found["id"])
    assert ended["verdict"] == {"result": "stopped", "by": ended["user_id"], "reason": "seen"}


def test_a_review_says_who_can_answer(platform: Platform, ids: dict[str, str]) -> None:
    told, found = reason(
        platform, graph(ids, {"h": ("HumanInTheLoopBlock", {"data": 1, "name": "?"})}), "review"
    )
    assert told["who"] == [found["user_id"]]


def test_a_retry_says_which_and_when(platform: Platform, ids: dict[str, str]) -> None:
    """Nobody listens on the port, so that the failure is one that may pass."""
    policy = {"retries": 3, "backoff_s": 300}
    inputs = {"url": "http://nowhere.invalid/", "method": "GET", "policy": policy}
    told, _ = reason(platform, graph(ids, {"r": ("SendWebRequestBlock", inputs)}), "retry")
    assert (told["try"], told["of"]) == (2, 4)
    assert told["error"]
