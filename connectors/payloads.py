"""JSON values as `Payload`: in place when small, else by reference into the object store."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from millstream.schemas.errors import ObjectCorruptError
from millstream.schemas.messages import Payload

if TYPE_CHECKING:  # the sink uses `payload_ref` and has no object store
    from millstream.connectors.objects import Objects

INLINE_RESULT_BYTES = 16_384
"""Larger values of a result travel by reference."""
_THREAD_BYTES = 1_000_000
"""A digest of more than this would hold up the event loop for milliseconds."""
_TYPES = {
    b"{": "object",
    b"[": "array",
    b'"': "string",
    b"t": "boolean",
    b"f": "boolean",
    b"n": "null",
}
_COUNTED = {"object": dict[str, msgspec.Raw], "array": list[msgspec.Raw], "string": str}


async def offload(
    data: bytes, objects: Objects, user_id: str, *, inline_bytes: int = INLINE_RESULT_BYTES
) -> Payload:
    """Return JSON text as a payload; over `inline_bytes` it goes into the owner's part of the object store first.

    Errors: PayloadTooLargeError, UnavailableError.
    """
    if len(data) <= inline_bytes:
        return Payload(inline=data, type=json_type(data), size=len(data))
    from millstream.connectors.objects import check_size, value_key

    check_size(len(data))
    length, sha256 = await asyncio.to_thread(_measure, data) if len(data) > _THREAD_BYTES else _measure(data)
    key = value_key(user_id, sha256)
    await objects.put(key, data)
    return Payload(ref=key, type=json_type(data), size=len(data), length=length, sha256=sha256)


async def fetch(payload: Payload, objects: Objects) -> bytes:
    """Return the JSON text of a payload. Errors: NotFoundError, ObjectCorruptError, UnavailableError."""
    if payload.ref is None:
        return b"null" if payload.inline is None else payload.inline
    data = await objects.get(payload.ref)
    if payload.sha256 is not None and hashlib.sha256(data).digest() != payload.sha256:
        raise ObjectCorruptError(
            f"The object {payload.ref!r} is not the one that was meant.", key=payload.ref
        )
    return data


class Values:
    """`offload` and `fetch` on one store, for those who know nothing of stores."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def offload(self, data: bytes, user_id: str) -> Payload:
        """See the function."""
        return await offload(data, self._objects, user_id)

    async def fetch(self, payload: Payload) -> bytes:
        """See the function."""
        return await fetch(payload, self._objects)


def payload_ref(payload: Payload) -> dict[str, Any]:
    """Return a payload by reference as the tables and the API show it: key, type, size, length, sha256, key_id."""
    return {
        "key": payload.ref,
        "type": payload.type,
        "size": payload.size,
        "length": payload.length,
        "sha256": payload.sha256.hex() if payload.sha256 else None,
        "key_id": payload.key_id,
    }


def json_type(data: bytes) -> str:
    """Return the JSON type of a text by its first character; the rest is not looked at."""
    return _TYPES.get(data[:64].lstrip()[:1], "number")


def _measure(data: bytes) -> tuple[int | None, bytes]:
    """Return (items or characters, digest)."""
    shape = _COUNTED.get(json_type(data))
    try:
        length = None if shape is None else len(msgspec.json.decode(data, type=shape))
    except msgspec.DecodeError:  # such as a lone surrogate, which msgspec refuses
        length = None
    return length, hashlib.sha256(data).digest()
