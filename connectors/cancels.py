"""Reads `nodes.cancels` whole, without a group: a stop must reach every worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from millstream.topics.catalogue import CANCELS
from millstream.topics.closing import stop_consumer

LOOK_BACK = 5_000
"""A worker that starts learns of so many stops of each partition: their tasks may still be queued. Counted, not timed: a
clock that is wrong at the start must not hide them."""


async def follow_cancels(connection: dict[str, Any], cancel: Callable[[bytes | None], None]) -> None:
    """Call `cancel` with each record's value, the newest `LOOK_BACK` of each partition first, for ever."""
    consumer = AIOKafkaConsumer(**connection, enable_auto_commit=False, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        partitions = [TopicPartition(CANCELS.name, p) for p in range(CANCELS.partitions)]
        consumer.assign(partitions)
        first = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, max(first[partition], ends[partition] - LOOK_BACK))
        async for record in consumer:
            cancel(record.value)
    finally:
        await stop_consumer(consumer)
