"""Records of a group in one batch a partition: aiokafka then keeps one future a batch, not one a record, which is most of
what `AIOKafkaProducer.send` costs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from aiokafka.partitioner import murmur2

from millstream.schemas.headers import Header
from millstream.topics.catalogue import PARTITIONS


class Record(NamedTuple):
    """What is to be appended; `partition` None: the key's."""

    topic: str
    key: bytes
    value: bytes | None
    headers: list[Header]
    partition: int | None = None


class Producer(Protocol):
    """What we need of an aiokafka producer."""

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        *,
        headers: list[Header] | None = None,
    ) -> asyncio.Future[Any]:
        """Append to a batch; the future is done when the broker has it."""
        ...

    def create_batch(self) -> Any:
        """Return an empty batch."""
        ...

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Send a batch; the future is done when the broker has it."""
        ...


@lru_cache(maxsize=65_536)
def partition_of(key: bytes) -> int:
    """Return a key's partition, as every producer of ours has it: murmur2, as Kafka's own clients."""
    return int((murmur2(key) & 0x7FFFFFFF) % PARTITIONS)


async def send_all(producer: Producer, records: Iterable[Record]) -> dict[tuple[str, int], int]:
    """Append all; return when the brokers have them, with the offset of the last record of each (topic, partition).

    Records of one partition keep their order. Errors: KafkaError: some may be appended and some not.
    """
    futures = []
    for (topic, partition), batches in _batches(producer, records).items():
        for batch in batches:  # a second one waits until the first is on its way
            count = batch.record_count()
            future = await producer.send_batch(batch, topic, partition=partition)
            futures.append((topic, partition, count, future))
    if futures:
        await asyncio.gather(*(future for *_, future in futures))
    return {
        (topic, partition): future.result().offset + count - 1 for topic, partition, count, future in futures
    }


def _batches(producer: Producer, records: Iterable[Record]) -> dict[tuple[str, int], list[Any]]:
    found: dict[tuple[str, int], list[Any]] = {}
    for topic, key, value, headers, partition in records:
        place = (topic, partition_of(key) if partition is None else partition)
        batches = found.get(place)
        if batches is None:
            batches = found[place] = [producer.create_batch()]
        if batches[-1].append(timestamp=None, key=key, value=value, headers=headers) is None:
            batches.append(producer.create_batch())
            batches[-1].append(timestamp=None, key=key, value=value, headers=headers)
    return found
