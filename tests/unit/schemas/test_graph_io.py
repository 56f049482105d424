from pathlib import Path
from typing import Any

import msgspec

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import Graph
from millstream.schemas.graph_io import input_schema, output_schema

LINES = (Path(__file__).parents[2] / "data" / "graph-specs.jsonl").read_bytes().splitlines()
SPECS = {spec.id: spec for spec in (msgspec.json.decode(line, type=BlockSpec) for line in LINES)}
ID = {spec.name: spec.id for spec in SPECS.values()}


def a_graph(*nodes: tuple[str, dict[str, Any]]) -> Graph:
    made = [
        {"block_id": ID.get(f"{block}Block", block), "input_default": constants} for block, constants in nodes
    ]
    return Graph.model_validate({"name": "n", "description": "", "nodes": made})


def test_an_input_without_a_value_is_required() -> None:
    assert input_schema(a_graph(("AgentInput", {"name": "x"})), SPECS) == {
        "type": "object",
        "properties": {"x": {"title": "x", "secret": False, "advanced": False}},
        "required": ["x"],
    }


def test_an_input_with_a_value_has_it_as_default() -> None:
    constants = {
        "name": "x",
        "value": 0,
        "title": "X",
        "description": "An x",
        "advanced": True,
        "secret": True,
    }
    assert input_schema(a_graph(("AgentInput", constants)), SPECS) == {
        "type": "object",
        "properties": {
            "x": {"title": "X", "description": "An x", "default": 0, "advanced": True, "secret": True}
        },
        "required": [],
    }


def test_an_input_is_advanced_only_with_a_default() -> None:
    schema = input_schema(a_graph(("AgentInput", {"name": "x", "advanced": True, "title": ""})), SPECS)
    assert schema["properties"]["x"] == {"title": "x", "advanced": False, "secret": False}


def test_the_type_and_default_of_the_blocks_value_field_are_taken() -> None:
    schema = input_schema(a_graph(("AgentToggleInput", {"name": "on"})), SPECS)
    assert schema["properties"]["on"]["type"] == "boolean"
    assert schema["properties"]["on"]["default"] is False
    assert schema["required"] == []


def test_titles_and_descriptions_that_are_no_text_are_left_out() -> None:
    schema = input_schema(a_graph(("AgentInput", {"name": "x", "title": ["X"], "description": 5})), SPECS)
    assert schema["properties"]["x"] == {"title": "x", "advanced": False, "secret": False}


def test_a_dropdown_lists_its_options_and_takes_the_old_key() -> None:
    schema = input_schema(
        a_graph(
            ("AgentDropdownInput", {"name": "new", "options": ["a", "b"], "placeholder_values": ["z"]}),
            ("AgentDropdownInput", {"name": "old", "placeholder_values": ["c"]}),
            ("AgentDropdownInput", {"name": "none", "options": []}),
            ("AgentInput", {"name": "plain", "placeholder_values": ["d"], "options": ["e"]}),
        ),
        SPECS,
    )
    fields = schema["properties"]
    assert fields["new"]["enum"] == ["a", "b"]
    assert fields["old"]["enum"] == ["c"]
    assert "enum" not in fields["none"]
    assert "enum" not in fields["plain"]
    assert fields["new"]["anyOf"] == [{"type": "string"}, {"type": "null"}]


def test_outputs_have_a_schema_of_their_own() -> None:
    graph = a_graph(
        ("AgentInput", {"name": "x"}),
        ("AgentOutput", {"name": "y", "description": "A y", "value": None, "format": "{{ y }}"}),
        ("StoreValue", {"name": "z"}),
    )
    assert output_schema(graph, SPECS) == {
        "type": "object",
        "properties": {"y": {"title": "y", "description": "A y", "secret": False, "advanced": False}},
        "required": ["y"],
    }
    assert list(input_schema(graph, SPECS)["properties"]) == ["x"]


def test_nodes_without_a_name_and_of_unknown_blocks_are_left_out() -> None:
    graph = a_graph(("AgentInput", {}), ("AgentInput", {"name": " "}), ("no-such-block", {"name": "x"}))
    assert input_schema(graph, SPECS) == {"type": "object", "properties": {}, "required": []}


def test_of_inputs_that_share_a_name_the_last_one_counts() -> None:
    graph = a_graph(("AgentInput", {"name": "x"}), ("AgentInput", {"name": "x", "value": 1}))
    assert input_schema(graph, SPECS)["required"] == []


def test_definitions_that_a_field_refers_to_come_along() -> None:
    spec = BlockSpec(
        id="table",
        name="TableInput",
        description="",
        kind="Input",
        input_schema={
            "type": "object",
            "properties": {"name": {}, "value": {"type": "array", "items": {"$ref": "#/$defs/Row"}}},
            "$defs": {"Row": {"type": "object"}},
        },
        output_schema={},
    )
    schema = input_schema(a_graph(("table", {"name": "rows"})), {"table": spec})
    assert schema["$defs"] == {"Row": {"type": "object"}}


def test_the_schema_shares_nothing_with_the_graph_or_the_specs() -> None:
    graph = a_graph(("AgentDropdownInput", {"name": "x", "options": ["a"], "value": "a"}))
    schema = input_schema(graph, SPECS)
    schema["properties"]["x"]["enum"].append("b")
    schema["properties"]["x"]["anyOf"].clear()
    assert input_schema(graph, SPECS)["properties"]["x"]["enum"] == ["a"]
    assert input_schema(graph, SPECS)["properties"]["x"]["anyOf"] != []
