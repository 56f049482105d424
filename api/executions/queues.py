"""How many executions of a user wait, as far as this edge knows: a queue that is full takes no more.

Counted in the read model when a user first starts something here, and again when the count says full; in between every start
of this edge counts as one that waits. So a start costs no query, and the limit is passed by what other edges take meanwhile.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from millstream.api.database import Pool, statements
from millstream.api.executions.repository import Executions
from millstream.schemas.errors import QueueFullError

RECOUNT_S = 1.0
USERS_KEPT = 10_000


@dataclass(slots=True)
class _Known:
    waiting: int
    at: float


class Queues:
    """Counts by user."""

    def __init__(self, pool: Pool, *, limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._known: dict[UUID, _Known] = {}

    async def join(self, user_id: UUID) -> None:
        """Count one more. Errors: QueueFullError."""
        await self.join_many(user_id, 1)

    async def join_many(self, user_id: UUID, wanted: int) -> int:
        """Count as many of `wanted` as there is room for, and return how many. Errors: QueueFullError: there is none."""
        known = self._known.get(user_id)
        now = time.monotonic()
        if known is None or (known.waiting >= self._limit and now - known.at >= RECOUNT_S):
            async with statements(self._pool) as conn:
                waiting = await Executions(conn).count_queued(owner_id=user_id, most=self._limit)
            if len(self._known) >= USERS_KEPT:
                self._known.clear()
            known = self._known[user_id] = _Known(waiting, now)
        if known.waiting >= self._limit:
            raise QueueFullError(
                f"{known.waiting:,} executions of yours wait already, which is the limit; "
                "stop some, or try again when some have begun.",
                limit=self._limit,
            )
        granted = min(wanted, self._limit - known.waiting)
        known.waiting += granted
        return granted
