"""Progress of long blocks, and texts as they are written, to `nodes.progress`: for live views, best effort, never stored."""

from __future__ import annotations

import asyncio
from typing import Any

from millstream.schemas.codec import encode
from millstream.schemas.messages import Progress, Run
from millstream.topics.catalogue import PROGRESS

GATHER_S = 0.05
"""Pieces of text that come within that time are one record."""
PIECE_CHARS = 8_000


SENDING_MOST = 1_000
"""Records that wait for the brokers; more are dropped."""


class ProgressOf:
    """Makes the `progress` of a run's context."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._sending: set[asyncio.Task[Any]] = set()

    def of(self, task: Run) -> Reporter:
        """Return the reporter of one task."""
        return Reporter(self, task)

    def send(self, task: Run, **said: Any) -> None:
        """Send a record, without waiting for it."""
        message = Progress(
            execution_id=task.execution_id,
            node_execution_id=task.node_execution_id,
            user_id=task.user_id,
            **said,
        )
        if len(self._sending) >= SENDING_MOST:
            return  # the brokers are away, and this is only for who watches now
        sending = asyncio.create_task(self._producer.send(PROGRESS.name, encode(message), task.execution_id))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)


class Reporter:
    """`processors.services.Progress` of one run."""

    __slots__ = ("_pieces", "_size", "_task", "_timer", "_to")

    def __init__(self, to: ProgressOf, task: Run) -> None:
        self._to = to
        self._task = task
        self._pieces: list[str] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, fraction: float, note: str, /) -> None:
        """Tell how far the run is."""
        self._to.send(self._task, fraction=min(1.0, max(0.0, fraction)), note=note[:500] or None)

    def text(self, piece: str, /) -> None:
        """Tell the next piece of a text, together with those that come soon after."""
        if not piece:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= PIECE_CHARS:
            self.close()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.close)

    def close(self) -> None:
        """Send what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text = "".join(self._pieces)
        self._pieces, self._size = [], 0
        for start in range(0, len(text), PIECE_CHARS):
            self._to.send(self._task, token=text[start : start + PIECE_CHARS])
