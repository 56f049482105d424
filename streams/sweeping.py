"""Sweeps the coordinator's table, slowly: end markers that are older than any record that could come again, and plans that no
open execution has.

A marker outlives the inbox's retention, so that a late or repeated Start is seen for what it is. The age is the broker's: of
the record that ended the execution, against the newest that was read. Each turn reads a bounded page of rows and deletes with
the pump held, by the same way as a step's rows: changelog, then RocksDB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from millstream.streams.alarms import BrokerClock
from millstream.streams.cells import End, Head
from millstream.streams.commit import Committer
from millstream.streams.state import PLAN, MemoryRows, load
from millstream.topics import catalogue

log = structlog.get_logger()

KEPT_MS = catalogue.INBOX.retention_ms + catalogue.DAY_MS
PAGE_ROWS = 1_000
PAUSE_S = 0.5
"""Between two pages; 1,000 rows take some milliseconds."""
ROUND_S = 600.0
"""Between two rounds over all partitions."""
ID_BYTES = 16


class Sweeper:
    """Goes over the partitions that this process owns."""

    def __init__(
        self,
        commit: Committer,
        clock: BrokerClock,
        *,
        partitions: Callable[[], list[int]],
        forget: Callable[[int, list[bytes]], None],
        kept_ms: int = KEPT_MS,
        round_s: float = ROUND_S,
    ) -> None:
        """`forget` is told what is about to be deleted: partition and keys."""
        self._commit = commit
        self._clock = clock
        self._partitions = partitions
        self._forget = forget
        self._kept_ms = kept_ms
        self._round_s = round_s
        self._wanted: set[bytes] = set()
        self.turn = asyncio.Lock()
        """Held by the pump while it decides and writes, and here while rows are deleted."""

    def wants(self, plan_hash: bytes) -> None:
        """An execution that has this plan began: it is not swept in this round."""
        self._wanted.add(plan_hash)

    async def run(self) -> None:
        """Sweep for ever. Raises what makes going on unsafe, as the pump does."""
        while True:
            await asyncio.sleep(self._round_s)
            for partition in self._partitions():
                swept = await self._partition(partition)
                if swept:
                    log.info("table_swept", partition=partition, rows=swept)

    async def _partition(self, partition: int) -> int:
        """Go over one partition; returns how many rows were deleted."""
        self._wanted.clear()
        plans: set[bytes] = set()
        swept, start = 0, b""
        while True:
            async with self.turn:
                if partition not in self._partitions() or not self._clock.known:
                    return swept
                page = self._commit.rows(partition).page(start, PAGE_ROWS)
                old = [key for key, row in page if len(key) == ID_BYTES and self._look(key, row)]
                plans.update(key[len(PLAN) :] for key, _ in page if key.startswith(PLAN))
                swept += await self._delete(partition, old)
                if len(page) < PAGE_ROWS:
                    unused = [PLAN + hash_ for hash_ in plans - self._wanted][:PAGE_ROWS]
                    return swept + await self._delete(partition, unused)
            start = page[-1][0] + b"\0"
            await asyncio.sleep(PAUSE_S)

    def _look(self, key: bytes, row: bytes) -> bool:
        """Tell whether this is an old end marker; note the plan of an open execution."""
        if row[8:9] not in (b"E", b"H"):
            return False  # Faust's own row
        rows = MemoryRows()
        rows.rows[key] = row
        state = load(key, rows)
        assert state is not None
        if isinstance(state.head, Head):
            self._wanted.add(state.head.plan_hash)
            return False
        assert isinstance(state.head, End)
        return state.head.at < self._clock.now_ms() - self._kept_ms

    async def _delete(self, partition: int, keys: list[bytes]) -> int:
        if keys:
            self._forget(partition, keys)
            self._commit.check_fence()
            await self._commit.write({partition: dict.fromkeys(keys)})
        return len(keys)
