"""What runs decide among themselves, on a real Redis: once for each asker, whoever asks again and at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from millstream.connectors.shared import RedisShared

pytestmark = pytest.mark.integration


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def shared(redis: Redis) -> RedisShared:
    return RedisShared(redis, f"user-{uuid4()}")


async def test_one_of_many_is_first_and_stays_it(shared: RedisShared) -> None:
    found = await asyncio.gather(*(shared.first("k", f"a{i}", keep_s=60) for i in range(50)))
    [winner] = set(found)
    assert await shared.first("k", "late", keep_s=60) == winner
    assert await shared.first("other", "late", keep_s=60) == "late"


async def test_each_asker_counts_once(shared: RedisShared) -> None:
    asked = [shared.add("k", f"a{i % 30}", 2, keep_s=60) for i in range(90)]
    found = await asyncio.gather(*asked)
    assert sorted(set(found)) == [2 * (i + 1) for i in range(30)]
    assert await shared.total("k") == 60
    assert await shared.add("k", "a0", 2, keep_s=60) == found[0]


async def test_so_many_pass_in_a_time_and_each_has_its_own_turn(shared: RedisShared) -> None:
    waits = [await shared.turn("k", f"a{i}", limit=3, per_s=600) for i in range(6)]
    assert waits[:3] == [0, 0, 0]
    for place, wait in enumerate(waits[3:], 1):
        assert 200 * place - 60 < wait <= 200 * place
    again = await shared.turn("k", "a5", limit=3, per_s=600)
    assert 0 < again <= waits[5], "asked again it is the same turn"
    assert await shared.turn("k", "a6", limit=3, per_s=600) > waits[5] + 140


async def test_users_are_apart(redis: Redis, shared: RedisShared) -> None:
    other = RedisShared(redis, f"user-{uuid4()}")
    assert await shared.add("k", "a", 5, keep_s=60) == 5
    assert await other.add("k", "a", 1, keep_s=60) == 1
    assert await other.first("k", "b", keep_s=60) == "b"


async def test_what_is_not_used_is_forgotten(redis: Redis, shared: RedisShared) -> None:
    await shared.add("k", "a", 1, keep_s=60)
    await shared.first("k", "a", keep_s=60)
    await shared.turn("k", "a", limit=1, per_s=60)
    names = [name async for name in redis.scan_iter(match=f"{shared._prefix}*")]
    assert len(names) == 5
    assert all([0 < await redis.pttl(name) <= 90_000_000 for name in names])
