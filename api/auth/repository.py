"""Table `users`: one method a question. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import kwargs_row

from millstream.api.auth.principal import LOCAL_USER_ID, Role
from millstream.api.database import Connection, Pool
from millstream.api.http.paging import Cursor
from millstream.schemas.errors import NotFoundError

LOCAL_EMAIL = "local@localhost"
_SETUP_LOCK = 0x6D73_6574

ENSURE = """
INSERT INTO users (id, email, name) VALUES (%(id)s, %(email)s, 'Local user') ON CONFLICT DO NOTHING
"""


async def ensure_user(pool: Pool, user_id: UUID = LOCAL_USER_ID) -> None:
    """Make the local user if it is not there: graphs and files belong to a user."""
    async with pool.connection() as conn:
        await conn.execute(ENSURE, {"id": user_id, "email": LOCAL_EMAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A person."""

    id: UUID
    email: str
    name: str
    role: Role
    timezone: str
    created_at: datetime
    password_hash: str | None
    email_verified_at: datetime | None
    disabled_at: datetime | None
    totp_secret: bytes | None
    totp_confirmed_at: datetime | None

    @property
    def has_totp(self) -> bool:
        """Whether a second factor is asked for."""
        return self.totp_confirmed_at is not None


def _user(*, role: str, **facts: Any) -> UserRow:
    return UserRow(role=Role(role), **facts)


COLUMNS = (
    "id, email, name, role, timezone, created_at, password_hash, email_verified_at, disabled_at, totp_secret, "
    "totp_confirmed_at"
)


class Users:
    """One transaction's view of the table."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def _find(self, where: str, value: object, lock: str = "") -> UserRow | None:
        async with self._conn.cursor(row_factory=kwargs_row(_user)) as cur:
            await cur.execute(f"SELECT {COLUMNS} FROM users WHERE {where} {lock}".encode(), [value])
            return await cur.fetchone()

    async def get(self, user_id: UUID, *, lock: bool = False) -> UserRow:
        """Read a user. Errors: NotFoundError."""
        row = await self._find("id = %s", user_id, "FOR UPDATE" if lock else "")
        if row is None:
            raise NotFoundError(f"There is no user {user_id}.")
        return row

    async def find(self, user_id: UUID) -> UserRow | None:
        """Read a user."""
        return await self._find("id = %s", user_id)

    async def find_by_email(self, email: str) -> UserRow | None:
        """Read a user by address, in any spelling of its letters' case."""
        return await self._find("lower(email) = lower(%s)", email)

    async def add(
        self, user_id: UUID, *, email: str, name: str, password_hash: str | None, verified: bool
    ) -> bool:
        """Add a user; False if somebody has the address."""
        done = await self._conn.execute(
            "INSERT INTO users (id, email, name, password_hash, email_verified_at) "
            "VALUES (%s, %s, %s, %s, CASE WHEN %s THEN now() END) ON CONFLICT DO NOTHING",
            [user_id, email, name, password_hash, verified],
        )
        if done.rowcount == 0:
            await self._conn.execute("DELETE FROM accounts a WHERE id = %s AND kind = 'user'", [user_id])
        return done.rowcount == 1

    async def ensure_outside(self, user_id: UUID, *, issuer: str, subject: str, email: str) -> None:
        """Make the user whom an outside issuer knows as `subject`, if he is not there.

        An address is never matched with an account that was made here: the issuer may not have checked it.
        """
        spare = f"{user_id}@outside.invalid"
        await self._conn.execute(
            "INSERT INTO users (id, email, issuer, subject) "
            "SELECT %(id)s, CASE WHEN EXISTS (SELECT 1 FROM users WHERE lower(email) = lower(%(email)s)) "
            "THEN %(spare)s ELSE %(email)s END, %(issuer)s, %(subject)s ON CONFLICT DO NOTHING",
            {"id": user_id, "email": email or spare, "spare": spare, "issuer": issuer, "subject": subject},
        )

    async def has_admin(self, *, lock: bool = False) -> bool:
        """Tell whether somebody has become admin. With `lock`, nobody else becomes so before the transaction ends."""
        if lock:
            await self._conn.execute("SELECT pg_advisory_xact_lock(%s)", [_SETUP_LOCK])
        found = await self._conn.execute(
            "SELECT 1 FROM users WHERE role = 'admin' AND password_hash IS NOT NULL LIMIT 1"
        )
        return await found.fetchone() is not None

    async def claim_local(self, *, email: str, name: str, password_hash: str) -> bool:
        """Make the local user the first admin, with all that was made from the command line."""
        done = await self._conn.execute(
            "UPDATE users SET email = %s, name = %s, password_hash = %s, email_verified_at = now(), role = 'admin' "
            "WHERE id = %s AND NOT EXISTS (SELECT 1 FROM users WHERE lower(email) = lower(%s) AND id <> %s)",
            [email, name, password_hash, LOCAL_USER_ID, email, LOCAL_USER_ID],
        )
        return done.rowcount == 1

    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        await self._conn.execute(
            "UPDATE users SET password_hash = %s WHERE id = %s", [password_hash, user_id]
        )

    async def set_email(self, user_id: UUID, email: str) -> bool:
        """Give a user a checked address; False if another has it."""
        done = await self._conn.execute(
            "UPDATE users SET email = %(email)s, email_verified_at = now() WHERE id = %(id)s "
            "AND NOT EXISTS (SELECT 1 FROM users WHERE lower(email) = lower(%(email)s) AND id <> %(id)s)",
            {"email": email, "id": user_id},
        )
        return done.rowcount == 1

    async def set_profile(self, user_id: UUID, *, name: str | None, timezone: str | None) -> None:
        await self._conn.execute(
            "UPDATE users SET name = coalesce(%s, name), timezone = coalesce(%s, timezone) WHERE id = %s",
            [name, timezone, user_id],
        )

    async def set_role(self, user_id: UUID, role: Role) -> None:
        await self._conn.execute("UPDATE users SET role = %s WHERE id = %s", [role, user_id])

    async def set_disabled(self, user_id: UUID, *, disabled: bool) -> None:
        await self._conn.execute(
            "UPDATE users SET disabled_at = CASE WHEN %s THEN now() END WHERE id = %s", [disabled, user_id]
        )

    async def list_(self, *, cursor: Cursor | None, limit: int) -> list[UserRow]:
        """Return people, newest first."""
        async with self._conn.cursor(row_factory=kwargs_row(_user)) as cur:
            await cur.execute(
                f"SELECT {COLUMNS} FROM users WHERE %(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(id)s) "
                "ORDER BY created_at DESC, id DESC LIMIT %(limit)s".encode(),
                {"at": cursor.at if cursor else None, "id": cursor.id if cursor else None, "limit": limit},
            )
            return await cur.fetchall()

    async def set_totp(self, user_id: UUID, sealed: bytes | None, *, confirmed: bool) -> None:
        await self._conn.execute(
            "UPDATE users SET totp_secret = %s, totp_confirmed_at = CASE WHEN %s THEN now() END WHERE id = %s",
            [sealed, confirmed, user_id],
        )

    async def is_last_admin(self, user_id: UUID) -> bool:
        """Tell whether nobody else could look after the platform. Holds off others who ask."""
        await self._conn.execute("SELECT pg_advisory_xact_lock(%s)", [_SETUP_LOCK])
        found = await self._conn.execute(
            "SELECT array_agg(id) FROM users WHERE role = 'admin' AND password_hash IS NOT NULL AND disabled_at IS NULL"
        )
        row = await found.fetchone()
        return row is not None and list(row[0] or []) == [user_id]

    async def delete(self, user_id: UUID) -> None:
        """Remove an account and what it owns; its executions are no longer shown."""
        await self._conn.execute(
            "UPDATE executions SET deleted_at = now() WHERE user_id = %s AND deleted_at IS NULL", [user_id]
        )
        await self._conn.execute("DELETE FROM accounts WHERE id = %s", [user_id])
