"""Table `graphs`: one row a version; a version is never changed. A graph that runs inside another has rows of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row, tuple_row

from millstream.api.audit.record import record_own
from millstream.api.database import Connection
from millstream.api.http.paging import Cursor
from millstream.schemas.errors import NotFoundError
from millstream.schemas.graph import SubGraph

VERSIONS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRow:
    """One version of a graph."""

    id: UUID
    version: int
    user_id: UUID
    is_active: bool
    draft: bool
    body: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphHead:
    """One version of a graph, without its nodes."""

    id: UUID
    version: int
    user_id: UUID
    name: str
    description: str
    is_active: bool
    draft: bool
    created_at: datetime


_ROW = "id, version, user_id, is_active, draft, body, created_at"
_HEAD = "id, version, user_id, name, description, is_active, draft, created_at"
INSERT = """
INSERT INTO graphs (id, version, user_id, name, description, is_active, draft, body)
VALUES (%(id)s, %(version)s, %(owner_id)s, %(name)s, %(description)s, %(is_active)s, %(draft)s, %(body)s::json)
RETURNING created_at
"""
GET = f"""
SELECT {_ROW} FROM graphs WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
AND (%(version)s::int IS NULL OR version = %(version)s) ORDER BY version DESC LIMIT 1
"""
GET_ACTIVE = f"""
SELECT {_ROW} FROM graphs WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
ORDER BY is_active DESC, version DESC LIMIT 1
"""
FIND_HEAD = """
SELECT version, is_active FROM graphs WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
AND (%(version)s::int IS NULL OR version = %(version)s) ORDER BY is_active DESC, version DESC LIMIT 1
"""
_MANY = """
FROM unnest(%(ids)s::uuid[], %(versions)s::int[]) WITH ORDINALITY wanted (id, version, number)
{how} JOIN LATERAL (
    SELECT * FROM graphs g WHERE g.id = wanted.id AND g.user_id = %(owner_id)s AND g.deleted_at IS NULL
    AND (wanted.version IS NULL OR g.version = wanted.version) ORDER BY g.version DESC LIMIT 1
) found ON true ORDER BY number
"""
FIND_MANY = "SELECT found.id, found.version, user_id, is_active, draft, body, created_at" + _MANY.format(
    how=""
)
FIND_VERSIONS = "SELECT found.version" + _MANY.format(how="LEFT")
LIST = f"""
SELECT {_HEAD} FROM (
    SELECT DISTINCT ON (id) {_HEAD} FROM graphs WHERE user_id = %(owner_id)s AND deleted_at IS NULL
    ORDER BY id, is_active DESC, version DESC
) newest
WHERE %(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(after)s::uuid)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
VERSIONS = f"""
SELECT {_HEAD} FROM graphs WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
ORDER BY version DESC LIMIT %(limit)s
"""
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(id)s::text, 0))"
"""Not FOR UPDATE: whoever waited for the newest row would not see the one that was added meanwhile."""
NEWEST = """
SELECT version FROM graphs WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
ORDER BY version DESC LIMIT 1
"""
DEACTIVATE = "UPDATE graphs SET is_active = false WHERE id = %(id)s AND user_id = %(owner_id)s AND is_active"
ACTIVATE = """
UPDATE graphs SET is_active = true WHERE id = %(id)s AND user_id = %(owner_id)s AND version = %(version)s
"""
DELETE = """
UPDATE graphs SET deleted_at = now(), is_active = false
WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
"""


Wanted = Sequence[tuple[UUID, int | None]]
"""Ids and versions."""


def _many(wanted: Wanted, owner_id: UUID) -> dict[str, Any]:
    return {
        "ids": [id_ for id_, _ in wanted],
        "versions": [version for _, version in wanted],
        "owner_id": owner_id,
    }


class Graphs:
    """One method a question; SQL about graphs is nowhere else. Never commits."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(self, graph: SubGraph, body: str, *, owner_id: UUID, draft: bool) -> datetime:
        """Insert a version; `body` is its JSON. Returns when."""
        values = {
            "id": graph.id,
            "version": graph.version,
            "owner_id": owner_id,
            "name": graph.name,
            "description": graph.description,
            "is_active": graph.is_active,
            "draft": draft,
            "body": body,
        }
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(INSERT, values)
            created_at: datetime | None = await cur.fetchone()
        assert created_at is not None
        await record_own(self._conn, "graph.saved", graph.id, version=graph.version, active=graph.is_active)
        return created_at

    async def get(self, graph_id: UUID, *, owner_id: UUID, version: int | None = None) -> GraphRow:
        """Read a version, by default the newest. Errors: NotFoundError, also if another owner has it."""
        row = await self.find(graph_id, owner_id=owner_id, version=version)
        if row is None:
            which = "" if version is None else f" in version {version}"
            raise NotFoundError(f"There is no graph {graph_id}{which}.")
        return row

    async def find(self, graph_id: UUID, *, owner_id: UUID, version: int | None = None) -> GraphRow | None:
        """Read a version, by default the newest; None if there is none."""
        return await self._one(GET, {"id": graph_id, "owner_id": owner_id, "version": version})

    async def find_many(self, wanted: Wanted, *, owner_id: UUID) -> list[GraphRow]:
        """Read those that are there, in order; without a version the newest."""
        async with self._conn.cursor(row_factory=class_row(GraphRow)) as cur:
            await cur.execute(FIND_MANY, _many(wanted, owner_id))
            return await cur.fetchall()

    async def find_versions(self, wanted: Wanted, *, owner_id: UUID) -> list[int | None]:
        """Return which version `find_many` would read of each, None for those that are not there."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(FIND_VERSIONS, _many(wanted, owner_id))
            return await cur.fetchall()

    async def get_head(self, graph_id: UUID, *, owner_id: UUID, version: int | None) -> tuple[int, bool]:
        """Return which version runs, by default the active one, and whether it is active. Errors: NotFoundError."""
        values = {"id": graph_id, "owner_id": owner_id, "version": version}
        async with self._conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(FIND_HEAD, values)
            row = await cur.fetchone()
        if row is None:
            which = "" if version is None else f" in version {version}"
            raise NotFoundError(f"There is no graph {graph_id}{which}.")
        return row[0], row[1]

    async def get_active(self, graph_id: UUID, *, owner_id: UUID) -> GraphRow:
        """Read the version that runs by default. Errors: NotFoundError."""
        row = await self._one(GET_ACTIVE, {"id": graph_id, "owner_id": owner_id})
        if row is None:
            raise NotFoundError(f"There is no graph {graph_id}.")
        return row

    async def list_(self, *, owner_id: UUID, cursor: Cursor | None, limit: int) -> list[GraphHead]:
        """Read the heads of an owner's graphs, newest first."""
        at, after = (cursor.at, cursor.id) if cursor else (None, None)
        async with self._conn.cursor(row_factory=class_row(GraphHead)) as cur:
            await cur.execute(LIST, {"owner_id": owner_id, "at": at, "after": after, "limit": limit})
            return await cur.fetchall()

    async def versions(self, graph_id: UUID, *, owner_id: UUID) -> list[GraphHead]:
        """Read the heads of a graph's newest versions. Errors: NotFoundError."""
        async with self._conn.cursor(row_factory=class_row(GraphHead)) as cur:
            await cur.execute(VERSIONS, {"id": graph_id, "owner_id": owner_id, "limit": VERSIONS_SHOWN})
            rows = await cur.fetchall()
        if not rows:
            raise NotFoundError(f"There is no graph {graph_id}.")
        return rows

    async def lock_newest(self, graph_id: UUID, *, owner_id: UUID) -> int:
        """Return the newest version and keep others from adding one. Errors: NotFoundError."""
        await self._conn.execute(LOCK, {"id": graph_id})
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(NEWEST, {"id": graph_id, "owner_id": owner_id})
            version: int | None = await cur.fetchone()
        if version is None:
            raise NotFoundError(f"There is no graph {graph_id}.")
        return version

    async def deactivate(self, graph_id: UUID, *, owner_id: UUID) -> None:
        """Leave the graph without an active version; another one follows in the same transaction."""
        await self._conn.execute(DEACTIVATE, {"id": graph_id, "owner_id": owner_id})

    async def activate(self, graph_id: UUID, *, owner_id: UUID, version: int) -> None:
        """Make a version the one that runs by default; call `deactivate` first."""
        await self._conn.execute(ACTIVATE, {"id": graph_id, "owner_id": owner_id, "version": version})
        await record_own(self._conn, "graph.activated", graph_id, version=version)

    async def delete(self, graph_id: UUID, *, owner_id: UUID) -> int:
        """Hide all versions; executions keep their plans. Returns how many. Errors: NotFoundError."""
        done = await self._conn.execute(DELETE, {"id": graph_id, "owner_id": owner_id})
        if not done.rowcount:
            raise NotFoundError(f"There is no graph {graph_id}.")
        await record_own(self._conn, "graph.deleted", graph_id, versions=done.rowcount)
        return done.rowcount

    async def _one(self, query: str, values: dict[str, Any]) -> GraphRow | None:
        async with self._conn.cursor(row_factory=class_row(GraphRow)) as cur:
            await cur.execute(query, values)
            return await cur.fetchone()
