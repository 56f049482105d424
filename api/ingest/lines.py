"""NDJSON: from chunks of a body to batches of lines, and what one line says. Pure but for the stream that it reads."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from millstream.schemas.errors import InputInvalidError, PayloadTooLargeError
from millstream.schemas.sizes import KIB, MIB, check_json

LINE_BYTES: Final = MIB
"""Longest line; longer values go up as files."""
BATCH_LINES: Final = 500
BATCH_BYTES: Final = MIB
"""A batch is closed once it has so much: it is held in memory some times over."""
KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_SHOWN: Final = 60
_MEMBERS: Final = {"inputs", "key"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank. `number` counts all lines, from 1."""

    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Wish:
    """What a line asks for."""

    inputs: dict[str, Any]
    key: str | None


async def batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Line]]:
    """Yield the lines of a body, some hundred at a time; a batch never waits for the next chunk.

    Errors: PayloadTooLargeError for a line over `LINE_BYTES`, after the lines before it.
    """
    rest, number = b"", 0
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for batch in _cut(whole, number):
            yield batch
        number += len(whole)
        if len(rest) > LINE_BYTES:
            _refuse_long(number + 1)
    for batch in _cut([rest], number):
        yield batch


def _cut(texts: list[bytes], before: int) -> list[list[Line]]:
    found: list[list[Line]] = []
    room = 0
    for number, text in enumerate(texts, start=before + 1):
        stripped = text.strip()
        if not stripped:
            continue
        if not found or len(found[-1]) >= BATCH_LINES or len(stripped) > room:
            found.append([])
            room = BATCH_BYTES
        found[-1].append(Line(number, stripped))
        room -= len(stripped)
    return found


def _refuse_long(number: int) -> None:
    raise PayloadTooLargeError(
        f"Line {number} is over the limit of {LINE_BYTES // KIB:,} KiB; upload large data as a file.",
        limit=LINE_BYTES,
    )


def wish_of(text: bytes) -> Wish:
    """Read a line. Errors: InputInvalidError."""
    if len(text) > LINE_BYTES:
        raise InputInvalidError(f"The line is over the limit of {LINE_BYTES:,} bytes.")
    try:
        value = json.loads(text.decode())
    except UnicodeDecodeError as error:
        raise InputInvalidError(f"The line is not UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise InputInvalidError("The line has too many lists and objects within each other.") from error
    except ValueError as error:
        raise InputInvalidError(f"The line is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InputInvalidError('The line is no object; it needs the form {"inputs": {...}, "key": "..."}.')
    if strange := sorted(set(value) - _MEMBERS):
        raise InputInvalidError(
            f"The line has the member {strange[0][:_SHOWN]!r}; there are `inputs` and `key`."
        )
    inputs, key = value.get("inputs", {}), value.get("key")
    if not isinstance(inputs, dict):
        raise InputInvalidError("`inputs` is no object; it has the values by name of the graph's inputs.")
    if key is not None and not (isinstance(key, str) and KEY.fullmatch(key)):
        raise InputInvalidError("`key` has 1 to 200 visible ASCII characters, or is left out.")
    check_json(inputs)
    return Wish(inputs, key)
