"""`python -m bench.socket_clients URL`: WebSocket clients in a process of their own, so that they do not time themselves.

Reads a JSON list of graph ids, opens one socket for each, and says `ready`; when its input ends it prints one JSON list of
[execution id, event number, time received in ms]. The token is in `BENCH_TOKEN`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

AT_ONCE = 50
"""Sockets that are opened at the same time."""


class Clients:
    """Opens sockets, and keeps each frame with its time until all is over: reading it would take from the others' time."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._room = asyncio.Semaphore(AT_ONCE)
        self._frames: list[tuple[float, bytes]] = []
        self._readers: list[asyncio.Task[None]] = []

    async def open(self, graph_id: str) -> None:
        """Follow all executions of a graph."""
        async with self._room:
            socket = await connect(
                self._url,
                additional_headers={"Authorization": f"Bearer {self._token}"},
                compression=None,
                proxy=None,
                open_timeout=60,
                ping_interval=None,
                max_queue=None,
            )
            ask = {"method": "subscribe_graph_executions", "data": {"graph_id": graph_id}}
            await socket.send(orjson.dumps(ask).decode())
            answer = orjson.loads(await socket.recv())
            if answer["success"] is not True:
                raise RuntimeError(f"the edge refused a subscription: {answer}")
        self._readers.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: ClientConnection) -> None:
        try:
            while True:
                frame = await socket.recv(decode=False)
                self._frames.append((time.time() * 1000, frame))
        except ConnectionClosed:
            return

    def received(self) -> list[tuple[str, int, float]]:
        """Return which events came when."""
        found = []
        for at_ms, frame in self._frames:
            message = orjson.loads(frame)
            if message.get("sequence") is not None:
                found.append((message["data"]["id"], message["sequence"], at_ms))
        return found


async def _main(url: str) -> None:
    loop = asyncio.get_running_loop()
    clients = Clients(url, os.environ["BENCH_TOKEN"])
    graph_ids = orjson.loads(await loop.run_in_executor(None, sys.stdin.readline))
    await asyncio.gather(*(clients.open(graph_id) for graph_id in graph_ids))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(orjson.dumps(clients.received()).decode(), flush=True)
    os._exit(0)  # thousands of closing handshakes are of no use


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
