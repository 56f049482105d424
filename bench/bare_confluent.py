"""A bare confluent-kafka loop: consume a batch, produce it, flush; what librdkafka does on the same broker."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 16
VALUE = b"x" * 300
BATCH = 2000
LIMIT_S = 120.0


def rate(bootstrap: str, count: int) -> float:
    """Return records a second, each consumed and produced again."""
    run = str(time.time_ns())
    servers = {"bootstrap.servers": bootstrap}
    admin = AdminClient(servers)  # its futures end with it
    topics = [NewTopic(f"{name}-{run}", PARTITIONS, 1) for name in ("in", "out")]
    for future in admin.create_topics(topics).values():
        future.result()
    producer = Producer(
        servers | {"partitioner": "murmur2_random", "linger.ms": 0, "queue.buffering.max.messages": 1_000_000}
    )
    for i in range(count):
        producer.produce(f"in-{run}", VALUE, b"%d" % i)
    producer.flush(LIMIT_S)
    consumer = Consumer(
        servers | {"group.id": run, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    try:
        consumer.assign([TopicPartition(f"in-{run}", p, 0) for p in range(PARTITIONS)])
        return _turn(producer, consumer, f"out-{run}", count)
    finally:
        consumer.close()


def _turn(producer: Any, consumer: Any, out: str, count: int) -> float:
    start = time.perf_counter()
    seen = 0
    while seen < count:
        if time.perf_counter() - start > LIMIT_S:
            raise TimeoutError(f"{seen} of {count} records came")
        messages = [m for m in consumer.consume(BATCH, 0.1) if m.error() is None]
        for message in messages:
            producer.produce(out, message.value(), message.key())
        producer.flush(LIMIT_S)
        seen += len(messages)
    return count / (time.perf_counter() - start)
