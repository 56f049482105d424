"""Table `files`: what is known of each file. The bytes are in the object store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from millstream.api.database import Connection
from millstream.api.http.paging import Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One file. `name` is what its owner calls it, never a path; `type` what its bytes look like."""

    id: UUID
    user_id: UUID
    name: str
    size: int
    type: str
    sha256: bytes
    key: str
    created_at: datetime
    expires_at: datetime | None


_ROW = "id, user_id, name, size, type, sha256, key, created_at, expires_at"
INSERT = """
INSERT INTO files (id, user_id, name, size, type, sha256, key)
VALUES (%(id)s, %(owner_id)s, %(name)s, %(size)s, %(type)s, %(sha256)s, %(key)s) RETURNING created_at
"""
LIST = f"""
SELECT {_ROW} FROM files WHERE user_id = %(owner_id)s
AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(after)s::uuid))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s OFFSET %(offset)s
"""
DELETE = "DELETE FROM files WHERE id = %(id)s AND user_id = %(owner_id)s"


class FileTable:
    """One method a question. Never commits."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(
        self, file_id: UUID, *, owner_id: UUID, name: str, size: int, type_: str, sha256: bytes, key: str
    ) -> datetime:
        """Insert a file. Returns when."""
        values = {
            "id": file_id,
            "owner_id": owner_id,
            "name": name,
            "size": size,
            "type": type_,
            "sha256": sha256,
            "key": key,
        }
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(INSERT, values)
            created_at: datetime | None = await cur.fetchone()
        assert created_at is not None
        return created_at

    async def list_(
        self, *, owner_id: UUID, cursor: Cursor | None, limit: int, offset: int = 0
    ) -> list[FileRow]:
        """Read an owner's files, newest first."""
        at, after = (cursor.at, cursor.id) if cursor else (None, None)
        async with self._conn.cursor(row_factory=class_row(FileRow)) as cur:
            values = {"owner_id": owner_id, "at": at, "after": after, "limit": limit, "offset": offset}
            await cur.execute(LIST, values)
            return await cur.fetchall()

    async def delete(self, file_id: UUID, *, owner_id: UUID) -> None:
        """Remove one, if it is there."""
        await self._conn.execute(DELETE, {"id": file_id, "owner_id": owner_id})
