from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest

from millstream import Context, Credentials, Provider, SecretText, block
from millstream.processors.registry import load_registry
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.graph_credentials import choice_problems, chosen_ids, credentials_schema, with_choices
from millstream.schemas.graph_export import export
from millstream.schemas.graph_secrets import is_plain, secret_inputs, without_plain_secrets
from tests.integration.api import graphs

MINE = {"id": str(uuid4()), "provider": "jina", "type": "api_key", "title": "mine"}
NAME = "jina_api_key_credentials"


@block
async def look(
    query: str,
    credentials: Annotated[Credentials, Provider("jina")],
    phrase: SecretText = "",
    *,
    ctx: Context,
) -> str:
    """Look."""
    return query


SPECS = {spec.id: spec for spec in [*load_registry().specs(), look.spec]}


def parsed(*nodes: dict[str, Any], **more: Any) -> Graph:
    return parse_graph(json.dumps(graphs.graph(list(nodes), [], **more)).encode())


def looking(id_: str = "a", **defaults: Any) -> dict[str, Any]:
    return graphs.node(id_, look.spec.id, query="q", **defaults)


async def sealed(graph: Graph) -> tuple[Graph, list[Any]]:
    kept: list[Any] = []

    async def keep(value: Any) -> UUID:
        kept.append(value)
        return uuid4()

    return await without_plain_secrets(graph, SPECS, keep), kept


async def test_marked_pins_and_inputs_are_sealed_and_all_else_stays() -> None:
    graph = parsed(
        looking(phrase="hush"),
        graphs.node("in", graphs.INPUT, name="key", secret=True, value="shy"),
        graphs.node("open", graphs.INPUT, name="open", value="known"),
        graphs.node(
            "agent",
            graphs.AGENT,
            input_schema={"properties": {"k": {"secret": True}, "n": {}}},
            inputs={"k": 1, "n": 2},
        ),
    )
    found, kept = await sealed(graph)
    assert kept == ["hush", "shy", 1]
    defaults = {node.id: node.input_default for node in found.nodes}
    assert set(defaults["a"]["phrase"]) == set(defaults["in"]["value"]) == {"$secret"}
    assert defaults["open"]["value"] == "known"
    assert (set(defaults["agent"]["inputs"]["k"]), defaults["agent"]["inputs"]["n"]) == ({"$secret"}, 2)
    assert "hush" not in str(export(found, SPECS))
    again, more = await sealed(found)
    assert again is found
    assert more == []
    assert secret_inputs(graph, SPECS) == {"key"}
    assert graph.nodes[0].input_default["phrase"] == "hush", "the given graph is not changed"


def test_a_graph_without_anything_secret_is_plain() -> None:
    assert is_plain(parsed(graphs.node("in", graphs.INPUT, name="x", value={"a": 1})), SPECS)
    for node in (
        looking(),
        graphs.node("in", graphs.INPUT, name="x", secret=True),
        graphs.node("in", graphs.INPUT, name="x", value=[{"$secret": str(uuid4())}]),
    ):
        assert not is_plain(parsed(node), SPECS)


def test_pins_that_take_the_same_have_one_name() -> None:
    schema = credentials_schema(parsed(looking("a"), looking("b")), SPECS)
    assert (list(schema["properties"]), schema["required"]) == ([NAME], [NAME])
    assert [at["node"] for at in schema["properties"][NAME]["nodes"]] == ["a", "b"]
    optional = {**looking(), "metadata": {"credentials_optional": True}}
    assert credentials_schema(parsed(optional), SPECS)["required"] == []
    assert credentials_schema(parsed(looking(credentials=MINE)), SPECS)["required"] == []


def codes(graph: Graph, given: dict[str, Any], masks: dict[str, Any] | None = None) -> list[str]:
    found = choice_problems(graph, SPECS, given=given, masks=masks or {}, known={MINE["id"]: MINE})
    return [problem.code for problem in found]


@pytest.mark.parametrize(
    ("default", "given", "mask", "expected"),
    [
        (None, {}, None, ["credentials_required"]),
        (MINE, {}, None, []),
        (None, {NAME: MINE}, None, []),
        (None, {}, MINE, []),
        ({"id": "x"}, {NAME: MINE}, None, []),
        (MINE, {NAME: {"id": "x"}}, None, ["credentials_unknown"]),
        (None, {NAME: {"id": "x"}}, MINE, []),
        (None, {NAME: 5}, None, ["credentials_invalid"]),
        (None, {NAME: MINE, "other": MINE}, None, ["credentials_name_unknown"]),
    ],
)
def test_a_mask_goes_before_the_run_and_the_run_before_the_node(
    default: Any, given: dict[str, Any], mask: Any, expected: list[str]
) -> None:
    graph = parsed(looking(**({"credentials": default} if default else {})))
    masks = {"a": {"credentials": mask}} if mask else {}
    assert codes(graph, given, masks) == expected


def test_only_what_we_know_of_a_credential_is_put_into_the_graph() -> None:
    graph = parsed(looking())
    lie = {NAME: {"id": MINE["id"], "provider": "evil", "title": "x", "api_key": "k"}}
    assert chosen_ids(graph, SPECS, lie, {}) == {MINE["id"]}
    found = with_choices(graph, SPECS, given=lie, masks={}, known={MINE["id"]: MINE})
    assert found.nodes[0].input_default["credentials"] == MINE
    gone = with_choices(parsed(looking(credentials=MINE)), SPECS, given={}, masks={}, known={})
    assert "credentials" not in gone.nodes[0].input_default
    plain = parsed(graphs.node("in", graphs.INPUT, name="x"))
    assert with_choices(plain, SPECS, given={}, masks={}, known={}) is plain
