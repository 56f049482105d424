"""What PostgreSQL knows of callers, kept in Redis for seconds: asked for with every request, removed when it changes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson
from redis.asyncio import Redis

from millstream.api.auth.principal import OrgRole, Role
from millstream.api.database import Pool, statements

NOBODY = b"null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A user who may come in."""

    id: UUID
    role: Role


class Knowledge:
    """Users and members by id."""

    def __init__(self, pool: Pool, redis: Redis, *, keep_s: int) -> None:
        self._pool = pool
        self._redis = redis
        self._keep_s = keep_s

    async def find_user(self, user_id: UUID) -> Known | None:
        """Return a user, None if there is none or he is shut out."""
        key = f"auth:user:{user_id}"
        kept = await self._redis.get(key)
        if kept is None:
            role = await self._ask("SELECT role FROM users WHERE id = %s AND disabled_at IS NULL", [user_id])
            await self._redis.set(key, orjson.dumps(role), ex=self._keep_s)
        else:
            role = orjson.loads(kept)
        return None if role is None else Known(id=user_id, role=Role(role))

    async def find_member(self, org_id: UUID, user_id: UUID) -> OrgRole | None:
        """Return the role of a user in an organisation, None if he is not in it."""
        key = f"auth:member:{org_id}:{user_id}"
        kept = await self._redis.get(key)
        if kept is None:
            role = await self._ask(
                "SELECT role FROM org_members WHERE org_id = %s AND user_id = %s", [org_id, user_id]
            )
            await self._redis.set(key, orjson.dumps(role), ex=self._keep_s)
        else:
            role = orjson.loads(kept)
        return None if role is None else OrgRole(role)

    async def _ask(self, query: str, values: list[UUID]) -> str | None:
        async with statements(self._pool) as conn:
            row = await (await conn.execute(query.encode(), values)).fetchone()
        return None if row is None else str(row[0])

    async def forget_user(self, user_id: UUID) -> None:
        """Call it after the commit of a change."""
        await self._redis.delete(f"auth:user:{user_id}")

    async def forget_member(self, org_id: UUID, user_id: UUID) -> None:
        """Call it after the commit of a change."""
        await self._redis.delete(f"auth:member:{org_id}:{user_id}")
