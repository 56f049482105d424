"""The live end of `executions.events`: one consumer without a group, which fetches only partitions that are watched.

All partitions are assigned for good and those that nobody watches are paused: assigning anew would lose the others'
positions. The consumer's own position in a paused partition is of no meaning; watching begins at the log's end.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from millstream.api.watch.history import History
from millstream.topics.catalogue import EVENTS
from millstream.topics.closing import stop_consumer

log = structlog.get_logger(__name__)

OnRecord = Callable[[ConsumerRecord], None]
OnLost = Callable[[int], None]

POLL_MS = 1000
AT_ONCE = 100
"""Records that are taken before the sockets have their turn."""
DEAD_AFTER_S = 10.0
"""A loop that has not turned for so long is stuck."""


class Tail:
    """Gives each record of the watched partitions to `on_record`, in order. `on_lost(partition)`: some were missed."""

    def __init__(
        self, kafka: Mapping[str, Any], history: History, *, on_record: OnRecord, on_lost: OnLost
    ) -> None:
        self._kafka = kafka
        self._history = history
        self._on_record = on_record
        self._on_lost = on_lost
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self._watchers: Counter[int] = Counter()
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._next: dict[int, int] = {}
        self._turned_at = time.monotonic()

    async def start(self) -> None:
        """Connect, with every partition paused. Errors: KafkaError."""
        consumer = AIOKafkaConsumer(
            **self._kafka,
            client_id="millstream-edge-tail",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=100,  # a fetch in flight holds up a partition that joins
            max_partition_fetch_bytes=4 << 20,
        )
        points = [TopicPartition(EVENTS.name, partition) for partition in range(EVENTS.partitions)]
        try:
            await consumer.start()
            ends = await consumer.end_offsets(points)
        except BaseException:
            await stop_consumer(consumer)
            raise
        consumer.assign(points)
        for point, end in ends.items():
            consumer.seek(point, end)
        consumer.pause(*points)
        self._consumer = consumer
        self._task = asyncio.create_task(self._run(consumer), name="events-tail")

    async def stop(self) -> None:
        """Disconnect."""
        for task in (self._task, *self._opening.values()):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        if self._consumer is not None:
            await stop_consumer(self._consumer)

    @property
    def alive(self) -> bool:
        """Tell whether the loop turns."""
        running = self._task is not None and not self._task.done()
        return running and time.monotonic() - self._turned_at < DEAD_AFTER_S

    def next_offset(self, partition: int) -> int:
        """Return the offset up to which, without it, records of a watched partition were given."""
        return self._next[partition]

    async def watch(self, partition: int) -> None:
        """Have records given from now on. Each call needs one `unwatch`."""
        self._watchers[partition] += 1
        if self._watchers[partition] == 1:
            self._opening[partition] = asyncio.create_task(self._open(partition))
        try:
            await asyncio.shield(self._opening[partition])
        except BaseException:
            self.unwatch(partition)
            raise

    def unwatch(self, partition: int) -> None:
        """End one `watch`."""
        self._watchers[partition] -= 1
        if self._watchers[partition] == 0 and self._consumer is not None:
            self._consumer.pause(TopicPartition(EVENTS.name, partition))

    async def _open(self, partition: int) -> None:
        assert self._consumer is not None
        end = await self._history.end(partition)
        if self._watchers[partition] > 0:
            point = TopicPartition(EVENTS.name, partition)
            self._next[partition] = end
            self._consumer.seek(point, end)
            self._consumer.resume(point)

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            self._turned_at = time.monotonic()
            try:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=AT_ONCE)
            except OffsetOutOfRangeError as error:
                for point in error.args[0]:
                    await self._skip(consumer, point)
                continue
            except KafkaError as error:
                log.warning("events_unreadable", error=type(error).__name__)
                await asyncio.sleep(1.0)
                continue
            for point, records in batches.items():
                for record in records:
                    self._take(point.partition, record)
            await asyncio.sleep(0)

    def _take(self, partition: int, record: ConsumerRecord) -> None:
        if self._watchers[partition] <= 0 or record.offset < self._next.get(partition, 0):
            return
        self._next[partition] = record.offset + 1
        self._on_record(record)

    async def _skip(self, consumer: AIOKafkaConsumer, point: TopicPartition) -> None:
        """The log was cut off under us (retention, a topic made anew): go on at its end, and say so."""
        log.error("events_lost", partition=point.partition)
        end = await self._history.end(point.partition)
        self._next[point.partition] = end
        consumer.seek(point, end)
        self._on_lost(point.partition)
