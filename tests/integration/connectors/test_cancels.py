from __future__ import annotations

import asyncio
import contextlib
import time
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaException
from confluent_kafka.admin import NewTopic

from millstream.connectors.cancels import follow_cancels
from millstream.schemas.codec import encode
from millstream.schemas.messages import Cancel
from millstream.topics.catalogue import CANCELS
from millstream.topics.clients import admin

pytestmark = pytest.mark.integration
HOUR_MS = 3_600_000


@pytest.mark.parametrize("step_ms", [-2 * HOUR_MS, 0, 2 * HOUR_MS])
async def test_a_worker_that_starts_learns_of_earlier_stops_whatever_its_clock_says(
    kafka: str, step_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = admin({"bootstrap.servers": kafka})
    [made] = client.create_topics([NewTopic(CANCELS.name, CANCELS.partitions, 1)]).values()
    with contextlib.suppress(KafkaException):  # another test has made it
        made.result(30)
    stop = Cancel(execution_id=uuid4().bytes, at=0)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(CANCELS.name, encode(stop), stop.execution_id)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + step_ms / 1000)
    wanted, seen = encode(stop), asyncio.Event()
    following = asyncio.create_task(
        follow_cancels({"bootstrap_servers": kafka}, lambda raw: seen.set() if raw == wanted else None)
    )
    try:
        await asyncio.wait_for(seen.wait(), 30)
    finally:
        following.cancel()
        await asyncio.wait([following])
