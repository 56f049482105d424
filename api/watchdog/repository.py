"""Open executions of which nothing was heard for long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from millstream.api.database import Connection

LOCK = 0x6D73_7761
"""Advisory lock: one edge looks at a time."""
SHOWN = 20

_WAITS = """
EXISTS (SELECT FROM node_executions n WHERE n.execution_id = e.id AND n.status IN ('QUEUED', 'RUNNING')
    AND n.reason::text LIKE ANY(ARRAY['{"kind":"timer"%%', '{"kind":"retry"%%', '{"kind":"children"%%']))
AND NOT EXISTS (SELECT FROM node_executions n WHERE n.execution_id = e.id AND n.status IN ('QUEUED', 'RUNNING')
    AND (n.reason IS NULL OR n.reason::text NOT LIKE ALL(
        ARRAY['{"kind":"timer"%%', '{"kind":"retry"%%', '{"kind":"children"%%', '{"kind":"calls"%%'])))
"""
"""All that it has open waits for a time, for other executions, or for calls that do: silence is as it should be."""
SILENT = f"""
SELECT id, user_id, extract(epoch FROM now() - moved_at)::float AS silent_s, nudges,
    nudged_at IS NULL OR nudged_at < moved_at
        OR nudged_at < now() - make_interval(secs => %(silent_s)s) * power(2, least(nudges, 6) - 1) AS due,
    count(*) OVER () AS total
FROM executions e
WHERE status IN ('QUEUED', 'RUNNING') AND sequence >= 0 AND deleted_at IS NULL
    AND moved_at < now() - make_interval(secs => %(silent_s)s) AND NOT ({_WAITS})
ORDER BY moved_at, id LIMIT %(limit)s
"""
OPEN = """
SELECT DISTINCT execution_id, block_id FROM node_executions
WHERE execution_id = ANY(%(ids)s) AND status = 'QUEUED'
"""
NUDGED = """
UPDATE executions SET nudges = CASE WHEN nudged_at < moved_at THEN 1 ELSE nudges + 1 END, nudged_at = now()
WHERE id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """An execution that is open, and of which nothing was heard."""

    id: UUID
    user_id: UUID
    silent_s: float
    nudges: int
    due: bool
    """Time for a nudge: each waits twice as long as the one before."""
    total: int
    """How many there are in all."""


class SilentRuns:
    """One method a question. Never commits."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def lock(self) -> bool:
        """Be the edge that looks, until the commit. Returns False if another one does."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            return bool(await cur.fetchone())

    async def list_(self, *, silent_s: float, limit: int) -> list[Silent]:
        """Return them, the most silent first."""
        async with self._conn.cursor(row_factory=class_row(Silent)) as cur:
            await cur.execute(SILENT, {"silent_s": silent_s, "limit": limit})
            return await cur.fetchall()

    async def blocks(self, ids: list[UUID]) -> dict[UUID, set[str]]:
        """Return the blocks that executions wait for and that no worker has told to run."""
        found: dict[UUID, set[str]] = {id_: set() for id_ in ids}
        rows: Any = await (await self._conn.execute(OPEN, {"ids": ids})).fetchall()
        for execution_id, block_id in rows:
            found[execution_id].add(str(block_id))
        return found

    async def nudged(self, ids: list[UUID]) -> None:
        """Note that the engine was asked."""
        await self._conn.execute(NUDGED, {"ids": ids})
