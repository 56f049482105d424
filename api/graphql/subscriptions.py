"""What can be followed, over a socket: the events of an execution, and runs as they begin, wait and end."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from enum import Enum
from uuid import UUID

import orjson
import strawberry
import structlog
from strawberry.scalars import JSON

from millstream.api.events import GRAPH_EVENT, NODE_EVENT, NOTE_EVENT, Frame
from millstream.api.executions import router as executions
from millstream.api.graphql.backlog import Backlog
from millstream.api.graphql.context import Info
from millstream.api.graphql.fields import like, tells
from millstream.api.http.answers import Raw
from millstream.api.metrics import Metrics
from millstream.api.settings import EdgeLimits
from millstream.api.views import FINAL
from millstream.api.watch.feed import Feed
from millstream.api.ws.session import Outbox, Subscription
from millstream.schemas.errors import InputInvalidError, MillstreamError

log = structlog.get_logger(__name__)


@strawberry.enum(description="What an event is about.")
class EventKind(Enum):
    EXECUTION = GRAPH_EVENT
    NODE = NODE_EVENT
    NOTE = NOTE_EVENT


@strawberry.type(description="`data` is that of the frames of `/ws`: what is known after the event.")
class ExecutionEvent:
    kind: EventKind
    sequence: int | None = strawberry.field(
        description="Number of the event; on the last of the frames that tell it. Subscribe again with `since`."
    )
    data: JSON


@strawberry.type(description="A run began, waits, goes on or has ended.")
class RunEvent:
    execution_id: UUID
    graph_id: UUID
    status: str
    sequence: int | None
    data: JSON


class Watch(Subscription):
    """What one subscription has yet to be told. Which events are new to it, is as for `/ws`."""

    def __init__(
        self, backlog: Backlog, metrics: Metrics, limits: EdgeLimits, *, since: int | None = None
    ) -> None:
        super().__init__(Outbox(limits), "", metrics, since=since)
        self._backlog = backlog
        self._frames: deque[Frame] = deque()
        self._ready = asyncio.Event()
        self._failure: MillstreamError | None = None
        self._over = False

    def tell(self, frames: list[Frame]) -> None:
        """Keep live frames, as far as there is room."""
        for frame in self._fresh(frames):
            if self._over or not self._backlog.put(len(frame.data)):
                return
            self._frames.append(frame)
        self._ready.set()

    async def tell_past(self, frames: list[Frame]) -> None:
        """Keep frames of the past as they are taken."""
        for frame in self._fresh(frames):
            await self._backlog.room()
            if self._over or not self._backlog.put(len(frame.data)):
                return
            self._frames.append(frame)
            self._ready.set()

    def tell_failed(self, error: MillstreamError) -> None:
        """Hear that there will be no more."""
        self._failure = error
        self._ready.set()

    def finish(self) -> None:
        """End once all that is there was taken."""
        self._over = True
        self._ready.set()

    def drop(self) -> None:
        """Nobody listens any more."""
        self._over = True
        while self._frames:
            self._backlog.take(len(self._frames.popleft().data))

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield frames. Errors: what `tell_failed` was told."""
        while True:
            while self._frames:
                frame = self._frames.popleft()
                self._backlog.take(len(frame.data))
                yield frame
            if self._failure is not None:
                raise self._failure
            if self._over:
                return
            self._ready.clear()
            await self._ready.wait()


def _watch(info: Info, *, since: int | None = None) -> Watch:
    edge = info.context.edge
    return Watch(info.context.backlog, edge.metrics, edge.settings.limits, since=since)


@strawberry.type(name="Subscription")
class Subscriptions:
    @tells(
        description="All events after number `since`, -1 for all; without it those from now on. Completes with the execution.",
        metadata=like(executions.list_events),
    )
    async def execution_events(
        self, info: Info, id: UUID, since: int | None = None
    ) -> AsyncIterator[ExecutionEvent]:
        if since is not None and since < -1:
            raise InputInvalidError("`since` is the number of the last event that you have, -1 for none.")
        hub, past = info.context.edge.hub, since is not None
        watch = _watch(info, since=since)
        feed = await hub.follow(id, watch, owner_id=info.context.owner_id, past=past)
        joining = asyncio.create_task(_join(feed, watch, since))
        try:
            async for frame in watch.frames():
                kind = EventKind(frame.method)
                yield ExecutionEvent(kind=kind, sequence=frame.sequence, data=JSON(Raw(frame.data)))
                if kind is EventKind.EXECUTION and orjson.loads(frame.data).get("status") in FINAL:
                    return
        finally:
            joining.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await joining
            hub.leave(feed, watch, past=past)
            watch.drop()

    @tells(
        description="The caller's runs, of one graph or of all, from now on. Completes never.",
        metadata=like(executions.list_executions),
    )
    async def runs(self, info: Info, graph_id: UUID | None = None) -> AsyncIterator[RunEvent]:
        hub, owner_id = info.context.edge.hub, info.context.owner_id
        watch = _watch(info)
        watch.brief = True  # each execution counts its events for itself
        await hub.follow_graph(graph_id, watch, owner_id=owner_id)
        try:
            async for frame in watch.frames():
                data = orjson.loads(frame.data)
                yield RunEvent(
                    execution_id=UUID(data["id"]),
                    graph_id=UUID(data["graph_id"]),
                    status=data["status"],
                    sequence=frame.sequence,
                    data=JSON(Raw(frame.data)),
                )
        finally:
            hub.leave_graph(graph_id, watch, owner_id=owner_id)
            watch.drop()


async def _join(feed: Feed, watch: Watch, since: int | None) -> None:
    """Tell the past, if it is asked for, and that nothing will follow, if so."""
    try:
        if since is None:
            await feed.loaded.wait()
        else:
            await feed.catch_up(watch, since)
        if feed.projection is not None and feed.projection.ended:
            watch.finish()
    except MillstreamError as error:
        watch.tell_failed(error)
    except Exception:  # a background task
        log.exception("catch_up_failed")
        watch.tell_failed(MillstreamError("The past events cannot be shown; ask for the execution."))
