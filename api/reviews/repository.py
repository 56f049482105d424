"""Reviews, as rows of `node_executions`: the sink writes what was asked and which answer counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from millstream.api.database import Connection
from millstream.schemas.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review. `status` is the node execution's, `execution_status` that of the whole."""

    id: UUID
    execution_id: UUID
    execution_status: str
    node_id: str
    block_id: str
    status: str
    review: dict[str, Any] | None
    answer: dict[str, Any] | None
    reason: dict[str, Any] | None
    queue_time: datetime | None
    user_id: UUID
    graph_id: UUID | None
    graph_version: int | None


_COLUMNS = """
n.id, n.execution_id, e.status AS execution_status, n.node_id, n.block_id, n.status, n.review, n.answer, n.reason,
n.queue_time, e.user_id, e.graph_id, e.graph_version
"""
_OWNED = "JOIN executions e ON e.id = n.execution_id AND e.user_id = %(owner_id)s AND e.deleted_at IS NULL"
GET = f"""
SELECT {_COLUMNS} FROM (SELECT * FROM node_executions WHERE id = %(id)s LIMIT 1) n {_OWNED}
"""
"""One row, as PostgreSQL cannot know: ids are unique in each month. It would rather read all executions than look for 15."""
LIST = f"""
SELECT {_COLUMNS} FROM node_executions n {_OWNED}
WHERE n.execution_id = %(execution_id)s AND n.review IS NOT NULL ORDER BY n.created_seq LIMIT %(limit)s
"""
PENDING = f"""
SELECT {_COLUMNS} FROM node_executions n {_OWNED}
WHERE n.user_id = %(owner_id)s AND n.status = 'REVIEW' AND n.review IS NOT NULL
AND e.status IN ('RUNNING', 'REVIEW', 'INCOMPLETE')
ORDER BY n.queue_time DESC NULLS LAST, n.id LIMIT %(limit)s OFFSET %(offset)s
"""


class Reviews:
    """One method a question. Never commits."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def get(self, node_execution_id: UUID, *, owner_id: UUID) -> Review:
        """Read the review of a node execution. Errors: NotFoundError, also if another owner has it."""
        async with self._conn.cursor(row_factory=class_row(Review)) as cur:
            await cur.execute(GET, {"id": node_execution_id, "owner_id": owner_id})
            row = await cur.fetchone()
        if row is None:
            raise NotFoundError(f"There is no node execution {node_execution_id}.")
        return row

    async def list_(self, execution_id: UUID, *, owner_id: UUID, limit: int) -> list[Review]:
        """Read the reviews of an execution, in the order in which its nodes were first heard of."""
        async with self._conn.cursor(row_factory=class_row(Review)) as cur:
            await cur.execute(LIST, {"execution_id": execution_id, "owner_id": owner_id, "limit": limit})
            return await cur.fetchall()

    async def pending(self, *, owner_id: UUID, limit: int, offset: int) -> list[Review]:
        """Read what waits for an owner's answers, newest first."""
        async with self._conn.cursor(row_factory=class_row(Review)) as cur:
            await cur.execute(PENDING, {"owner_id": owner_id, "limit": limit, "offset": offset})
            return await cur.fetchall()
