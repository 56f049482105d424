"""Small Faust processes for the tests: `python -m tests.integration.streams.programs '<JSON>'`. Each is a real `Service`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaProducer

from millstream.streams.apps import BYTES, EngineSettings, build
from millstream.streams.service import Service


class Trace:
    """Notes for the test: a line of JSON each, in one write, so that a kill leaves whole lines."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, what: str, **more: Any) -> None:
        line = json.dumps({"at": time.monotonic(), "what": what, **more}) + "\n"
        os.write(self._file, line.encode())

    def follow(self, app: faust.App) -> None:
        """Note which partitions come and go."""

        async def assigned(app: Any, partitions: Any, **_: Any) -> None:
            self("assigned", app=app.conf.id, partitions=sorted(tp.partition for tp in partitions))

        async def revoked(app: Any, partitions: Any, **_: Any) -> None:
            self("revoked", app=app.conf.id, partitions=sorted(tp.partition for tp in partitions))

        app.on_partitions_assigned.connect(assigned, weak=False)
        app.on_partitions_revoked.connect(revoked, weak=False)


def settings(conf: dict[str, Any]) -> EngineSettings:
    return EngineSettings(
        bootstrap=conf["kafka"],
        folder=Path(conf["folder"]),
        instance=conf["instance"],
        session_timeout_s=conf.get("session_s", 6.0),
        slots=conf.get("slots", 500),
    )


async def started_producer(conf: dict[str, Any]) -> AIOKafkaProducer:
    """A producer with the settings of the platform's processes."""
    producer = AIOKafkaProducer(
        bootstrap_servers=conf["kafka"],
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_request_size=2_000_000,
        request_timeout_ms=30_000,
    )
    await producer.start()
    return producer


async def opened(gate: str | None) -> None:
    """Wait until the file is there."""
    while gate is not None and not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.02)


# --- pool: jobs in any order, acknowledged when they are done ---


class Pool:
    """Runs `{"id", "s": seconds, "gate": file, "raise": bool}`; says the id on `out` before it acknowledges."""

    def __init__(self, conf: dict[str, Any], trace: Trace, producer: Any) -> None:
        self.conf, self.trace, self.producer = conf, trace, producer
        self.room = asyncio.Semaphore(conf.get("slots", 500))
        self.tasks: set[asyncio.Task[None]] = set()

    def attach(self, app: faust.App, name: str) -> None:
        topic = app.topic(name, **BYTES)

        async def work(stream: Any) -> None:
            async for event in stream.noack().events():
                await self.room.acquire()
                task = asyncio.create_task(self.one(stream, event))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

        app.agent(topic, name=f"pool-{name}")(work)

    async def one(self, stream: Any, event: Any) -> None:
        try:
            job = json.loads(event.value)
            self.trace("begin", id=job["id"], topic=event.message.topic)
            if "gate" in job:
                await opened(job["gate"])
            if "s" in job:
                await asyncio.sleep(job["s"])
            if out := self.conf.get("out"):
                await self.producer.send_and_wait(out, job["id"].encode(), key=job["id"].encode())
            self.trace("end", id=job["id"], topic=event.message.topic)
            await stream.ack(event)
        finally:
            self.room.release()


async def pool(conf: dict[str, Any], trace: Trace) -> int:
    """One app per group of topics in `topics`: [["a"], ["b"]] are two apps in one process."""
    producer = await started_producer(conf)
    apps = []
    for number, names in enumerate(conf["topics"]):
        app = build(
            conf["app"] + ("" if number == 0 else f"-{number}"), settings(conf), **conf.get("options", {})
        )
        for name in names:
            Pool(conf, trace, producer).attach(app, name)
        trace.follow(app)
        apps.append(app)
    try:
        return await Service(Path(conf["ready"])).run(apps, [])
    finally:
        await producer.stop()


async def ideal(conf: dict[str, Any], trace: Trace) -> int:
    """What `pool` would take without Kafka: the same jobs, slots and seconds on this machine now."""
    room = asyncio.Semaphore(conf["slots"])

    async def one() -> None:
        async with room:
            await asyncio.sleep(conf["s"])

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(conf["jobs"])))
    trace("ideal", seconds=time.monotonic() - began)
    return 0


# --- table: rows of the platform's store, written as the coordinator writes them ---


async def table(conf: dict[str, Any], trace: Trace) -> int:
    """`{"set": value}` or `{"delete": true}` for the record's key; `{"dump": mark}` notes the rows of the partition."""
    producer = await started_producer(conf)
    app = build(
        conf["app"],
        settings(conf),
        store="millrocks://",
        stream_wait_empty=True,
        table_standby_replicas=conf.get("standbys", 0),
        topic_partitions=conf["partitions"],
    )
    rows = app.Table("rows", partitions=conf["partitions"], key_type=bytes, value_type=bytes)

    async def assigned(app: Any, partitions: Any, **_: Any) -> None:
        """Note how far the rows of what comes are on this disk."""
        found = {tp.partition: rows.data.persisted_offset(tp) for tp in partitions if tp.topic == changelog}
        trace(
            "persisted", offsets=found, actives=sorted(tp.partition for tp in app.assignor.assigned_actives())
        )

    app.on_partitions_assigned.connect(assigned, weak=False)

    async def follow() -> None:
        """Note how far the standbys have read."""
        while True:
            await asyncio.sleep(0.2)
            recovery = app.tables.recovery
            read = {tp.partition: recovery.standby_offsets.get(tp) for tp in recovery.standby_tps}
            if read:
                trace("standby", offsets={p: -1 if o is None else o for p, o in read.items()})

    topic = app.topic(conf["topic"], partitions=conf["partitions"], **BYTES)
    changelog = f"{conf['app']}-rows-changelog"

    async def work(stream: Any) -> None:
        async for event in stream.noack().events():
            job, message = json.loads(event.value), event.message
            if "dump" in job:
                found = {
                    k.decode(): v[8:].decode()
                    for k, v in rows.data.rows(message.partition).scan(b"")
                    if not k.startswith(b"__faust")
                }
                trace("dump", id=f"{job['dump']}-{message.partition}", rows=found, offset=message.offset)
            else:
                stamp = message.offset.to_bytes(8, "big")
                value = None if "delete" in job else stamp + job["set"].encode()
                sent = await producer.send_and_wait(changelog, value, message.key, message.partition)
                rows.data.write(message.partition, [(message.key, value)], sent.offset)
                trace(
                    "applied",
                    id=(message.key or b"").decode(),
                    offset=message.offset,
                    partition=message.partition,
                )
            await stream.ack(event)

    app.agent(topic, name="rows")(work)
    trace.follow(app)
    try:
        return await Service(Path(conf["ready"])).run([app], [follow] if conf.get("standbys") else [])
    finally:
        await producer.stop()


def main() -> int:
    conf = json.loads(sys.argv[1])
    trace = Trace(conf["trace"])
    if conf["program"] in ("lane", "coordinator", "admission"):
        from tests.integration.streams import engine

        program = getattr(engine, conf["program"])
    else:
        program = {"pool": pool, "table": table, "ideal": ideal}[conf["program"]]
    import uvloop

    uvloop.install()
    with asyncio.Runner() as runner:
        code: int = runner.run(program(conf, trace))
    return code


if __name__ == "__main__":
    sys.exit(main())
