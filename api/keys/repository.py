"""Table `api_keys`: one method a question. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg.rows import class_row

from millstream.api.audit.record import record_own
from millstream.api.auth.principal import Scope
from millstream.api.auth.secret import digest, new_secret
from millstream.api.database import Connection
from millstream.schemas.errors import NotFoundError

MARK = "ms_"
SHOWN_CHARS = 11
"""`ms_` and eight more are stored and shown, so that people find a key again; 208 random bits stay unknown."""

COLUMNS = "id, account_id, user_id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key, without its secret, which nobody has but who made it."""

    id: UUID
    account_id: UUID
    user_id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeys:
    """One transaction's view of the table."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(
        self, *, account_id: UUID, user_id: UUID, name: str, scopes: list[Scope], expires_at: datetime | None
    ) -> tuple[KeyRow, str]:
        """Return a new key and its secret."""
        secret = MARK + new_secret()
        async with self._conn.cursor(row_factory=class_row(KeyRow)) as cur:
            await cur.execute(
                "INSERT INTO api_keys (id, account_id, user_id, name, prefix, hash, scopes, expires_at) "
                f"VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}".encode(),
                [
                    uuid4(),
                    account_id,
                    user_id,
                    name,
                    secret[:SHOWN_CHARS],
                    digest(secret),
                    scopes,
                    expires_at,
                ],
            )
            row = await cur.fetchone()
        assert row is not None
        await record_own(
            self._conn,
            "key.made",
            row.id,
            account_id=account_id,
            scopes=scopes,
            prefix=row.prefix,
            expires_at=expires_at,
        )
        return row, secret

    async def list_(self, *, owner_id: UUID) -> list[KeyRow]:
        """Return all keys of an account, newest first."""
        async with self._conn.cursor(row_factory=class_row(KeyRow)) as cur:
            await cur.execute(
                f"SELECT {COLUMNS} FROM api_keys WHERE account_id = %s ORDER BY created_at DESC, id".encode(),
                [owner_id],
            )
            return await cur.fetchall()

    async def get(self, key_id: UUID, *, owner_id: UUID) -> KeyRow:
        """Read a key. Errors: NotFoundError, also if it opens another account."""
        async with self._conn.cursor(row_factory=class_row(KeyRow)) as cur:
            await cur.execute(
                f"SELECT {COLUMNS} FROM api_keys WHERE id = %s AND account_id = %s".encode(),
                [key_id, owner_id],
            )
            row = await cur.fetchone()
        if row is None:
            raise NotFoundError(f"There is no key {key_id}.")
        return row

    async def find_good(self, secret: str) -> KeyRow | None:
        """Return the key of a secret, None if it is unknown, revoked or too old."""
        async with self._conn.cursor(row_factory=class_row(KeyRow)) as cur:
            await cur.execute(
                f"SELECT {COLUMNS} FROM api_keys WHERE hash = %s AND revoked_at IS NULL "
                "AND (expires_at IS NULL OR expires_at > now())".encode(),
                [digest(secret)],
            )
            return await cur.fetchone()

    async def is_good(self, key_id: UUID) -> bool:
        """Tell whether a key still opens anything."""
        found = await self._conn.execute(
            "SELECT 1 FROM api_keys WHERE id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
            [key_id],
        )
        return await found.fetchone() is not None

    async def note_use(self, key_id: UUID) -> None:
        """Write down that a key was used; at most once a minute, however many processes ask."""
        await self._conn.execute(
            "UPDATE api_keys SET last_used_at = now() WHERE id = %s "
            "AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
            [key_id],
        )

    async def revoke(self, key_id: UUID, *, owner_id: UUID) -> KeyRow:
        """End a key. Errors: NotFoundError, also if it opens another account."""
        await self._conn.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = %s AND account_id = %s",
            [key_id, owner_id],
        )
        row = await self.get(key_id, owner_id=owner_id)
        await record_own(self._conn, "key.revoked", key_id, prefix=row.prefix)
        return row

    async def set_scopes(self, key_id: UUID, scopes: list[Scope], *, owner_id: UUID) -> KeyRow:
        """Say what a key may do. Errors: NotFoundError, also if it opens another account."""
        before = (await self.get(key_id, owner_id=owner_id)).scopes
        await self._conn.execute(
            "UPDATE api_keys SET scopes = %s WHERE id = %s AND account_id = %s", [scopes, key_id, owner_id]
        )
        await record_own(self._conn, "key.changed", key_id, scopes=scopes, before=before)
        return await self.get(key_id, owner_id=owner_id)

    async def revoke_of(self, user_id: UUID, *, account_id: UUID | None = None) -> list[UUID]:
        """End all keys that a user has made, or those for one account; returns their ids."""
        found = await self._conn.execute(
            "UPDATE api_keys SET revoked_at = now() WHERE user_id = %(user)s AND revoked_at IS NULL "
            "AND (%(account)s::uuid IS NULL OR account_id = %(account)s) RETURNING id",
            {"user": user_id, "account": account_id},
        )
        return [row[0] for row in await found.fetchall()]
