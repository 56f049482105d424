from pathlib import Path
from typing import Any

import msgspec
import pytest

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import GraphInvalidError
from millstream.schemas.graph import Graph
from millstream.schemas.graph_ids import create
from millstream.schemas.graph_links import link_static
from millstream.schemas.graph_problems import Problem, in_order, is_draft, node_errors, refuse
from millstream.schemas.graph_validation import run_problems, save_problems, structure_problems

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


# --- structure -----------------------------------------------------------------------------------------------


def test_a_sound_graph_has_no_problems() -> None:
    graph = a_graph(
        [node("i", "AgentInput", name="x"), STORE, SUM, node("o", "AgentOutput", name="y")],
        [
            link("i.result", "s.input"),
            link("s.output_#_k", "c.a"),
            link("c.result", "o.value"),
            link("c.error", "o.value"),
        ],
    )
    assert structure_problems(graph, SPECS) == save_problems(graph, SPECS) == at_run(graph) == []


@pytest.mark.parametrize(
    ("edge", "code", "where", "pin", "says"),
    [
        (link("gone.output", "s.input"), "link_source_unknown", "gone", "output", "gone"),
        (link("s.output", "gone.x"), "link_sink_unknown", "gone", "x", "gone"),
        (link("c.reslt", "s.input"), "output_pin_unknown", "c", "reslt", "did you mean 'result'"),
        (link("s.output", "c.aa_#_x"), "input_pin_unknown", "c", "aa_#_x", "'operation'"),
        (link("s.output", "c._#_x"), "input_pin_unknown", "c", "_#_x", "Calculator"),
        (link("i.error", "s.input"), "output_pin_unknown", "i", "error", "it has 'result'"),
    ],
)
def test_a_link_to_nowhere_is_named(edge: dict[str, Any], code: str, where: str, pin: str, says: str) -> None:
    [problem] = structure_problems(a_graph([STORE, SUM, node("i", "AgentInput", name="x")], [edge]), SPECS)
    assert (problem.code, problem.node, problem.pin, problem.severity) == (code, where, pin, "error")
    assert says in problem.reason


def test_dynamic_parts_of_pins_are_not_compared() -> None:
    template = node("t", "FillTextTemplate", format="{{a}}", **{"values_#_c": "!"})
    assert (
        structure_problems(a_graph([STORE, template], [link("s.output_$_0_@_x", "t.values_#_a")]), SPECS)
        == []
    )


def test_tool_pins_exist_on_any_node() -> None:
    graph = a_graph(
        [node("m", "Orchestrator", prompt="p"), SUM, STORE],
        [
            link("m.tools", "c.a"),
            link("m.tools_^_c_~_b", "c.b"),
            link("c.result", "m.tools_^_x"),
            link("s.output", "m.prompt"),
        ],
    )
    assert structure_problems(graph, SPECS) == []


def test_cycles_self_loops_and_loose_nodes_are_allowed() -> None:
    links = [link("s.output", "c.a"), link("c.result", "s.input"), link("c.result", "c.b")]
    assert save_problems(a_graph([STORE, SUM, node("z", "StoreValue", input=1)], links), SPECS) == []
    assert save_problems(a_graph([]), SPECS) == []


def test_an_unknown_block_makes_a_draft_that_does_not_run() -> None:
    edges = [link("c.result", "u.any"), link("u.thing_#_x", "s.data")]
    graph = a_graph([node("u", "no-such-block"), SUM, STORE], edges)
    [problem] = save_problems(graph, SPECS)
    assert (problem.code, problem.node, problem.severity) == ("block_unknown", "u", "draft")
    assert "no-such-block" in problem.reason
    assert is_draft([problem])
    refuse([problem])
    [at_start] = at_run(graph)
    assert (at_start.code, at_start.node, at_start.severity) == ("block_unknown", "u", "error")
    with pytest.raises(GraphInvalidError, match="no-such-block"):
        refuse([at_start], doing="run")


def test_a_disabled_block_is_refused() -> None:
    [problem] = save_problems(a_graph([node("d", "TestDisabled")]), SPECS)
    assert found([problem]) == [("block_disabled", "d", None)]
    assert "TestDisabledBlock" in problem.reason
    assert not is_draft([problem])


def an_agent(**constants: Any) -> dict[str, Any]:
    schemas = {
        "input_schema": {"type": "object", "properties": {"q": {}, "extra": {}}, "required": ["q"]},
        "output_schema": {"type": "object", "properties": {"answer": {}}},
    }
    return node("x", "AgentExecutor", **{"graph_id": "s", "graph_version": 1, **schemas, **constants})


def test_the_pins_of_an_agent_node_are_its_graphs_inputs_and_outputs() -> None:
    sound = a_graph([an_agent(), STORE, SUM], [link("c.result", "x.q"), link("x.answer", "s.data")])
    assert save_problems(sound, SPECS) == at_run(sound) == []
    wrong = a_graph(
        [an_agent(), STORE],
        [link("s.output", "x.graph_id"), link("x.error", "s.data"), link("x.q", "s.data")],
    )
    codes = {
        ("input_pin_unknown", "x", "graph_id"),
        ("output_pin_unknown", "x", "error"),
        ("output_pin_unknown", "x", "q"),
    }
    assert set(found(structure_problems(wrong, SPECS))) == codes


@pytest.mark.parametrize("schema", [None, 3, "text", [], {}, {"properties": []}])
def test_an_agent_node_with_a_garbled_schema_has_no_pins(schema: Any) -> None:
    graph = a_graph([an_agent(input_schema=schema, output_schema=schema), STORE], [link("s.output", "x.q")])
    assert found(structure_problems(graph, SPECS)) == [("input_pin_unknown", "x", "q")]


def test_the_pins_of_an_mcp_tool_follow_the_tools_own_schema() -> None:
    schema = {"type": "object", "properties": {"city": {}, "unit": {}}, "required": ["city"]}
    tool = node("t", "MCPTool", server_url="https://example.com", tool_input_schema=schema)
    linked = a_graph([tool, STORE], [link("s.output", "t.city"), link("s.output", "t.server_url")])
    assert at_run(linked) == []
    [problem] = at_run(a_graph([tool, STORE]))
    assert found([problem]) == [("tool_argument_missing", "t", "city")]
    assert "tool_arguments" in problem.reason
    given = node("t", "MCPTool", server_url="u", tool_input_schema=schema, tool_arguments={"city": "Oslo"})
    assert at_run(a_graph([given])) == []


def test_sub_graphs_are_checked_and_named() -> None:
    sub = a_graph([node("n", "AgentInput"), SUM], [link("c.x", "n.value")]).model_dump() | {"id": "sub"}
    problems = save_problems(a_graph([STORE], sub_graphs=[sub]), SPECS)
    assert found(problems) == [("output_pin_unknown", "c", "x"), ("name_missing", "n", "name")]
    assert {p.graph for p in problems} == {"sub"}
    assert "sub" in [p.graph for p in at_run(a_graph([STORE], sub_graphs=[sub]))]


# --- save ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", ["AgentInput", "AgentOutput"])
@pytest.mark.parametrize("name", [None, "", "  ", 5])
def test_inputs_and_outputs_need_a_name(block: str, name: Any) -> None:
    constants = {} if name is None else {"name": name}
    graph = a_graph([node("i", block, **constants), STORE], [link("s.output", "i.name")])
    [problem] = save_problems(graph, SPECS)
    assert found([problem]) == [("name_missing", "i", "name")]
    assert f"{block}Block" in problem.reason


def test_a_link_onto_the_name_of_an_input_is_accepted() -> None:
    graph = a_graph([node("i", "AgentInput", name="x"), STORE], [link("s.output", "i.name")])
    assert save_problems(graph, SPECS) == []


@pytest.mark.parametrize("name", ["credentials", "my_credentials"])
def test_names_of_credentials_are_reserved_for_inputs(name: str) -> None:
    [problem] = save_problems(a_graph([node("i", "AgentInput", name=name)]), SPECS)
    assert found([problem]) == [("name_reserved", "i", "name")]
    assert repr(name) in problem.reason
    assert save_problems(a_graph([node("o", "AgentOutput", name=name)]), SPECS) == []


def test_required_inputs_are_asked_of_agents_at_save_and_of_all_nodes_at_run() -> None:
    graph = a_graph([node("c", "Calculator", b=1), node("x", "AgentExecutor", graph_id="s")])
    agents = [("input_required", "x", pin) for pin in ("graph_version", "input_schema", "output_schema")]
    assert found(save_problems(graph, SPECS)) == agents
    assert found(at_run(graph)) == [
        ("input_required", "c", "a"),
        ("input_required", "c", "operation"),
        *agents,
    ]
    assert "'graph_version'" in save_problems(graph, SPECS)[0].reason


def test_a_graph_may_be_checked_before_or_after_its_ids_are_replaced() -> None:
    graph = a_graph([an_agent(), STORE], [link("s.output", "x.q")])
    assert save_problems(graph, SPECS) == save_problems(create(graph, user_id="u"), SPECS) == []


def test_a_default_a_link_a_mask_or_a_part_of_any_provides_an_input() -> None:
    template = node("t", "FillTextTemplate", **{"values_#_c": 1})
    linked = a_graph([template, STORE], [link("s.output", "t.format")])
    assert at_run(linked) == []
    parts = a_graph([node("t", "FillTextTemplate", format="f"), STORE], [link("s.output", "t.values_#_a")])
    assert at_run(parts) == []
    assert at_run(a_graph([template]), masks={"t": {"format": "x"}}) == []
    assert found(at_run(a_graph([template]), masks={"other": {"format": "x"}})) == [
        ("input_required", "t", "format")
    ]


def test_credentials_are_not_among_the_required_inputs_here() -> None:
    assert at_run(a_graph([node("m", "Orchestrator", prompt="p")])) == []


def test_notes_need_nothing() -> None:
    assert at_run(a_graph([node("n", "Note"), STORE])) == []


def test_an_agent_needs_the_required_inputs_of_its_graph() -> None:
    [problem] = at_run(a_graph([an_agent(), STORE]))
    assert found([problem]) == [("agent_input_missing", "x", "q")]
    assert "`inputs`" in problem.reason
    assert at_run(a_graph([an_agent(inputs={"q": 0})])) == []
    assert at_run(a_graph([an_agent()]), masks={"x": {"q": 1}}) == []
    assert save_problems(a_graph([an_agent()]), SPECS) == []


def test_a_field_that_depends_on_another_needs_it_at_run() -> None:
    graph = a_graph([node("d", "TestDependent", row=3)])
    assert save_problems(graph, SPECS) == []
    [problem] = at_run(graph)
    assert found([problem]) == [("dependency_missing", "d", "row")]
    assert "'sheet_id'" in problem.reason
    assert at_run(a_graph([node("d", "TestDependent")])) == []
    assert at_run(a_graph([node("d", "TestDependent", row=3, sheet_id="s")])) == []
    assert found(at_run(a_graph([node("d", "TestDependent", row=3, sheet_id="  ")]))) == found([problem])
    assert at_run(graph, masks={"d": {"sheet_id": "s"}}) == []


def test_a_field_with_a_discriminator_needs_it_always() -> None:
    graph = a_graph([node("d", "TestDependent", login={"id": "c"})])
    assert found(save_problems(graph, SPECS)) == [("dependency_missing", "d", "login")]
    assert save_problems(a_graph([node("d", "TestDependent", login={"id": "c"}, provider="a")]), SPECS) == []
    assert save_problems(a_graph([node("d", "TestDependent", form={"kind": "x"})]), SPECS) == []
    required = save_problems(a_graph([node("l", "TestStrictLogin")]), SPECS)
    assert found(required) == [("dependency_missing", "l", "login_credentials")]
    assert save_problems(a_graph([node("m", "Orchestrator")]), SPECS) == []  # the schema has a default model


@pytest.mark.parametrize(
    "value",
    [
        "text",
        5,
        [],
        {},
        {"id": "f"},
        {"_credentials_id": ""},
        {"_credentials_id": " "},
        {"_credentials_id": None},
    ],
)
def test_a_picker_field_that_is_no_picked_value_is_refused(value: Any) -> None:
    [problem] = save_problems(a_graph([node("p", "TestPicker", file=value)]), SPECS)
    assert found([problem]) == [("picker_invalid", "p", "file")]
    assert "'file'" in problem.reason


def test_a_picked_a_linked_or_an_empty_picker_field_can_be_saved() -> None:
    picked = {"_credentials_id": "c", "id": "f"}
    assert save_problems(a_graph([node("p", "TestPicker", file=picked)]), SPECS) == []
    linked = a_graph([node("p", "TestPicker", file="x"), STORE], [link("s.output", "p.file")])
    assert save_problems(linked, SPECS) == []
    assert save_problems(a_graph([node("p", "TestPicker", file=None)]), SPECS) == []
    assert save_problems(a_graph([node("p", "TestPicker")]), SPECS) == []


def test_a_required_picker_field_that_is_empty_does_not_run() -> None:
    assert found(at_run(a_graph([node("p", "TestPicker", file=None)]))) == [("picker_invalid", "p", "file")]
    assert found(at_run(a_graph([node("p", "TestPicker")]))) == [("input_required", "p", "file")]
    picked = {"_credentials_id": "c", "id": "f"}
    assert at_run(a_graph([node("p", "TestPicker", file=None)]), masks={"p": {"file": picked}}) == []


def test_a_picker_field_whose_credentials_are_optional_may_be_empty_at_run() -> None:
    optional = {**node("p", "TestPicker", file=None), "metadata": {"credentials_optional": True}}
    assert at_run(a_graph([optional])) == []


def test_each_bad_picker_node_is_reported_by_itself() -> None:
    graph = a_graph([node("p", "TestPicker", file="x"), node("q", "TestPicker", file={}, spare=1)])
    assert [(p.node, p.pin) for p in save_problems(graph, SPECS)] == [
        ("p", "file"),
        ("q", "file"),
        ("q", "spare"),
    ]


# --- links, order, form --------------------------------------------------------------------------------------


def test_links_from_static_outputs_are_static_whatever_the_request_says() -> None:
    links = [
        {**link("s.output", "c.a"), "is_static": False},
        {**link("c.result", "s.data"), "is_static": True},
        link("c.result", "c.b"),
        link("gone.output", "c.b"),
    ]
    sub = a_graph([STORE, SUM], links[:1]).model_dump() | {"id": "sub"}
    graph = link_static(a_graph([STORE, SUM], links, sub_graphs=[sub]), SPECS)
    assert [x.is_static for x in graph.links] == [True, True, False, False]
    assert [x.is_static for x in graph.sub_graphs[0].links] == [True]


def test_problems_are_sorted_and_said_once() -> None:
    edges = [link("s.nope", "c.nope"), link("gone.x", "c.a"), link("gone.x", "c.a")]
    problems = save_problems(a_graph([SUM, STORE], edges), SPECS)
    assert found(problems) == [
        ("input_pin_unknown", "c", "nope"),
        ("link_source_unknown", "gone", "x"),
        ("output_pin_unknown", "s", "nope"),
    ]
    assert in_order(reversed(problems)) == problems


def test_a_refusal_names_the_first_problem_and_carries_all() -> None:
    edges = [link("s.nope", "c.nope"), link("gone.x", "c.a")]
    problems = save_problems(a_graph([SUM, STORE, node("u", "nothing")], edges), SPECS)
    with pytest.raises(GraphInvalidError, match=r"node 'c', pin 'nope'.*2 more") as caught:
        refuse(problems)
    assert caught.value.facts["count"] == 3
    assert [p["node"] for p in caught.value.facts["problems"]] == ["c", "gone", "s"]
    assert set(caught.value.facts["problems"][0]) == {
        "node",
        "pin",
        "code",
        "reason",
        "severity",
        "graph",
        "path",
    }
    assert set(node_errors(problems)) == {"c", "gone", "s"}
    assert list(node_errors(problems)["c"]) == ["nope"]
