"""The execution model at its barest: our transport and our group commit, JSON, four records a node, no graph, no schemas.

What the platform's engine costs beyond its model is seen beside this. `python -m bench.group_commit coordinator|worker
BOOTSTRAP RUN FOLDER` is one of its two processes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from bench import json_chains
from bench.json_chains import LENGTH, PAD, PARTITIONS

BURST = 2000
SLOTS = 500
BYTES_OF_OFFSET = 8


async def measure(bootstrap: str, count: int) -> tuple[float, float]:
    """Return nodes a second for `count` chains of ten, and the p50 of one in milliseconds."""
    run = str(time.time_ns())
    await json_chains.create(bootstrap, run, compacted=_changelog(run))
    return await json_chains.measure("bench.group_commit", bootstrap, run, count)


def _changelog(run: str) -> str:
    return f"group-coordinator-{run}-state-changelog"


class Reference:
    """One process. Its table's rows are `offset, state`; an inbox record at or below the offset was seen."""

    def __init__(self, app: Any, producer: Any, run: str) -> None:
        from millstream.streams.apps import BYTES

        self._app, self._producer, self._run = app, producer, run
        self._queue: list[Any] = []
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(SLOTS)
        self._topic = {
            name: app.topic(f"{name}-{run}", partitions=PARTITIONS, **BYTES) for name in ("inbox", "tasks")
        }

    def be_coordinator(self) -> None:
        self._table = self._app.Table("state", partitions=PARTITIONS, key_type=bytes, value_type=bytes)

        async def listen(stream: Any) -> None:
            self._stream = stream
            async for event in stream.noack().events():
                self._queue.append(event)
                self._wake.set()

        self._app.agent(self._topic["inbox"], name="coordinator")(listen)

    def be_worker(self) -> None:
        async def work(stream: Any) -> None:
            async for event in stream.noack().events():
                await self._room.acquire()
                task = asyncio.create_task(self._finish(stream, event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        self._app.agent(self._topic["tasks"], name="worker")(work)

    async def _finish(self, stream: Any, event: Any) -> None:
        task = orjson.loads(event.value)
        task["n"] += 1
        await self._send("inbox", orjson.dumps(task), task["e"].encode())
        await stream.ack(event)
        self._room.release()

    async def _send(self, name: str, value: bytes, key: bytes) -> None:
        await (await self._producer.send(f"{name}-{self._run}", value, key))

    async def pump(self) -> None:
        """Decide bursts for ever: effects, then rows, then offsets."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                burst, self._queue = self._queue[:BURST], self._queue[BURST:]
                await self._flush(burst)

    async def _flush(self, burst: list[Any]) -> None:
        rows: dict[int, dict[bytes, bytes | None]] = {}
        futures = []
        for event in burst:
            record, message = event.message, orjson.loads(event.value)
            mine = rows.setdefault(record.partition, {})
            row = mine.get(record.key) or self._table.data.rows(record.partition).get(record.key)
            if row is not None and record.offset <= int.from_bytes(row[:BYTES_OF_OFFSET]):
                continue
            if message["n"] < LENGTH:
                key = record.key + b"-%d" % message["n"]
                futures.append(await self._producer.send(f"tasks-{self._run}", orjson.dumps(message), key))
            told = orjson.dumps({**message, "status": "COMPLETED"})
            futures.append(await self._producer.send(f"events-{self._run}", told, record.key))
            state = orjson.dumps({"n": message["n"], "pad": PAD})
            mine[record.key] = record.offset.to_bytes(BYTES_OF_OFFSET) + state
        await asyncio.gather(*futures)
        await self._write(rows)
        for event in burst:
            await self._stream.ack(event)

    async def _write(self, rows: dict[int, dict[bytes, bytes | None]]) -> None:
        futures = [
            await self._producer.send(_changelog(self._run), value, name, partition)
            for partition, mine in rows.items()
            for name, value in mine.items()
        ]
        newest: dict[int, int] = {}
        for metadata in await asyncio.gather(*futures):
            newest[metadata.partition] = max(metadata.offset, newest.get(metadata.partition, -1))
        for partition, mine in rows.items():
            if mine:
                self._table.data.write(partition, mine.items(), newest[partition])


async def _main(role: str, bootstrap: str, run: str, folder: str) -> int:
    from aiokafka import AIOKafkaProducer

    from millstream.streams.apps import EngineSettings, build
    from millstream.streams.service import Service

    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=262_144
    )
    await producer.start()
    settings = EngineSettings(bootstrap=bootstrap, folder=Path(folder) / role, instance=role)
    coordinator = role == "coordinator"
    app = build(
        f"group-{role}-{run}",
        settings,
        store="millrocks://" if coordinator else "memory://",
        stream_wait_empty=coordinator,
        topic_partitions=PARTITIONS,
    )
    reference = Reference(app, producer, run)
    if coordinator:
        reference.be_coordinator()
    else:
        reference.be_worker()
    try:
        return await Service().run([app], [reference.pump] if coordinator else [])
    finally:
        await producer.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.install()
    with asyncio.Runner() as runner:
        code = runner.run(_main(*sys.argv[1:]))
    sys.exit(code)
