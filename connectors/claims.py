"""Claims in Redis: who may run a block that must never run twice. Needs `appendfsync always`.

A sentinel tells since when the claims are complete. When Redis was emptied there is none, and the tasks from before it are
refused: nobody can know whether they ran. Both times that are compared are servers': a task's is the broker's
LogAppendTime, the sentinel's is that of Redis. The clocks of our own processes have no say.
"""

from __future__ import annotations

import asyncio
import time

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from millstream.schemas.errors import UnavailableError

SENTINEL = "millstream:claims:since"
TTL_S = 8 * 86_400
"""Longer than a task stays on its topic."""
PATIENCE_S = 60.0
"""How long a claim waits for a Redis that is away, before the node fails with a retry offered."""
PAUSE_S = 0.2

_SINCE = """
local since = redis.call('GET', KEYS[1])
if not since then
  local now = redis.call('TIME')
  since = string.format('%d', math.max(now[1] * 1000 + math.ceil(now[2] / 1000), tonumber(ARGV[1])))
  redis.call('SET', KEYS[1], since)
end
"""
_CLAIM = (
    _SINCE
    + """
if tonumber(ARGV[1]) <= tonumber(since) then return 0 end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'EX', ARGV[3]) then return 1 end
if redis.call('GET', KEYS[2]) == ARGV[2] then return 1 end
return 0
"""
)
"""One script, since Redis may be emptied between any two commands."""


class RedisClaims:
    """`streams.running.Claims`."""

    def __init__(self, redis: Redis, *, patience_s: float = PATIENCE_S) -> None:
        self._redis = redis
        self._patience_s = patience_s

    async def prepare(self) -> None:
        """Set the sentinel if there is none."""
        await self._redis.eval(_SINCE, 1, SENTINEL, "0")

    async def claim(self, key: str, owner: str, issued_ms: int) -> bool:
        """Return True to the first who asks for a task issued at `issued_ms`; False if it may have run before.

        The same owner may ask again: when Redis went away, its answer may be lost though the claim was made.
        Errors: UnavailableError, if Redis stays away.
        """
        until = time.monotonic() + self._patience_s
        while True:
            try:
                return bool(await self._ask(key, owner, issued_ms))
            except (RedisConnectionError, RedisTimeoutError) as error:
                if time.monotonic() > until:
                    raise UnavailableError(
                        f"Redis, which keeps a block from running twice, was away for {self._patience_s:g} s; "
                        "the block was not run."
                    ) from error
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, key: str, owner: str, issued_ms: int) -> int:
        names = (SENTINEL, f"millstream:claim:{key}")
        found: int = await self._redis.eval(_CLAIM, 2, *names, str(issued_ms), owner, str(TTL_S))
        return found
