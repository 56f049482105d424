"""The bounded stretch between Faust's stream and the coordinator's pump.

When it is full the stream is not read on: Faust's own buffer fills, pauses the partitions, and the rest of a backlog stays
in Kafka, where it costs no memory. The reader waits for room only, never for an acknowledgement, and whoever takes always
makes room, also by dropping what is out of date; so a rebalance that waits for what is under way cannot wait for ever.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

BACKLOG_RECORDS = 2_000
"""Two bursts: one that is flushed and one that gathers meanwhile."""
BACKLOG_BYTES = 32 * 1024 * 1024


class Backlog:
    """Events in their order; at most `records` of them, or as many as have `bytes_` in their values (always one)."""

    def __init__(self, records: int = BACKLOG_RECORDS, bytes_: int = BACKLOG_BYTES) -> None:
        self._records = records
        self._bytes = bytes_
        self._events: deque[Any] = deque()
        self._held_bytes = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._events)

    async def put(self, event: Any) -> None:
        """Append an event; waits while there is no room."""
        while not self._room.is_set():
            await self._room.wait()
        self._events.append(event)
        self._held_bytes += _size(event)
        if self._full():
            self._room.clear()
        self._filled.set()

    def take(self) -> Any:
        """Return the oldest event. Errors: IndexError if there is none."""
        event = self._events.popleft()
        self._held_bytes -= _size(event)
        if not self._full():
            self._room.set()
        return event

    async def wait(self) -> None:
        """Wait until something was put, or `wake` was called."""
        await self._filled.wait()
        self._filled.clear()

    def wake(self) -> None:
        """End a `wait` although nothing was put."""
        self._filled.set()

    def _full(self) -> bool:
        return len(self._events) >= self._records or self._held_bytes >= self._bytes


def _size(event: Any) -> int:
    return len(event.message.value or b"")
