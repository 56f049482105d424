"""Table `user_identities`: whom providers vouch for. Never commits."""

from __future__ import annotations

from uuid import UUID

from millstream.api.database import Connection


class Identities:
    """One transaction's view of the table."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def use(self, issuer: str, subject: str) -> UUID | None:
        """Return whose identity it is, and note that it was used; None: nobody's."""
        found = await self._conn.execute(
            "UPDATE user_identities SET used_at = now() WHERE issuer = %s AND subject = %s RETURNING user_id",
            [issuer, subject],
        )
        row = await found.fetchone()
        return None if row is None else row[0]

    async def add(self, issuer: str, subject: str, *, user_id: UUID, email: str) -> None:
        await self._conn.execute(
            "INSERT INTO user_identities (issuer, subject, user_id, email) VALUES (%s, %s, %s, %s)",
            [issuer, subject, user_id, email],
        )

    async def clear_password(self, user_id: UUID) -> None:
        """Forget a password that somebody chose who never showed that the address is his."""
        await self._conn.execute("UPDATE users SET password_hash = NULL WHERE id = %s", [user_id])
