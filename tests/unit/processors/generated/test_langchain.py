"""Tools and retrievers of LangChain as blocks, run in their own process."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("langchain_core", reason="needs the extra `langchain`")

from millstream.contract import rules
from millstream.processors.generated.langchain import plain
from millstream.schemas.errors import BlockExecutionError, BlockInputError, BlockTimeoutError
from millstream.testing import emits
from tests.unit.processors.generated import langchain_tools
from tests.unit.processors.generated.langchain_tools import later, price, shelf, slow


async def test_a_tool_is_a_block_with_a_pin_for_each_argument() -> None:
    schema = price.spec.input_schema
    assert (price.spec.name, price.spec.description) == ("PriceOfBlock", "Tell what something costs.")
    assert schema["required"] == ["item"]
    assert schema["properties"]["count"]["default"] == 1
    assert (price.spec.lane, price.spec.repeatable) == ("cpu", False)
    got = await emits(price, {"item": "tea", "count": 2, "ctx": "mine"})
    assert got == [("result", {"item": "tea", "total": 5.0, "ctx": "mine"})]


async def test_a_tool_that_can_only_be_awaited_runs_too() -> None:
    assert (later.spec.name, later.spec.lane) == ("SayItLaterBlock", "gpu")
    assert await emits(later, {"text": "abc"}) == [("result", "cba")]


async def test_a_retriever_gives_documents() -> None:
    got = await emits(shelf, {"query": "tea"})
    documents = [{"text": f"tea {n}", "metadata": {"n": n, "odd": [1]}} for n in range(2)]
    assert got == [*(("document", each) for each in documents), ("documents", documents)]
    assert shelf.spec.repeatable


async def test_what_a_tool_refuses_fails_the_node() -> None:
    with pytest.raises(BlockExecutionError, match="nobody sells gold"):
        await emits(price, {"item": "gold"})
    with pytest.raises(BlockInputError, match="item"):
        await emits(price, {})
    with pytest.raises(BlockInputError, match="count"):
        await emits(price, {"item": "tea", "count": "many"})


async def test_a_tool_that_takes_too_long_is_killed() -> None:
    with pytest.raises(BlockTimeoutError, match="dawdle"):
        await emits(slow, {"seconds": 30})


def test_they_keep_the_form_of_all_blocks() -> None:
    for block in (price, later, shelf, slow):
        assert rules(block) == []
    assert langchain_tools.__name__ == price.module


def test_what_is_no_json_is_text() -> None:
    assert plain({1: {2}, "a": (os.sep, object)}) == {"1": [2], "a": [os.sep, str(object)]}
