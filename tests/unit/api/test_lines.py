from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from millstream.api.ingest import lines
from millstream.api.ingest.lines import Line, batches, wish_of
from millstream.schemas.errors import InputInvalidError, PayloadTooLargeError


async def read(*chunks: bytes) -> list[list[Line]]:
    async def given() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [batch async for batch in batches(given())]


async def test_lines_are_put_together_whatever_the_chunks() -> None:
    body = b'{"a":1}\n\n  {"b":2}\r\n{"c":3}'
    expected = [Line(1, b'{"a":1}'), Line(3, b'{"b":2}'), Line(4, b'{"c":3}')]
    for size in range(1, len(body) + 1):
        chunks = [body[start : start + size] for start in range(0, len(body), size)]
        assert [line for batch in await read(*chunks) for line in batch] == expected


async def test_batches_are_bounded_by_lines_and_by_bytes() -> None:
    assert [len(batch) for batch in await read(b"{}\n" * 1200)] == [500, 500, 200]
    long = b"x" * (lines.BATCH_BYTES // 3)
    assert [len(batch) for batch in await read((long + b"\n") * 5)] == [3, 2]


async def test_a_line_without_end_is_not_collected() -> None:
    with pytest.raises(PayloadTooLargeError):
        await read(*[b"x" * 65_536] * 17)


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b'"a"',
        b"\xff",
        b'{"input": {}}',
        b'{"inputs": []}',
        b'{"key": 7}',
        b'{"key": ""}',
        b'{"key": "a b"}',
        b'{"inputs": {"a": NaN}}',
        b'{"inputs": {"a": 99999999999999999999999}}',
        b'{"inputs": ' + b"[" * 5000,
    ],
)
def test_a_wrong_line_is_refused(text: bytes) -> None:
    with pytest.raises(InputInvalidError):
        wish_of(text)


def test_a_line_has_inputs_and_a_key_or_neither() -> None:
    assert wish_of(b"{}").inputs == {}
    wish = wish_of(b'{"inputs": {"a": "\xc3\xa4"}, "key": "k-1"}')
    assert (wish.inputs, wish.key) == ({"a": "ä"}, "k-1")
