"""Messages for people: ids as text, JSON inside as JSON, the rest of the bytes by length. For `topics tail`, not for code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import orjson

from millstream.schemas.codec import decode
from millstream.schemas.errors import RecordInvalidError

_DIGEST_BYTES = 32
_DUMP_WIDTH = 16


def readable(record: bytes | None) -> tuple[str, Any]:
    """Return (message name, its fields) of a record, or ("undecodable", why) for garbage. Never raises."""
    try:
        message = decode(record)
    except RecordInvalidError as error:
        return "undecodable", str(error)
    return type(message).__name__, _plain(msgspec.to_builtins(message, builtin_types=(bytes,)))


def key_text(key: bytes | None) -> str:
    """Return a record's key: a UUID if it has 16 bytes, else as text."""
    if key is None:
        return "-"
    return str(UUID(bytes=key)) if len(key) == 16 else key.decode(errors="backslashreplace")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return _bytes(value) if isinstance(value, bytes) else value


def _bytes(value: bytes) -> Any:
    # JSON first: ids are UUIDv7 or v8, and 16 random bytes that are JSON do not come up.
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        if len(value) == 16:
            return str(UUID(bytes=value))
        return value.hex() if len(value) == _DIGEST_BYTES else f"<{len(value):,} bytes>"


def printable(text: str, limit: int | None = None) -> str:
    """Return `text` on one line, without control characters, which a terminal would obey, cut at `limit` characters."""
    shown = "".join(char if char.isprintable() else " " for char in text).strip()
    return shown if limit is None or len(shown) <= limit else shown[: limit - 1] + "…"


def hex_dump(data: bytes, limit: int = 0) -> Iterator[str]:
    """Yield lines of 16 bytes, offset, hex and ASCII; at most `limit` bytes, 0: all."""
    shown = data[:limit] if limit else data
    for start in range(0, len(shown), _DUMP_WIDTH):
        row = shown[start : start + _DUMP_WIDTH]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{start:08x}  {row.hex(' '):<{3 * _DUMP_WIDTH - 1}}  {text}"
