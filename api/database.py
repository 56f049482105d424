"""Connections to PostgreSQL for requests. Only these dependencies commit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, Request
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]


async def transaction(request: Request) -> AsyncIterator[Connection]:
    """Open a transaction that is committed before the answer is sent, and rolled back on an error."""
    pool: Pool = request.app.state.edge.pool
    async with pool.connection() as conn:
        yield conn


async def reading(request: Request) -> AsyncIterator[Connection]:
    """Open a read-only transaction with one snapshot for all its statements."""
    pool: Pool = request.app.state.edge.pool
    async with pool.connection() as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield conn


@asynccontextmanager
async def statements(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection on which each statement is a transaction: two round trips less than a transaction of one."""
    async with pool.connection() as conn:
        await conn.set_autocommit(True)
        try:
            yield conn
        finally:
            if not conn.closed:
                await conn.set_autocommit(False)


WriteConnection = Annotated[Connection, Depends(transaction, scope="function")]
"""`scope="function"`: in FastAPI's default scope the answer is sent before the commit, which may fail."""
ReadConnection = Annotated[Connection, Depends(reading, scope="function")]
