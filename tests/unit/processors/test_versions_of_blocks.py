"""Blocks change, graphs stay: former ids and pins, migrations, declared retries and costs."""

from __future__ import annotations

from typing import Any

import pytest

from millstream import Block, Cost, Retry, block
from millstream.processors.catalogue import Catalogue, upgraded
from millstream.processors.registry import Registry, by_id
from millstream.processors.sdk import block_id
from millstream.schemas.errors import BlockDefinitionError, BlockUnknownError, GraphInvalidError
from millstream.schemas.graph import Graph, Link, Node
from millstream.schemas.graph_validation import save_problems
from millstream.streams.plan import compile_plan, decode_plan

PACKAGE = __name__.partition(".")[0]


def _seconds(constants: dict[str, Any], version: str | None) -> dict[str, Any]:
    """Version 1 had milliseconds."""
    if version is None and "wait" in constants:
        constants["wait"] = constants["wait"] / 1000
    return constants


@block(
    aliases=["say", "elsewhere:say", "0" * 36],
    version="2",
    renamed_pins={"words": "texts", "spoken": "result"},
    migrate=_seconds,
    retry=Retry(retries=3, backoff_s=5),
    cost=[Cost(microusd=2000), Cost(microusd=10, per="word", note="beyond a hundred")],
)
async def speak(texts: list[str], wait: float = 0) -> str:
    """Say something."""
    return " ".join(texts)


@block(aliases=["say"])
async def rival(text: str) -> str:
    """Claim a name that another had."""
    return text


REGISTRY = Registry({speak.spec.id: speak})
OLD = block_id(PACKAGE, "say")


def graph(**policy: Any) -> Graph:
    """Two nodes as version 1 of the block had them, linked by former names."""
    metadata = {"policy": policy} if policy else {}
    return Graph(
        name="g",
        description="",
        nodes=[
            Node(id="a", block_id=OLD, input_default={"words_$_0": "hello", "wait": 1500}, metadata=metadata),
            Node(id="b", block_id="0" * 36),
        ],
        links=[Link(source_id="a", source_name="spoken", sink_id="b", sink_name="words_$_0")],
    )


@pytest.mark.parametrize("former", [OLD, block_id("elsewhere", "say"), "0" * 36])
def test_a_former_id_finds_the_block(former: str) -> None:
    assert REGISTRY.get(former) is speak
    catalogue = REGISTRY.catalogue()
    assert catalogue[former] is speak.spec
    assert former in catalogue
    assert list(catalogue) == [speak.spec.id], "lists show each block once"
    with pytest.raises(BlockUnknownError):
        REGISTRY.get(block_id("third", "say"))


def test_two_blocks_cannot_claim_one_former_id() -> None:
    problems: list[Any] = []
    by_id([speak, rival], problems)
    [problem] = problems
    assert OLD in str(problem)
    assert "Give one of them another id" in str(problem)


def test_a_graph_of_a_former_version_is_brought_up_to_date_once() -> None:
    catalogue = REGISTRY.catalogue()
    new = upgraded(graph(), catalogue)
    first, second = new.nodes
    assert (first.block_id, second.block_id) == (speak.spec.id, speak.spec.id)
    assert first.input_default == {"texts_$_0": "hello", "wait": 1.5}
    assert first.metadata == {"block_version": "2"}
    [link] = new.links
    assert (link.source_name, link.sink_name) == ("result", "texts_$_0")
    assert upgraded(new, catalogue) is new
    assert save_problems(new, catalogue) == []
    assert upgraded(graph(), dict(catalogue)).nodes[0].block_id == OLD, "plain mappings know no former times"


def test_graphs_in_graphs_are_brought_up_to_date_too() -> None:
    inner = graph()
    outer = Graph(name="o", description="", sub_graphs=[inner])
    [sub] = REGISTRY.catalogue().upgraded(outer).sub_graphs
    assert sub.links[0].sink_name == "texts_$_0"


def test_a_migration_that_fails_names_the_node() -> None:
    def broken(constants: dict[str, Any], version: str | None) -> dict[str, Any]:
        raise KeyError("gone")

    catalogue = Catalogue([speak.spec], {speak.spec.id: broken})
    with pytest.raises(GraphInvalidError, match="SpeakBlock could not bring") as caught:
        catalogue.upgraded(graph())
    assert caught.value.facts["problems"][0]["node"] == "a"


def test_a_declared_retry_is_the_policy_of_nodes_that_have_none() -> None:
    catalogue = REGISTRY.catalogue()

    def policy(**given: Any) -> Any:
        compiled = compile_plan(upgraded(graph(**given), catalogue), catalogue)
        return decode_plan(compiled.hash, compiled.data).data.nodes[0].policy

    assert (policy().retries, policy().backoff_ms) == (3, 5000)
    assert (policy(retries=0).retries, policy(retries=0).backoff_ms) == (0, 5000)
    assert policy(cache_s=9).retries == 3
    with pytest.raises(GraphInvalidError, match="tries"):
        policy(tries=3)


def test_costs_stand_in_the_spec() -> None:
    assert [(cost.microusd, cost.per) for cost in speak.spec.costs] == [(2000, "call"), (10, "word")]
    with pytest.raises(ValueError, match="a cost"):
        Cost(microusd=-1)


def test_what_cannot_be_is_said_at_import() -> None:
    async def pays(amount: int) -> int:
        return amount

    for options, words in (
        ({"repeatable": False, "retry": Retry()}, "may not run twice"),
        ({"aliases": ["not a name"]}, "no former names"),
        ({"renamed_pins": {"sum": "total"}}, "sum -> total"),
        ({"renamed_pins": {"amount": "result"}}, "amount -> result"),
    ):
        with pytest.raises(BlockDefinitionError, match=words):
            block(**options)(pays)
    assert isinstance(block(renamed_pins={"sum": "amount"})(pays), Block)
