"""The observed cases, through the real platform: REST in, Kafka, Faust, PostgreSQL, REST out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.platform import Platform

pytestmark = pytest.mark.integration
DATA = Path(__file__).parents[1] / "data"
CASES = [json.loads(line) for line in (DATA / "graph-cases.jsonl").read_text().splitlines()]
BLOCK_CASES = [json.loads(line) for line in (DATA / "block-cases.jsonl").read_text().splitlines()]


def rest_of(ours: list[Any], theirs: list[Any]) -> list[Any]:
    rest = list(theirs)
    for one in ours:
        if one in rest:
            rest.remove(one)
        else:
            rest.append(one)
    return rest


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_case_ends_as_observed(platform: Platform, case: dict[str, Any]) -> None:
    nodes = [{key: node[key] for key in ("id", "block_id", "input_default")} for node in case["nodes"]]
    body = {"name": case["case"], "description": "", "nodes": nodes, "links": case["links"]}
    saved = platform.client.post("/api/v1/graphs", json=body)
    assert saved.status_code == 201, saved.text
    ids = {new["id"]: old["id"] for new, old in zip(saved.json()["nodes"], nodes, strict=True)}
    back = {old: new for new, old in ids.items()}
    masks = {back[node]: mask for node, mask in case.get("nodes_input_masks", {}).items()}
    execution = platform.wait(
        platform.execute(
            saved.json()["id"],
            case["inputs"],
            **({"nodes_input_masks": masks} if masks else {}),
            **case.get("context", {}),
        )
    )
    observed = case["observed"]
    assert execution["status"] == observed["status"]
    assert execution["outputs"] == observed["outputs"]
    ours: dict[str, list[Any]] = {}
    for entry in execution["node_executions"]:
        shown = {"status": entry["status"], "input": entry["input_data"], "output": entry["output_data"]}
        if shown["status"] != "INCOMPLETE":
            ours.setdefault(ids[entry["node_id"]], []).append(shown)
    for node, theirs in observed["executions_by_node"].items():
        complete = [one for one in theirs if one["status"] != "INCOMPLETE"]
        assert rest_of(ours.get(node, []), complete) == [], node
    assert execution["stats"]["node_exec_count"] == observed["node_count"]
    assert execution["stats"]["node_error_count"] == observed["node_error_count"]


def number(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"$float"}:
        return None  # JSON has no infinity
    if isinstance(value, list):
        return [number(one) for one in value]
    return value


@pytest.mark.parametrize("case", BLOCK_CASES, ids=[f"{c['block']}-{i}" for i, c in enumerate(BLOCK_CASES)])
def test_a_block_answers_as_observed(platform: Platform, case: dict[str, Any]) -> None:
    answer = platform.client.post(f"/api/v1/blocks/{case['id']}/execute", json={"inputs": case["input"]})
    if "raises" in case:
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["kind"] == case["raises"]["kind"]
        return
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"] == [[pin, number(value)] for pin, value in case["outputs"]]
