"""Reading topics without a group: the last records, the first ones, and what comes next. Commits nothing."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from aiokafka.partitioner import murmur2
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from millstream.schemas.errors import NotFoundError, UnavailableError
from millstream.topics.clients import ANSWER_S, consumer, unavailable

GROUP = "millstream-tail"
"""librdkafka wants a name; nothing joins or commits under it."""
SILENCE_S = 30.0
"""How long a broker may say nothing about records that lie there."""
_POLL_S = 0.2
_NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)

Spans = dict[int, tuple[int, int]]
"""Partition -> first offset, and the offset behind the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition in which every producer of ours puts `key`. Source: Kafka's default partitioner."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of topics is meant; None: all."""

    key: bytes | None = None
    """Records with this key, which are all in one partition."""
    partition: int | None = None
    since_ms: int | None = None
    """Records that were appended at this time or later."""


WHOLE = Part()


def last(
    conf: dict[str, Any],
    topics: list[str],
    count: int,
    *,
    key: bytes | None = None,
    part: Part = WHOLE,
    follow: bool = False,
) -> Iterator[Record]:
    """Yield the newest `count` records of all `topics` together, oldest first; with `follow` also what comes then.

    With `key` only that key's partitions are read, whole. Errors: NotFoundError: no such topic; UnavailableError.
    """
    part = part if key is None else replace(part, key=key)
    newest: list[tuple[int, str, int, int, Record]] = []
    caught_up = False
    for record in _read(conf, topics, part, back=None if part.key is not None else count, follow=follow):
        if record is None:
            caught_up = True
            yield from (item[-1] for item in sorted(newest))
        elif caught_up:
            yield record
        else:
            item = (record.timestamp_ms, record.topic, record.partition, record.offset, record)
            (heapq.heappush if len(newest) < count else heapq.heappushpop)(newest, item)


def read(
    conf: dict[str, Any], topics: list[str], *, key: bytes | None = None, follow: bool = False
) -> Iterator[Record]:
    """Yield all records in the order in which the broker gives them: per partition by offset, between them as it comes.

    With `follow` it never ends by itself. Errors: as `last`.
    """
    for record in _read(conf, topics, Part(key=key), back=None, follow=follow):
        if record is not None:
            yield record


def spans(
    conf: dict[str, Any], topic: str, *, since_ms: int | None = None, key: bytes | None = None
) -> Spans:
    """Return what lies on `topic` now, or of it what is not older than `since_ms`, or the partition of `key`.

    Errors: as `last`.
    """
    client = consumer(conf, GROUP)
    try:
        places = [TopicPartition(topic, partition) for partition in _partitions(client, topic, key)]
        found = {p.partition: _ends(client, p) for p in places}
        if since_ms is None:
            return found
        asked = [TopicPartition(topic, partition, since_ms) for partition in found]
        firsts = {p.partition: p.offset for p in client.offsets_for_times(asked, timeout=ANSWER_S)}
    except KafkaException as error:
        raise unavailable(error, str(conf.get("bootstrap.servers", ""))) from error
    finally:
        client.close()
    return {  # a negative offset: all is older
        partition: (firsts[partition] if firsts[partition] >= 0 else end, end)
        for partition, (_, end) in found.items()
    }


def span(conf: dict[str, Any], topic: str, wanted: Spans) -> Iterator[Record]:
    """Yield the records of `wanted` that are still there, per partition by offset, and then end.

    Errors: UnavailableError if nothing is heard for `SILENCE_S`.
    """
    more = {"enable.partition.eof": True, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100}
    client = consumer(conf, GROUP, **more)
    ahead: dict[tuple[str | None, int | None], int] = {
        (topic, partition): end for partition, (first, end) in wanted.items() if first < end
    }
    silent_s = 0.0
    try:
        client.assign([TopicPartition(topic, p, first) for p, (first, end) in wanted.items() if first < end])
        while ahead:
            message = client.poll(_POLL_S)
            if message is None:
                silent_s += _POLL_S
                if silent_s >= SILENCE_S:
                    raise UnavailableError(
                        f"Kafka has not sent what lies on {topic!r} for {SILENCE_S:.0f} s."
                    )
                continue
            silent_s = 0.0
            error = message.error()
            if error is None and message.offset() < wanted[message.partition()][1]:
                yield _record(message)
            elif error is not None and error.fatal():
                raise KafkaException(error)
            _caught_up(message, ahead)
    finally:
        client.close()


def _read(
    conf: dict[str, Any], topics: list[str], part: Part, *, back: int | None, follow: bool
) -> Iterator[Record | None]:
    """Yield records, and None once: when all that lay there at the beginning has been read."""
    client = consumer(conf, GROUP, **{"enable.partition.eof": True, "fetch.wait.max.ms": 100})
    try:
        ahead = _assign(client, topics, part, back, str(conf.get("bootstrap.servers", "")))
        if not ahead:
            yield None
        while ahead or follow:
            message = client.poll(_POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None:
                if part.key is None or message.key() == part.key:
                    yield _record(message)
            elif error.fatal():
                raise KafkaException(error)
            if _caught_up(message, ahead):
                yield None
    finally:
        client.close()


def _caught_up(message: Message, ahead: dict[tuple[str | None, int | None], int]) -> bool:
    """Take a message's partition out of `ahead` when its end is reached; True when that was the last one.

    A busy partition never reports its end, and one that ends in a transaction's marker never shows its last offset.
    """
    place = (message.topic(), message.partition())
    error = message.error()
    ended = (
        error.code() == KafkaError._PARTITION_EOF
        if error
        else (message.offset() or 0) + 1 >= ahead.get(place, 0)
    )
    return ended and ahead.pop(place, None) is not None and not ahead


def _assign(
    client: Consumer, topics: list[str], part: Part, back: int | None, servers: str
) -> dict[tuple[str | None, int | None], int]:
    """Place the client; return {partition: its end} of those that have something to read."""
    places: list[TopicPartition] = []
    ahead: dict[tuple[str | None, int | None], int] = {}
    try:
        for topic in topics:
            for partition in _partitions(client, topic, part.key):
                if part.partition not in (None, partition):
                    continue
                low, high = _ends(client, TopicPartition(topic, partition))
                begin = low if back is None else max(low, high - back)
                if part.since_ms is not None:
                    begin = max(begin, _since(client, topic, partition, part.since_ms, high))
                places.append(TopicPartition(topic, partition, begin))
                if begin < high:
                    ahead[topic, partition] = high
    except KafkaException as error:
        raise unavailable(error, servers) from error
    if not places:
        raise NotFoundError(f"There is no partition {part.partition} of {', '.join(topics)} with that key.")
    client.assign(places)
    return ahead


def _since(client: Consumer, topic: str, partition: int, since_ms: int, end: int) -> int:
    """Return the offset of the first record that is not older."""
    [found] = client.offsets_for_times([TopicPartition(topic, partition, since_ms)], timeout=ANSWER_S)
    return int(found.offset) if found.offset >= 0 else end


def _partitions(client: Consumer, topic: str, key: bytes | None) -> list[int]:
    found = client.list_topics(topic, timeout=ANSWER_S).topics[topic]
    if found.error is not None:
        raise NotFoundError(
            f"There is no topic {topic!r}; `millstream topics list` has them all.", topic=topic
        )
    return sorted(found.partitions) if key is None else [partition_of(key, len(found.partitions))]


def _ends(client: Consumer, place: TopicPartition) -> tuple[int, int]:
    """Return a partition's first offset and its end; waits for a leader that is being made or elected."""
    deadline = time.monotonic() + ANSWER_S
    while True:
        try:
            low, high = client.get_watermark_offsets(place, timeout=ANSWER_S)
            return low, high
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )
