"""The contract of all blocks: form, samples, odd inputs, cancellation, secrets. What fails here says what mends it.

The second half shows that each rule sees what it is for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest

from millstream import (
    EMPTY,
    Block,
    Context,
    Credentials,
    Emit,
    Http,
    KeyValue,
    Outputs,
    Provider,
    Sample,
    SecretText,
    block,
)
from millstream.contract import rules
from millstream.processors.registry import load_registry
from millstream.trials import Web, trials, web

BLOCKS = list(load_registry())


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Web]:
    async with web() as made:
        yield made


@pytest.mark.parametrize("each", BLOCKS, ids=lambda each: each.spec.name)
async def test_block_keeps_the_contract(each: Block, place: Web) -> None:
    problems = [*rules(each), *await trials(each, place)]
    assert not problems, "\n" + "\n".join(map(str, problems))


class Loose(Outputs):
    """One pin."""

    n: int


@block(name="Plain", samples=[Sample({"a": 1}, [("result", 2)])], migrate=lambda given, version: {"a": 0})
async def plain(a: int, b: int = "x") -> int:  # type: ignore[assignment]
    return a


def test_the_form_is_looked_at() -> None:
    found = [str(problem) for problem in rules(plain)]
    for words in (
        "does not say what it does",
        "does not end in `Block`",
        "input pins a, b",
        "output pins result",
        "default of pin `b`",
        "migration changes",
    ):
        assert any(words in line and line.startswith(f"{__file__}:") for line in found), (words, found)
    assert any("Add to the docstring: `a: ...`, `b: ...`" in line for line in found)


@block
async def bare(a: int) -> int:
    """Do nothing."""
    return a


@block(no_samples="asks a mail server")
async def excused(a: int) -> int:
    """Do nothing."""
    return a


def test_a_block_has_samples_or_a_reason() -> None:
    assert any("no_samples=" in problem.remedy for problem in rules(bare))
    assert not any("samples" in problem.what for problem in rules(excused))


async def _found(each: Any, place: Web) -> str:
    return "\n".join(map(str, await trials(each, place)))


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (Sample({"a": 1}, [("result", 3)]), "emitted 2 on 'result', not 3"),
        (Sample({"a": 1}, [("other", 2)]), "not [('other', 2)]"),
        (Sample({"a": 1}, raises="block_failed"), "should have failed"),
        (Sample({"a": "x"}, [("result", 2)]), "failed with 'block_input_invalid'"),
    ],
)
async def test_samples_are_run(sample: Sample, words: str, place: Web) -> None:
    @block(samples=[sample])
    async def double(a: int) -> int:
        return a * 2

    assert words in await _found(double, place)


@block(samples=[Sample({"items": [1]}, [("result", 1)])])
async def careless(items: list[Any]) -> Any:
    """Fail of what it did not think of."""
    return items[0]


@block(samples=[Sample({"items": [1]}, [("result", 2)])])
async def greedy(items: list[int]) -> int:
    """Change what it was given."""
    items.append(1)
    return len(items)


async def test_odd_inputs_give_clear_errors_only(place: Web) -> None:
    assert "list index out of range" in await _found(careless, place)
    assert "changed its inputs" in await _found(greedy, place)


@block
async def deaf(a: int = 0, *, kv: KeyValue) -> int:
    """Go on, whoever cancels it."""
    with contextlib.suppress(asyncio.CancelledError):
        await kv.get("x")
    return a


@block
async def talks_on(a: int = 0) -> AsyncIterator[Emit[Loose]]:
    """Yield when it is closed."""
    try:
        yield "n", a
    finally:
        yield "n", a


async def test_a_cancelled_run_ends(place: Web) -> None:
    assert "cancelled while it waited, and it ended as if nothing had happened" in await _found(deaf, place)
    assert "does not end when it is closed" in await _found(talks_on, place)


CHOSEN = {"id": "1", "provider": "jina", "type": "api_key"}


@block(samples=[Sample({"credentials": CHOSEN}, raises="block_failed")])
async def shouts_its_key(
    credentials: Annotated[Credentials, Provider("jina")], *, ctx: Context, http: Http
) -> str:
    """Put a key where the mask does not look for it."""
    key = await ctx.credentials()
    text = key.api_key.get_secret_value()  # type: ignore[union-attr]
    await ctx.kv.set("last", text)
    raise ValueError("no such key: " + text)


@block(samples=[Sample({"url": "{server}/", "credentials": CHOSEN}, raises="block_failed")])
async def asks(
    url: str,
    credentials: Annotated[Credentials, Provider("jina")],
    note: SecretText = "",
    *,
    http: Http,
    ctx: Context,
) -> str:
    """Send a key to a server that repeats it."""
    answer = await http.get(url, auth=await ctx.credentials())
    assert "made-up-secret" in answer.text
    raise ValueError(f"The service says: {answer.text}")


async def test_secrets_do_not_come_out(place: Web) -> None:
    assert "a secret comes out of it" in await _found(shouts_its_key, place)
    assert "a secret comes out" not in await _found(asks, place), "the mask covers what a server repeats"


@block(
    samples=[Sample({"page": "{server}/a"}, [("result", "hello")], serves={"/a": ("text/plain", "hello")})]
)
async def fetch(page: str, headers: dict[str, str] = EMPTY, *, http: Http) -> str:
    """Read a page.

    page: Where.
    headers: What to send.
    result: Its text.
    """
    return (await http.get(page)).text


async def test_a_good_block_has_no_problems(place: Web) -> None:
    assert rules(fetch) == []
    assert await trials(fetch, place) == []
