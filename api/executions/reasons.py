"""Why executions are not done yet, from the read model: see `api/reasons.py`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from millstream.api import reasons
from millstream.api.database import Connection
from millstream.api.executions.repository import Head
from millstream.api.executions.values import NodeRow

OPEN_NODES = """
SELECT e.id AS execution_id, n.status, n.reason, n.queue_time, n.start_time
FROM unnest(%(ids)s::uuid[]) e (id) CROSS JOIN LATERAL (
    SELECT status, reason, queue_time, start_time FROM node_executions
    WHERE execution_id = e.id ORDER BY created_seq DESC LIMIT %(most)s
) n WHERE n.status IN ('QUEUED', 'RUNNING', 'REVIEW')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenNode:
    execution_id: UUID
    status: str
    reason: dict[str, Any] | None
    queue_time: datetime | None
    start_time: datetime | None


async def of_executions(conn: Connection, rows: Sequence[Head]) -> dict[UUID, reasons.Reason | None]:
    """Return why each of these has not ended. Looks at the newest node executions of those that run."""
    running = [row.id for row in rows if row.status == "RUNNING"]
    found: dict[UUID, list[_OpenNode]] = {}
    if running:
        async with conn.cursor(row_factory=class_row(_OpenNode)) as cur:
            await cur.execute(OPEN_NODES, {"ids": running, "most": reasons.LOOKED_AT})
            for node in await cur.fetchall():
                found.setdefault(node.execution_id, []).append(node)
    return {row.id: of_execution(row, found.get(row.id, [])) for row in rows}


def of_execution(row: Head, nodes: Sequence[_OpenNode | NodeRow] = ()) -> reasons.Reason | None:
    """Return why an execution has not ended, None if it has."""
    whys = [of_node(node) for node in nodes]
    return reasons.of_execution(row.status, row.reason, whys, started_at=_ms(row.started_at))


def of_node(node: _OpenNode | NodeRow) -> reasons.Reason | None:
    """Return why a node execution is where it is."""
    return reasons.of_node(
        node.status,
        node.reason,
        queued_at=_ms(node.queue_time),
        started_at=_ms(node.start_time),
        now=time.time_ns() // 1_000_000,
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
