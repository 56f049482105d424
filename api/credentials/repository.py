"""Tables `credentials`, `secret_values` and `execution_secrets`: SQL about them is nowhere else. Never commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row, tuple_row

from millstream.api.audit.record import record_own
from millstream.api.credentials.envelope import About, Envelope
from millstream.api.database import Connection
from millstream.api.http.paging import Cursor
from millstream.schemas.errors import NotFoundError

SEALING_LOCK = 0x6D73_6B65_79
"""Held in common while something is sealed, alone while a master key is retired: so nothing is left wrapped by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRow:
    """A credential; what is secret in it is sealed."""

    id: UUID
    account_id: UUID
    provider: str
    kind: str
    title: str
    username: str | None
    scopes: list[str]
    hosts: list[str]
    ciphertext: bytes = field(repr=False)
    data_key: bytes = field(repr=False)
    key_id: str
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def about(self) -> About:
        """What it is bound to."""
        return About(account_id=self.account_id, provider=self.provider, id=self.id)

    @property
    def envelope(self) -> Envelope:
        """The sealed part."""
        return Envelope(ciphertext=self.ciphertext, data_key=self.data_key, key_id=self.key_id)

    @property
    def meta(self) -> dict[str, Any]:
        """What records say of it."""
        return {"id": str(self.id), "provider": self.provider, "type": self.kind, "title": self.title}


_ROW = ", ".join(CredentialRow.__slots__)
INSERT = """
INSERT INTO credentials (id, account_id, provider, kind, title, username, scopes, hosts, ciphertext, data_key, key_id,
    expires_at)
VALUES (%(id)s, %(account_id)s, %(provider)s, %(kind)s, %(title)s, %(username)s, %(scopes)s, %(hosts)s, %(ciphertext)s,
    %(data_key)s, %(key_id)s, %(expires_at)s)
"""
GET = f"SELECT {_ROW} FROM credentials WHERE id = %(id)s AND account_id = %(owner_id)s"
LIST = f"""
SELECT {_ROW} FROM credentials WHERE account_id = %(owner_id)s AND (%(provider)s::text IS NULL OR provider = %(provider)s)
AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(after)s::uuid))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
FIND = f"SELECT {_ROW} FROM credentials WHERE id = ANY(%(ids)s) AND account_id = %(owner_id)s"
RENAME = "UPDATE credentials SET title = %(title)s, updated_at = now() WHERE id = %(id)s AND account_id = %(owner_id)s"
RESEAL = """
UPDATE credentials SET ciphertext = %(ciphertext)s, data_key = %(data_key)s, key_id = %(key_id)s, expires_at = %(expires_at)s,
    scopes = %(scopes)s, username = %(username)s, updated_at = now()
WHERE id = %(id)s AND account_id = %(owner_id)s
"""
DELETE = "DELETE FROM credentials WHERE id = %(id)s AND account_id = %(owner_id)s"
INSERT_VALUE = """
INSERT INTO secret_values (id, account_id, ciphertext, data_key, key_id)
VALUES (%(id)s, %(account_id)s, %(ciphertext)s, %(data_key)s, %(key_id)s)
"""
VALUES = """
SELECT id, ciphertext, data_key, key_id FROM secret_values WHERE id = ANY(%(ids)s) AND account_id = %(owner_id)s
"""
HOLD = "SELECT id FROM secret_values WHERE id = ANY(%(ids)s) AND account_id = %(owner_id)s FOR KEY SHARE"
GRANT = """
INSERT INTO execution_secrets (execution_id, secret_id) SELECT %(execution_id)s, unnest(%(ids)s::uuid[])
ON CONFLICT DO NOTHING
"""
GRANTED_TO = "SELECT execution_id FROM execution_secrets WHERE secret_id = %(id)s"
ASKED = """
WITH RECURSIVE up (id, user_id, parent, depth) AS (
    SELECT id, user_id, parent_execution_id, 0 FROM executions WHERE id = %(execution_id)s
    UNION ALL
    SELECT e.id, e.user_id, e.parent_execution_id, depth + 1 FROM executions e JOIN up ON e.id = up.parent
    WHERE e.user_id = up.user_id AND depth < 50
)
SELECT user_id, status, EXISTS (
    SELECT FROM execution_secrets s JOIN up ON s.execution_id = up.id WHERE s.secret_id = %(secret_id)s
) FROM executions WHERE id = %(execution_id)s
"""
"""Who owns an execution, how it stands, and whether it, or one that it came from, was granted a secret."""


class Credentials:
    """One method a question."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(self, about: About, envelope: Envelope, **facts: Any) -> None:
        """Insert a credential. `facts`: the other columns."""
        await self._conn.execute(
            INSERT, {**_sealed(envelope), **_owned(about), "provider": about.provider, **facts}
        )
        await record_own(self._conn, "credential.made", about.id, provider=about.provider)

    async def get(self, id_: UUID, *, owner_id: UUID) -> CredentialRow:
        """Read one. Errors: NotFoundError, also if another owner has it."""
        async with self._conn.cursor(row_factory=class_row(CredentialRow)) as cur:
            await cur.execute(GET, {"id": id_, "owner_id": owner_id})
            row = await cur.fetchone()
        if row is None:
            raise NotFoundError(f"There are no credentials {id_}.")
        return row

    async def list_(
        self, *, owner_id: UUID, provider: str | None, cursor: Cursor | None, limit: int
    ) -> list[CredentialRow]:
        """Read an owner's credentials, newest first."""
        at, after = (cursor.at, cursor.id) if cursor else (None, None)
        values = {"owner_id": owner_id, "provider": provider, "at": at, "after": after, "limit": limit}
        async with self._conn.cursor(row_factory=class_row(CredentialRow)) as cur:
            await cur.execute(LIST, values)
            return await cur.fetchall()

    async def find(self, ids: Iterable[UUID], *, owner_id: UUID) -> dict[UUID, CredentialRow]:
        """Return those of `ids` that the owner has."""
        async with self._conn.cursor(row_factory=class_row(CredentialRow)) as cur:
            await cur.execute(FIND, {"ids": list(ids), "owner_id": owner_id})
            return {row.id: row for row in await cur.fetchall()}

    async def rename(self, id_: UUID, title: str, *, owner_id: UUID) -> None:
        """Give it another title. Errors: NotFoundError."""
        done = await self._conn.execute(RENAME, {"id": id_, "title": title, "owner_id": owner_id})
        if not done.rowcount:
            raise NotFoundError(f"There are no credentials {id_}.")
        await record_own(self._conn, "credential.renamed", id_)

    async def reseal(self, row: CredentialRow, envelope: Envelope, **facts: Any) -> None:
        """Replace the sealed part. `facts`: expires_at, scopes, username."""
        await self._conn.execute(
            RESEAL, {**_sealed(envelope), "id": row.id, "owner_id": row.account_id, **facts}
        )

    async def delete(self, id_: UUID, *, owner_id: UUID) -> None:
        """Remove one. Errors: NotFoundError."""
        done = await self._conn.execute(DELETE, {"id": id_, "owner_id": owner_id})
        if not done.rowcount:
            raise NotFoundError(f"There are no credentials {id_}.")
        await record_own(self._conn, "credential.deleted", id_)


class SecretValues:
    """One method a question."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(self, about: About, envelope: Envelope) -> None:
        """Insert a value."""
        await self._conn.execute(INSERT_VALUE, {**_sealed(envelope), **_owned(about)})

    async def find(self, ids: Iterable[UUID], *, owner_id: UUID) -> dict[UUID, Envelope]:
        """Return those of `ids` that the owner has."""
        async with self._conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(VALUES, {"ids": list(ids), "owner_id": owner_id})
            return {
                id_: Envelope(ciphertext=ciphertext, data_key=data_key, key_id=key_id)
                for id_, ciphertext, data_key, key_id in await cur.fetchall()
            }

    async def hold(self, ids: Iterable[UUID], *, owner_id: UUID) -> set[UUID]:
        """Return which of `ids` the owner has; they stay until the transaction ends, so that it may refer to them."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(HOLD, {"ids": list(ids), "owner_id": owner_id})
            return set(await cur.fetchall())


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a worker asks about."""

    user_id: UUID
    status: str
    granted: bool


class Grants:
    """One method a question."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(self, execution_id: UUID, ids: Iterable[UUID]) -> None:
        """Let an execution have secrets."""
        await self._conn.execute(GRANT, {"execution_id": execution_id, "ids": list(ids)})

    async def ask(self, execution_id: UUID, secret_id: UUID) -> Asked | None:
        """Tell whether an execution may have a secret; None if the execution is not known (yet)."""
        async with self._conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(ASKED, {"execution_id": execution_id, "secret_id": secret_id})
            row = await cur.fetchone()
        return None if row is None else Asked(user_id=row[0], status=row[1], granted=row[2])

    async def executions_of(self, secret_id: UUID) -> list[UUID]:
        """Return the executions that were granted a secret."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(GRANTED_TO, {"id": secret_id})
            return await cur.fetchall()


async def hold_sealing(conn: Connection) -> None:
    """Until the transaction ends no master key is retired."""
    await conn.execute("SELECT pg_advisory_xact_lock_shared(%s)", [SEALING_LOCK])


def _sealed(envelope: Envelope) -> dict[str, Any]:
    return {
        "ciphertext": envelope.ciphertext,
        "data_key": envelope.data_key,
        "key_id": envelope.key_id,
    }


def _owned(about: About) -> dict[str, Any]:
    return {"id": about.id, "account_id": about.account_id}
