"""The same records through a bare, stock Faust app: a task, a result, an event and a table row a node, JSON, nothing else.

`python -m bench.bare_faust coordinator|worker BOOTSTRAP RUN` is one of its two processes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

PARTITIONS = 16
LENGTH = 10
PAD = "x" * 150


def _app(role: str, bootstrap: str, run: str) -> Any:
    import faust

    app = faust.App(
        f"bare-{role}-{run}",
        broker=f"kafka://{bootstrap}",
        store="rocksdb://" if role == "coordinator" else "memory://",
        datadir=tempfile.mkdtemp(prefix="bare-faust-"),
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        producer_max_batch_size=262_144,
        broker_max_poll_interval=86_400,
    )
    names = {
        name: app.topic(f"{name}-{run}", partitions=PARTITIONS, value_serializer="json") for name in TOPICS
    }
    if role == "worker":

        @app.agent(names["tasks"])  # type: ignore[untyped-decorator]  # Faust is not typed
        async def work(stream: Any) -> None:
            async for task in stream:
                await names["inbox"].send(key=task["e"].encode(), value={**task, "n": task["n"] + 1})

    else:
        table = app.Table("state", partitions=PARTITIONS)

        @app.agent(names["inbox"])  # type: ignore[untyped-decorator]  # Faust is not typed
        async def coordinate(stream: Any) -> None:
            async for message in stream:
                key = message["e"].encode()
                if message["n"] < LENGTH:
                    await names["tasks"].send(key=key + b"-%d" % message["n"], value=message)
                await names["events"].send(key=key, value={**message, "status": "COMPLETED"})
                table[message["e"]] = {"n": message["n"], "pad": PAD}

    return app


TOPICS = ("inbox", "tasks", "events")


async def rate(bootstrap: str, count: int) -> float:
    """Return nodes a second for `count` chains of ten."""
    run = str(time.time_ns())
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{name}-{run}", PARTITIONS, 1) for name in TOPICS])
    await admin.close()
    argv = [sys.executable, "-m", "bench.bare_faust"]
    processes = [
        await asyncio.create_subprocess_exec(*argv, role, bootstrap, run, stderr=asyncio.subprocess.DEVNULL)
        for role in ("coordinator", "worker")
    ]
    try:
        return await _drive(bootstrap, run, count)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await process.wait()


async def _drive(bootstrap: str, run: str, count: int) -> float:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=5)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0, max_batch_size=262_144)
    await consumer.start()
    await producer.start()
    partitions = [TopicPartition(f"events-{run}", p) for p in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    try:
        await _chains(consumer, producer, run, "warm", 50)
        start = time.perf_counter()
        await _chains(consumer, producer, run, "run", count)
        return count * LENGTH / (time.perf_counter() - start)
    finally:
        await consumer.stop()
        await producer.stop()


async def _chains(consumer: Any, producer: Any, run: str, name: str, count: int) -> None:
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


def _main(role: str, bootstrap: str, run: str) -> None:
    import faust
    import uvloop

    uvloop.install()
    faust.Worker(_app(role, bootstrap, run), loglevel="ERROR").execute_from_commandline()


if __name__ == "__main__":
    _main(*sys.argv[1:])
