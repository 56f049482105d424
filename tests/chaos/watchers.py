"""WebSocket clients that follow runs to their ends, come back when they are cut, and write down each event's number."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.platform import END, Platform

OPEN_LIMIT = 25
"""Runs that one client follows at a time."""
ASK_AGAIN_S = 5.0
"""After that long without an answer a subscription is asked for again."""
_SUBSCRIBE, _UNSUBSCRIBE = "subscribe_graph_execution", "unsubscribe"


@dataclass
class Seen:
    """What a client knows of one run."""

    numbers: list[int] = field(default_factory=list)
    status: str = ""
    asked_at: float = 0.0
    following: bool = False

    @property
    def last(self) -> int:
        return self.numbers[-1] if self.numbers else -1

    @property
    def whole(self) -> bool:
        """Each event once, in order, from the first to the end."""
        return self.status in END and self.numbers == list(range(len(self.numbers)))


class Watcher:
    """One client. `seen` is read when its thread has ended."""

    def __init__(self, mill: Platform, todo: queue.SimpleQueue[str]) -> None:
        self._url = f"{mill.url.replace('http', 'ws', 1)}/ws?token={mill.token}"
        self._todo = todo
        self._open: dict[str, Seen] = {}
        self.seen: dict[str, Seen] = {}
        self.cuts = 0
        self.complaints: list[str] = []
        self.stop_at = float("inf")

    async def run(self) -> None:
        """Follow until `stop_at`, or until nothing is left to follow after `finish`."""
        while not self._done():
            try:
                async with connect(self._url, proxy=None, open_timeout=5, close_timeout=1) as socket:
                    for seen in self._open.values():
                        seen.asked_at, seen.following = 0.0, False
                    await self._follow(socket)
            except (OSError, TimeoutError, WebSocketException):
                self.cuts += 1
                await asyncio.sleep(0.3)

    def _done(self) -> bool:
        if self.stop_at == float("inf"):
            return False
        return time.monotonic() > self.stop_at or (not self._open and self._todo.empty())

    async def _follow(self, socket: ClientConnection) -> None:
        while not self._done():
            self._take_on()
            await self._ask(socket)
            try:
                async with asyncio.timeout(0.25):
                    frame = json.loads(await socket.recv())
            except TimeoutError:
                continue
            ended = self._read(frame)
            if ended is not None:
                data = {"graph_exec_id": ended}
                await socket.send(json.dumps({"method": _UNSUBSCRIBE, "data": data}))

    def _take_on(self) -> None:
        while len(self._open) < OPEN_LIMIT:
            try:
                execution_id = self._todo.get_nowait()
            except queue.Empty:
                return
            self._open[execution_id] = self.seen[execution_id] = Seen()

    async def _ask(self, socket: ClientConnection) -> None:
        now = time.monotonic()
        for execution_id, seen in self._open.items():
            if not seen.following and now - seen.asked_at > ASK_AGAIN_S:
                seen.asked_at = now
                data = {"graph_exec_id": execution_id, "since": seen.last}
                await socket.send(json.dumps({"method": _SUBSCRIBE, "data": data}))

    def _read(self, frame: dict[str, Any]) -> str | None:
        """Write a frame down. Returns the run that ended with it."""
        execution_id = str(frame.get("channel") or "").rpartition("#")[2]
        seen = self._open.get(execution_id)
        if frame["method"] == "error":
            self.complaints.append(str(frame["error"]))
            if seen is not None:  # the server has given it up: ask for the rest
                seen.following, seen.asked_at = False, time.monotonic() - ASK_AGAIN_S + 0.5
            return execution_id if seen is not None else None
        if seen is None:
            return None
        if frame["method"] == _SUBSCRIBE:
            seen.following = True
        if frame.get("sequence") is not None:
            seen.numbers.append(frame["sequence"])
        if frame["method"] == "graph_execution_event" and frame["data"]["status"] in END:
            seen.status = frame["data"]["status"]
        if seen.status and frame.get("sequence") is not None:
            del self._open[execution_id]
            return execution_id
        return None


class Watchers:
    """Some clients that share the work, in a thread of their own."""

    def __init__(self, mill: Platform, clients: int = 4) -> None:
        self._todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.clients = [Watcher(mill, self._todo) for _ in range(clients)]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Watchers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish(0)

    def follow(self, execution_id: str) -> None:
        """Have one of the clients follow a run."""
        self._todo.put(execution_id)

    def finish(self, seconds: float) -> None:
        """Let the clients see the ends of what they follow, at most so long."""
        for client in self.clients:
            client.stop_at = min(client.stop_at, time.monotonic() + seconds)
        self._thread.join()

    def seen(self) -> dict[str, Seen]:
        """Return all runs that were followed."""
        return {name: seen for client in self.clients for name, seen in client.seen.items()}

    async def _run(self) -> None:
        await asyncio.gather(*(client.run() for client in self.clients))
