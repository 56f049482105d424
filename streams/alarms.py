"""Timers of the partitions that this process owns: a heap in memory, rebuilt from the tables on assignment.

Time is the broker's: the newest LogAppendTime seen, carried on by the monotonic clock, so that a step of this machine's
clock neither fires timers early nor holds them up.
"""

from __future__ import annotations

import heapq
import time


class BrokerClock:
    """The broker's time in ms, as far as it is known here."""

    def __init__(self) -> None:
        self._base_ms = time.time() * 1000 - time.monotonic() * 1000
        self._seen = False

    def saw(self, timestamp_ms: int) -> None:
        """Learn from a record that was just appended. Old records only ever move the time forward."""
        base = timestamp_ms - time.monotonic() * 1000
        if not self._seen or base > self._base_ms:
            self._base_ms, self._seen = base, True

    @property
    def known(self) -> bool:
        """Whether a record told the time; before, it is this machine's."""
        return self._seen

    def now_ms(self) -> int:
        """Return the broker's time."""
        return int(self._base_ms + time.monotonic() * 1000)


class Alarms:
    """What comes due when: (time, execution id, timer number)."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, bytes, int, int]] = []

    def add(self, at: int, execution_id: bytes, timer: int, partition: int) -> None:
        """Remember a timer."""
        heapq.heappush(self._heap, (at, execution_id, timer, partition))

    def clear(self) -> None:
        """Forget all: the partitions may have moved."""
        self._heap.clear()

    def due(self, now_ms: int, limit: int = 1000) -> list[tuple[bytes, int, int]]:
        """Take out what is due, as (execution id, timer, partition)."""
        found: list[tuple[bytes, int, int]] = []
        while self._heap and self._heap[0][0] <= now_ms and len(found) < limit:
            _, execution_id, timer, partition = heapq.heappop(self._heap)
            found.append((execution_id, timer, partition))
        return found

    def wait_s(self, now_ms: int) -> float:
        """Seconds until the next one is due; at most one."""
        return 1.0 if not self._heap else min(1.0, max(0.0, (self._heap[0][0] - now_ms) / 1000))

    def __len__(self) -> int:
        return len(self._heap)
