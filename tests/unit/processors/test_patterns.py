"""Regular expressions: results, and that a pattern that backtracks for ever ends all the same."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.processors import patterns
from millstream.processors.patterns import CHEAP_STEPS, found, is_cheap, matches
from millstream.processors.sizing import weight
from millstream.schemas.errors import BlockInputError, BlockTimeoutError

HOSTILE = [
    (r"(a+)+$", "a" * 40 + "b"),
    (r"(a|aa)+$", "a" * 60 + "b"),
    (r"(a*)*b", "a" * 40),
    (r"(.*a){20}", "a" * 30 + "b"),
    (r"(?:x+x+)+y", "x" * 40),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 40),
]


@pytest.mark.parametrize(("pattern", "text"), HOSTILE)
async def test_backtracking_is_ended(pattern: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "TIMEOUT_S", 0.5)
    assert not is_cheap(pattern, 0, len(text))
    started = time.monotonic()
    try:
        await found(pattern, text, 0)
    except BlockTimeoutError as error:
        assert "regular expression" in str(error)  # noqa: PT017 - some of them Python ends quickly
    assert time.monotonic() - started < 3


async def test_results_are_the_same_here_and_there() -> None:
    text = "k1=v1; k2=v2; k3"
    pattern = r"(\w+)=(\w+)"
    assert is_cheap(pattern, 0, 20)
    assert await matches(pattern, text, 0, group=2) == ["v1", "v2"]
    assert not is_cheap(pattern, 0, 20_000)
    assert await matches(pattern, text + " " * 20_000, 0, group=2) == ["v1", "v2"]
    assert await matches(pattern, text, 0, group=2, most=1) == ["v1"]
    assert await matches(pattern, text, 0, group=3) == []
    assert await matches(r"(a)|b", "ab", 0, group=1) == ["a"]
    assert await found("K1", text, re.IGNORECASE)
    assert not await found("K1", text + " " * 20_000, 0)


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(?P<x>a)(?P<x>b)", "a{2,1}", "(?<=a+)b", "(" * 200])
async def test_bad_patterns_are_input_errors(pattern: str) -> None:
    for text in ("x", "x" * 100_000):
        with pytest.raises(BlockInputError, match="no regular expression"):
            await found(pattern, text, 0)


@pytest.mark.parametrize(
    ("pattern", "chars", "cheap"),
    [
        ("hello", 100_000, True),
        (r"\d+", 1000, True),
        (r"\d+", 100_000, False),
        (r"(?i)colou?r", 100_000, True),
        (r"(a+)+", 10, False),
        (r"(a)\1", 10, False),
        ("x" * 1000, 10, False),
        (r"^\s*#", 1000, True),
    ],
)
def test_what_counts_as_cheap(pattern: str, chars: int, cheap: bool) -> None:
    assert is_cheap(pattern, 0, chars) is cheap


ATOMS = st.sampled_from(["a", "b", ".", r"\w", "[ab]", "$", r"\b"])
REGEXES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: f"(?:{a}|{b})", inner, inner),
        st.builds(lambda a, n: f"(?:{a}){n}", inner, st.sampled_from(["*", "+", "?", "{0,3}", "*?"])),
        st.builds(lambda a: f"({a})", inner),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(REGEXES, st.text("ab", min_size=20, max_size=60))
def test_what_counts_as_cheap_is_fast(pattern: str, text: str) -> None:
    if is_cheap(pattern, 0, len(text)):
        started = time.process_time()
        re.search(pattern, text + "!")
        assert time.process_time() - started < 0.25, (pattern, text)
    assert CHEAP_STEPS == 2_000_000


@given(
    st.recursive(
        st.none() | st.text(max_size=9) | st.integers(),
        lambda i: st.lists(i) | st.dictionaries(st.text(max_size=5), i),
    )
)
def test_weight_grows_with_the_value(value: object) -> None:
    assert 1 <= weight([value], 10**9) >= weight(value, 10**9)
    assert weight(value, 3) >= min(4, weight(value, 10**9))
