"""A bare aiokafka loop: consume a record, produce a record; what Kafka and the client cost without anything of ours."""

from __future__ import annotations

import asyncio
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

PARTITIONS = 16
VALUE = b"x" * 300


async def rate(bootstrap: str, count: int) -> float:
    """Return records a second, each consumed and produced again."""
    run = str(time.time_ns())
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{name}-{run}", PARTITIONS, 1) for name in ("in", "out")])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0, max_batch_size=262_144)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=5)
    await producer.start()
    await consumer.start()
    try:
        consumer.assign([TopicPartition(f"in-{run}", p) for p in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        futures = [await producer.send(f"in-{run}", VALUE, b"%d" % i) for i in range(count)]
        await asyncio.gather(*futures)
        start = time.perf_counter()
        seen = 0
        async with asyncio.timeout(120):
            while seen < count:
                futures = []
                for records in (await consumer.getmany(timeout_ms=100, max_records=2000)).values():
                    seen += len(records)
                    futures += [await producer.send(f"out-{run}", r.value, r.key) for r in records]
                await asyncio.gather(*futures)
        return count / (time.perf_counter() - start)
    finally:
        await producer.stop()
        await consumer.stop()
