"""What PostgreSQL knows of callers, kept in Redis and for seconds in the process: asked for with every request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from redis.asyncio import Redis

from millstream.api.auth.kept import Kept
from millstream.api.auth.principal import OrgRole, Role
from millstream.api.changes import Changes
from millstream.api.database import Pool, statements
from millstream.schemas.messages import Changed

CHANGED = b"?"
"""In Redis in the place of a fact that has just changed: whoever had asked PostgreSQL before must not write it back."""
SETTLE_S = 60
"""How long nothing is kept of it in Redis: longer than a request waits for PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A user who may come in."""

    id: UUID
    role: Role


class Knowledge:
    """Users and members by id."""

    def __init__(self, pool: Pool, redis: Redis, changes: Changes, *, redis_s: int, process_s: float) -> None:
        self._pool = pool
        self._redis = redis
        self._changes = changes
        self._redis_s = redis_s
        self._users: Kept[UUID, Known] = Kept(process_s)
        self._members: Kept[tuple[UUID, UUID], OrgRole] = Kept(process_s)

    async def find_user(self, user_id: UUID) -> Known | None:
        """Return a user, None if there is none or he is shut out."""
        if (known := self._users.find(user_id)) is not None:
            return known
        asked = self._users.changes
        query = "SELECT role FROM users WHERE id = %s AND disabled_at IS NULL"
        role = await self._role(_user_key(user_id), query, [user_id])
        if role is None:
            return None
        known = Known(id=user_id, role=Role(role))
        self._users.keep(user_id, known, asked=asked)
        return known

    async def find_member(self, org_id: UUID, user_id: UUID) -> OrgRole | None:
        """Return the role of a user in an organisation, None if he is not in it."""
        if (known := self._members.find((org_id, user_id))) is not None:
            return known
        asked = self._members.changes
        query = "SELECT role FROM org_members WHERE org_id = %s AND user_id = %s"
        role = await self._role(_member_key(org_id, user_id), query, [org_id, user_id])
        if role is None:
            return None
        self._members.keep((org_id, user_id), OrgRole(role), asked=asked)
        return OrgRole(role)

    async def _role(self, key: str, query: str, values: list[UUID]) -> str | None:
        kept = await self._redis.get(key)
        if kept not in (None, CHANGED):
            found: str | None = orjson.loads(kept)
            return found
        async with statements(self._pool) as conn:
            row = await (await conn.execute(query.encode(), values)).fetchone()
        role = None if row is None else str(row[0])
        if kept is None:
            await self._redis.set(key, orjson.dumps(role), ex=self._redis_s, nx=True)
        return role

    async def forget_user(self, user_id: UUID, *, ends: bool = False) -> None:
        """Call it after the commit of a change. `ends`: all that he has open does."""
        await self._settle(_user_key(user_id), user_id=user_id, ends=ends)

    async def forget_member(self, org_id: UUID, user_id: UUID, *, ends: bool = False) -> None:
        """Call it after the commit of a change. `ends`: all that he has open in the organisation does."""
        await self._settle(_member_key(org_id, user_id), account_id=org_id, user_id=user_id, ends=ends)

    async def _settle(self, key: str, **what: Any) -> None:
        try:
            await self._redis.set(key, CHANGED, ex=SETTLE_S)
        finally:  # others hear of it also while Redis is away
            await self._changes.tell(**what)

    def hear(self, changed: Changed) -> None:
        """Forget what this process keeps."""
        if changed.session_id is not None or changed.graph_id is not None:
            return
        user, account = changed.user_id, changed.account_id
        if account is None:
            self._users.forget(lambda key, _: str(key) == user)
        self._members.forget(lambda key, _: account in (None, str(key[0])) and user in (None, str(key[1])))

    def forget_all(self) -> None:
        """Forget everybody."""
        self._users.forget(lambda *_: True)
        self._members.forget(lambda *_: True)


def _user_key(user_id: UUID) -> str:
    return f"auth:user:{user_id}"


def _member_key(org_id: UUID, user_id: UUID) -> str:
    return f"auth:member:{org_id}:{user_id}"
