"""Puts records back from `dead.letters` to where they came from. Topics: any to; audit.log to, which is the memory.

A letter is put back, acknowledged by all replicas, and only then is its `Audit` record written and acknowledged, before the
next letter's turn. So none is lost or forgotten, and a crash in between repeats one letter, which consumers drop.
A transaction over both would not help: consumers that read uncommitted see the record of an aborted one, and those that
read committed stand still behind the one that a kill leaves open.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from confluent_kafka import KafkaError, KafkaException, Producer

from millstream.connectors.dead_letters import REDRIVE_ATTEMPT, REDRIVEN_FROM, Header
from millstream.connectors.letters import (
    ACTION,
    ACTOR,
    TOPICS,
    Letter,
    Selection,
    Topics,
    remembered,
    select,
)
from millstream.schemas.codec import encode
from millstream.schemas.errors import MillstreamError, UnavailableError
from millstream.schemas.ids import derived
from millstream.schemas.messages import Audit
from millstream.topics import tail
from millstream.topics.clients import ANSWER_S, admin, producer, unavailable

ACK_S = 30.0
_REFUSALS = ("MSG_SIZE_TOO_LARGE", "INVALID_RECORD", "POLICY_VIOLATION", "TOPIC_AUTHORIZATION_FAILED")
"""What Kafka has against one record, and not against all."""


class RedriveRefusedError(MillstreamError):
    """Kafka does not take this record where it came from."""

    code = "redrive_refused"


@dataclass(slots=True)
class Plan:
    """What a redrive is going to do; only places are kept, the letters are read again."""

    wanted: dict[int, set[int]] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By original topic and code."""
    done: int = 0
    """Put back before: passed over."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Place and reason."""

    @property
    def total(self) -> int:
        return sum(map(len, self.wanted.values()))

    @property
    def spans(self) -> tail.Spans:
        """Where to read."""
        return {partition: (min(offsets), max(offsets) + 1) for partition, offsets in self.wanted.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One letter's turn: an offset if its record was put back, else a reason."""

    letter: Letter
    offset: int | None = None
    refusal: str | None = None


def plan(conf: dict[str, Any], selection: Selection, topics: Topics = TOPICS) -> Plan:
    """Return what there is to do. Writes nothing. Errors: NotFoundError, UnavailableError."""
    since_ms = None if selection.places else selection.since_ms
    memory = remembered(conf, since_ms=since_ms, topics=topics)
    partitions = _partitions(conf)
    made = Plan()
    for letter in select(conf, selection, topics):
        refusal = letter.refusal or _no_way_back(letter, partitions)
        if letter.mark in memory:
            made.done += 1
        elif refusal is not None:
            made.refused.append((letter.place, refusal))
        elif letter.message is not None:
            made.wanted.setdefault(letter.record.partition, set()).add(letter.record.offset)
            made.counts[letter.message.topic, letter.message.error_code] += 1
    return made


def redrive(
    conf: dict[str, Any], what: Plan, *, rate_per_s: float, operator: str, topics: Topics = TOPICS
) -> Iterator[Outcome]:
    """Put back what a plan wants, one letter at a time; yields each when it is done and remembered.

    `operator`: who called it, for the audit. Errors: UnavailableError: whether the last letter was put back is not known;
    a new plan goes on there.
    """
    writer = _Writer(conf, topics, operator)
    pace = _Pace(rate_per_s)
    memory = remembered(conf, topics=topics)  # of a redrive that ran between the plan and its "yes"
    for record in tail.span(conf, topics.letters, what.spans):
        if record.offset not in what.wanted[record.partition]:
            continue
        letter = Letter.of(record)
        if letter.refusal is not None or letter.mark in memory:
            continue
        pace.wait()
        try:
            yield Outcome(letter=letter, offset=writer.put_back(letter))
        except RedriveRefusedError as error:
            yield Outcome(letter=letter, refusal=str(error))


def headers_of(letter: Letter) -> list[Header]:
    """Return the headers of a record that is put back: its own and its letter's, and the way that it took."""
    ours = (REDRIVEN_FROM, REDRIVE_ATTEMPT)
    kept: list[Header] = [(name, value) for name, value in letter.record.headers if name not in ours]
    return [
        *kept,
        (REDRIVEN_FROM, letter.path.encode()),
        (REDRIVE_ATTEMPT, str(letter.attempt + 1).encode()),
    ]


class _Writer:
    def __init__(self, conf: dict[str, Any], topics: Topics, operator: str) -> None:
        self._servers = str(conf.get("bootstrap.servers", ""))
        self._topics = topics
        self._operator = operator
        more = {"linger.ms": 0, "message.timeout.ms": int(ACK_S * 1000)}
        self._producer: Producer = producer(conf, **more)

    def put_back(self, letter: Letter) -> int:
        """Produce a letter's record, then the memory of it. Returns the record's new offset."""
        message = letter.message
        assert message is not None
        where: dict[str, Any] = {"topic": message.topic, "partition": message.partition}
        try:
            offset = self._send(key=message.key, value=message.value, headers=headers_of(letter), **where)
        except KafkaException as error:
            if error.args[0].name() in _REFUSALS:
                reason = f"Kafka refuses it on {message.topic!r}: {error.args[0].str()}"
                raise RedriveRefusedError(reason) from error
            raise self._failed(message.topic, error) from error
        facts = {
            **where,
            "offset": offset,
            "letter_timestamp": letter.record.timestamp_ms,
            "attempt": letter.attempt + 1,
            "operator": self._operator,
        }
        audit = Audit(
            audit_id=derived(b"", ACTION, *letter.mark),
            actor_id=ACTOR,
            action=ACTION,
            subject=letter.place,
            data=orjson.dumps(facts),
            at=time.time_ns() // 1_000_000,
        )
        try:
            self._send(topic=self._topics.audit, key=ACTOR.encode(), value=encode(audit))
        except KafkaException as error:
            raise self._failed(self._topics.audit, error) from error
        return offset

    def _send(self, *, topic: str, **record: Any) -> int:
        """Produce one record and wait for all replicas. Returns its offset."""
        answers: list[tuple[KafkaError | None, int]] = []

        def on_delivery(error: KafkaError | None, delivered: Any) -> None:
            answers.append((error, delivered.offset() if error is None else -1))

        self._producer.produce(topic, on_delivery=on_delivery, **record)  # too large: raises at once
        self._producer.flush(ACK_S + ANSWER_S)
        error, offset = answers[0] if answers else (KafkaError(KafkaError._MSG_TIMED_OUT), -1)
        if error is not None:
            raise KafkaException(error)
        return offset

    def _failed(self, topic: str, error: KafkaException) -> UnavailableError:
        return UnavailableError(
            f"Kafka at {self._servers} did not take a record for {topic!r}: {error.args[0].str()}. What was put back "
            "is remembered: the same command goes on with the rest."
        )


class _Pace:
    """At most so many a second; time that was lost is not made up for."""

    def __init__(self, rate_per_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._gap_s = 1 / rate_per_s
        self._now = now
        self._next = 0.0

    def wait(self) -> None:
        time.sleep(max(0.0, self._next - self._now()))
        self._next = self._now() + self._gap_s


def _no_way_back(letter: Letter, partitions: dict[str, int]) -> str | None:
    message = letter.message
    if message is None or 0 <= message.partition < partitions.get(message.topic, 0):
        return None
    if message.topic not in partitions:
        return f"there is no topic {message.topic!r} any more"
    return f"{message.topic!r} has no partition {message.partition}"


def _partitions(conf: dict[str, Any]) -> dict[str, int]:
    """Return the number of partitions of every topic. Asked without names: a name would make a topic in some clusters."""
    try:
        found = admin(conf).list_topics(timeout=ANSWER_S).topics
    except KafkaException as error:
        raise unavailable(error, str(conf.get("bootstrap.servers", ""))) from error
    return {name: len(topic.partitions) for name, topic in found.items()}
