import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import Graph
from millstream.schemas.graph_ids import create
from millstream.schemas.graph_links import link_static, starting_nodes
from millstream.schemas.graph_problems import Problem
from millstream.schemas.graph_validation import run_problems

LINES = (Path(__file__).parents[2] / "data" / "graph-specs.jsonl").read_bytes().splitlines()
SPECS = {spec.id: spec for spec in (msgspec.json.decode(line, type=BlockSpec) for line in LINES)}
ID = {spec.name: spec.id for spec in SPECS.values()}


def node(node_id: str, block: str, **constants: Any) -> dict[str, Any]:
    return {"id": node_id, "block_id": ID.get(f"{block}Block", block), "input_default": constants}


def link(source: str, sink: str) -> dict[str, Any]:
    """`link("a.output", "b.input")`"""
    (source_id, source_name), (sink_id, sink_name) = source.split("."), sink.split(".")
    return {"source_id": source_id, "source_name": source_name, "sink_id": sink_id, "sink_name": sink_name}


def a_graph(nodes: list[dict[str, Any]], links: list[dict[str, Any]] | None = None, **more: Any) -> Graph:
    return Graph.model_validate(
        {"id": "g", "name": "n", "description": "", "nodes": nodes, "links": links or [], **more}
    )


def found(problems: list[Problem]) -> list[tuple[str, str | None, str | None]]:
    return [(p.code, p.node, p.pin) for p in problems]


def at_run(graph: Graph, **given: Any) -> list[Problem]:
    return run_problems(graph, SPECS, **{"inputs": {}, "masks": {}, **given})


STORE = node("s", "StoreValue", input=1)
SUM = node("c", "Calculator", operation="Add", a=1, b=2)


def an_agent(**constants: Any) -> dict[str, Any]:
    schemas = {
        "input_schema": {"type": "object", "properties": {"q": {}, "extra": {}}, "required": ["q"]},
        "output_schema": {"type": "object", "properties": {"answer": {}}},
    }
    return node("x", "AgentExecutor", **{"graph_id": "s", "graph_version": 1, **schemas, **constants})


def test_a_run_starts_with_unlinked_nodes_and_all_inputs_but_no_notes() -> None:
    graph = a_graph(
        [SUM, node("i", "AgentInput", name="x"), node("n", "Note", text="hi"), STORE],
        [link("s.output", "i.value"), link("c.result", "c.a")],
    )
    assert [n.id for n in starting_nodes(graph, SPECS)] == ["i", "s"]


@pytest.mark.parametrize("nodes", [[], [node("n", "Note", text="hi")], [SUM]])
def test_a_graph_where_nothing_starts_is_refused(nodes: list[dict[str, Any]]) -> None:
    links = [link("c.result", "c.a")] if nodes == [SUM] else []
    [problem] = at_run(a_graph(nodes, links))
    assert found([problem]) == [("no_starting_node", None, None)]
    assert "Input node" in problem.reason


def test_a_linked_pin_of_an_input_that_nothing_feeds_at_start_is_refused() -> None:
    graph = a_graph([node("i", "AgentInput", name="x"), STORE], [link("s.output", "i.value")])
    [problem] = at_run(graph)
    assert found([problem]) == [("linked_pin_unfed", "i", "value")]
    assert at_run(graph, inputs={"x": None}) == []
    assert at_run(graph, inputs={"x": 0}) == []
    assert at_run(graph, masks={"i": {"value": 1}}) == []
    assert found(at_run(graph, inputs={"other": 1})) == found([problem])


def test_a_starting_node_does_not_take_null_for_a_required_input() -> None:
    graph = a_graph([node("c", "Calculator", operation="Add", a=None, b=1)])
    [problem] = at_run(graph)
    assert found([problem]) == [("input_null", "c", "a")]
    assert "'a'" in problem.reason
    assert at_run(graph, masks={"c": {"a": 1}}) == []
    assert found(at_run(a_graph([an_agent(inputs={"q": None})]))) == [("input_null", "x", "q")]
    assert (
        at_run(a_graph([node("t", "FillTextTemplate", format="f", values=None, **{"values_#_a": 1})])) == []
    )
    assert (
        at_run(
            a_graph(
                [{**SUM, "input_default": {"operation": "Add", "a": None, "b": 1}}, STORE],
                [link("s.output", "c.a")],
            )
        )
        == []
    )


def test_a_missing_graph_input_does_not_refuse_the_run() -> None:
    assert at_run(a_graph([node("i", "AgentInput", name="x")])) == []


def test_a_webhook_node_runs_only_with_a_payload_from_its_trigger() -> None:
    graph = a_graph([node("w", "TestWebhook", repo="r", payload={"from": "file"})])
    [problem] = at_run(graph)
    assert found([problem]) == [("webhook_payload_missing", "w", "payload")]
    assert at_run(graph, masks={"w": {"payload": {}}}) == []
    assert found(at_run(a_graph([node("w", "TestWebhook", repo="r")]))) == found([problem])


def test_a_dry_run_tolerates_what_is_missing_and_nothing_else() -> None:
    nodes = [
        node("c", "Calculator"),
        node("d", "TestDependent", row=1),
        node("p", "TestPicker", file=None),
        node("w", "TestWebhook"),
        an_agent(),
        node("i", "AgentInput", name="x"),
    ]
    sound = a_graph(nodes, [link("c.result", "i.value")])
    assert len(at_run(sound)) > 5
    assert at_run(sound, dry_run=True) == []
    bad = a_graph([*nodes, node("j", "AgentInput"), node("u", "nothing")], [link("c.x", "i.value")])
    assert found(at_run(bad, dry_run=True)) == [
        ("output_pin_unknown", "c", "x"),
        ("name_missing", "j", "name"),
        ("block_unknown", "u", None),
    ]


def many(nodes: int) -> Graph:
    return a_graph(
        [node(f"n{i}", "StoreValue", input=i) for i in range(nodes)],
        [link(f"n{i}.output_#_k", f"n{(i * 7 + 1) % nodes}.data") for i in range(nodes)] * 2,
    )


def bad(nodes: int) -> Graph:
    return a_graph([node(f"n{i}", "AgentInput") for i in range(nodes)], [link("n0.nope", "n1.nope")] * nodes)


@pytest.mark.parametrize("make", [many, bad])
def test_time_grows_with_the_size_and_not_faster(make: Callable[[int], Graph]) -> None:
    def seconds(graph: Graph) -> float:
        times = []
        for _ in range(3):
            began = time.perf_counter()
            run_problems(graph, SPECS, inputs={}, masks={})
            create(link_static(graph, SPECS), user_id="u")
            times.append(time.perf_counter() - began)
        return min(times)

    small, large = seconds(make(1_000)), seconds(make(10_000))
    assert large / small < 25
