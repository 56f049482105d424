"""A client of `/ws` for tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.integration.api.conftest import TOKEN

FINAL = ("COMPLETED", "FAILED", "TERMINATED")


class Client:
    """Sends and reads frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def ask(self, method: str, data: Any = None, **more: Any) -> None:
        await self.connection.send(orjson.dumps({"method": method, "data": data, **more}).decode())

    async def read(self, seconds: float = 60.0) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            frame: dict[str, Any] = orjson.loads(await self.connection.recv())
        return frame

    async def subscribe(self, execution_id: str, since: int | None = None) -> dict[str, Any]:
        """Subscribe and return the answer."""
        data = {"graph_exec_id": execution_id} | ({} if since is None else {"since": since})
        await self.ask("subscribe_graph_execution", data)
        frame = await self.read()
        assert frame["success"] is True, frame
        return frame

    async def events_to_end(self) -> list[dict[str, Any]]:
        """Read events up to the execution's end."""
        frames = []
        while True:
            frame = await self.read()
            frames.append(frame)
            if frame["method"] == "graph_execution_event" and frame["data"]["status"] in FINAL:
                return frames

    async def frames_to_close(self) -> tuple[list[dict[str, Any]], int]:
        """Read all that comes before the server closes the socket; returns also its close code."""
        frames = []
        try:
            while True:
                frames.append(await self.read())
        except ConnectionClosed as closed:
            return frames, closed.rcvd.code if closed.rcvd else 1006


@contextlib.asynccontextmanager
async def client_to(url: str, token: str | None = TOKEN, **options: Any) -> AsyncIterator[Client]:
    query = f"?token={token}" if token else ""
    async with connect(url + query, proxy=None, **options) as connection:
        yield Client(connection)
