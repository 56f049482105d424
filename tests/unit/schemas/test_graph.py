import json
from typing import Any

import pytest

from millstream.schemas import sizes
from millstream.schemas.errors import GraphInvalidError
from millstream.schemas.graph import Graph, parse_graph

STORE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
BARE: dict[str, Any] = {
    "id": "g",
    "name": "Sample",
    "description": "",
    "nodes": [
        {
            "id": "a",
            "block_id": STORE,
            "input_default": {"input": 1},
            "metadata": {"position": {"x": 1, "y": 2.5}},
        },
        {"id": "b", "block_id": STORE},
    ],
    "links": [{"id": "l", "source_id": "a", "source_name": "output", "sink_id": "b", "sink_name": "input"}],
}


def refused(body: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    """The problems that a body is refused for."""
    with pytest.raises(GraphInvalidError) as caught:
        parse_graph(body)
    problems: list[dict[str, Any]] = caught.value.facts["problems"]
    json.dumps(problems, allow_nan=False).encode()
    assert all(set(p) >= {"node", "pin", "code", "reason", "path"} for p in problems)
    return problems


def the_refusal(body: bytes | dict[str, Any]) -> dict[str, Any]:
    [problem] = refused(body)
    return problem


def changed(**changes: Any) -> dict[str, Any]:
    return {**BARE, **changes}


def test_a_bare_graph_is_read() -> None:
    graph = parse_graph(BARE)
    assert (graph.id, graph.version, graph.is_active, graph.name) == ("g", 1, True, "Sample")
    assert [node.id for node in graph.nodes] == ["a", "b"]
    assert graph.nodes[0].metadata == {"position": {"x": 1, "y": 2.5}}
    assert graph.nodes[1].input_default == {}
    assert graph.links[0].sink_name == "input"
    assert graph.links[0].is_static is False


def test_a_wrapped_graph_is_the_same_graph() -> None:
    assert parse_graph({"graph": BARE, "source": "upload"}) == parse_graph(BARE)


def test_bytes_are_the_same_graph_with_or_without_a_byte_order_mark() -> None:
    body = json.dumps(BARE).encode()
    assert parse_graph(body) == parse_graph(b"\xef\xbb\xbf" + body) == parse_graph(BARE)


def test_unknown_keys_of_other_versions_are_ignored() -> None:
    old = changed(is_template=False, subgraphs={"a": ["b"]}, graph={"other": "meaning"})
    old["nodes"] = [{**node, "webhook": None, "input_links": "nonsense"} for node in BARE["nodes"]]
    assert parse_graph(old) == parse_graph(BARE)


def test_missing_ids_are_made_up() -> None:
    graph = parse_graph({"name": "", "description": "", "nodes": [{"block_id": STORE}, {"block_id": STORE}]})
    assert len({graph.id, *(node.id for node in graph.nodes)}) == 3


def test_sub_graphs_are_read() -> None:
    assert parse_graph(changed(sub_graphs=[changed(id="s")])).sub_graphs[0].id == "s"


@pytest.mark.parametrize(
    ("body", "code", "node", "pin", "path"),
    [
        ({"description": ""}, "field_missing", None, None, "name"),
        ({"graph": {"description": ""}}, "field_missing", None, None, "graph.name"),
        (changed(name=5), "field_type", None, None, "name"),
        (changed(name=None), "field_type", None, None, "name"),
        (changed(version="1"), "field_type", None, None, "version"),
        (changed(version=0), "field_range", None, None, "version"),
        (changed(is_active=1), "field_type", None, None, "is_active"),
        (changed(nodes={}), "field_type", None, None, "nodes"),
        (changed(nodes=[{"id": "n"}], links=[]), "field_missing", "n", None, "nodes[0].block_id"),
        (changed(nodes=["n"], links=[]), "field_type", None, None, "nodes[0]"),
        (
            changed(nodes=[{"id": "n", "block_id": STORE, "input_default": [1]}]),
            "field_type",
            "n",
            None,
            "nodes[0].input_default",
        ),
        (
            changed(links=[{**BARE["links"][0], "sink_name": ""}]),
            "field_empty",
            "b",
            "",
            "links[0].sink_name",
        ),
        (
            changed(links=[{**BARE["links"][0], "source_name": 3}]),
            "field_type",
            "a",
            None,
            "links[0].source_name",
        ),
        (changed(name="x" * 501), "field_too_long", None, None, "name"),
    ],
)
def test_a_wrong_form_is_named_with_its_place(
    body: dict[str, Any], code: str, node: str | None, pin: str | None, path: str
) -> None:
    problem = the_refusal(body)
    assert (problem["code"], problem["node"], problem["pin"], problem["path"]) == (code, node, pin, path)
    assert path in problem["reason"]


def test_the_place_in_a_sub_graph_is_named() -> None:
    problem = the_refusal(
        changed(sub_graphs=[{"id": "s", "name": "", "description": "", "nodes": [{"id": "n"}]}])
    )
    assert (problem["graph"], problem["node"], problem["path"]) == (
        "s",
        "n",
        "sub_graphs[0].nodes[0].block_id",
    )


def test_all_problems_are_collected_and_sorted_the_same_way_each_time() -> None:
    body = changed(nodes=[{"id": "z"}, {"id": "y", "block_id": 7}], links=[], name=3)
    assert refused(body) == refused(body)
    assert [p["path"] for p in refused(body)] == ["name", "nodes[1].block_id", "nodes[0].block_id"]


def test_a_thousand_problems_are_cut_to_a_readable_number() -> None:
    body = changed(nodes=[{"id": str(i)} for i in range(1_000)], links=[])
    assert len(refused(body)) == sizes.PROBLEMS_LIMIT


def test_constants_are_not_shown_in_reasons() -> None:
    assert (
        "hunter2"
        not in the_refusal(changed(nodes=[{"id": "n", "block_id": STORE, "input_default": "hunter2"}]))[
            "reason"
        ]
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "json_invalid"),
        (b"{", "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b'{"version": ' + b"9" * 5_000 + b"}", "json_invalid"),
        (b"[]", "graph_not_object"),
        (b"null", "graph_not_object"),
        (b"[" * 100_000, "json_too_deep"),
        (json.dumps(changed(nodes=[])).replace("Sample", "\\ud83d").encode(), "json_lone_surrogate"),
        (json.dumps(changed(nodes=[])).replace("Sample", "\\u0000").encode(), "json_nul"),
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes, code: str) -> None:
    assert the_refusal(body)["code"] == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NaN", "json_not_finite"),
        ("-Infinity", "json_not_finite"),
        ("1e999", "json_not_finite"),
        ("123456789012345678901234567890", "json_int_too_large"),
        ("[" * 64 + "]" * 64, "json_too_deep"),
    ],
)
def test_constants_that_would_change_on_the_way_are_refused(text: str, code: str) -> None:
    body = json.dumps(changed(nodes=[{"id": "n", "block_id": STORE, "input_default": {"input": "HERE"}}]))
    problem = the_refusal(body.replace('"HERE"', text).encode())
    assert problem["code"] == code
    assert problem["path"].startswith("nodes[0].input_default.input")


def test_a_surrogate_pair_is_a_character() -> None:
    body = json.dumps(changed(name="\U0001f600")).encode()
    assert rb"\ud83d\ude00" in body
    assert parse_graph(body).name == "\U0001f600"


def test_ids_given_twice_are_refused() -> None:
    problem = the_refusal(changed(nodes=[*BARE["nodes"], BARE["nodes"][0]]))
    assert (problem["code"], problem["node"]) == ("node_id_repeated", "a")
    assert the_refusal(changed(sub_graphs=[changed(id="s")] * 2))["code"] == "graph_id_repeated"
    twice = changed(id="s", nodes=[BARE["nodes"][0]] * 2)
    assert the_refusal(changed(sub_graphs=[twice]))["graph"] == "s"


def test_links_given_twice_stay_two_for_they_deliver_twice() -> None:
    assert len(parse_graph(changed(links=BARE["links"] * 2)).links) == 2


def test_a_text_of_a_full_mebibyte_fits_a_node_and_twice_that_does_not() -> None:
    def graph(size: int) -> dict[str, Any]:
        return changed(
            nodes=[{"id": "n", "block_id": STORE, "input_default": {"input": "x" * size}}], links=[]
        )

    assert isinstance(parse_graph(graph(sizes.MIB)), Graph)
    problem = the_refusal(graph(2 * sizes.MIB))
    assert (problem["code"], problem["node"], problem["path"]) == ("too_large", "n", "nodes[0].input_default")
    assert str(sizes.NODE_DEFAULTS_LIMIT_BYTES) in problem["reason"]
    big = changed(nodes=[{"id": "n", "block_id": STORE, "metadata": {"m": "x" * 2 * sizes.MIB}}], links=[])
    assert the_refusal(big)["code"] == "too_large"


def test_numbers_of_nodes_links_and_sub_graphs_are_limited() -> None:
    node, link = BARE["nodes"][0], BARE["links"][0]
    assert the_refusal(changed(nodes=[node] * (sizes.NODES_LIMIT + 1)))["code"] == "too_many"
    assert the_refusal(changed(links=[link] * (sizes.LINKS_LIMIT + 1)))["path"] == "links"
    assert the_refusal(changed(sub_graphs=[BARE] * (sizes.SUB_GRAPHS_LIMIT + 1)))["code"] == "too_many"


def test_a_request_over_the_limit_is_refused_before_it_is_parsed() -> None:
    assert the_refusal(b" " * (sizes.REQUEST_LIMIT_BYTES + 1))["code"] == "too_large"


def test_a_graph_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_graph(BARE).name = "other"
