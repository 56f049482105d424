"""One socket: what it has subscribed to, and a bounded queue of frames before it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from millstream.api.events import NOTE_EVENT, Frame
from millstream.api.http.answers import dumps
from millstream.api.metrics import Metrics
from millstream.api.settings import EdgeLimits
from millstream.api.watch.feed import Feed
from millstream.api.watch.hub import Hub
from millstream.api.ws import protocol
from millstream.api.ws.protocol import Ask
from millstream.schemas.errors import ConflictError, InputInvalidError, MillstreamError, UnavailableError
from millstream.schemas.messages import Progress

log = structlog.get_logger(__name__)

SLOW_READER = 4008
"""Close code: frames came faster than they were read. The client connects again, with `since`."""


class Outbox:
    """Frames on their way to one socket, at most so many and so long."""

    def __init__(self, limits: EdgeLimits) -> None:
        self._limits = limits
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.overrun = False
        """A frame did not fit: the reader is too slow."""

    def put(self, frame: bytes) -> None:
        """Add a frame; or, if the queue is full, give up the reader."""
        limits = self._limits
        full = len(self._frames) >= limits.queue_frames or self._bytes + len(frame) > limits.queue_bytes
        if full and self._frames:
            self.overrun = True
            self._ready.set()
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        self._ready.set()
        if len(self._frames) > limits.queue_frames // 2 or self._bytes > limits.queue_bytes // 2:
            self._room.clear()

    @property
    def crowded(self) -> bool:
        """Whether it is more than half full."""
        return not self._room.is_set()

    @property
    def empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return not self._frames

    async def room(self) -> None:
        """Wait until the queue is at most half full."""
        await self._room.wait()

    async def take(self) -> bytes | None:
        """Return the next frame, None when the reader was given up."""
        while not self._frames and not self.overrun:
            self._ready.clear()
            await self._ready.wait()
        if self.overrun:
            return None
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        if (
            len(self._frames) <= self._limits.queue_frames // 2
            and self._bytes <= self._limits.queue_bytes // 2
        ):
            self._room.set()
        return frame


class Subscription:
    """A socket's interest in one execution, or in all of a graph. Implements `watch.feed.Listener`."""

    def __init__(self, outbox: Outbox, channel: str, metrics: Metrics, *, since: int | None) -> None:
        self.channel = channel
        self.since = since
        self.feed: Feed | None = None
        self.graph_id: UUID | None = None
        self.brief = False
        """Many executions, each as a whole: those of `graph_id`, or all of the owner."""
        self.catching_up: asyncio.Task[None] | None = None
        self.failed = False
        """It hears nothing any more."""
        self.written_of: UUID | None = None
        """The execution whose progress is told."""
        self._outbox = outbox
        self._metrics = metrics
        self._channel_json = dumps(channel)
        self._cursor = -1 if since is None else since

    def tell(self, frames: list[Frame]) -> None:
        """Queue live frames."""
        for frame in self._fresh(frames):
            self._outbox.put(self.written(frame))
            self._metrics.frames.inc()

    async def tell_past(self, frames: list[Frame]) -> None:
        """Queue frames of the past as the reader takes them."""
        for frame in self._fresh(frames):
            await self._outbox.room()
            self._outbox.put(self.written(frame))
            self._metrics.frames.inc()

    def tell_progress(self, progress: Progress) -> None:
        """Queue progress, unless the reader has enough to read."""
        if not self._outbox.crowded:
            frame = Frame(protocol.PROGRESS, protocol.progress_data(progress))
            self._outbox.put(self.written(frame))
            self._metrics.frames.inc()

    def written(self, frame: Frame) -> bytes:
        """Return a frame as it goes over the wire."""
        return protocol.event(frame, self._channel_json)

    def tell_failed(self, error: MillstreamError) -> None:
        """Say that the subscription is over: who asks again gets a new one."""
        self.failed = not self.brief
        self._outbox.put(protocol.complaint(str(error), self.channel, {"code": error.code}))

    def _fresh(self, frames: list[Frame]) -> list[Frame]:
        """Leave out events that the client has: its `since` may come from an edge that is ahead of this one."""
        if self.brief:
            return frames
        fresh: list[Frame] = []
        event: list[Frame] = []
        for frame in frames:
            event.append(frame)
            if frame.sequence is None:
                continue
            if frame.sequence > self._cursor:
                fresh += event
                self._cursor = frame.sequence
            event = []
        if self.since is None:  # only clients that count events have a use for notes
            fresh = [frame for frame in fresh if frame.method != NOTE_EVENT]
        return fresh


class Session:
    """Takes a client's frames in turn and answers each."""

    def __init__(self, owner_id: UUID, hub: Hub, limits: EdgeLimits, metrics: Metrics) -> None:
        self.outbox = Outbox(limits)
        self._owner_id = owner_id
        self._hub = hub
        self._limits = limits
        self._metrics = metrics
        self._subscriptions: dict[str, Subscription] = {}

    async def take(self, text: str | bytes) -> None:
        """Do what a frame asks. Never raises for what the client did wrong."""
        try:
            ask = protocol.parse(text)
            await self._handlers()[ask.method](ask)
        except MillstreamError as error:
            self._complain(error)
        except (OperationalError, PoolTimeout):
            self._complain(UnavailableError("PostgreSQL does not answer now; try again in a moment."))
        except Exception:  # one odd frame must not cost the socket
            log.exception("frame_failed")
            self._complain(
                MillstreamError("Something went wrong here, not with your frame; the log has more.")
            )

    def _complain(self, error: MillstreamError) -> None:
        self.outbox.put(protocol.complaint(str(error), data={"code": error.code}))

    def close(self) -> None:
        """End all subscriptions."""
        for channel in list(self._subscriptions):
            self._end(channel)

    def _handlers(self) -> dict[str, Callable[[Ask], Awaitable[None]]]:
        return {
            protocol.HEARTBEAT: self._heartbeat,
            protocol.SUBSCRIBE: self._subscribe,
            protocol.SUBSCRIBE_GRAPH: self._subscribe_many,
            protocol.SUBSCRIBE_ALL: self._subscribe_many,
            protocol.UNSUBSCRIBE: self._unsubscribe,
        }

    async def _heartbeat(self, _: Ask) -> None:
        self.outbox.put(protocol.PONG)

    async def _subscribe(self, ask: Ask) -> None:
        assert ask.id is not None
        channel = protocol.execution_channel(self._owner_id, ask.id)
        if channel in self._subscriptions and self._subscriptions[channel].failed:
            self._end(channel)
        if channel not in self._subscriptions:
            subscription = self._new(channel, ask.since)
            past = ask.since is not None
            subscription.feed = await self._hub.follow(
                ask.id, subscription, owner_id=self._owner_id, past=past
            )
            self._subscriptions[channel] = subscription
        subscription = self._subscriptions[channel]
        if ask.progress and subscription.written_of is None:
            await self._hub.writing.join(ask.id, subscription, owner_id=self._owner_id)
            subscription.written_of = ask.id
        self.outbox.put(protocol.answer(ask.method, channel))
        if subscription.since is not None and subscription.catching_up is None:
            subscription.catching_up = asyncio.create_task(self._catch_up(subscription))

    async def _catch_up(self, subscription: Subscription) -> None:
        assert subscription.feed is not None
        assert subscription.since is not None
        try:
            await subscription.feed.catch_up(subscription, subscription.since)
        except MillstreamError as error:
            subscription.tell_failed(error)
        except Exception:  # a background task
            log.exception("catch_up_failed")
            subscription.tell_failed(MillstreamError("The past events cannot be shown; GET the execution."))

    async def _subscribe_many(self, ask: Ask) -> None:
        owner = self._owner_id
        channel = protocol.all_channel(owner) if ask.id is None else protocol.graph_channel(owner, ask.id)
        if channel not in self._subscriptions:
            subscription = self._new(channel, None)
            subscription.graph_id, subscription.brief = ask.id, True
            await self._hub.follow_graph(ask.id, subscription, owner_id=self._owner_id)
            self._subscriptions[channel] = subscription
        self.outbox.put(protocol.answer(ask.method, channel))

    def _new(self, channel: str, since: int | None) -> Subscription:
        if len(self._subscriptions) >= self._limits.subscriptions:
            raise ConflictError(
                f"This socket has {len(self._subscriptions)} subscriptions, the most there can be; end some first."
            )
        return Subscription(self.outbox, channel, self._metrics, since=since)

    async def _unsubscribe(self, ask: Ask) -> None:
        if ask.channel is not None:
            channel = ask.channel
        elif ask.id is not None:
            channel = protocol.execution_channel(self._owner_id, ask.id)
        else:
            raise InputInvalidError("`data` needs 'graph_exec_id'.")
        known = self._end(channel)
        self.outbox.put(protocol.answer(ask.method, channel if known else None))

    def _end(self, channel: str) -> bool:
        subscription = self._subscriptions.pop(channel, None)
        if subscription is None:
            return False
        if subscription.catching_up is not None:
            subscription.catching_up.cancel()
        if subscription.written_of is not None:
            self._hub.writing.leave(subscription.written_of, subscription)
        if subscription.brief:
            self._hub.leave_graph(subscription.graph_id, subscription, owner_id=self._owner_id)
        elif subscription.feed is not None:
            self._hub.leave(subscription.feed, subscription, past=subscription.since is not None)
        return True
