"""How long work stands still after a kill, read from the broker's own times: from the kill to the next finished node (or
decided step) of each partition that the victim had."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment as Assignment

from millstream.schemas.codec import decode
from millstream.schemas.messages import Finished, Run
from millstream.topics.catalogue import EVENTS, INBOX, tasks

LANE = "io"
IN_FLIGHT_S = 0.2
"""What the victim had sent before it died may be appended so much later: it does not count as recovery."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from the kill until a partition of the victim went on."""

    first_s: float
    all_s: float
    """Until the last one of those that had work went on."""
    partitions: int


def group_of(victim: str) -> tuple[str, str]:
    """Return a victim's group and the topic whose partitions it shares."""
    if victim.startswith("worker"):
        return f"millstream-worker-{LANE}", tasks(LANE).name
    return "millstream-coordinator", INBOX.name


async def partitions_of(kafka: str, victim: str) -> set[int]:
    """Return the partitions that a member has now."""
    group, topic = group_of(victim)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    for _, _, _, _, _, members in answer.groups:
        for _, client, _, _, assigned in members:
            if client.endswith(victim):
                owned = dict(Assignment.decode(assigned).assignment)
                return set(owned.get(topic, ()))
    return set()


async def measure(kafka: str, victim: str, owned: set[int], killed_at: float, until: float) -> Recovery:
    """Read what was appended between a kill and `until` (Unix seconds), and find when each partition went on."""
    if victim.startswith("worker"):
        resumed = await _finished(kafka, owned, killed_at, until)
    else:
        resumed = await _decided(kafka, owned, killed_at, until)
    assert resumed, f"none of the partitions {sorted(owned)} of {victim} went on"
    return Recovery(
        first_s=min(resumed.values()) - killed_at,
        all_s=max(resumed.values()) - killed_at,
        partitions=len(resumed),
    )


async def _finished(kafka: str, owned: set[int], killed_at: float, until: float) -> Mapping[int, float]:
    """Return, by task partition, when the first task was finished whose turn came after the kill."""
    began = killed_at - 30
    places: dict[tuple[bytes, int, int, int], int] = {}
    async for partition, _, value in _records(kafka, tasks(LANE).name, began, until):
        message = decode(value)
        if isinstance(message, Run) and partition in owned:
            places[message.execution_id, message.node, message.k, message.attempt] = partition
    resumed: dict[int, float] = {}
    async for _, at, value in _records(kafka, INBOX.name, killed_at + IN_FLIGHT_S, until):
        message = decode(value)
        if isinstance(message, Finished):
            name = (message.execution_id, message.node, message.k, message.attempt)
            if name in places:
                resumed[places[name]] = min(at, resumed.get(places[name], at))
    return resumed


async def _decided(kafka: str, owned: set[int], killed_at: float, until: float) -> Mapping[int, float]:
    """Return, by inbox partition, when the first step was told. Events lie in the partition of their execution's inbox."""
    resumed: dict[int, float] = {}
    async for partition, at, _ in _records(kafka, EVENTS.name, killed_at + IN_FLIGHT_S, until):
        if partition in owned:
            resumed[partition] = min(at, resumed.get(partition, at))
    return resumed


async def _records(
    kafka: str, topic: str, began: float, until: float
) -> AsyncIterator[tuple[int, float, bytes]]:
    """Yield (partition, append time, value) of what was appended in a span of time."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        points = [TopicPartition(topic, p) for p in range(INBOX.partitions)]
        consumer.assign(points)
        found = await consumer.offsets_for_times(dict.fromkeys(points, int(began * 1000)))
        ends = await consumer.end_offsets(points)
        left = {p for p in points if found[p] is not None and found[p].offset < ends[p]}
        for point in points:
            consumer.seek(point, found[point].offset if point in left else ends[point])
        deadline = time.monotonic() + 30
        while left and time.monotonic() < deadline:
            for point, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    at = record.timestamp / 1000
                    if at > until or record.offset >= ends[point] - 1:
                        left.discard(point)
                    if at <= until:
                        yield point.partition, at, record.value
    finally:
        await consumer.stop()
