"""Records to bytes and back, in the Confluent wire format: magic byte 0, schema id (4 bytes, big endian), Avro body.

Ids are fixed in `avro/ids.json` and never change meaning; all schemas are parsed once at import, so that nothing here
waits for a registry. A record written with an older id is read through that id's own schema.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import fastavro
import msgspec

from millstream.schemas import messages
from millstream.schemas.encoder import Encoders
from millstream.schemas.errors import PayloadTooLargeError, RecordInvalidError
from millstream.schemas.messages import Message

RECORD_LIMIT_BYTES = 1_000_000
"""Largest record that a producer of ours may send; larger values travel by reference."""
_BUILTIN = (bytes, bytearray)
_ENCODERS = Encoders()


class _Wire:
    """One schema id: its class, its parsed schema, its prefix."""

    def __init__(self, id_: int, cls: type[Message], schema: dict[str, Any]) -> None:
        self.cls = cls
        self.schema = fastavro.parse_schema(schema)
        self.prefix = b"\0" + id_.to_bytes(4, "big")
        self.encode = _ENCODERS.of(cls)


def schema_files() -> dict[int, tuple[str, dict[str, Any]]]:
    """Return {schema id: (message name, Avro schema)} of the repository, oldest id first."""
    folder = resources.files("millstream.schemas") / "avro"
    ids: dict[str, str] = json.loads((folder / "ids.json").read_text())
    return {int(i): (name.split(".")[0], json.loads((folder / name).read_text())) for i, name in ids.items()}


def _load() -> tuple[dict[int, _Wire], dict[type[Message], _Wire]]:
    by_id: dict[int, _Wire] = {}
    newest: dict[type[Message], _Wire] = {}
    for id_, (name, schema) in sorted(schema_files().items()):
        cls: type[Message] = getattr(messages, name)
        by_id[id_] = newest[cls] = _Wire(id_, cls, schema)
    return by_id, newest


_BY_ID, _NEWEST = _load()
_WRITTEN: dict[type[Message], tuple[bytes, Callable[[Message], bytes]]] = {}
"""By class, prefix and encoder of what is written; filled by `write_up_to`."""


def newest_id() -> int:
    """Return the highest schema id that this version knows."""
    return max(_BY_ID)


def write_up_to(highest: int | None = None) -> None:
    """Write each message with the newest of its schemas whose id is at most `highest`; None: with its newest.

    While a cluster goes over to a version with newer schemas, its older processes still read what the newer ones write:
    a process reads every id up to its own highest, and none above. A message that is younger than `highest` keeps its schema.
    """
    for cls, newest in _NEWEST.items():
        _WRITTEN[cls] = (newest.prefix, newest.encode)
        older = [w for id_, w in _BY_ID.items() if w.cls is cls and (highest is None or id_ <= highest)]
        if older and older[-1] is not newest:
            _WRITTEN[cls] = (older[-1].prefix, _older(older[-1].schema))


def _older(schema: dict[str, Any]) -> Callable[[Message], bytes]:
    """Return an encoder for an older schema of a class: fields that it lacks are left out."""

    def encode(message: Message) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, msgspec.to_builtins(message, builtin_types=_BUILTIN))
        return out.getvalue()

    return encode


write_up_to()


def encode(message: Message) -> bytes:
    """Return the record's bytes. Errors: PayloadTooLargeError over `RECORD_LIMIT_BYTES`."""
    prefix, body = _WRITTEN[type(message)]
    data = prefix + body(message)
    if len(data) > RECORD_LIMIT_BYTES:
        raise PayloadTooLargeError(
            f"a {type(message).__name__} record has {len(data):,} bytes, the limit is {RECORD_LIMIT_BYTES:,}",
            size=len(data),
            limit=RECORD_LIMIT_BYTES,
        )
    return data


def decode(data: bytes | None) -> Message:
    """Return the message. Errors: RecordInvalidError: empty, no magic byte, unknown id, a body that does not fit."""
    if not data or len(data) < 5 or data[0] != 0:
        raise RecordInvalidError(f"not in the Confluent wire format: starts with {bytes(data or b'')[:5]!r}")
    wire = _BY_ID.get(int.from_bytes(data[1:5], "big"))
    if wire is None:
        raise RecordInvalidError(f"unknown schema id {int.from_bytes(data[1:5], 'big')}")
    stream = io.BytesIO(data)
    stream.seek(5)
    try:
        body = fastavro.schemaless_reader(stream, wire.schema, None)
        message: Message = msgspec.convert(body, wire.cls, builtin_types=_BUILTIN)
    except Exception as error:
        raise RecordInvalidError(f"not a {wire.cls.__name__}: {type(error).__name__}: {error}") from error
    if stream.tell() != len(data):
        raise RecordInvalidError(f"{len(data) - stream.tell()} bytes too many after a {wire.cls.__name__}")
    return message


Encode = Callable[[Message], bytes]
