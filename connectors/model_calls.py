"""Calls of models: each is written to `usage.records`; answers are kept in Redis for those who ask for that."""

from __future__ import annotations

from typing import Any

import structlog
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from millstream.schemas.codec import encode
from millstream.schemas.messages import ModelCall
from millstream.topics.catalogue import USAGE

log = structlog.get_logger(__name__)

ANSWER_LIMIT_BYTES = 1_000_000
KEEP_LIMIT_S = 30 * 24 * 3600.0


class UsageRecords:
    """`processors.models.switchboard.UsageLog`."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    async def add(self, call: ModelCall) -> None:
        """Return once Kafka has it. A call that cannot be noted has been paid for all the same: its answer counts."""
        try:
            await self._producer.send_and_wait(USAGE.name, encode(call), call.user_id.encode())
        except KafkaError as error:
            log.error(
                "model_call_not_noted",
                error=type(error).__name__,
                provider=call.provider,
                model=call.model,
                cost_microusd=call.cost_microusd,
            )


class RedisAnswers:
    """`processors.models.switchboard.AnswerCache`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, user_id: str, digest: str) -> bytes | None:
        """Return the answer, None also when Redis does not answer."""
        try:
            raw = await self._redis.get(_key(user_id, digest))
        except RedisError:
            return None
        return raw if isinstance(raw, bytes) else None

    async def put(self, user_id: str, digest: str, answer: bytes, *, keep_s: float) -> None:
        """Keep an answer; a very long one is not kept."""
        if len(answer) > ANSWER_LIMIT_BYTES:
            return
        try:
            await self._redis.set(
                _key(user_id, digest), answer, px=round(min(keep_s, KEEP_LIMIT_S) * 1000) or 1
            )
        except RedisError:
            return


def _key(user_id: str, digest: str) -> str:
    return f"millstream:answers:{user_id}:{digest}"
