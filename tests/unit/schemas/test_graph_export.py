import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import AGENT_BLOCK_ID, Graph, parse_graph
from millstream.schemas.graph_export import export, fork
from millstream.schemas.graph_ids import create
from millstream.schemas.graph_links import link_static
from millstream.schemas.graph_validation import save_problems
from millstream.schemas.sizes import INT_MAX, INT_MIN, NAME_LIMIT_CHARS

LINES = (Path(__file__).parents[2] / "data" / "graph-specs.jsonl").read_bytes().splitlines()
SPECS = {spec.id: spec for spec in (msgspec.json.decode(line, type=BlockSpec) for line in LINES)}
ID = {spec.name: spec.id for spec in SPECS.values()}


def a_graph(block: str, metadata: dict[str, Any] | None = None, **constants: Any) -> Graph:
    made = {
        "id": "n",
        "block_id": ID.get(f"{block}Block", block),
        "input_default": constants,
        "metadata": metadata or {},
    }
    return Graph.model_validate({"id": "g", "name": "n", "description": "", "nodes": [made]})


def exported(block: str, **constants: Any) -> dict[str, Any]:
    shown: dict[str, Any] = export(a_graph(block, **constants), SPECS)["nodes"][0]["input_default"]
    return shown


def test_an_export_names_neither_user_nor_webhook() -> None:
    file = export(a_graph("StoreValue", input=1), SPECS)
    assert file["user_id"] == ""
    assert file["nodes"][0]["webhook_id"] is None
    assert parse_graph(file) == a_graph("StoreValue", input=1)


def test_keys_that_look_like_secrets_disappear_at_any_depth() -> None:
    kept = {"text": "t", "list": [1, {"plain": 2}], "auth": {"user": "u"}, "unknown": {"k": None}}
    secrets = {
        "api_key": "s",
        "API_KEY": "s",
        "password": "s",
        "db_Password_2": "s",
        "token": "s",
        "max_tokens": 5,
        "credentials": {"id": "c"},
        "openai_credentials": {"id": "c"},
        "values_#_secret_x": "s",
    }
    deep = {"auth": {"user": "u", "password": "s"}, "list": [1, {"plain": 2, "token": "s"}]}
    assert exported("StoreValue", **kept, **secrets) == kept
    assert exported("StoreValue", **{**kept, **deep}) == kept
    assert exported("no-such-block", **{**kept, **secrets}) == kept


def test_switches_stay() -> None:
    assert exported("StoreValue", use_token=True, secret=False) == {"use_token": True, "secret": False}


def test_pins_that_the_block_marks_as_secret_disappear_with_their_parts() -> None:
    constants = {"phrase": "s", "phrase_#_part": "s", "text": "t"}
    assert exported("TestSecret", **constants) == {"text": "t"}


def test_references_to_secrets_disappear() -> None:
    ref = {"$secret": "id"}
    assert exported("TestSecret", text=ref, options={"a": ref, "b": [ref, 1]}) == {
        "options": {"b": [None, 1]}
    }


def test_a_secret_input_keeps_all_but_its_value() -> None:
    assert exported("AgentInput", name="x", secret=True, value="s") == {"name": "x", "secret": True}
    assert exported("AgentInput", name="x", secret=False, value="v") == {
        "name": "x",
        "secret": False,
        "value": "v",
    }
    assert exported("AgentInput", name="x", value="v") == {"name": "x", "value": "v"}


def test_pins_of_an_agent_that_look_like_secrets_keep_their_place_but_not_their_value() -> None:
    schema = {
        "type": "object",
        "properties": {
            "api_key": {"type": "string", "default": "s", "title": "Key"},
            "hidden": {"secret": True, "default": "s", "enum": ["s"], "items": {"const": "s"}},
            "city": {"default": "Oslo", "enum": ["Oslo"], "examples": [{"token": "s", "a": 1}]},
        },
        "required": ["api_key"],
    }
    constants = exported("AgentExecutor", input_schema=schema, inputs={"api_key": "s", "city": "Oslo"})
    assert constants["inputs"] == {"city": "Oslo"}
    assert constants["input_schema"] == {
        "type": "object",
        "properties": {
            "api_key": {"type": "string", "title": "Key"},
            "hidden": {"secret": True, "items": {}},
            "city": {"default": "Oslo", "enum": ["Oslo"], "examples": [{"a": 1}]},
        },
        "required": ["api_key"],
    }
    assert exported("AgentExecutor", input_schema="garbled") == {"input_schema": "garbled"}


def test_an_exported_agent_with_an_api_key_pin_can_be_imported() -> None:
    schema = {"type": "object", "properties": {"api_key": {"type": "string"}}}
    agent = {"graph_id": "s", "graph_version": 1, "input_schema": schema, "output_schema": {}}
    nodes = [
        {"id": "a", "block_id": AGENT_BLOCK_ID, "input_default": agent},
        {"id": "b", "block_id": ID["StoreValueBlock"], "input_default": {"input": 1}},
    ]
    edge = {"source_id": "b", "source_name": "output", "sink_id": "a", "sink_name": "api_key"}
    graph = Graph.model_validate({"name": "n", "description": "", "nodes": nodes, "links": [edge]})
    assert save_problems(graph, SPECS) == []
    assert save_problems(parse_graph(export(graph, SPECS)), SPECS) == []


def test_sub_graphs_lose_their_secrets_too() -> None:
    sub = a_graph("StoreValue", input=1, api_key="s").model_dump() | {"id": "sub"}
    graph = Graph.model_validate({"name": "n", "description": "", "sub_graphs": [sub]})
    assert export(graph, SPECS)["sub_graphs"][0]["nodes"][0]["input_default"] == {"input": 1}


def test_an_export_shares_nothing_with_the_graph() -> None:
    graph = a_graph("StoreValue", {"position": {"x": 1}}, input={"k": [1]})
    before = graph.model_dump_json()
    node = export(graph, SPECS)["nodes"][0]
    node["metadata"]["position"]["x"] = 2
    node["input_default"]["input"]["k"].append(2)
    assert graph.model_dump_json() == before


def test_a_fork_is_a_copy_that_knows_its_origin() -> None:
    graph = a_graph("StoreValue", input=1, api_key="s").model_copy(update={"version": 7, "is_active": False})
    copied = fork(graph, SPECS, user_id="u")
    assert (copied.name, copied.version) == ("n (copy)", 1)
    assert (copied.forked_from_id, copied.forked_from_version) == ("g", 7)
    assert copied.id != "g"
    assert copied.nodes[0].id != "n"
    assert copied.nodes[0].input_default == {"input": 1}


def test_the_name_of_a_fork_fits() -> None:
    graph = a_graph("StoreValue").model_copy(update={"name": "x" * NAME_LIMIT_CHARS})
    copied = fork(graph, SPECS, user_id="u")
    assert copied.name.endswith(" (copy)")
    assert parse_graph(export(copied, SPECS)) == copied


# --- import, then export -------------------------------------------------------------------------------------

SECRET = ("credentials", "api_key", "password", "token", "secret")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
KEYS = TEXT.filter(
    lambda key: not any(word in key.lower() for word in SECRET) and key not in ("$secret", "_credentials_id")
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(INT_MIN, INT_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PINS = st.sampled_from(["input", "values_#_c", "list_$_0", "name", "value", "odd"]) | KEYS
SECRETS = st.dictionaries(st.sampled_from(["api_key", "x_credentials", "Password"]), TEXT, max_size=2)
BLOCKS = st.sampled_from(
    [spec.id for spec in SPECS.values() if spec.kind not in ("Agent", "MCP Tool")]
) | KEYS.filter(bool)
OPTIONAL = st.none() | TEXT


@st.composite
def nodes_and_links(draw: st.DrawFn) -> dict[str, Any]:
    ids = draw(st.lists(TEXT.filter(bool), max_size=5, unique=True))
    nodes = [
        {
            "id": node_id,
            "block_id": draw(BLOCKS),
            "input_default": {**draw(st.dictionaries(PINS, JSON, max_size=4)), **draw(SECRETS)},
            "metadata": draw(st.dictionaries(TEXT, JSON, max_size=2)),
            "input_links": [],
        }
        for node_id in ids
    ]
    end = st.sampled_from(ids) if ids else st.nothing()
    pin = PINS.filter(bool)
    link = st.fixed_dictionaries(
        {"source_id": end, "source_name": pin, "sink_id": end, "sink_name": pin, "is_static": st.booleans()}
    )
    head = {"name": draw(TEXT), "description": draw(TEXT), "version": draw(st.integers(1, 2**31 - 1))}
    optional = {
        "instructions": draw(OPTIONAL),
        "recommended_schedule_cron": draw(OPTIONAL),
        "is_active": draw(st.booleans()),
    }
    links = draw(st.lists(link, max_size=5)) if ids else []
    return {**head, **optional, "nodes": nodes, "links": links}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    subs = draw(st.lists(nodes_and_links(), max_size=2))
    named = [{**sub, "id": f"sub{i}"} for i, sub in enumerate(subs)]
    return {**draw(nodes_and_links()), "id": "main", "sub_graphs": named}


def without_ids(graph: dict[str, Any]) -> dict[str, Any]:
    """The graph with places instead of ids, without secrets and the server's own fields."""
    place = {node["id"]: i for i, node in enumerate(graph["nodes"])}
    static = {
        node["id"]
        for node in graph["nodes"]
        if node["block_id"] in SPECS and SPECS[node["block_id"]].static_output
    }
    return {
        **{key: graph[key] for key in ("name", "description", "version", "instructions", "is_active")},
        "recommended_schedule_cron": graph["recommended_schedule_cron"],
        "nodes": [
            (
                node["block_id"],
                {k: v for k, v in node["input_default"].items() if not hidden(k, node)},
                node["metadata"],
            )
            for node in graph["nodes"]
        ],
        "links": [
            (
                place[link["source_id"]],
                link["source_name"],
                place[link["sink_id"]],
                link["sink_name"],
                link["is_static"] or link["source_id"] in static,
            )
            for link in graph["links"]
        ],
        "sub_graphs": [without_ids(sub) for sub in graph.get("sub_graphs", [])],
    }


def hidden(key: str, node: dict[str, Any]) -> bool:
    marked = node["block_id"] == ID["TestSecretBlock"] and key.startswith("phrase")
    return marked or any(word in key.lower() for word in SECRET)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150, deadline=None)
@given(graphs())
def test_a_graph_imported_and_exported_is_equal_but_for_ids_and_secrets(sent: dict[str, Any]) -> None:
    saved = link_static(create(parse_graph(json.dumps(sent).encode()), user_id="u"), SPECS)
    file = json.loads(json.dumps(export(saved, SPECS)))
    assert without_ids(file) == without_ids(sent)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50, deadline=None)
@given(graphs())
def test_an_exported_graph_exports_to_itself(sent: dict[str, Any]) -> None:
    file = export(parse_graph(sent), SPECS)
    assert export(parse_graph(file), SPECS) == file


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(TEXT, JSON, max_size=4), st.sampled_from(SECRET), TEXT)
def test_no_secret_word_survives_with_a_text(constants: dict[str, Any], word: str, value: str) -> None:
    marker = "MARK" + value
    shown = exported(
        "StoreValue", **{**constants, f"my_{word.upper()}": marker, "deep": [{"a": {word: marker}}]}
    )
    assert "MARK" not in json.dumps(shown)
    assert shown["deep"] == [{"a": {}}]


@pytest.mark.parametrize("block", ["StoreValue", "no-such-block"])
def test_unknown_keys_stay(block: str) -> None:
    assert exported(block, anything=[1], **{"x_#_y": 2}) == {"anything": [1], "x_#_y": 2}
