"""Whose events a record has, read from its first bytes: an edge that follows a graph gets all partitions, and most records
are of others. Decoding them whole would be most of its work.
"""

from __future__ import annotations

from typing import Final

from millstream.schemas.codec import schema_files

ID_BYTES: Final = 16
_PREFIX_BYTES: Final = 5
_LEADING: Final = ["execution_id", "user_id", "graph_id"]
_IDS: Final = frozenset(
    id_
    for id_, (name, schema) in schema_files().items()
    if name == "Events" and [field["name"] for field in schema["fields"]][:3] == _LEADING
)
"""Schemas that begin with these three: 16 bytes, then two texts, each with its length before it."""


def peek(value: bytes | None) -> tuple[str, str] | None:
    """Return user id and graph id of an `Events` record; None if that cannot be told without decoding it."""
    if value is None or len(value) < _PREFIX_BYTES + ID_BYTES or value[0] != 0:
        return None
    if int.from_bytes(value[1:_PREFIX_BYTES], "big") not in _IDS:
        return None
    try:
        user_id, at = _text(value, _PREFIX_BYTES + ID_BYTES)
        graph_id, _ = _text(value, at)
    except (IndexError, UnicodeDecodeError):
        return None
    return user_id, graph_id


def _text(value: bytes, at: int) -> tuple[str, int]:
    """Read a text at an offset; returns also the offset behind it. Source: Avro 1.11, strings are zigzag longs and UTF-8."""
    length, shift = 0, 0
    while True:
        byte = value[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    end = at + (length >> 1)
    if length & 1 or end > len(value):
        raise IndexError(at)
    return value[at:end].decode(), end
