"""A consumer is closed to its end, whatever aiokafka has under way."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka.admin import NewTopic

from millstream.topics.clients import admin
from millstream.topics.closing import stop_consumer

pytestmark = pytest.mark.integration


async def _busy(kafka: str) -> AIOKafkaConsumer:
    """Return a consumer that waits for Kafka's answer, and one of whose requests is about to be tried again."""
    topic = f"closing-{uuid.uuid4().hex[:8]}"
    client = admin({"bootstrap.servers": kafka})
    client.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, fetch_max_wait_ms=5_000)
    await consumer.start()
    point = TopicPartition(topic, 0)
    consumer.assign([point])
    await consumer.seek_to_end(point)
    await consumer.getmany(timeout_ms=100)
    assert consumer._fetcher._pending_tasks
    consumer._fetcher._pending_tasks.add(asyncio.create_task(asyncio.sleep(60)))
    return consumer


async def test_a_consumer_that_fetches_is_closed_without_a_cancellation(kafka: str) -> None:
    consumer = await _busy(kafka)
    await stop_consumer(consumer)
    assert not any(conn.connected() for conn in consumer._client._conns.values())


async def test_a_caller_that_is_cancelled_hears_of_it(kafka: str) -> None:
    consumer = await _busy(kafka)
    stopping = asyncio.create_task(stop_consumer(consumer))
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    await stop_consumer(consumer)
    await consumer._client.close()
