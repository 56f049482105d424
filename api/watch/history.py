"""Reading back: a range of one partition of `executions.events`, for one execution."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from millstream.schemas.codec import decode
from millstream.schemas.errors import NotFoundError, RecordInvalidError, UnavailableError
from millstream.schemas.messages import Events
from millstream.topics.catalogue import EVENTS
from millstream.topics.closing import stop_consumer

READERS = 4
"""Ranges that are read at once; more wait for their turn."""
BATCH = 200
"""Records that are decoded at one go, while nobody else has the event loop."""
STALLED_S = 5.0
"""No answer, or no record in the middle of a range, for so long means that Kafka is away."""


def partition_of(key: bytes) -> int:
    """Return the partition of an execution, as every producer of ours chooses it."""
    return int((murmur2(key) & 0x7FFFFFFF) % EVENTS.partitions)


class History:
    """A few consumers without a group, lent to one reading at a time."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        self._kafka = kafka
        self._free: list[AIOKafkaConsumer] = []
        self._turns = asyncio.Semaphore(READERS)

    async def stop(self) -> None:
        """Close the consumers that nobody uses."""
        while self._free:
            await stop_consumer(self._free.pop())

    async def end(self, partition: int) -> int:
        """Return the offset that the next record will have. Errors: UnavailableError."""
        return await self._offset(AIOKafkaConsumer.end_offsets, partition)

    async def beginning(self, partition: int) -> int:
        """Return the offset of the oldest record that is still there. Errors: UnavailableError."""
        return await self._offset(AIOKafkaConsumer.beginning_offsets, partition)

    async def _offset(self, ask: Any, partition: int) -> int:
        point = TopicPartition(EVENTS.name, partition)
        try:
            # The time is Kafka's: many who subscribe at once wait for each other, which is no failure.
            async with self._reader() as reader, asyncio.timeout(STALLED_S):
                return int((await ask(reader, [point]))[point])
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError("Kafka does not answer now; try again later.", down=["kafka"]) from error

    async def read(
        self, partition: int, start: int | None, stop: int, key: bytes
    ) -> AsyncGenerator[list[tuple[int, Events]]]:
        """Yield the records of one execution with offsets from `start` (None: the oldest) up to, without, `stop`.

        Errors: NotFoundError: the log does not go back to `start` any more; UnavailableError.
        """
        if start is not None and start >= stop:
            return  # most who subscribe do so before anything has happened: Kafka need not be asked
        oldest = await self.beginning(partition)
        if start is not None and start < oldest:
            raise NotFoundError(
                "The first events of this execution are no longer in the log (they are kept for "
                f"{EVENTS.retention_ms // 86_400_000} days); GET the execution instead."
            )
        position = oldest if start is None else start
        if position >= stop:
            return
        point = TopicPartition(EVENTS.name, partition)
        async with self._reader() as reader:
            reader.assign([point])
            reader.seek(point, position)
            heard = time.monotonic()
            while position < stop:
                records = (await reader.getmany(point, timeout_ms=1000, max_records=BATCH)).get(point, [])
                position = await reader.position(point)
                if records:
                    heard = time.monotonic()
                    found = [
                        (r.offset, decode_events(r.value))
                        for r in records
                        if r.key == key and r.offset < stop
                    ]
                    yield [(offset, events) for offset, events in found if events is not None]
                elif time.monotonic() - heard > STALLED_S:
                    raise UnavailableError("Kafka does not answer now; try again later.", down=["kafka"])

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        async with self._turns:
            reader = self._free.pop() if self._free else await self._new()
            try:
                yield reader
            except GeneratorExit:
                self._free.append(reader)  # whoever reads has enough
                raise
            except BaseException:
                await stop_consumer(reader)  # its state is unknown
                raise
            self._free.append(reader)

    async def _new(self) -> AIOKafkaConsumer:
        reader = AIOKafkaConsumer(
            **self._kafka,
            client_id="millstream-edge-history",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=4 << 20,
        )
        try:
            await reader.start()
        except BaseException:
            await stop_consumer(reader)
            raise
        return reader


def decode_events(value: bytes | None) -> Events | None:
    """Decode a record; None for what is no `Events`: the sink complains about that."""
    try:
        message = decode(value)
    except RecordInvalidError:
        return None
    return message if isinstance(message, Events) else None
