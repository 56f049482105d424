"""Decompression of HTTP bodies in small pieces, so that a bomb is noticed while it is small."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

from millstream.schemas.errors import UpstreamError

PIECE_BYTES: Final = 256 * 1024
"""Largest piece handed on at once: a 64 KB chunk of zeros would otherwise become 64 MB in one step."""


async def decoded(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Yield the body without its content encoding. Errors: UpstreamError for other ones than gzip and
    deflate.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        async for chunk in chunks:
            yield chunk
        return
    if name not in ("gzip", "x-gzip", "deflate"):
        raise UpstreamError(f"The answer is encoded as {encoding!r}, which was not asked for.")
    unzip = zlib.decompressobj(wbits=47 if name != "deflate" else 15)
    first = True
    try:
        async for chunk in chunks:
            if first and name == "deflate" and chunk[:1] and chunk[0] & 0x0F != 8:
                unzip = zlib.decompressobj(wbits=-15)  # many servers send raw deflate under this name
            first = False
            piece = unzip.decompress(chunk, PIECE_BYTES)
            while piece:
                yield piece
                piece = unzip.decompress(unzip.unconsumed_tail, PIECE_BYTES)
        yield unzip.flush()
    except zlib.error as error:
        raise UpstreamError(f"The answer is no valid {name}: {error}.") from error
