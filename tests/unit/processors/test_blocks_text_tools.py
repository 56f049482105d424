"""Rules of text blocks that samples do not show."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.processors.blocks import regex, text_codes, text_tools
from millstream.schemas.errors import BlockExecutionError, BlockInputError
from millstream.testing import context, emits


@given(
    st.text(alphabet="ab .\n!é", max_size=300),
    st.integers(1, 40),
    st.integers(0, 20),
    st.sampled_from(["paragraph", "sentence", "word", "character"]),
)
@settings(max_examples=200)
def test_chunks_fit_and_lose_nothing(text: str, most: int, overlap: int, cut_at: Any) -> None:
    if overlap >= most:
        return
    # Letters that occur once, so that the place of each chunk is known.
    text = "".join(chr(0x4E00 + place) if char.isalpha() else char for place, char in enumerate(text))
    made = text_tools.chunk_text.fn(text, most, overlap, cut_at)
    assert all(0 < len(chunk) <= most for chunk in made.chunks)
    letters = [char for char in text if char.isalpha()]
    seen = 0
    for chunk in made.chunks:
        inside = [char for char in chunk if char.isalpha()]
        start = letters.index(inside[0]) if inside else seen
        assert seen - overlap <= start <= seen
        assert letters[start : start + len(inside)] == inside
        seen = max(seen, start + len(inside))
    assert seen == len(letters)


def test_distance_of_edits_agrees_with_its_definition() -> None:
    def slow(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        return min(slow(a[1:], b) + 1, slow(a, b[1:]) + 1, slow(a[1:], b[1:]) + (a[0] != b[0]))

    chance = random.Random(1)
    for _ in range(50):
        a, b = ("".join(chance.choices("abc", k=chance.randrange(6))) for _ in range(2))
        assert text_tools.edits(a, b) == slow(a, b)


async def test_texts_too_long_to_compare_are_refused_at_once() -> None:
    with pytest.raises(BlockInputError, match="too long"):
        await emits(text_tools.text_similarity, {"a": "a" * 10_000, "b": "b" * 10_000})


async def test_what_is_drawn_is_the_same_for_each_attempt_of_a_run() -> None:
    first, other = context(), context()
    inputs = {"items": list(range(1000)), "count": 1000}
    shuffled = await emits(text_codes.pick_randomly, inputs, first)
    assert shuffled == await emits(text_codes.pick_randomly, inputs, first)
    assert shuffled != await emits(text_codes.pick_randomly, inputs, other)
    assert sorted(shuffled[0][1]) == inputs["items"]


async def test_codes_for_links_do_not_repeat_and_do_not_follow_from_the_run() -> None:
    ctx = context()
    made = [(await emits(text_codes.random_text, {}, ctx))[0][1] for _ in range(100)]
    assert len(set(made)) == 100


async def test_a05_a_pattern_that_would_take_years_takes_no_time() -> None:
    started = time.process_time()
    hostile = {"text": "a" * 100_000, "pattern": "((a+)+)+$|(a|a)*b"}
    [_, _, _, (pin, count)] = await emits(regex.find_pattern, hostile)
    assert (pin, count) == ("count", 1)
    with pytest.raises(BlockInputError):
        await emits(regex.find_pattern, {"text": "a", "pattern": "((a{1000}){1000}){1000}"})
    assert time.process_time() - started < 2, "this process only waits"


async def test_too_many_matches_end_at_the_limit() -> None:
    got = dict(await emits(regex.find_pattern, {"text": "a" * 100_000, "pattern": "a", "most": 500}))
    assert got["count"] == 500


async def test_check_digits_tell_numbers_from_card_numbers_and_accounts() -> None:
    text = "card 5500 0000 0000 0004, order 5500 0000 0000 0005, GB82 WEST 1234 5698 7654 32, GB83 WEST 1234 5698 7654 32"
    cards = dict(await emits(regex.extract_from_text, {"text": text, "kind": "card numbers"}))
    accounts = dict(await emits(regex.extract_from_text, {"text": text, "kind": "IBANs"}))
    assert cards["items"] == ["5500 0000 0000 0004"]
    assert accounts["items"] == ["GB82 WEST 1234 5698 7654 32"]
    redacted = dict(await emits(regex.redact_text, {"text": text}))["text"]
    assert redacted == "card [card number], order 5500 0000 0000 0005, [IBAN], GB83 WEST 1234 5698 7654 32"


async def test_a_replacement_that_grows_without_end_is_stopped() -> None:
    with pytest.raises(BlockExecutionError, match="more than"):
        await emits(
            regex.replace_pattern, {"text": "ab" * 20_000, "pattern": "a", "replacement": "x" * 10_000}
        )
