"""Where an execution's events begin in the log: what the sink has noted, asked once for each that is followed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from millstream.api.database import Pool, statements
from millstream.schemas.errors import NotFoundError
from millstream.topics.catalogue import EVENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Owner of an execution, and the first offset at which an event of it can be; None: the oldest there is."""

    user_id: UUID
    graph_id: UUID | None
    start: int | None
    sequence: int = -1
    """Number of its last event in the read model."""


ORIGIN = """
SELECT e.user_id, e.graph_id, coalesce(e.first_offset, s.next_offset) AS start, e.sequence
FROM executions e
LEFT JOIN sink_offsets s ON s.topic = %(topic)s AND s.partition = %(partition)s
WHERE e.id = %(id)s
"""
"""One statement, one snapshot: an execution that the sink has not seen lies at or after the sink's position."""


async def origin_of(
    pool: Pool, execution_id: UUID, *, partition: int, owner_id: UUID | None = None
) -> Origin:
    """Return where to begin. Errors: NotFoundError, also if `owner_id` is given and is not the owner."""
    async with statements(pool) as conn, conn.cursor(row_factory=class_row(Origin)) as cur:
        await cur.execute(ORIGIN, {"id": execution_id, "partition": partition, "topic": EVENTS.name})
        origin = await cur.fetchone()
    if origin is None or owner_id not in (None, origin.user_id):
        raise NotFoundError(f"There is no execution {execution_id}.")
    return origin
