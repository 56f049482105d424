"""Tables `token_families` and `refresh_tokens`: each refresh token is good once; using one again ends its whole family."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg.rows import class_row

from millstream.api.auth.secret import digest, new_secret
from millstream.api.database import Connection

AGENT_MOST_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One log-in of a program."""

    id: UUID
    client: str
    created_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh token was. `secret` is the next one, None if it had been used before."""

    user_id: UUID
    family_id: UUID
    secret: str | None


class Families:
    """One transaction's view of the tables. Never commits."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def start(self, user_id: UUID, *, client: str, lifetime_s: int) -> tuple[UUID, str]:
        """Return the id of a new family and its first refresh token."""
        family_id = uuid4()
        await self._conn.execute(
            "DELETE FROM token_families WHERE user_id = %s AND expires_at < now()", [user_id]
        )
        await self._conn.execute(
            "INSERT INTO token_families (id, user_id, client, expires_at) "
            "VALUES (%s, %s, %s, now() + make_interval(secs => %s))",
            [family_id, user_id, client[:AGENT_MOST_CHARS], lifetime_s],
        )
        return family_id, await self._next(family_id)

    async def refresh(self, secret: str) -> Refreshed | None:
        """Use a refresh token; None if it is unknown or its family has ended. One used before ends the family."""
        found = await self._conn.execute(
            "SELECT f.user_id, f.id, t.used_at FROM refresh_tokens t JOIN token_families f ON f.id = t.family_id "
            "WHERE t.hash = %s AND f.expires_at > now() FOR UPDATE",
            [digest(secret)],
        )
        row = await found.fetchone()
        if row is None:
            return None
        user_id, family_id, used_at = row
        if used_at is not None:
            await self.end(user_id, family_id)
            return Refreshed(user_id=user_id, family_id=family_id, secret=None)
        await self._conn.execute(
            "UPDATE refresh_tokens SET used_at = now() WHERE hash = %s", [digest(secret)]
        )
        await self._conn.execute("UPDATE token_families SET used_at = now() WHERE id = %s", [family_id])
        return Refreshed(user_id=user_id, family_id=family_id, secret=await self._next(family_id))

    async def find_owner(self, secret: str) -> tuple[UUID, UUID] | None:
        """Return user and family of a refresh token, used or not."""
        found = await self._conn.execute(
            "SELECT f.user_id, f.id FROM refresh_tokens t JOIN token_families f ON f.id = t.family_id WHERE t.hash = %s",
            [digest(secret)],
        )
        row = await found.fetchone()
        return None if row is None else (row[0], row[1])

    async def list_(self, user_id: UUID) -> list[Family]:
        """Return the families of a user, newest first."""
        async with self._conn.cursor(row_factory=class_row(Family)) as cur:
            await cur.execute(
                "SELECT id, client, created_at, used_at FROM token_families WHERE user_id = %s AND expires_at > now() "
                "ORDER BY created_at DESC",
                [user_id],
            )
            return await cur.fetchall()

    async def end(self, user_id: UUID, family_id: UUID) -> bool:
        """End one family of a user; False if he has no such."""
        done = await self._conn.execute(
            "DELETE FROM token_families WHERE id = %s AND user_id = %s", [family_id, user_id]
        )
        return done.rowcount == 1

    async def end_all(self, user_id: UUID) -> list[UUID]:
        """End all families of a user; returns their ids."""
        found = await self._conn.execute(
            "DELETE FROM token_families WHERE user_id = %s RETURNING id", [user_id]
        )
        return [row[0] for row in await found.fetchall()]

    async def _next(self, family_id: UUID) -> str:
        secret = new_secret()
        await self._conn.execute(
            "INSERT INTO refresh_tokens (hash, family_id) VALUES (%s, %s)", [digest(secret), family_id]
        )
        return secret
