"""Workers whose Redis is away: what may be repeated goes on, what may not waits and is run once."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from millstream.connectors import redis as connector
from millstream.connectors.claims import RedisClaims
from millstream.schemas.messages import Finished, Run
from millstream.streams.running import Environment, Running, run_task
from tests.servers import Servers
from tests.unit.streams.context import context
from tests.unit.streams.scenes import CALLS, REGISTRY
from tests.unit.streams.simulation import DictCache, Values
from tests.unit.streams.test_nudges import begun

pytestmark = pytest.mark.integration


async def _silence(message: object) -> None:
    """Nobody listens."""


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
