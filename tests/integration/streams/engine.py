"""Programs with the platform's own lane and coordinator, for `programs.py`: real apps, blocks that wait for files."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from millstream.connectors.claims import RedisClaims
from millstream.connectors.dead_letters import dead_letter
from millstream.connectors.objects import Objects
from millstream.processors.context import Context
from millstream.processors.registry import Registry
from millstream.processors.sdk import block
from millstream.streams.admission import Limits
from millstream.streams.admitting import APP, build_admission
from millstream.streams.backlog import Backlog
from millstream.streams.coordinator import build_coordinator
from millstream.streams.running import Environment
from millstream.streams.service import Service
from millstream.streams.worker import Worker, build_lane
from tests.integration.streams.programs import Trace, opened, settings, started_producer
from tests.unit.streams.context import context
from tests.unit.streams.simulation import DictCache, NoClaims, Values

TRACE: list[Trace] = []
"""Where blocks note their runs; set by the program."""


@block
async def gated(value: str, gate: str, *, ctx: Context) -> str:
    """Ends when the file is there; an empty name is no gate."""
    TRACE[0]("begin", id=value)
    await opened(gate or None)
    TRACE[0]("end", id=value)
    return value


@block(repeatable=False)
async def paid(value: str, gate: str, *, ctx: Context) -> str:
    """Costs money each time that it runs."""
    TRACE[0]("begin", id=value)
    await opened(gate or None)
    TRACE[0]("end", id=value)
    return value


@block
async def broken(value: str) -> str:
    """Raises what no block should."""
    raise ZeroDivisionError(value)


@block
async def slow(value: str, seconds: float = 0.05) -> str:
    """Keeps a worker's slot for some time."""
    await asyncio.sleep(seconds)
    return value


REGISTRY = Registry({b.spec.id: b for b in (gated, paid, broken, slow)})


def letter_of(group: str) -> Any:
    """Dead letters as the platform's processes write them."""

    def of(record: Any, error: Any) -> Any:
        at = int(time.time() * 1000)
        return dead_letter(
            record.topic,
            record.partition,
            offset=record.offset,
            timestamp=round(record.timestamp * 1000),
            key=record.key,
            value=record.value,
            error=error,
            consumer=group,
            at=at,
        )

    return of


async def claims_of(conf: dict[str, Any]) -> Any:
    """Claims in Redis if there is one, as the platform's workers have them."""
    if "redis" not in conf:
        return NoClaims()
    claims = RedisClaims(Redis.from_url(conf["redis"]))
    await claims.prepare()
    return claims


async def lane(conf: dict[str, Any], trace: Trace) -> int:
    """The lane `lane`; `drain_s` is how long it may finish what runs after SIGTERM."""
    TRACE.append(trace)
    producer = await started_producer(conf)
    service = Service(Path(conf["ready"]))
    env = Environment(
        registry=REGISTRY,
        values=Values(),
        claims=await claims_of(conf),
        cache=DictCache(),
        context=context,
        worker=conf["instance"],
    )
    worker = Worker(env, producer, letter_of("lane"), service.crash)
    app = build_lane(settings(conf), conf["lane"], worker)
    app.conf.broker_rebalance_timeout = conf.get("rebalance_s", app.conf.broker_rebalance_timeout)
    trace.follow(app)
    try:
        return await service.run(
            [app], [worker.tick], before_stop=lambda: worker.drain(conf.get("drain_s", 10.0))
        )
    finally:
        await producer.stop()


class Held:
    """The producer, but while the file `hold` is there nothing is sent: a coordinator stands between decision and write."""

    def __init__(self, producer: Any, hold: str, trace: Trace) -> None:
        self._producer, self._hold, self._trace = producer, Path(hold), trace

    def create_batch(self) -> Any:
        """Return an empty batch."""
        return self._producer.create_batch()

    async def send(self, *args: Any, **kwargs: Any) -> Any:
        """Append to a batch, when that is allowed."""
        await self._allowed()
        return await self._producer.send(*args, **kwargs)

    async def send_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Send a batch, when that is allowed."""
        await self._allowed()
        return await self._producer.send_batch(*args, **kwargs)

    async def _allowed(self) -> None:
        if self._hold.exists():
            self._trace("held")
            while self._hold.exists():  # noqa: ASYNC110 - another process removes it
                await asyncio.sleep(0.02)
            self._trace("free")


async def admission(conf: dict[str, Any], trace: Trace) -> int:
    """Admission as it is, with the same limits for all."""
    producer = await started_producer(conf)
    held: Any = Held(producer, conf["hold"], trace) if "hold" in conf else producer
    limits = Limits(executions=conf["executions"])
    built = build_admission(settings(conf), held, letter_of(APP), limits=lambda user_id: limits)
    trace.follow(built.app)
    try:
        return await Service(Path(conf["ready"])).run([built.app], [built.pump])
    finally:
        await producer.stop()


async def coordinator(conf: dict[str, Any], trace: Trace) -> int:
    """The coordinator as it is."""
    producer = await started_producer(conf)
    held: Any = Held(producer, conf["hold"], trace) if "hold" in conf else producer
    objects = Objects(Path(conf["folder"]).with_name("objects").as_uri())
    built = build_coordinator(settings(conf), held, objects, letter_of("millstream-coordinator"))
    if "ends_kept_ms" in conf:
        built.sweeper._kept_ms, built.sweeper._round_s = conf["ends_kept_ms"], 1.0
    if conf.get("unbounded"):
        built._commit.backlog = Backlog(records=10**9, bytes_=10**12)
    trace.follow(built.app)
    try:
        return await Service(Path(conf["ready"])).run(
            [built.app], [built.pump, built.ring, built.sweeper.run]
        )
    finally:
        await producer.stop()
