"""One followed execution: its projection at the live end of the log, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import structlog

from millstream.api.events import GRAPH_EVENT, Frame, Projection
from millstream.api.settings import EdgeLimits
from millstream.api.watch.history import History
from millstream.schemas.errors import MillstreamError
from millstream.schemas.messages import Events

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Someone who follows an execution: a subscription of a socket."""

    def tell(self, frames: list[Frame]) -> None:
        """Take live frames. Must not wait; a listener that cannot keep up removes itself."""

    async def tell_past(self, frames: list[Frame]) -> None:
        """Take frames of the past, waiting until there is room."""

    def tell_failed(self, error: MillstreamError) -> None:
        """Hear that there will be no frames."""


class Feed:
    """Records come in by `take`, at first while the past is still being read by `load`."""

    def __init__(self, key: bytes, partition: int, history: History, limits: EdgeLimits) -> None:
        self.key = key
        self.partition = partition
        self._history = history
        self._frame_bytes = limits.frame_bytes
        self._kept_events = limits.kept_events
        self._start: int | None = None
        self._next = 0
        """Offset up to which, without it, the projection has seen the log."""
        self._pending: list[tuple[int, Events]] = []
        self._kept: list[tuple[int, Events]] | None = []
        self.projection: Projection | None = None
        self.loaded = asyncio.Event()
        self.failure: MillstreamError | None = None
        self.whole: set[Listener] = set()
        """Who is told everything."""
        self.brief: set[Listener] = set()
        """Who is told of the execution as a whole only."""
        self.joining = 0
        """Who is still being told the past, or was."""

    # --- records ---

    def begin(self, offset: int) -> None:
        """There is no past: the record at `offset` is the first one."""
        self._start = offset
        self.loaded.set()

    async def load(
        self, start: int | None, until: int, *, snapshot: tuple[Projection, int] | None = None
    ) -> None:
        """Read the past, up to offset `until`; then what came meanwhile is told.

        `snapshot`: the past up to an offset is known; the log is read from there on.
        """
        self._start = position = start
        if snapshot is not None:
            self.projection, position = snapshot
            self._kept = None
            self._next = position
        async for batch in self._history.read(self.partition, position, until, self.key):
            for offset, events in batch:
                self._apply(offset, events, tell=False)
        self._next = max(self._next, until)
        pending, self._pending = self._pending, []
        for offset, events in pending:
            self._apply(offset, events, tell=True)
        self.loaded.set()

    def fail(self, error: MillstreamError) -> None:
        """The past cannot be read: nobody can be told anything."""
        self.failure = error
        self.loaded.set()
        for listener in [*self.whole, *self.brief]:
            listener.tell_failed(error)

    def take(self, offset: int, events: Events) -> None:
        """Take a live record."""
        if self.loaded.is_set():
            self._apply(offset, events, tell=True)
        else:
            self._pending.append((offset, events))

    def _apply(self, offset: int, events: Events, *, tell: bool) -> None:
        if self.projection is None:
            self.projection = Projection.of(events, frame_bytes=self._frame_bytes)
        self._keep(offset, events)
        self._next = max(self._next, offset + 1)
        frames = self.projection.apply(events, quiet=not (tell and (self.whole or self.brief)))
        if not frames:
            return
        for listener in list(self.whole):
            listener.tell(frames)
        brief = [frame for frame in frames if frame.method == GRAPH_EVENT] if self.brief else []
        if brief:
            for listener in list(self.brief):
                listener.tell(brief)

    def _keep(self, offset: int, events: Events) -> None:
        if self._kept is None:
            return
        self._kept.append((offset, events))
        if events.first + len(events.deltas) > self._kept_events:
            self._kept = None

    # --- listeners ---

    async def catch_up(self, listener: Listener, since: int) -> None:
        """Tell a listener what came after event `since`, and let it join the live end without a gap or a duplicate.

        The past is told at the listener's own pace; it joins in the moment in which it has all that the feed has.
        Errors: MillstreamError: the past cannot be read.
        """
        await self.loaded.wait()
        if self.failure is not None:
            raise self.failure
        past: Projection | None = None
        position, done = self._start, -1
        while self.projection is not None and max(done, since) < self.projection.sequence:
            goal, until = self.projection.sequence, self._next
            async for offset, events in self._again(position, until):
                past = past or Projection.of(events, frame_bytes=self._frame_bytes)
                if events.first <= goal:
                    await listener.tell_past(past.apply(events, after=since))
                position = offset + 1
            if past is None or past.sequence <= done:
                log.error("past_incomplete", sequence=done, wanted=goal)
                break
            done = past.sequence
        self.whole.add(listener)

    async def _again(self, start: int | None, until: int) -> AsyncIterator[tuple[int, Events]]:
        """Yield the records of `[start, until)`, from memory if they were kept."""
        if self._kept is not None:
            for offset, events in list(self._kept):
                if start is None or offset >= start:
                    yield offset, events
            return
        async for batch in self._history.read(self.partition, start, until, self.key):
            for each in batch:
                yield each
