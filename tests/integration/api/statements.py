"""Counts the statements that an edge's requests send to PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from psycopg import AsyncCursor

from millstream.api.state import Edge

_BACKGROUND = {"sweeper", "pressure", "watchdog", "upkeep", "marks", "revocations", "changes", "audit"}


@contextlib.asynccontextmanager
async def counted(edge: Edge) -> AsyncIterator[list[str]]:
    """Gather the statements of requests, as they are written, until the end of the block."""
    found: list[str] = []

    class Counting(AsyncCursor[Any]):
        async def execute(self, query: Any, *args: Any, **more: Any) -> Any:
            task = asyncio.current_task()
            if task is None or task.get_name() not in _BACKGROUND:
                found.append(query.decode() if isinstance(query, bytes) else str(query))
            return await super().execute(query, *args, **more)

    lend = edge.pool.getconn

    async def counting(*args: Any, **more: Any) -> Any:
        conn = await lend(*args, **more)
        conn.cursor_factory = Counting
        return conn

    edge.pool.getconn = counting  # type: ignore[method-assign]  # each that is lent from now on, whenever it was opened
    try:
        yield found
    finally:
        del edge.pool.getconn
