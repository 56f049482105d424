"""Compressed answers: right ones, wrong ones and bombs (A20)."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from millstream.processors.guards.decoding import PIECE_BYTES, decoded
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.errors import BlockExecutionError, UpstreamError
from tests.unit.processors.conftest import Request, Server, answer, serving


def open_to(server: Server, max_bytes: int = 1_000_000) -> GuardedHttp:
    return GuardedHttp(allow=frozenset({server.origin}), max_bytes=max_bytes)


async def test_a_compressed_bomb_is_noticed_while_it_is_small() -> None:
    """A20: 100 MB of zeros come as 100 KB."""
    bomb = gzip.compress(b"\0" * 100_000_000)

    async def explode(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, bomb, Content_Encoding="gzip")

    async with serving(explode) as server, open_to(server, max_bytes=500_000) as http:
        with pytest.raises(BlockExecutionError, match="500000 bytes"):
            await http.get(server.url)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"hello")),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello", wbits=-15)),
        ("identity", b"hello"),
    ],
)
async def test_encodings(encoding: str, body: bytes) -> None:
    async def encoded(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, body, Content_Encoding=encoding, Content_Type="text/plain; charset=latin-1")

    async with serving(encoded) as server, open_to(server) as http:
        assert (await http.get(server.url)).text == "hello"


@pytest.mark.parametrize(("encoding", "body"), [("gzip", b"no gzip"), ("br", b"x"), ("gzip, gzip", b"x")])
async def test_wrong_encodings(encoding: str, body: bytes) -> None:
    async def encoded(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, body, Content_Encoding=encoding)

    async with serving(encoded) as server, open_to(server) as http:
        with pytest.raises(UpstreamError):
            await http.get(server.url)


async def test_a_bomb_is_unpacked_in_small_pieces() -> None:
    """A20: memory, too: one chunk of 20 KB must not become 20 MB at once."""

    async def chunks() -> AsyncIterator[bytes]:
        yield gzip.compress(b"\0" * 20_000_000)

    sizes = [len(piece) async for piece in decoded(chunks(), "gzip")]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= PIECE_BYTES
