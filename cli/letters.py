"""Dead letters for people: one on a line, their counts, one with all that is known of it."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from millstream.connectors.dead_letters import PROVENANCE
from millstream.connectors.letters import Letter, Memory, Redriven
from millstream.topics.display import hex_dump, key_text, printable, readable

NAME_CHARS = 100
MESSAGE_CHARS = 160
_NUMBERS = ("partition", "offset", "timestamp")
NO_LETTER = "not_a_letter"
"""Code under which records are counted that somebody else has written to the topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a list tells of a letter: small, the value is left behind."""

    place: str
    at_ms: int
    topic: str
    partition: int
    offset: int
    key: str
    code: str
    message: str
    consumer: str
    value_bytes: int
    attempt: int
    refusal: str | None
    redriven: Redriven | None

    @classmethod
    def of(cls, letter: Letter, redriven: Redriven | None) -> Row:
        """Take out of a letter what a list needs."""
        message, record = letter.message, letter.record
        of_record: dict[str, Any] = {"place": letter.place, "attempt": letter.attempt}
        of_record |= {"refusal": letter.refusal, "redriven": redriven}
        if message is None:
            name, body = readable(record.value)
            return cls(
                at_ms=record.timestamp_ms,
                topic="-",
                partition=-1,
                offset=-1,
                key=printable(key_text(record.key), NAME_CHARS),
                code=NO_LETTER,
                message=printable(str(body), MESSAGE_CHARS) if name == "undecodable" else f"a {name}",
                consumer="-",
                value_bytes=len(record.value or b""),
                **of_record,
            )
        return cls(
            at_ms=message.at,
            topic=printable(message.topic, NAME_CHARS),
            partition=message.partition,
            offset=message.offset,
            key=printable(key_text(message.key), NAME_CHARS),
            code=printable(message.error_code, NAME_CHARS),
            message=printable(message.error_message, MESSAGE_CHARS),
            consumer=printable(message.consumer, NAME_CHARS),
            value_bytes=len(message.value or b""),
            **of_record,
        )

    def line(self) -> str:
        """Return the row for people."""
        tried = f" (try {self.attempt})" if self.attempt > 1 else ""
        after = f"redriven {when(self.redriven.at_ms)}" if self.redriven else "not redriven"
        origin = f"{self.topic}[{self.partition}]@{self.offset}" if self.offset >= 0 else self.topic
        return f"{self.place}  {when(self.at_ms)}  {origin}  {self.code}: {self.message}{tried}  [{after}]"

    def as_json(self) -> dict[str, Any]:
        """Return the row for programs."""
        redriven = self.redriven
        return {
            "position": self.place,
            "at": when(self.at_ms),
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "key": self.key,
            "code": self.code,
            "message": self.message,
            "consumer": self.consumer,
            "value_bytes": self.value_bytes,
            "attempt": self.attempt,
            "refusal": self.refusal,
            "redriven": None
            if redriven is None
            else {
                "at": when(redriven.at_ms),
                "topic": redriven.topic,
                "partition": redriven.partition,
                "offset": redriven.offset,
                "operator": redriven.operator,
            },
        }


class Listing:
    """The newest letters and the counts of all."""

    def __init__(self, letters: Iterable[Letter], memory: Memory, count: int) -> None:
        newest: list[tuple[int, int, int, Row]] = []
        self._found: Counter[tuple[str, str]] = Counter()
        self._redriven: Counter[tuple[str, str]] = Counter()
        for letter in letters:
            row = Row.of(letter, memory.get(letter.mark))
            self._found[row.topic, row.code] += 1
            self._redriven[row.topic, row.code] += row.redriven is not None
            item = (row.at_ms, letter.record.partition, letter.record.offset, row)
            (heapq.heappush if len(newest) < count else heapq.heappushpop)(newest, item)
        self.rows = [item[-1] for item in sorted(newest, reverse=True)]

    def lines(self) -> Iterator[str]:
        """Yield the list and the summary for people."""
        if not self.rows:
            yield "no dead letters"
            return
        yield from (row.line() for row in self.rows)
        yield ""
        for (topic, code), number in sorted(self._found.items()):
            yield f"{topic}  {code}: {number:,}, redriven {self._redriven[topic, code]:,}"
        yield f"shown {len(self.rows):,} of {self._found.total():,}"

    def as_json(self) -> dict[str, Any]:
        """Return the same for programs."""
        summary = [
            {"topic": topic, "code": code, "count": number, "redriven": self._redriven[topic, code]}
            for (topic, code), number in sorted(self._found.items())
        ]
        return {"letters": [row.as_json() for row in self.rows], "summary": summary}


def described(letter: Letter, redriven: Redriven | None, limit: int) -> Iterator[str]:
    """Yield all that is known of a letter; at most `limit` bytes of a value that does not decode, 0: all."""
    record, message = letter.record, letter.message
    yield f"letter    {letter.path}, written {when(record.timestamp_ms)}"
    value = record.value
    if message is not None:
        value = message.value
        origin = f"{printable(message.topic)}[{message.partition}]@{message.offset}"
        yield f"from      {origin}, appended {when(message.timestamp)}"
        yield f"key       {printable(key_text(message.key))}"
        yield f"reason    {printable(message.error_code)}: {printable(message.error_message)}"
        yield f"consumer  {printable(message.consumer)}, gave up {when(message.at)}"
    before = f", put back from {printable(letter.redriven_from)}" if letter.redriven_from else ""
    yield f"try       {letter.attempt}{before}"
    if redriven is not None:
        to = f"{printable(redriven.topic)}[{redriven.partition}]@{redriven.offset}"
        yield f"redriven  {when(redriven.at_ms)} to {to} by {printable(redriven.operator)}"
    else:
        yield f"redriven  no{f', and cannot be: {letter.refusal}' if letter.refusal else ''}"
    yield "headers"
    for name, header in record.headers:
        yield f"  {printable(name)}: {_header(name, header)}"
    yield from _value(value, limit)


def when(at_ms: int) -> str:
    """Return a time for people; a letter may hold any number."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def _value(value: bytes | None, limit: int) -> Iterator[str]:
    name, body = readable(value)
    if value is None:
        yield "value     none: a tombstone"
    elif name != "undecodable":
        yield f"value     {len(value):,} bytes, now decodes as {name}"
        yield printable(json.dumps(body, ensure_ascii=False))
    else:
        yield f"value     {len(value):,} bytes, does not decode: {printable(str(body))}"
        yield from hex_dump(value, limit)
        if 0 < limit < len(value):
            yield f"... and {len(value) - limit:,} bytes more (--bytes 0 shows all)"


def _header(name: str, value: bytes | None) -> str:
    if value is None:
        return "none"
    if name.startswith(PROVENANCE) and name.rpartition("-")[2] in _NUMBERS and len(value) in (4, 8):
        return str(int.from_bytes(value, "big", signed=True))
    try:
        return printable(value.decode())
    except UnicodeDecodeError:
        return value.hex()
