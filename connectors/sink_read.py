"""A record of `executions.events`, taken apart for the tables: ids as hex, JSON as text, times as times. Pure.

All that can be wrong with a record is found here, before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import msgspec

from millstream.connectors.payloads import payload_ref
from millstream.schemas.errors import RecordInvalidError
from millstream.schemas.messages import Delta, DeltaKind, Events, Message, Payload

_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL = "null"


class Value(NamedTuple):
    """A JSON value as text, or a reference to it (or why it is nowhere) as JSON text."""

    json: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One delta, ready for the tables: ids as hex, JSON as text, times as times."""

    kind: DeltaKind
    sequence: int
    at: datetime
    node: str | None = None
    node_id: str = ""
    block_id: str = ""
    status: str | None = None
    pin: str = ""
    value: Value = Value()
    slots: str | None = None
    output: Value | None = None
    """What an output node gives to the execution."""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One record of `executions.events`, taken apart. `problem`: why a part of it is not in `changes`."""

    execution: str
    user: str
    graph: str | None
    graph_version: int
    changes: tuple[Change, ...]
    problem: Exception | None = None


def read(message: Message, *, timestamp_ms: int) -> Step:
    """Take a record apart. Errors: RecordInvalidError if it is no `Events` or its ids are no UUIDs.

    A value or a detail that is no text makes `problem`; the rest of the record is kept.
    """
    if not isinstance(message, Events):
        raise RecordInvalidError(f"a {type(message).__name__} has no business on this topic")
    problems: list[Exception] = []
    default_at = message.at or timestamp_ms
    changes = tuple(
        _change(delta, message.first + index, delta.at or default_at, problems)
        for index, delta in enumerate(message.deltas)
    )
    return Step(
        execution=message.execution_id.hex(),
        user=_uuid(message.user_id, "user_id"),
        graph=_uuid(message.graph_id, "graph_id") if message.graph_id else None,
        graph_version=message.graph_version,
        changes=changes,
        problem=problems[0] if problems else None,
    )


def _change(delta: Delta, sequence: int, at_ms: int, problems: list[Exception]) -> Change:
    if delta.kind not in ("EXECUTION", "NOTE") and delta.node_execution_id is None:
        raise RecordInvalidError(f"a {delta.kind} delta without a node execution")
    value = _value(delta.value, problems) if delta.value is not None else Value()
    output = None
    if delta.kind == "QUEUED" and delta.pin is not None:
        output = _output(delta, problems)
    return Change(
        kind=delta.kind,
        sequence=sequence,
        at=time_of(at_ms),
        node=delta.node_execution_id.hex() if delta.node_execution_id else None,
        node_id=_text(delta.node_id),
        block_id=_text(delta.block_id),
        status=delta.status,
        pin=_text(delta.pin),
        value=value,
        slots=_slots(delta, value) if delta.slots or value.ref else None,
        output=output,
        detail=members(delta.detail, problems) if delta.detail else {},
    )


def _value(payload: Payload, problems: list[Exception]) -> Value:
    if payload.inline is None:
        return Value(ref=_ref(payload)) if payload.ref else Value(json=_NULL)
    try:
        return Value(json=payload.inline.decode())
    except UnicodeDecodeError as error:
        problems.append(RecordInvalidError(f"a value is not UTF-8: {error.reason}"))
        return unstorable("not UTF-8")


def _output(delta: Delta, problems: list[Exception]) -> Value:
    """Return the execution's output: the input `value` of an output node."""
    for slot in delta.slots:
        if slot.path == "/value":
            return Value(ref=_ref(slot.value))
    if delta.value is None or delta.value.inline is None:
        return Value(json=_NULL)
    return Value(json=members(delta.value.inline, problems).get("value", _NULL))


def _slots(delta: Delta, value: Value) -> str:
    parts = [(slot.path, _ref(slot.value)) for slot in delta.slots]
    if value.ref:
        parts.append(("", value.ref))  # RFC 6901: the whole document
    return _slots_json(parts)


def _slots_json(parts: list[tuple[str, str]]) -> str:
    items = ",".join(f'{{"path":{_json(path)},"ref":{ref}}}' for path, ref in parts)
    return f"[{items}]"


def _ref(payload: Payload) -> str:
    return _json(payload_ref(payload))


def unstorable(reason: str) -> Value:
    """Return what stands in the place of a value that cannot be kept; `dead.letters` has its record."""
    return Value(ref=_json({"unstorable": reason}))


def members(data: bytes, problems: list[Exception]) -> dict[str, str]:
    """Cut a JSON object into its members, each left as it is written; those that are null are left out."""
    try:
        texts = {name: bytes(raw).decode() for name, raw in _RAW.decode(data).items()}
        return {name: text for name, text in texts.items() if text != _NULL}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problems.append(RecordInvalidError(f"not a JSON object: {error}"))
        return {}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _text(value: str | None) -> str:
    return "" if value is None else value.replace("\0", "\ufffd")  # PostgreSQL has no NUL in text


def time_of(at_ms: int) -> datetime:
    """Return Unix ms as a time. Errors: RecordInvalidError if there is no such time."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RecordInvalidError(f"no time: {at_ms} ms") from error


@lru_cache(maxsize=4096)  # a few users and graphs have most of the records
def _uuid(text: str, name: str) -> str:
    try:
        return UUID(text).hex
    except ValueError as error:
        raise RecordInvalidError(f"{name} is no UUID: {text!r}") from error


def cleaned(step: Step, storable: Callable[[str], bool]) -> Step:
    """Return the step with a marker in place of each value that PostgreSQL refuses."""
    return replace(step, changes=tuple(_cleaned(change, storable) for change in step.changes))


def _cleaned(change: Change, storable: Callable[[str], bool]) -> Change:
    def keep(value: Value) -> Value:
        bad = value.json is not None and not storable(value.json)
        return unstorable("PostgreSQL refused it") if bad else value

    value = keep(change.value)
    slots = change.slots if change.slots is None or storable(change.slots) else None
    if value.ref and change.kind == "QUEUED" and change.value.json is not None:
        slots = _slots_json([("", value.ref)])
    return replace(
        change,
        value=value,
        slots=slots,
        output=None if change.output is None else keep(change.output),
        detail={name: text for name, text in change.detail.items() if storable(text)},
    )
