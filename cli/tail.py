"""`millstream tail`: what comes on a topic, decoded, as it comes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from millstream.cli.brokers import kafka_conf
from millstream.cli.console import say
from millstream.schemas.errors import InputInvalidError

if TYPE_CHECKING:
    from millstream.topics.tail import Record

NEWEST = 10
MOST = 10_000
"""Records of the past that are held to be put in order."""
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(tail)


def tail(
    topic: Annotated[
        list[str] | None, typer.Argument(help="Topics; default: executions.events.", show_default=False)
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Only this key: an execution id, a user id, whatever the topic has.")
    ] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Begin then: `90s`, `10m`, `2h`, `1d` ago, or an ISO 8601 time.")
    ] = None,
    count: Annotated[int | None, typer.Option("-n", min=0, help="At most so many of the past.")] = None,
    grep: Annotated[
        str | None, typer.Option(help="Only records of whose line this regular expression is found in.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, for programs.")] = False,
    once: Annotated[bool, typer.Option("--once", help="End instead of waiting for what comes.")] = False,
) -> None:
    """Show records, decoded: the newest, then whatever comes. Reads only: joins no group and commits nothing."""
    from millstream.cli.settings import load
    from millstream.topics import tail as reader
    from millstream.topics.catalogue import EVENTS

    part = reader.Part(
        key=None if key is None else key_bytes(key),
        partition=partition,
        since_ms=None if since is None else since_ms(since, now_ms=int(time.time() * 1000)),
    )
    back = count if count is not None else NEWEST if since is None else MOST
    records = reader.last(kafka_conf(load()), topic or [EVENTS.name], back, part=part, follow=not once)
    for line in lines(records, as_json=as_json, wanted=_pattern(grep)):
        say(line)


def lines(
    records: Iterable[Record], *, as_json: bool = False, wanted: re.Pattern[str] | None = None
) -> Iterator[str]:
    """Yield the line of each record in which `wanted` is found."""
    for record in records:
        line = _json(record) if as_json else _text(record)
        if wanted is None or wanted.search(line):
            yield line


def key_bytes(text: str) -> bytes:
    """Return a record's key as producers of ours write it: 16 bytes of an id of ours, else the text.

    A user id is a UUID too, but it is a key as text: it is a UUIDv4, while our own ids are version 7 or 8.
    """
    try:
        id_ = UUID(text)
    except ValueError:
        return text.encode()
    return id_.bytes if id_.version in (7, 8) else text.encode()


def since_ms(text: str, *, now_ms: int) -> int:
    """Return a time in Unix milliseconds. Errors: InputInvalidError."""
    if found := _SPAN.fullmatch(text.strip()):
        return now_ms - int(float(found[1]) * _UNIT_MS[found[2]])
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputInvalidError(
            f"--since is {text!r}; it can be `10m`, `2h`, `1d`, or a time such as 2026-01-31T12:00:00Z."
        ) from error
    return int((at if at.tzinfo else at.astimezone()).timestamp() * 1000)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise InputInvalidError(f"--grep is no regular expression: {error}.") from error


def _at(record: Record) -> str:
    return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _text(record: Record) -> str:
    from millstream.topics.display import key_text, readable

    name, body = readable(record.value)
    place = f"{record.topic}[{record.partition}]@{record.offset}"
    return f"{place} {_at(record)} {key_text(record.key)} {name} {json.dumps(body, ensure_ascii=False)}"


def _json(record: Record) -> str:
    from millstream.topics.display import key_text, readable

    name, body = readable(record.value)
    return json.dumps(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "at": _at(record),
            "key": key_text(record.key),
            "headers": {name: (value or b"").decode(errors="replace") for name, value in record.headers},
            "message": name,
            "value": body,
        },
        ensure_ascii=False,
    )
