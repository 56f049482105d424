"""The SDK: forms, pins and errors from plain functions; strict inputs, checked outputs, parking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from millstream import (
    EMPTY,
    Advanced,
    Block,
    Context,
    Emit,
    FileRef,
    Http,
    KeyValue,
    Outputs,
    Park,
    Sample,
    block,
)
from millstream.processors.sdk import block_id
from millstream.schemas.errors import (
    BlockDefinitionError,
    BlockError,
    BlockExecutionError,
    BlockInputError,
    NotFoundError,
)
from millstream.testing import MemoryKeyValue, context, emits, run


@block
async def hello(name: str) -> str:
    """Greet someone."""
    return f"Hello {name}!"


async def test_hello() -> None:
    assert await run(hello, name="Ada") == "Hello Ada!"
    assert hello.spec.name == "HelloBlock"
    assert hello.spec.lane == "io"
    assert hello.spec.id == block_id(hello.module.partition(".")[0], "hello")


@dataclass
class Hits:
    """Two pins."""

    first: str | None
    total: int


@block(categories=("SEARCH",), lane="llm", repeatable=False, timeout_s=20, static_output=True, sensitive=True)
async def search(
    query: str, limit: Advanced[int] = 10, tags: list[str] = EMPTY, mode: Literal["a", "b"] = "a"
) -> Hits:
    """Look for something.

    Second line.

    query: What to look for,
        in a few words.
    total: How many there are.
    """
    tags.append("changed")
    return Hits(first=query if limit else None, total=len(tags))


def test_form_and_docs_come_from_the_signature() -> None:
    spec = search.spec
    assert spec.description == "Look for something.\n\nSecond line."
    assert spec.input_schema["properties"]["query"] == {
        "type": "string",
        "title": "Query",
        "description": "What to look for, in a few words.",
    }
    assert spec.input_schema["properties"]["limit"] == {
        "type": "integer",
        "title": "Limit",
        "advanced": True,
        "default": 10,
    }
    assert spec.input_schema["properties"]["tags"] == {
        "type": "array",
        "items": {"type": "string"},
        "title": "Tags",
    }
    assert spec.input_schema["required"] == ["query"]
    assert list(spec.output_schema["properties"]) == ["error", "first", "total"]
    assert spec.output_schema["properties"]["total"]["description"] == "How many there are."
    assert (spec.lane, spec.repeatable, spec.timeout_s, spec.static_output, spec.sensitive) == (
        "llm",
        False,
        20,
        True,
        True,
    )


async def test_a_dataclass_gives_a_pin_a_field_and_none_gives_nothing() -> None:
    assert await run(search, query="x") == [("first", "x"), ("total", 1)]
    assert await run(search, query="x", limit=0) == [("total", 1)]
    assert await run(search, query="x") == [("first", "x"), ("total", 1)], "each run has a list of its own"


class Typed(TypedDict):
    """Pins of a typed dictionary."""

    a: int
    b: list[str]


class Model(BaseModel):
    """Pins of a model."""

    when: datetime
    part: dict[int, str]


async def test_typed_dictionaries_and_models_are_pins_in_plain_json() -> None:
    @block
    async def typed(x: int) -> Typed:
        return {"a": x, "b": ["y"]}

    @block
    async def model(x: int) -> Model:
        return Model(when=datetime(2026, 1, 2, tzinfo=UTC), part={x: "y"})

    assert await run(typed, x=1) == [("a", 1), ("b", ["y"])]
    assert await run(model, x=1) == [("when", "2026-01-02T00:00:00Z"), ("part", {"1": "y"})]


class Pieces(Outputs):
    """Pins of a generator."""

    part: str
    count: int


@block
async def split(text: str, separator: str = " ") -> AsyncIterator[Emit[Pieces]]:
    """Cut text."""
    parts = text.split(separator)
    for part in parts:
        yield "part", part
    yield "count", len(parts)


async def test_a_generator_emits_in_order() -> None:
    assert await run(split, text="a b") == [("part", "a"), ("part", "b"), ("count", 2)]


@pytest.mark.parametrize(
    ("inputs", "pin"),
    [
        ({}, "query"),
        ({"query": 5}, "query"),
        ({"query": None}, "query"),
        ({"query": "x", "limit": "5"}, "limit"),
        ({"query": "x", "limit": True}, "limit"),
        ({"query": "x", "limit": 5.5}, "limit"),
        ({"query": "x", "tags": ["a", 1]}, "tags/1"),
        ({"query": "x", "mode": "c"}, "mode"),
    ],
)
async def test_inputs_are_checked_strictly(inputs: dict[str, Any], pin: str) -> None:
    with pytest.raises(BlockInputError) as caught:
        await emits(search, inputs)
    assert pin in str(caught.value)


async def test_null_is_absent_and_unknown_pins_are_ignored() -> None:
    assert await run(search, query="x", limit=None, tags=None, **{"query_#_k": 1}) == [
        ("first", "x"),
        ("total", 1),
    ]


class Loose(Outputs):
    """One narrow pin."""

    n: int


@pytest.mark.parametrize(
    ("emitted", "message"),
    [
        (("n", "text"), "'n'"),
        (("other", 1), "no output 'other'"),
        (("n", object()), "no JSON"),
        (("error", "it went wrong"), "it went wrong"),
    ],
)
async def test_outputs_are_checked(emitted: tuple[str, Any], message: str) -> None:
    @block
    async def loose(x: int) -> AsyncIterator[Emit[Loose]]:
        yield "n", x
        yield emitted

    async with aclosing(loose.run({"x": 1}, context())) as stream:
        assert await anext(stream) == ("n", 1), "what came before the error stands"
        with pytest.raises(BlockExecutionError, match=message):
            await anext(stream)


@pytest.mark.parametrize(
    ("error", "kind", "code", "message"),
    [
        (ValueError("bad"), "BlockExecutionError", "block_failed", "bad"),
        (KeyError(), "BlockUnknownError", "block_failed", "KeyError"),
        (ZeroDivisionError("by zero"), "BlockUnknownError", "block_failed", "by zero"),
        (BlockInputError("no", pin="x"), "BlockInputError", "block_input_invalid", "no"),
        (NotFoundError("gone"), "BlockExecutionError", "block_failed", "gone"),
    ],
)
async def test_exceptions_become_block_errors(error: Exception, kind: str, code: str, message: str) -> None:
    @block
    async def fails(x: int) -> int:
        raise error

    @block
    async def fails_later(x: int) -> AsyncIterator[Emit[Loose]]:
        yield "n", x
        raise error

    for failing in (fails, fails_later):
        with pytest.raises(BlockError) as caught:
            await emits(failing, {"x": 1})
        assert (caught.value.kind, caught.value.code, str(caught.value)) == (kind, code, message)


async def test_cancelling_goes_through_and_closes_the_generator() -> None:
    closed = asyncio.Event()

    @block
    async def endless(x: int) -> AsyncIterator[Emit[Loose]]:
        try:
            while True:
                yield "n", x
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    task = asyncio.create_task(emits(endless, {"x": 1}))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()


@block
async def counts(key: str, *, ctx: Context, http: Http, kv: KeyValue) -> int:
    """Count runs."""
    assert ctx.http is http
    assert ctx.kv is kv
    assert ctx.idempotency_key == ctx.node_execution_id
    number: int = (await kv.get(key) or 0) + 1
    await kv.set(key, number)
    ctx.progress(0.5, "half")
    return number


async def test_services_are_given_by_type() -> None:
    ctx = context(kv=MemoryKeyValue({"k": 4}))
    assert await emits(counts, {"key": "k"}, ctx) == [("result", 5)]
    assert list(counts.spec.input_schema["properties"]) == ["key"]


async def test_park_is_the_last_word_and_the_state_comes_back() -> None:
    @block
    async def twice(x: int, *, ctx: Context) -> AsyncIterator[Emit[Loose]]:
        if ctx.resumed is None:
            yield "n", x
            yield Park(5.0, {"seen": x})
            yield "n", 99
        else:
            yield "n", ctx.resumed["seen"] + 1

    ctx = context()
    got = [emit async for emit in twice.run({"x": 1}, ctx)]
    assert got == [("n", 1), Park(5.0, {"seen": 1})]
    assert await emits(twice, {"x": 1}) == [("n", 1), ("n", 2)]


@block
def heavy(n: int) -> int:
    """Add up."""
    print("noise that must not get between the answers")  # noqa: T201
    return sum(range(n))


@block
def heavy_parts(n: int) -> Iterator[Emit[Loose]]:
    """Count."""
    for number in range(n):
        yield "n", number


@block(timeout_s=0.5)
def stuck(n: int) -> int:
    """Never end."""
    while True:
        n += 1


async def test_plain_functions_run_in_another_process() -> None:
    assert heavy.spec.lane == "cpu"
    assert await run(heavy, n=10) == 45
    assert await run(heavy_parts, n=2) == [("n", 0), ("n", 1)]
    started = time.monotonic()
    with pytest.raises(BlockError, match=r"0\.5 s"):
        await run(stuck, n=1)
    assert time.monotonic() - started < 5


def test_an_author_sees_all_problems_at_once_with_place_and_remedy() -> None:
    async def wrong(a, b: int, *rest: int, c: str = "", http: Http) -> AsyncIterator[str]:  # type: ignore[no-untyped-def]
        yield "x"

    with pytest.raises(BlockDefinitionError) as caught:
        block(id="short")(wrong)
    text = str(caught.value)
    assert f"{__file__}:" in text
    for part in (
        "`a` has no type",
        "`*rest` is no pin",
        "`c` is behind `*`",
        "names no pins",
        "36 characters",
    ):
        assert part in text
    assert len(caught.value.facts["problems"]) == 5


def test_more_definition_problems() -> None:
    async def no_return(a: int):  # type: ignore[no-untyped-def]
        return a

    async def service_pin(http: Http) -> int:
        return 1

    async def odd_type(a: asyncio.Event) -> int:
        return 1

    def nested(a: int) -> int:
        return a

    for fn, words in (
        (no_return, "no return type"),
        (service_pin, "Move it behind"),
        (odd_type, "no JSON Schema"),
        (nested, "module level"),
    ):
        with pytest.raises(BlockDefinitionError, match=words):
            block(fn)


def test_trailing_underscores_and_formats() -> None:
    @block(id="0" * 36, name="KeywordBlock", samples=[Sample({"list": [], "from": "x"})])
    async def keyword(list_: list[Any], from_: str, file: FileRef | None = None) -> str:
        return from_

    assert isinstance(keyword, Block)
    assert list(keyword.spec.input_schema["properties"]) == ["list", "from", "file"]
    assert keyword.spec.input_schema["properties"]["file"]["anyOf"][0] == {"type": "string", "format": "file"}
    assert keyword.spec.id == "0" * 36


async def test_overhead_of_a_run_is_small() -> None:
    ctx = context()
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(2000):
            async for _emit in split.run({"text": "a"}, ctx):
                pass
        best = min(best, (time.perf_counter() - started) / 2000)
    assert best < 50e-6, f"{best * 1e6:.1f} us a run; about 5 are usual"
