"""Progress and texts that are being written, from `nodes.progress` to whoever asked for them.

Best effort: nothing is kept, nothing is told twice, and what comes while nobody follows is lost. What counts comes as events.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from millstream.api.watch.history import partition_of
from millstream.schemas.codec import decode
from millstream.schemas.errors import RecordInvalidError, UnavailableError
from millstream.schemas.messages import Progress
from millstream.topics.catalogue import PROGRESS
from millstream.topics.closing import stop_consumer

log = structlog.get_logger(__name__)

POLL_MS = 1_000
AT_ONCE = 200


class Reader(Protocol):
    """Who hears of an execution."""

    def tell_progress(self, progress: Progress) -> None:
        """Take it at once, or let it go."""
        ...


class Writing:
    """One consumer without a group, made when the first one asks; it fetches only partitions in which somebody follows."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        self._kafka = kafka
        self._readers: dict[bytes, dict[Reader, str]] = {}
        self._watched: Counter[int] = Counter()
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    async def stop(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._consumer is not None:
            await stop_consumer(self._consumer)

    async def join(self, execution_id: UUID, reader: Reader, *, owner_id: UUID) -> None:
        """Tell `reader` what comes from now on. Needs one `leave`. Errors: UnavailableError.

        That the execution is the owner's has been looked up before; each record's owner is compared all the same.
        """
        key = execution_id.bytes
        try:
            await self._open(partition_of(key))
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError("Kafka does not answer now; try again later.", down=["kafka"]) from error
        self._readers.setdefault(key, {})[reader] = str(owner_id)

    def leave(self, execution_id: UUID, reader: Reader) -> None:
        """End one `join`."""
        key = execution_id.bytes
        readers = self._readers.get(key, {})
        if readers.pop(reader, None) is None:
            return
        if not readers:
            del self._readers[key]
        partition = partition_of(key)
        self._watched[partition] -= 1
        if not self._watched[partition] and self._consumer is not None:
            self._consumer.pause(TopicPartition(PROGRESS.name, partition))

    async def _open(self, partition: int) -> None:
        async with self._turn:
            consumer = self._consumer or await self._started()
            if not self._watched[partition]:
                point = TopicPartition(PROGRESS.name, partition)
                async with asyncio.timeout(10):
                    ends = await consumer.end_offsets([point])
                consumer.seek(point, ends[point])
                consumer.resume(point)
            self._watched[partition] += 1

    async def _started(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **self._kafka,
            client_id="millstream-edge-writing",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=1 << 20,
        )
        points = [TopicPartition(PROGRESS.name, partition) for partition in range(PROGRESS.partitions)]
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
        self._task = asyncio.create_task(self._run(consumer), name="progress-tail")
        return consumer

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            try:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=AT_ONCE)
            except OffsetOutOfRangeError as error:
                await consumer.seek_to_end(*error.args[0])
                continue
            except KafkaError as error:
                log.warning("progress_unreadable", error=type(error).__name__)
                await asyncio.sleep(1.0)
                continue
            for records in batches.values():
                for record in records:
                    self._take(record)
            await asyncio.sleep(0)

    def _take(self, record: ConsumerRecord) -> None:
        readers = self._readers.get(record.key)
        if not readers:
            return
        try:
            progress = decode(record.value)
        except RecordInvalidError:
            return
        if not isinstance(progress, Progress) or progress.execution_id != record.key:
            return
        for reader, owner in list(readers.items()):
            if progress.user_id == owner:
                reader.tell_progress(progress)
