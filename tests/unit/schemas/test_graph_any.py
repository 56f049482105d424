"""Whatever a file says, once it is read as a graph every function of the graph answers."""

import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import GraphInvalidError
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.graph_export import export, fork
from millstream.schemas.graph_ids import create, updated
from millstream.schemas.graph_io import input_schema, output_schema
from millstream.schemas.graph_links import link_static
from millstream.schemas.graph_problems import is_draft, node_errors
from millstream.schemas.graph_validation import run_problems, save_problems, structure_problems

LINES = (Path(__file__).parents[2] / "data" / "graph-specs.jsonl").read_bytes().splitlines()
SPECS = {spec.id: spec for spec in (msgspec.json.decode(line, type=BlockSpec) for line in LINES)}

WORDS = st.sampled_from(
    [
        "name",
        "value",
        "inputs",
        "input_schema",
        "output_schema",
        "tool_input_schema",
        "tool_arguments",
        "properties",
        "required",
        "a",
        "a_#_b",
        "_$_",
        "tools",
        "tools_^_x",
        "file",
        "login",
        "provider",
        "_credentials_id",
        "$secret",
        "default",
        "secret",
        "options",
        "graph_id",
        "payload",
    ]
)
KEYS = WORDS | st.text(max_size=5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
PINS = KEYS.filter(bool)
IDS = st.sampled_from("abcde")


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    ids = draw(st.lists(IDS, max_size=4, unique=True))
    block = st.sampled_from([*SPECS, "unknown"])
    nodes = [
        {"id": node_id, "block_id": draw(block), "input_default": draw(OBJECTS), "metadata": draw(OBJECTS)}
        for node_id in ids
    ]
    links = [
        {"source_id": draw(IDS), "source_name": draw(PINS), "sink_id": draw(IDS), "sink_name": draw(PINS)}
        for _ in range(draw(st.integers(0, 4)))
    ]
    return {"name": draw(KEYS), "description": "", "nodes": nodes, "links": links}


WHOLE = st.builds(lambda main, subs: {**main, "sub_graphs": subs}, graphs(), st.lists(graphs(), max_size=2))
MASKS = st.dictionaries(st.sampled_from("abcd"), st.dictionaries(KEYS, VALUES, max_size=3), max_size=2)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=WHOLE, inputs=st.dictionaries(KEYS, VALUES, max_size=2), masks=MASKS)
def test_no_graph_makes_a_function_fail(body: dict[str, Any], inputs: dict[str, Any], masks: Any) -> None:
    try:
        graph = parse_graph(body)
    except GraphInvalidError:
        assume(False)  # a text with U+0000
    structure = structure_problems(graph, SPECS)
    saved = save_problems(graph, SPECS)
    at_run = run_problems(graph, SPECS, inputs=inputs, masks=masks)
    dry = run_problems(graph, SPECS, inputs=inputs, masks=masks, dry_run=True)
    assert set(structure) <= set(saved)
    assert set(dry) <= set(at_run)
    json.dumps([problem.as_dict() for problem in at_run])
    assert is_draft(saved) in (True, False)
    assert node_errors(at_run) or not at_run
    for schema in (input_schema(graph, SPECS), output_schema(graph, SPECS)):
        assert set(schema["required"]) <= set(schema["properties"])
    created = create(link_static(graph, SPECS), user_id="u")
    assert Graph.model_validate(export(created, SPECS)).name == graph.name
    fork(graph, SPECS, user_id="u")
    again = updated(graph, graph_id=created.id, version=2, user_id="u", previous=created)
    assert len(again.nodes) == len(graph.nodes)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for body in (value, {"graph": value}, {"name": "", "description": "", "nodes": value}):
        with contextlib.suppress(GraphInvalidError):
            assert parse_graph(json.dumps(body).encode()).all_graphs
