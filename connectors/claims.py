"""Claims in Redis: who may run a block that must never run twice. Needs `appendfsync always`.

A sentinel tells since when the claims are complete. When Redis was emptied the sentinel is new, and tasks from before it are
refused: nobody can know whether they ran.
"""

from __future__ import annotations

import time

from redis.asyncio import Redis

SENTINEL = "millstream:claims:since"
TTL_S = 8 * 86_400
"""Longer than a task stays on its topic."""


class RedisClaims:
    """`streams.running.Claims`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def prepare(self) -> None:
        """Set the sentinel if there is none."""
        await self._redis.set(SENTINEL, str(int(time.time() * 1000)), nx=True)

    async def claim(self, key: str, owner: str, issued_ms: int) -> bool:
        """Return True to the first who asks for a task issued at `issued_ms`; False if it may have run before."""
        await self.prepare()
        since = int(await self._redis.get(SENTINEL) or 0)
        if issued_ms < since:
            return False
        return bool(await self._redis.set(f"millstream:claim:{key}", owner, nx=True, ex=TTL_S))
