"""Identifiers. New ones are UUIDv7 (ordered by time); derived ones are a hash, so that a repeated step gives the same."""

from __future__ import annotations

import hashlib
import os
import time
from uuid import UUID


def new_id() -> UUID:
    """Return a fresh UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    ms = time.time_ns() // 1_000_000
    raw = bytearray(ms.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return UUID(bytes=bytes(raw))


def derived(parent: bytes, *parts: object) -> bytes:
    """Return 16 bytes that depend only on the arguments, in the form of a UUIDv8 (RFC 9562, 5.8)."""
    raw = bytearray(
        hashlib.blake2b("\x1f".join(map(str, parts)).encode(), key=parent, digest_size=16).digest()
    )
    raw[6] = 0x80 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return bytes(raw)


def derived_execution(parent: bytes, *parts: object) -> bytes:
    """Return an execution's id that depends only on the arguments: a UUIDv7 with the parent's time.

    So an execution is stored in the month of the one that started it.
    """
    raw = bytearray(parent[:6] + derived(parent, *parts)[6:])
    raw[6] = 0x70 | (raw[6] & 0x0F)
    return bytes(raw)
