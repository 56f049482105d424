"""Asking `/graphql` in tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
from psycopg import AsyncCursor
from psycopg.abc import Params
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from millstream.api.database import Connection, Pool
from millstream.api.state import Edge
from tests.integration.api.conftest import TOKEN, Running

SUBPROTOCOL = "graphql-transport-ws"


async def asked(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """Ask, and return the data. Fails on errors."""
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert "errors" not in found, answer.text
    data: dict[str, Any] = found["data"]
    return data


async def refused(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """Ask, and return the first error."""
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    assert "Traceback" not in answer.text
    error: dict[str, Any] = answer.json()["errors"][0]
    assert {"code", "status", "request_id"} <= set(error["extensions"]), error
    assert error["extensions"]["request_id"] == answer.headers["X-Request-ID"]
    return error


class CountingPool:
    """A pool whose connections count their statements."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.statements: list[str] = []

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        seen = self.statements

        class Counting(AsyncCursor[Any]):
            async def execute(self, query: Any, params: Params | None = None, **more: Any) -> Any:
                seen.append(str(query))
                return await super().execute(query, params, **more)

        async with self._pool.connection() as conn:
            before, conn.cursor_factory = conn.cursor_factory, Counting
            try:
                yield conn
            finally:
                conn.cursor_factory = before


@contextlib.asynccontextmanager
async def counted(edge: Edge) -> AsyncIterator[list[str]]:
    """Give the statements that the edge runs meanwhile."""
    pool = edge.pool
    counting: Any = CountingPool(pool)
    edge.pool = counting
    try:
        yield counting.statements
    finally:
        edge.pool = pool


class Socket:
    """A client of the socket of `/graphql`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, type_: str, **more: Any) -> None:
        await self.connection.send(orjson.dumps({"type": type_, **more}).decode())

    async def read(self, seconds: float = 60.0) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            found: dict[str, Any] = orjson.loads(await self.connection.recv())
        return found

    async def init(self, payload: dict[str, Any] | None = None) -> None:
        await self.send("connection_init", payload={"token": TOKEN} if payload is None else payload)
        assert await self.read() == {"type": "connection_ack"}

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        await self.send("subscribe", id=id_, payload={"query": query, "variables": variables})

    async def to_end(self, id_: str) -> list[dict[str, Any]]:
        """Read what a subscription says, until it is complete."""
        found = []
        while (message := await self.read())["type"] != "complete":
            assert (message["type"], message["id"]) == ("next", id_), message
            assert "errors" not in message["payload"], message
            found.append(message["payload"]["data"])
        assert message["id"] == id_
        return found

    async def closed(self) -> int:
        """Read up to the close; returns its code."""
        try:
            while True:
                await self.read()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@contextlib.asynccontextmanager
async def socket_to(
    running: Running, *, subprotocols: list[Any] | None = None, **options: Any
) -> AsyncIterator[Socket]:
    url = running.url.replace("http", "ws") + "/graphql"
    wanted: list[Any] = [SUBPROTOCOL] if subprotocols is None else subprotocols
    async with connect(url, subprotocols=wanted or None, proxy=None, **options) as connection:
        yield Socket(connection)
