"""Outputs of blocks by the hash of their input, in Redis, for nodes whose policy asks for it. Losing it costs only time."""

from __future__ import annotations

import hashlib

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from millstream.schemas.messages import Emit, Run

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(list[Emit]).decode


class RedisOutputs:
    """`streams.running.OutputsCache`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, task: Run, version: str) -> list[Emit] | None:
        """Return the outputs of an equal task that are young enough, or None."""
        try:
            raw = await self._redis.get(_key(task, version))
        except RedisError:
            return None
        return _DECODE(raw) if isinstance(raw, bytes) else None

    async def put(self, task: Run, version: str, outputs: list[Emit]) -> None:
        """Keep the outputs as long as the task's policy says."""
        try:
            await self._redis.set(_key(task, version), _ENCODE(outputs), px=task.cache_ms)
        except RedisError:
            return


def _key(task: Run, version: str) -> str:
    """Of the owner, the block and its version, the input and its large values: never shared between users."""
    digest = hashlib.sha256(task.input)
    for slot in task.slots:
        digest.update(slot.path.encode() + b"\0" + (slot.value.sha256 or b""))
    return f"millstream:outputs:{task.user_id}:{task.block_id}:{version}:{digest.hexdigest()}"
