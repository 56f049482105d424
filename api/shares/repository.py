"""Table `shares`: a row is a link that is good. One method a question. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg.rows import class_row, scalar_row

from millstream.api.audit.record import record_own
from millstream.api.database import Connection

_ROW = "id, execution_id, account_id, created_by, created_at, expires_at"
PUT = f"""
INSERT INTO shares (id, execution_id, account_id, created_by, expires_at)
VALUES (%(id)s, %(execution_id)s, %(account_id)s, %(created_by)s, now() + make_interval(secs => %(lifetime_s)s))
ON CONFLICT (execution_id) DO UPDATE SET id = excluded.id, created_by = excluded.created_by, created_at = now(),
    expires_at = excluded.expires_at
RETURNING {_ROW}
"""
NAMES_FILE = """
SELECT EXISTS (
    SELECT 1 FROM execution_outputs WHERE execution_id = %(execution_id)s AND strpos(value::text, %(uri)s) > 0
)
"""
NAMES_VALUE = """
SELECT EXISTS (SELECT 1 FROM execution_outputs WHERE execution_id = %(execution_id)s AND ref ->> 'key' = %(key)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A link to one run."""

    id: UUID
    execution_id: UUID
    account_id: UUID
    created_by: UUID
    created_at: datetime
    expires_at: datetime


class Shares:
    """Links by id and by run."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def put(
        self, execution_id: UUID, *, account_id: UUID, created_by: UUID, lifetime_s: float
    ) -> Share:
        """Make the link of a run; one that was there before is withdrawn."""
        values = {
            "id": uuid4(),
            "execution_id": execution_id,
            "account_id": account_id,
            "created_by": created_by,
            "lifetime_s": lifetime_s,
        }
        async with self._conn.cursor(row_factory=class_row(Share)) as cur:
            await cur.execute(PUT, values)
            row = await cur.fetchone()
        assert row is not None
        await record_own(self._conn, "share.made", execution_id, share_id=row.id, lifetime_s=lifetime_s)
        return row

    async def find(self, share_id: UUID) -> Share | None:
        """Read a link by its id."""
        return await self._one("id = %s", share_id)

    async def find_of(self, execution_id: UUID) -> Share | None:
        """Read the link of a run whose owner was checked before."""
        return await self._one("execution_id = %s", execution_id)

    async def remove(self, execution_id: UUID) -> None:
        """Withdraw the link of a run, if it has one."""
        await self._conn.execute("DELETE FROM shares WHERE execution_id = %s", [execution_id])
        await record_own(self._conn, "share.withdrawn", execution_id)

    async def names_file(self, execution_id: UUID, file_id: UUID) -> bool:
        """Tell whether an output of a run names a file."""
        return await self._is_so(NAMES_FILE, execution_id=execution_id, uri=f"workspace://{file_id}")

    async def names_value(self, execution_id: UUID, key: str) -> bool:
        """Tell whether an output of a run is the value that lies under a key of the object store."""
        return await self._is_so(NAMES_VALUE, execution_id=execution_id, key=key)

    async def _is_so(self, query: str, **values: object) -> bool:
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(query, values)
            return bool(await cur.fetchone())

    async def _one(self, where: str, value: object) -> Share | None:
        async with self._conn.cursor(row_factory=class_row(Share)) as cur:
            await cur.execute(f"SELECT {_ROW} FROM shares WHERE {where}".encode(), [value])
            return await cur.fetchone()
