"""Dead letters as they lie in the log: found, filtered, and which of them were put back. Reads only.

Topics: dead.letters; audit.log, where each redrive leaves an `Audit` with the action `dlq.redrive`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from millstream.connectors.dead_letters import REDRIVE_ATTEMPT, REDRIVEN_FROM, is_cut
from millstream.schemas.codec import decode
from millstream.schemas.errors import InputInvalidError, NotFoundError, RecordInvalidError
from millstream.schemas.messages import Audit, DeadLetter
from millstream.topics import tail
from millstream.topics.catalogue import AUDIT, DAY_MS, DEAD_LETTERS

ACTION = "dlq.redrive"
ACTOR = "millstream-redrive"
"""Actor of the records of redrives, so that all are in one partition; who called it is in their `data`."""
_PLACE = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)
_ATTEMPT = re.compile(rb"[1-9]\d{0,8}")

Mark = tuple[int, int, int]
"""Partition, offset and timestamp of a letter: also a topic that was made anew gives no letter an old one's mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Where letters are, and where it is remembered what became of them."""

    letters: str = DEAD_LETTERS.name
    audit: str = AUDIT.name


TOPICS = Topics()


@dataclass(frozen=True, slots=True)
class Letter:
    """One record of `dead.letters`."""

    record: tail.Record
    message: DeadLetter | None
    """None: somebody else's record, not a letter."""

    @classmethod
    def of(cls, record: tail.Record) -> Letter:
        """Read a record. Never raises."""
        try:
            message = decode(record.value)
        except RecordInvalidError:
            return cls(record, None)
        return cls(record, message if isinstance(message, DeadLetter) else None)

    @property
    def place(self) -> str:
        """`partition:offset`, by which people name it."""
        return f"{self.record.partition}:{self.record.offset}"

    @property
    def path(self) -> str:
        """`topic/partition/offset`, which the record that is put back carries."""
        return f"{self.record.topic}/{self.record.partition}/{self.record.offset}"

    @property
    def mark(self) -> Mark:
        return self.record.partition, self.record.offset, self.record.timestamp_ms

    @property
    def attempt(self) -> int:
        """Which try failed: 1 for the first delivery, one more after each redrive."""
        found = self.header(REDRIVE_ATTEMPT) or b""
        return int(found) if _ATTEMPT.fullmatch(found) else 1

    @property
    def redriven_from(self) -> str | None:
        """Path of the letter before, if its record had been put back already."""
        found = self.header(REDRIVEN_FROM)
        return None if found is None else found.decode(errors="replace")

    @property
    def refusal(self) -> str | None:
        """Why its record can never be put back; None if it can."""
        if self.message is None:
            return "it is not a dead letter"
        if is_cut(self.message):
            return "its value or key was cut when it was buried, and half a record must not go back"
        if self.message.topic == self.record.topic:
            return "its record came from the dead letters themselves"
        return None

    def header(self, name: str) -> bytes | None:
        """Return the last header of that name."""
        return next((value for known, value in reversed(self.record.headers) if known == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters. Nothing set: all."""

    places: tuple[tuple[int, int], ...] = ()
    topic: str | None = None
    """Original topic."""
    code: str | None = None
    since_ms: int | None = None
    """Unix time; only letters written then or later."""

    def takes(self, letter: Letter) -> bool:
        """Tell whether a letter is one of them."""
        record, message = letter.record, letter.message
        if self.places:
            return (record.partition, record.offset) in self.places
        if self.since_ms is not None and record.timestamp_ms < self.since_ms:
            return False
        topic, code = (message.topic, message.error_code) if message else (None, None)
        return (self.topic is None or topic == self.topic) and (self.code is None or code == self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """What became of a letter."""

    at_ms: int
    topic: str
    partition: int
    offset: int
    operator: str


Memory = dict[Mark, Redriven]
"""What was put back."""


def parse_place(text: str) -> tuple[int, int]:
    """Return (partition, offset) of `3:17`. Errors: InputInvalidError."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise InputInvalidError(f"{text!r} is no letter: write PARTITION:OFFSET, as `dlq list` does.")
    return int(found[1]), int(found[2])


def select(conf: dict[str, Any], selection: Selection, topics: Topics = TOPICS) -> Iterator[Letter]:
    """Yield the letters of a selection that lie there now, per partition by offset; not those that come meanwhile.

    Errors: NotFoundError: a place without a letter, or no such topic; UnavailableError.
    """
    lying = tail.spans(conf, topics.letters, since_ms=None if selection.places else selection.since_ms)
    missing = set(selection.places)
    if missing:
        _refuse_outside(missing, lying)
        offsets = {p: sorted(o for q, o in missing if q == p) for p, _ in missing}
        lying = {partition: (found[0], found[-1] + 1) for partition, found in offsets.items()}
    for record in tail.span(conf, topics.letters, lying):
        letter = Letter.of(record)
        if selection.takes(letter):
            missing.discard((record.partition, record.offset))
            yield letter
    _refuse(missing)


def find(conf: dict[str, Any], place: tuple[int, int], topics: Topics = TOPICS) -> Letter:
    """Return one letter. Errors: as `select`."""
    [letter] = select(conf, Selection(places=(place,)), topics)
    return letter


def remembered(conf: dict[str, Any], *, since_ms: int | None = None, topics: Topics = TOPICS) -> Memory:
    """Return what was put back, at least of the letters written since then. Errors: NotFoundError, UnavailableError."""
    if since_ms is not None:
        since_ms = max(0, since_ms - DAY_MS)  # clocks of several machines
    memory: Memory = {}
    lying = tail.spans(conf, topics.audit, since_ms=since_ms, key=ACTOR.encode())
    for record in tail.span(conf, topics.audit, lying):
        if record.key == ACTOR.encode():
            _remember(memory, record)
    return memory


def _remember(memory: Memory, record: tail.Record) -> None:
    try:
        audit = decode(record.value)
        if not isinstance(audit, Audit) or audit.action != ACTION:
            return
        partition, offset = parse_place(audit.subject)
        data = orjson.loads(audit.data)
        mark = (partition, offset, int(data["letter_timestamp"]))
        memory[mark] = Redriven(
            at_ms=audit.at,
            topic=str(data["topic"]),
            partition=int(data["partition"]),
            offset=int(data["offset"]),
            operator=str(data["operator"]),
        )
    except (RecordInvalidError, InputInvalidError, ValueError, KeyError, TypeError):
        return  # not written by a redrive


def _refuse_outside(places: set[tuple[int, int]], lying: tail.Spans) -> None:
    _refuse({p for p in places if not lying.get(p[0], (0, 0))[0] <= p[1] < lying.get(p[0], (0, 0))[1]})


def _refuse(missing: set[tuple[int, int]]) -> None:
    if missing:
        names = ", ".join(f"{partition}:{offset}" for partition, offset in sorted(missing))
        raise NotFoundError(f"There is no letter {names}; `millstream dlq list` has them all.")
