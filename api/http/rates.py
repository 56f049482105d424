"""Counting in Redis: sliding windows, for all edges together, in one round trip however many are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

PREFIX = "rate:"

COUNT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found, states, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local quota, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local index, passed = math.floor(now / window), now % window
  local kept = redis.call('HMGET', key, 'i', 'c', 'p')
  local at, count, before = tonumber(kept[1]) or index, tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
  if at == index - 1 then before, count = count, 0
  elseif at ~= index then before, count = 0, 0 end
  local used = count + before * (window - passed) / window
  local wait = 0
  if used + 1 > quota then
    refused = true
    if count + 1 <= quota then
      wait = window - (quota - count - 1) * window / before - passed
    else
      wait = window - passed + math.max(0, window - (quota - 1) * window / count)
    end
  end
  states[i] = {index, count, before, window}
  found[3 * i - 2] = math.max(0, math.floor(quota - used))
  found[3 * i - 1] = math.ceil(wait)
  found[3 * i] = window - passed
end
if not refused then
  for i, key in ipairs(KEYS) do
    local s = states[i]
    redis.call('HSET', key, 'i', s[1], 'c', s[2] + 1, 'p', s[3])
    redis.call('PEXPIRE', key, 2 * s[4])
    found[3 * i - 2] = math.max(0, found[3 * i - 2] - 1)
  end
end
return found
"""
"""Each key is a hash: the window's number, its count, and the count of the window before, which still counts by the part
of it that is not over. Nothing is counted if one of them refuses, so a refusal costs nobody anything. The clock is Redis's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How often something may be done by one key."""

    name: str
    """As in the header `RateLimit-Policy`."""
    key: str
    """Who does it."""
    most: int
    window_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What became of one quota."""

    quota: Quota
    left: int
    wait_s: int
    """How long until one more is possible; 0: now."""
    reset_s: int
    """When this window ends."""


class Counter:
    """Counts uses."""

    def __init__(self, redis: Redis) -> None:
        self._count: Any = redis.register_script(COUNT)

    async def count(self, quotas: Sequence[Quota]) -> list[Count]:
        """Count one use of each, unless one of them is used up. Errors: RedisError."""
        keys = [f"{PREFIX}{quota.name}:{quota.key}" for quota in quotas]
        given = [number for quota in quotas for number in (quota.most, quota.window_s * 1000)]
        found: list[int] = await self._count(keys=keys, args=given)
        return [
            Count(
                quota=quota,
                left=found[3 * at],
                wait_s=-(-found[3 * at + 1] // 1000),
                reset_s=-(-found[3 * at + 2] // 1000),
            )
            for at, quota in enumerate(quotas)
        ]
