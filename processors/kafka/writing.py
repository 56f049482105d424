"""Records to a topic."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from millstream.processors.kafka.cluster import Cluster
from millstream.processors.kafka.connection import answered, find_topic, producer
from millstream.processors.services import Http

SEND_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A record to be written."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = field(default_factory=tuple)


async def put(http: Http, cluster: Cluster, topic: str, records: Sequence[Outgoing]) -> list[dict[str, int]]:
    """Write records in order and wait until the cluster has them all. Returns where each is."""
    async with producer(http, cluster) as kafka:
        acks = await answered(kafka.client, _sent(kafka, topic, records), SEND_S)
    return [{"partition": ack.partition, "offset": ack.offset} for ack in acks]


async def _sent(kafka: Any, topic: str, records: Sequence[Outgoing]) -> list[Any]:
    await find_topic(kafka.client, topic)
    waiting = [
        await kafka.send(topic, record.value, record.key, headers=list(record.headers)) for record in records
    ]
    return list(await asyncio.gather(*waiting))
