"""Table `mail_tokens`: links that were mailed. Hashed, good for one use and a short time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg.rows import class_row

from millstream.api.auth.secret import digest, new_secret
from millstream.api.database import Connection
from millstream.schemas.errors import InputInvalidError

Purpose = Literal["verify", "reset", "email"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailToken:
    """What a link stands for."""

    user_id: UUID
    purpose: Purpose
    email: str


class MailTokens:
    """One transaction's view of the table. Never commits."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def make(self, user_id: UUID, purpose: Purpose, *, email: str, lifetime_s: int) -> str:
        """Return the secret of a new link; older ones for the same purpose end."""
        await self.drop(user_id, purpose)
        secret = new_secret()
        await self._conn.execute(
            "INSERT INTO mail_tokens (hash, user_id, purpose, email, expires_at) "
            "VALUES (%s, %s, %s, %s, now() + make_interval(secs => %s))",
            [digest(secret), user_id, purpose, email, lifetime_s],
        )
        return secret

    async def use(self, secret: str, *purposes: Purpose) -> MailToken:
        """Return what the link stands for, and end it. Errors: InputInvalidError: unknown, used, or too old."""
        async with self._conn.cursor(row_factory=class_row(MailToken)) as cur:
            await cur.execute(
                "DELETE FROM mail_tokens WHERE hash = %s AND purpose = ANY(%s) AND expires_at > now() "
                "RETURNING user_id, purpose, email",
                [digest(secret), list(purposes)],
            )
            row = await cur.fetchone()
        if row is None:
            raise InputInvalidError(
                "This link is not known, was used, or is too old; ask for a new one.", path="token"
            )
        return row

    async def drop(self, user_id: UUID, purpose: Purpose) -> None:
        """End all links of a user for one purpose."""
        await self._conn.execute(
            "DELETE FROM mail_tokens WHERE user_id = %s AND purpose = %s", [user_id, purpose]
        )
