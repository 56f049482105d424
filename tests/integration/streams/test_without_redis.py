"""Workers whose Redis is away: what may be repeated goes on, what may not waits and is run once."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import msgspec
import pytest

from millstream.connectors import redis as connector
from millstream.connectors.claims import RedisClaims
from millstream.processors.registry import Registry
from millstream.processors.sdk import block
from millstream.schemas.messages import Finished, Message, Run, Started
from millstream.streams.running import Environment, Running, run_task
from tests.servers import Servers
from tests.unit.streams.context import context
from tests.unit.streams.scenes import CALLS, REGISTRY
from tests.unit.streams.simulation import DictCache, Values
from tests.unit.streams.test_nudges import begun

pytestmark = pytest.mark.integration


async def _silence(message: object) -> None:
    """Nobody listens."""


TOLD = asyncio.Event()


@block(repeatable=False)
async def lengthy(value: int) -> int:
    """Runs until it was told that it does."""
    await asyncio.wait_for(TOLD.wait(), 20)
    return value


async def _ticking(running: Running) -> None:
    """What the worker does for each of its runs."""
    while True:
        await asyncio.sleep(0.05)
        await running.tick(time.monotonic())


async def test_a_run_that_waits_for_redis_says_so_and_says_when_it_goes_on(servers: Servers) -> None:
    redis = connector.client(servers.redis)
    claims = RedisClaims(redis)
    await claims.prepare()
    registry = Registry({lengthy.spec.id: lengthy})
    env = Environment(
        registry=registry, values=Values(), claims=claims, cache=DictCache(), context=context, worker="w"
    )
    said: asyncio.Queue[Started] = asyncio.Queue()

    async def listen(message: Message) -> None:
        if isinstance(message, Started):
            said.put_nowait(message)

    at_ms = int(time.time() * 1000) + 1000
    task = msgspec.structs.replace(
        issued("OnceBlock"), block_id=lengthy.spec.id, node_execution_id=uuid4().bytes
    )
    running = Running(task=task, worker="w", say=listen, issued_ms=at_ms)
    ticking = asyncio.create_task(_ticking(running))
    servers.kill("redis")
    try:
        work = asyncio.create_task(run_task(running, env))
        assert (await asyncio.wait_for(said.get(), 20)).waits == "redis"
    finally:
        servers.restart("redis")
    while (await asyncio.wait_for(said.get(), 20)).waits is not None:
        pass  # renewals of its lease while Redis was starting
    TOLD.set()
    assert (await work).failure is None
    ticking.cancel()
    await redis.aclose()


def issued(name: str) -> Run:
    """A task of a block, issued now."""
    task = begun(name).tasks.pop()
    return msgspec.structs.replace(task, issued_at=int(time.time() * 1000) + 1000)


async def test_without_redis_only_what_may_not_run_twice_waits_and_then_one_run_of_it_is_made(
    servers: Servers,
) -> None:
    CALLS.clear()
    redis = connector.client(servers.redis)
    claims = RedisClaims(redis)
    await claims.prepare()
    env = Environment(
        registry=REGISTRY, values=Values(), claims=claims, cache=DictCache(), context=context, worker="w"
    )

    async def run(task: Run) -> Finished:
        at_ms = int(time.time() * 1000) + 1000
        return await run_task(Running(task=task, worker="w", say=_silence, issued_ms=at_ms), env)

    once, other = issued("OnceBlock"), issued("DelicateBlock")
    servers.kill("redis")
    try:
        deliveries = [asyncio.create_task(run(once)) for _ in range(3)]  # one task, delivered three times
        assert (await run(other)).failure is None
        _, waiting = await asyncio.wait(deliveries, timeout=2)
        assert len(waiting) == 3
    finally:
        servers.restart("redis")
    said = await asyncio.gather(*deliveries)
    codes = sorted(each.failure.code if each.failure else "" for each in said)
    assert codes == ["", "interrupted", "interrupted"]
    await redis.aclose()
