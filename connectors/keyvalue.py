"""What blocks keep between runs: JSON values by key, a hash in Redis for each user."""

from __future__ import annotations

from typing import Any

import orjson
from redis.asyncio import Redis

from millstream.schemas.errors import PayloadTooLargeError

VALUE_LIMIT_BYTES = 1_000_000


class RedisKeyValue:
    """`processors.services.KeyValue` of one user."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._name = f"millstream:kv:{user_id}"

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        raw = await self._redis.hget(self._name, key)
        return None if raw is None else orjson.loads(raw)

    async def set(self, key: str, value: Any) -> None:
        """Keep `value`; None removes it. Errors: PayloadTooLargeError."""
        if value is None:
            await self._redis.hdel(self._name, key)
            return
        data = orjson.dumps(value)
        if len(data) > VALUE_LIMIT_BYTES:
            raise PayloadTooLargeError(
                f"a stored value has {len(data):,} bytes, the limit is {VALUE_LIMIT_BYTES:,}", size=len(data)
            )
        await self._redis.hset(self._name, key, data)
