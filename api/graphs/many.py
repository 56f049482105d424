"""Graphs of many ids at once, for answers that have lists of things with graphs: one statement a kind of question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from millstream.api.database import Connection
from millstream.api.graphs.repository import GraphHead, GraphRow

Wanted = tuple[UUID, int | None]
"""A graph and its version; None: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowOf(GraphRow):
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _HeadOf(GraphHead):
    wanted: int


_PICK = """
SELECT w.number::int AS wanted, g.*
FROM unnest(%(ids)s::uuid[], %(versions)s::int[]) WITH ORDINALITY w (id, version, number) CROSS JOIN LATERAL (
    SELECT {columns} FROM graphs WHERE id = w.id AND user_id = %(owner_id)s AND deleted_at IS NULL
    AND (w.version IS NULL OR version = w.version) ORDER BY version DESC LIMIT 1
) g
"""
ROWS = _PICK.format(columns="id, version, user_id, is_active, draft, body, created_at")
_HEAD = "id, version, user_id, name, description, is_active, draft, created_at"
HEADS = _PICK.format(columns=_HEAD)
VERSIONS = f"""
SELECT w.number::int AS wanted, g.*
FROM unnest(%(ids)s::uuid[], %(limits)s::int[]) WITH ORDINALITY w (id, most, number) CROSS JOIN LATERAL (
    SELECT {_HEAD} FROM graphs WHERE id = w.id AND user_id = %(owner_id)s AND deleted_at IS NULL
    ORDER BY version DESC LIMIT w.most
) g ORDER BY w.number, g.version DESC
"""


class ManyGraphs:
    """Answers in the order of the questions. Graphs of other owners are as if they were not there."""

    def __init__(self, conn: Connection, *, owner_id: UUID) -> None:
        self._conn = conn
        self._owner_id = owner_id

    async def rows(self, wanted: Sequence[Wanted]) -> list[GraphRow | None]:
        """Read versions with their nodes."""
        async with self._conn.cursor(row_factory=class_row(_RowOf)) as cur:
            await cur.execute(ROWS, self._values(wanted))
            found = {row.wanted: row for row in await cur.fetchall()}
        return [found.get(number) for number in range(1, len(wanted) + 1)]

    async def heads(self, wanted: Sequence[Wanted]) -> list[GraphHead | None]:
        """Read versions without their nodes."""
        async with self._conn.cursor(row_factory=class_row(_HeadOf)) as cur:
            await cur.execute(HEADS, self._values(wanted))
            found = {row.wanted: row for row in await cur.fetchall()}
        return [found.get(number) for number in range(1, len(wanted) + 1)]

    async def versions(self, wanted: Sequence[tuple[UUID, int]]) -> list[list[GraphHead]]:
        """Read the newest versions of graphs, of each so many."""
        values = {
            "ids": [graph_id for graph_id, _ in wanted],
            "limits": [limit for _, limit in wanted],
            "owner_id": self._owner_id,
        }
        found: dict[int, list[GraphHead]] = {}
        async with self._conn.cursor(row_factory=class_row(_HeadOf)) as cur:
            await cur.execute(VERSIONS, values)
            for row in await cur.fetchall():
                found.setdefault(row.wanted, []).append(row)
        return [found.get(number, []) for number in range(1, len(wanted) + 1)]

    def _values(self, wanted: Sequence[Wanted]) -> dict[str, object]:
        ids, versions = [graph_id for graph_id, _ in wanted], [version for _, version in wanted]
        return {"ids": ids, "versions": versions, "owner_id": self._owner_id}
