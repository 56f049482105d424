"""Bytes of records as values, and back: JSON, text, base64, Avro in the form of Confluent's serializers."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from millstream.processors import isolation
from millstream.processors.kafka.registry import SchemaRegistry
from millstream.schemas.errors import BlockInputError

Format = Literal["json", "text", "base64", "avro"]
_HEAD: Final = struct.Struct(">bI")
AVRO_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Read:
    """A value, or what is wrong with its bytes."""

    value: Any = None
    problem: str = ""


async def read(
    raw: Sequence[bytes | None],
    form: Format,
    registry: SchemaRegistry | None,
    *,
    timeout_s: float = AVRO_TIMEOUT_S,
) -> list[Read]:
    """Turn bytes into values, in order. A record that cannot be read says so, and holds up no other."""
    if form != "avro":
        return [Read() if data is None else _plain(data, form) for data in raw]
    if registry is None:
        raise BlockInputError("Avro needs the URL of a schema registry.")
    schemas = {}
    for id_ in sorted({_HEAD.unpack_from(data)[1] for data in raw if data and _is_framed(data)}):
        schemas[str(id_)] = await registry.schema(id_)
    texts = [None if data is None else base64.b64encode(data).decode() for data in raw]
    # In a process of its own: a few bytes of Avro may claim a list of 2^62 nulls.
    answers = await isolation.call(
        read_avro, texts, schemas, timeout_s=timeout_s, what="Reading these Avro records"
    )
    return [Read(value=value, problem=problem) for value, problem in answers]


async def write(
    values: Sequence[Any], form: Format, registry: SchemaRegistry | None, subject: str, schema: Any
) -> list[bytes | None]:
    """Turn values into bytes, in order; None stays none, a tombstone. Errors: BlockInputError."""
    if form != "avro":
        return [None if value is None else _bytes(value, form) for value in values]
    if registry is None:
        raise BlockInputError("Avro needs the URL of a schema registry.")
    id_, text = await registry.for_writing(subject, schema)
    try:
        answers = await isolation.call(
            write_avro, list(values), text, timeout_s=AVRO_TIMEOUT_S, what="Writing these Avro records"
        )
    except ValueError as error:
        raise BlockInputError(f"These values do not fit the schema of {subject!r}: {error}.") from error
    head = _HEAD.pack(0, id_)
    return [None if body is None else head + base64.b64decode(body) for body in answers]


def _plain(data: bytes, form: Format) -> Read:
    if form == "base64":
        return Read(base64.b64encode(data).decode())
    try:
        text = data.decode()
        return Read(text if form == "text" else json.loads(text))
    except UnicodeDecodeError:
        return Read(problem="these bytes are no UTF-8 text; read them as base64")
    except (ValueError, RecursionError):
        return Read(problem="this is no JSON; read it as text")


def _bytes(value: Any, form: Format) -> bytes:
    if form == "json":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if not isinstance(value, str):
        raise BlockInputError(f"Records in the format {form!r} are texts, not {str(value)[:100]!r}.")
    if form == "text":
        return value.encode("utf-8", "replace")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise BlockInputError(f"{value[:100]!r} is no base64: {error}.") from error


def _is_framed(data: bytes) -> bool:
    return len(data) >= _HEAD.size and data[0] == 0


def read_avro(texts: list[str | None], schemas: Mapping[str, str]) -> list[tuple[Any, str]]:
    """Read records in base64, by the schema whose id each names. Runs in a process of its own."""
    import io

    import fastavro

    parsed = {id_: fastavro.parse_schema(json.loads(text)) for id_, text in schemas.items()}
    found: list[tuple[Any, str]] = []
    for text in texts:
        if text is None:
            found.append((None, ""))
            continue
        data = base64.b64decode(text)
        if not _is_framed(data):
            found.append(
                (
                    None,
                    "this record has no schema id in front; it was not written by a schema registry's client",
                )
            )
            continue
        body = io.BytesIO(data[_HEAD.size :])
        try:
            value: Any = fastavro.schemaless_reader(body, parsed[str(_HEAD.unpack_from(data)[1])], None)
            found.append((_json(value), ""))
        except Exception as error:  # noqa: BLE001 - of whatever kind: this record cannot be read
            found.append((None, f"this record does not fit its schema: {type(error).__name__}"))
    return found


def write_avro(values: list[Any], schema: str) -> list[str | None]:
    """Write records as base64, without the head. Runs in a process of its own. Errors: ValueError."""
    import io

    import fastavro

    try:
        parsed = fastavro.parse_schema(json.loads(schema))
        found: list[str | None] = []
        for value in values:
            if value is None:
                found.append(None)
                continue
            body = io.BytesIO()
            fastavro.schemaless_writer(body, parsed, value, strict_allow_default=True)
            found.append(base64.b64encode(body.getvalue()).decode())
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {str(error)[:300]}") from error
    return found


def _json(value: Any) -> Any:
    """A value of Avro in JSON: bytes as base64, times and decimals as texts."""
    if isinstance(value, dict):
        return {str(name): _json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
