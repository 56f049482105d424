"""Batches from a topic, with the offsets of a group, which this client keeps by hand: it joins no group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aiokafka import TopicPartition

from millstream.processors.kafka.cluster import Cluster
from millstream.processors.kafka.connection import answered, consumer, find_topic
from millstream.processors.services import Http
from millstream.schemas.errors import BlockExecutionError, BlockInputError

Offsets = dict[str, int]
"""By partition, as text since JSON has no other keys: the offset of the next record to be read."""
ASK_S: Final = 40.0
"""For all that is asked before the first record."""
StartAt = Literal["earliest", "latest"]


@dataclass(slots=True)
class Batch:
    """What was read, and where the next one begins."""

    records: list[Any] = field(default_factory=list)
    offsets: Offsets = field(default_factory=dict)
    size: int = 0
    full: bool = False
    """It ended by a limit: there may be more."""


async def take(
    http: Http,
    cluster: Cluster,
    topic: str,
    group: str,
    *,
    start_at: StartAt,
    most_records: int,
    most_bytes: int,
    wait_s: float,
    after: Mapping[str, int] | None = None,
) -> Batch:
    """Read from where the group has committed, and not before `after`. At least the first record comes whole."""
    async with consumer(
        http,
        cluster,
        group=group,
        max_partition_fetch_bytes=min(most_bytes, 1_048_576),
        fetch_max_bytes=most_bytes,
        auto_offset_reset=start_at,
    ) as kafka:

        async def read() -> Batch:
            parts = await _assigned(kafka, topic)
            batch = Batch(offsets=await _positioned(kafka, parts, start_at, after or {}))
            await _gather(batch, kafka, most_records, most_bytes, wait_s)
            return batch

        return await answered(kafka._client, read(), ASK_S + wait_s)


async def commit(http: Http, cluster: Cluster, topic: str, group: str, offsets: Mapping[str, int]) -> Offsets:
    """Note how far a group is. It never goes back. Returns what was noted."""
    wanted = {_partition(text): _offset(offset) for text, offset in offsets.items()}
    async with consumer(http, cluster, group=group) as kafka:
        return await answered(kafka._client, _noted(kafka, topic, wanted), ASK_S)


async def _noted(kafka: Any, topic: str, wanted: Mapping[int, int]) -> Offsets:
    known = {part.partition for part in await _assigned(kafka, topic)}
    if strange := sorted(wanted.keys() - known):
        raise BlockInputError(f"The topic {topic!r} has no partition {strange[0]}.")
    later: dict[Any, int] = {}
    for number, offset in wanted.items():
        part = TopicPartition(topic, number)
        if offset > (await kafka.committed(part) or 0):
            later[part] = offset
    if later:
        await kafka.commit(later)
    return {str(part.partition): offset for part, offset in later.items()}


async def _assigned(kafka: Any, topic: str) -> list[Any]:
    await find_topic(kafka._client, topic)
    await kafka._client._wait_on_metadata(topic)
    parts = [TopicPartition(topic, number) for number in sorted(kafka.partitions_for_topic(topic) or ())]
    if not parts:
        raise BlockExecutionError(f"The cluster has no topic {topic!r}.")
    kafka.assign(parts)
    return parts


async def _positioned(kafka: Any, parts: list[Any], start_at: StartAt, after: Mapping[str, int]) -> Offsets:
    """Go to where the group is. Returns where it begins at the end: if that is not noted, the next run begins later."""
    fresh: Offsets = {}
    begins, ends = await kafka.beginning_offsets(parts), await kafka.end_offsets(parts)
    for part in parts:
        committed = await kafka.committed(part)
        if committed is None:
            committed = begins[part] if start_at == "earliest" else ends[part]
            if start_at == "latest" and str(part.partition) not in after:
                fresh[str(part.partition)] = committed
        # What the group has read may be gone by retention.
        kafka.seek(part, max(committed, begins[part], after.get(str(part.partition), 0)))
    return fresh


async def _gather(batch: Batch, kafka: Any, most_records: int, most_bytes: int, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not batch.full and (left := deadline - time.monotonic()) > 0:
        # With something in hand only what is here already is waited for.
        patience = min(left, 1.0) if not batch.records else 0.1
        found = await kafka.getmany(
            timeout_ms=int(patience * 1000) + 1, max_records=most_records - len(batch.records)
        )
        for records in found.values():
            for record in records:
                size = len(record.value or b"") + len(record.key or b"")
                if batch.records and batch.size + size > most_bytes:
                    batch.full = True
                    break
                batch.records.append(record)
                batch.size += size
                batch.offsets[str(record.partition)] = record.offset + 1
        batch.full = batch.full or len(batch.records) >= most_records
        if batch.records and not found:
            break


def _partition(text: str) -> int:
    if not text.isdecimal():
        raise BlockInputError(f"{text[:50]!r} is no partition; offsets are {{'0': 17}}, by partition.")
    return int(text)


def _offset(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise BlockInputError(f"{value!r} is no offset.")
    return value
