from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from millstream.connectors import redis as connector
from millstream.connectors.claims import SENTINEL, RedisClaims
from millstream.schemas.errors import UnavailableError
from tests.servers import Servers

pytestmark = pytest.mark.integration
HOUR_MS = 3_600_000


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connector.client(redis_url)
    yield client
    await client.aclose()


def later() -> int:
    """When a task is issued that is claimed now: after the sentinel."""
    return int(time.time() * 1000) + 1000


async def test_a_task_is_granted_to_the_first_run_and_to_that_run_again(redis: Redis) -> None:
    claims, key, at = RedisClaims(redis), uuid4().hex, later()
    await claims.prepare()
    assert await claims.claim(key, "first", at)
    assert not await claims.claim(key, "second", at)
    assert await claims.claim(key, "first", at)  # its answer was lost


@pytest.mark.parametrize("step_ms", [-HOUR_MS, 0, HOUR_MS])
async def test_a_claim_that_was_forgotten_is_not_given_again_whatever_our_own_clock_says(
    redis: Redis, step_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, key, at = RedisClaims(redis), uuid4().hex, int(time.time() * 1000) + 50
    await claims.prepare()
    assert await claims.claim(key, "first", at)
    await asyncio.sleep(0.1)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + step_ms / 1000)
    await redis.flushall()
    assert not await claims.claim(key, "second", at)
    monkeypatch.undo()
    said = await redis.get(SENTINEL)
    assert said is not None
    since = int(said)
    assert abs(since - int(time.time() * 1000)) < 60_000
    assert await claims.claim(uuid4().hex, "third", since + 1)  # what is issued from now on runs


async def test_redis_emptied_between_two_claims_at_any_moment_never_grants_one_twice(redis: Redis) -> None:
    claims = RedisClaims(redis)
    await claims.prepare()
    granted: list[str] = []
    keys = [uuid4().hex for _ in range(200)]

    async def run(key: str, owner: str) -> None:
        at = int(time.time() * 1000) + 1
        for _ in range(5):
            if await claims.claim(key, f"{owner}-{uuid4().hex}", at):
                granted.append(key)

    async def empty() -> None:
        for _ in range(40):
            await asyncio.sleep(0.01)
            await redis.flushall()

    await asyncio.gather(empty(), *(run(key, "a") for key in keys))
    assert len(granted) == len(set(granted))


async def test_a_claim_waits_for_a_redis_that_restarts(redis: Redis, servers: Servers) -> None:
    claims, key, at = RedisClaims(redis), uuid4().hex, later()
    await claims.prepare()
    servers.kill("redis")
    waiting = asyncio.create_task(claims.claim(key, "first", at))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await asyncio.to_thread(servers.restart, "redis")
    assert await waiting
    assert not await claims.claim(key, "second", at)


async def test_a_redis_that_stays_away_is_a_failure_that_may_pass(redis: Redis, servers: Servers) -> None:
    claims = RedisClaims(redis, patience_s=0.5)
    servers.kill("redis")
    try:
        with pytest.raises(UnavailableError) as caught:
            await claims.claim(uuid4().hex, "first", later())
    finally:
        await asyncio.to_thread(servers.restart, "redis")
    assert caught.value.retryable
