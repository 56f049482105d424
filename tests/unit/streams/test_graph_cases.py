"""The engine agrees with what the original executor was observed to do, case by case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from millstream.processors.registry import load_registry
from millstream.schemas.graph import parse_graph
from millstream.schemas.messages import Flags
from tests.unit.streams.simulation import Simulation

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data/graph-cases.jsonl").read_text().splitlines()
]
REGISTRY = load_registry()


def simulate(case: dict[str, Any]) -> Simulation:
    nodes = [{k: node[k] for k in ("id", "block_id", "input_default")} for node in case["nodes"]]
    graph = parse_graph({"name": case["case"], "description": "", "nodes": nodes, "links": case["links"]})
    safe = case.get("context", {}).get("human_in_the_loop_safe_mode", True)
    flags = Flags(human_in_the_loop_safe_mode=safe)
    return Simulation(REGISTRY, graph, case["inputs"], case.get("nodes_input_masks"), flags)


def same_set(ours: list[Any], theirs: list[Any]) -> bool:
    rest = list(theirs)
    for one in ours:
        if one not in rest:
            return False
        rest.remove(one)
    return not rest


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
@pytest.mark.parametrize("newest_first", [False, True])
async def test_case_ends_as_observed(case: dict[str, Any], newest_first: bool) -> None:
    simulation = simulate(case)
    await simulation.run(order=(lambda n: n - 1) if newest_first else None)
    observed = case["observed"]
    assert simulation.status == observed["status"]
    assert simulation.outputs() == observed["outputs"] or newest_first
    ours = simulation.executions()
    for node, theirs in observed["executions_by_node"].items():
        complete = [e for e in theirs if e["status"] != "INCOMPLETE"]
        assert same_set(ours.get(node, []), complete), node
    assert simulation.detail["stats"]["node_count"] == observed["node_count"]
    assert simulation.detail["stats"]["node_error_count"] == observed["node_error_count"]
    numbers = [number for number, _ in simulation.events]
    assert numbers == list(range(len(numbers)))
