"""Lags read from Kafka: a request a group and one for all ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from millstream.api.pressure.readings import Place, Reading
from millstream.topics.catalogue import PARTITIONS
from millstream.topics.closing import stop_consumer


class Lags:
    """Reads how far groups are. Keeps its connections; after an error it makes new ones."""

    def __init__(self, kafka: Mapping[str, Any], groups: Mapping[str, str]) -> None:
        """`groups`: topic -> the group that works it off. Topics that Kafka does not have are passed over."""
        self._kafka = kafka
        self._groups = groups
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._coordinators: dict[str, int] = {}
        self._points: dict[str, list[TopicPartition]] = {}

    async def read(self) -> Reading:
        """Ask. Errors: KafkaError."""
        if self._consumer is None:
            await self._connect()
        assert self._consumer is not None
        at = time.monotonic()
        done = {topic: await self._done(topic) for topic in self._points}
        ends = await self._consumer.end_offsets(
            [point for points in self._points.values() for point in points]
        )
        fresh = [
            point for topic, points in self._points.items() for point in points if point not in done[topic]
        ]
        begin = await self._consumer.beginning_offsets(fresh) if fresh else {}
        places = {
            topic: [Place(done[topic].get(point, begin.get(point, 0)), ends[point]) for point in points]
            for topic, points in self._points.items()
        }
        return Reading(at=at, places=places)

    async def close(self) -> None:
        """Disconnect; the next `read` connects again."""
        for client in (self._admin and self._admin.close(), self._consumer and stop_consumer(self._consumer)):
            if client is not None:
                with contextlib.suppress(KafkaError, OSError):
                    await client
        self._admin = self._consumer = None
        self._coordinators.clear()

    async def _connect(self) -> None:
        admin = AIOKafkaAdminClient(**self._kafka, client_id="millstream-edge-lags", request_timeout_ms=5000)
        consumer = AIOKafkaConsumer(**self._kafka, client_id="millstream-edge-lags", request_timeout_ms=5000)
        self._admin, self._consumer = admin, consumer
        await admin.start()
        await consumer.start()
        there = await consumer.topics()
        self._points = {
            topic: [TopicPartition(topic, number) for number in range(PARTITIONS)]
            for topic in self._groups
            if topic in there
        }

    async def _done(self, topic: str) -> dict[TopicPartition, int]:
        assert self._admin is not None
        group = self._groups[topic]
        node = self._coordinators.get(group)
        if node is None:
            node = self._coordinators[group] = await self._admin.find_coordinator(group)
        found = await self._admin.list_consumer_group_offsets(group, node, self._points[topic])
        return {point: place.offset for point, place in found.items() if place.offset >= 0}
