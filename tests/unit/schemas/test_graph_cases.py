"""Graphs that AutoGPT's executor ran: they are read, saved and started here as they were there."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millstream.processors.registry import load_registry
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import parse_graph
from millstream.schemas.graph_ids import create
from millstream.schemas.graph_links import link_static, starting_nodes
from millstream.schemas.graph_validation import run_problems, save_problems

DATA = Path(__file__).parents[2] / "data"
CASES = [json.loads(line) for line in (DATA / "graph-cases.jsonl").read_text().splitlines()]
LINES = (DATA / "graph-specs.jsonl").read_bytes().splitlines()
BY_HAND = {spec.id: spec for spec in (msgspec.json.decode(line, type=BlockSpec) for line in LINES)}
OURS = {spec.id: spec for spec in load_registry().specs()}


@pytest.mark.parametrize("specs", [BY_HAND, BY_HAND | OURS], ids=["by hand", "ours"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_an_observed_graph_is_valid_and_starts_where_it_started(
    case: dict[str, Any], specs: dict[str, BlockSpec]
) -> None:
    body = {
        "name": case["case"],
        "description": case["about"],
        "nodes": case["nodes"],
        "links": case["links"],
    }
    graph = link_static(parse_graph(body), specs)
    masks = case.get("nodes_input_masks", {})
    assert save_problems(graph, specs) == []
    assert run_problems(graph, specs, inputs=case["inputs"], masks=masks) == []
    assert [node.id for node in starting_nodes(graph, specs)] == case["observed"]["starting"]
    saved = create(graph, user_id="u")
    assert [(n.block_id, n.input_default) for n in saved.nodes] == [
        (n["block_id"], n["input_default"]) for n in case["nodes"]
    ]
    assert len(saved.links) == len(case["links"])


def test_there_are_fifteen() -> None:
    assert len(CASES) == 15
