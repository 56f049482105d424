"""Marks executions as accepted, many in one statement, beside the requests that had them accepted.

A mark only keeps the sweeper from sending a Start twice, which would do no harm; so no answer waits for it, and one that
is lost with this process is made up for by the sink, which marks whatever has events.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from millstream.api.database import Pool, statements
from millstream.api.executions.repository import Executions

log = structlog.get_logger(__name__)

GATHER_S = 0.02
"""How long marks are gathered before they are written."""


class Marks:
    """Executions whose Starts Kafka has, on their way into the table."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ids: list[UUID] = []
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="marks")

    async def stop(self) -> None:
        """Write what is left, as far as PostgreSQL answers."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._write()

    def add(self, execution_id: UUID) -> None:
        """Note that Kafka has an execution's Start."""
        self._ids.append(execution_id)
        self._some.set()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(GATHER_S)
            self._some.clear()
            await self._write()

    async def _write(self) -> None:
        ids, self._ids = self._ids, []
        if not ids:
            return
        try:
            async with statements(self._pool) as conn:
                await Executions(conn).accept(ids)
        except (OperationalError, PoolTimeout) as error:
            log.warning("executions_not_marked", count=len(ids), error=type(error).__name__)
