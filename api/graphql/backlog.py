"""Events that wait for a slow reader, of all subscriptions of one socket together."""

from __future__ import annotations

import asyncio


class Backlog:
    """Counts them. Once there were too many, the socket is cut: the client connects again, with `since`."""

    def __init__(self, *, frames: int, bytes_: int) -> None:
        self._frames = frames
        self._bytes = bytes_
        self._waiting = 0
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self.overrun = asyncio.Event()

    def put(self, size: int) -> bool:
        """Count one more; False: there is no room, and the reader is given up."""
        full = self._waiting >= self._frames or self._waiting_bytes + size > self._bytes
        if full and self._waiting:
            self.overrun.set()
            return False
        self._waiting += 1
        self._waiting_bytes += size
        self._look()
        return True

    def take(self, size: int) -> None:
        """Count one less."""
        self._waiting -= 1
        self._waiting_bytes -= size
        self._look()

    async def room(self) -> None:
        """Wait until it is at most half full."""
        await self._room.wait()

    def _look(self) -> None:
        if self._waiting > self._frames // 2 or self._waiting_bytes > self._bytes // 2:
            self._room.clear()
        else:
            self._room.set()
