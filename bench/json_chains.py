"""Drives a reference of two processes: chains of ten as JSON records on an inbox, tasks and events of their own."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench import ROOT
from bench.watch import percentile

PARTITIONS = 16
LENGTH = 10
PAD = "x" * 150
TOPICS = ("inbox", "tasks", "events")
ROLES = ("coordinator", "worker")
STOP_S = 20


async def create(bootstrap: str, run: str, *, compacted: str = "") -> None:
    """Make the topics `<name>-<run>`, and a compacted one."""
    topics = [NewTopic(f"{name}-{run}", PARTITIONS, 1) for name in TOPICS]
    if compacted:
        topics.append(NewTopic(compacted, PARTITIONS, 1, topic_configs={"cleanup.policy": "compact"}))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics(topics)
    await admin.close()


async def measure(module: str, bootstrap: str, run: str, count: int) -> tuple[float, float]:
    """Run `python -m module coordinator|worker BOOTSTRAP RUN FOLDER`.

    Returns nodes a second of `count` chains at once, and the p50 of one chain alone in milliseconds, as this driver sees it.
    """
    with tempfile.TemporaryDirectory(prefix="millstream-bench-") as folder:
        processes = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, role, bootstrap, run, folder),
                cwd=ROOT,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            for role in ROLES
        ]
        try:
            return await _drive(bootstrap, run, count)
        finally:
            await asyncio.gather(*(_stop(process) for process in processes))


async def _stop(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _drive(bootstrap: str, run: str, count: int) -> tuple[float, float]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=5)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0, max_batch_size=262_144)
    await consumer.start()
    await producer.start()
    partitions = [TopicPartition(f"events-{run}", p) for p in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    try:
        await _chains(consumer, producer, run, "warm", 50)
        spans = [await _chains(consumer, producer, run, f"one{i}-", 1) for i in range(max(10, count // 20))]
        seconds = await _chains(consumer, producer, run, "run", count)
        return count * LENGTH / seconds, 1000 * percentile(sorted(spans), 0.5)
    finally:
        await consumer.stop()
        await producer.stop()


async def _chains(consumer: Any, producer: Any, run: str, name: str, count: int) -> float:
    """Run chains to their ends; return the seconds."""
    start = time.perf_counter()
    futures = []
    for i in range(count):
        value = json.dumps({"e": f"{name}{i}", "n": 0, "pad": PAD}).encode()
        futures.append(await producer.send(f"inbox-{run}", value, f"{name}{i}".encode()))
    await asyncio.gather(*futures)
    done: set[str] = set()
    async with asyncio.timeout(120):
        while len(done) < count:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    event = json.loads(record.value)
                    if event["n"] >= LENGTH and event["e"].startswith(name):
                        done.add(event["e"])
    return time.perf_counter() - start
