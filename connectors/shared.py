"""What runs decide among themselves, in Redis: each question is one script, and its answer is kept for its asker."""

from __future__ import annotations

import hashlib
import math
from typing import Any, Final

from redis.asyncio import Redis

_FIRST: Final = """
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return redis.call('GET', KEYS[1])
"""
_ADD: Final = """
local known = redis.call('GET', KEYS[2])
if known then return tonumber(known) end
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], total, 'PX', ARGV[2])
return total
"""
_TURN: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('GET', KEYS[2])
if known then return math.max(0, tonumber(known) - now) end
local each, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local base = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local slot = math.max(now, base - per + each)
redis.call('SET', KEYS[1], base + each, 'PX', base + each - now + per)
redis.call('SET', KEYS[2], slot, 'PX', slot - now + per + 86400000)
return slot - now
"""
"""The generic cell rate algorithm: the time at which the bucket would be empty is all that is kept."""


class RedisShared:
    """`processors.shared.Shared` of one user."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._prefix = f"millstream:shared:{user_id}:"

    async def first(self, key: str, asker: str, *, keep_s: float) -> str:
        """Return who asked first."""
        found = await self._ask(_FIRST, [self._name("first", key)], [asker, _ms(keep_s)])
        return found.decode() if isinstance(found, bytes) else str(found)

    async def add(self, key: str, asker: str, amount: int, *, keep_s: float) -> int:
        """Add once for each asker."""
        keys = [self._name("sum", key), self._name("sum", key, asker)]
        return int(await self._ask(_ADD, keys, [amount, _ms(keep_s)]))

    async def total(self, key: str) -> int:
        """Return the number as it is."""
        return int(await self._redis.get(self._name("sum", key)) or 0)

    async def turn(self, key: str, asker: str, *, limit: int, per_s: float) -> float:
        """Return the seconds until it is this asker's turn."""
        keys = [self._name("turn", key), self._name("turn", key, asker)]
        per_ms = _ms(per_s)
        return int(await self._ask(_TURN, keys, [math.ceil(per_ms / limit), per_ms])) / 1000

    async def _ask(self, script: str, keys: list[str], values: list[Any]) -> Any:
        return await self._redis.eval(script, len(keys), *keys, *values)

    def _name(self, *parts: str) -> str:
        digest = hashlib.sha256("\x1f".join(parts[1:]).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return f"{self._prefix}{parts[0]}:{digest}"


def _ms(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))
