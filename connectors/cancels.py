"""Reads `nodes.cancels` whole, without a group: a stop must reach every worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from millstream.topics.catalogue import CANCELS

LOOK_BACK_MS = 3_600_000
"""A worker that starts learns of stops this far back: their tasks may still be queued."""


async def follow_cancels(connection: dict[str, Any], cancel: Callable[[bytes | None], None]) -> None:
    """Call `cancel` with each record's value, from an hour ago on, for ever."""
    consumer = AIOKafkaConsumer(**connection, enable_auto_commit=False, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        partitions = [TopicPartition(CANCELS.name, p) for p in range(CANCELS.partitions)]
        consumer.assign(partitions)
        since = int(time.time() * 1000) - LOOK_BACK_MS
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, since))
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            at = found.get(partition)
            consumer.seek(partition, ends[partition] if at is None else at.offset)
        async for record in consumer:
            cancel(record.value)
    finally:
        await consumer.stop()
