"""Server-sent events: the frames of the WebSocket for clients that only listen, such as `EventSource` in a browser.

Each event has its frame's method as type and its `data`; the id is the number of the event that it tells. Frames between (see
`api/events.py`) have none, so that whoever is cut there and comes back with `Last-Event-ID` is told the event again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog
from fastapi import Response
from starlette.responses import StreamingResponse

from millstream.api.auth.principal import Principal
from millstream.api.events import Frame
from millstream.api.http.answers import dumps
from millstream.api.state import Edge
from millstream.api.watch.feed import Feed
from millstream.api.ws.router import until_ended
from millstream.api.ws.session import Outbox, Subscription
from millstream.schemas.errors import InputInvalidError, MillstreamError, UnavailableError

log = structlog.get_logger(__name__)

QUIET_S = 15.0
"""Silence after which a comment is sent, so that nobody between takes the stream for dead."""
LOOK_S = 0.5
"""How often a silent stream looks whether the server goes down, or its execution has ended."""
END: Final = b"event: end\ndata: {}\n\n"


def number_of(last_event_id: str | None, since: int) -> int:
    """Return the number of the last event that the client has. Errors: InputInvalidError."""
    if not last_event_id:
        return since
    if not last_event_id.isdecimal():
        raise InputInvalidError(
            f"Last-Event-ID is {last_event_id!r}; send the id of an event of this stream."
        )
    return int(last_event_id)


class Listener(Subscription):
    """A subscription whose frames are written as server-sent events."""

    def written(self, frame: Frame) -> bytes:
        """Return a frame as an event."""
        number = b"" if frame.sequence is None else b"id: %d\n" % frame.sequence
        return b"%sevent: %s\ndata: %s\n\n" % (number, frame.method.encode(), frame.data)

    def tell_failed(self, error: MillstreamError) -> None:
        """Say that the stream is over."""
        self._outbox.put(b"event: error\ndata: %s\n\n" % dumps({"code": error.code, "detail": str(error)}))
        self.failed = True

    failed = False


async def answer(edge: Edge, execution_id: UUID, user: Principal, *, since: int) -> Response:
    """Return the stream of what comes after event `since`. Errors: NotFoundError, UnavailableError."""
    limits = edge.settings.limits
    full = edge.sockets_of[user.user_id] >= limits.user_sockets
    if full or len(edge.sockets) + edge.streams >= limits.sockets:
        raise UnavailableError("As many streams are open here as may be; try again in a moment.")
    outbox = Outbox(edge.settings.limits)
    listener = Listener(outbox, str(execution_id), edge.metrics, since=since)
    feed = await edge.hub.follow(execution_id, listener, owner_id=user.account_id, past=True)
    if await _has_all(feed, since):
        edge.hub.leave(feed, listener, past=True)
        return Response(status_code=204)  # tells an EventSource not to come back
    events = _events(edge, user, feed, listener, outbox)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _has_all(feed: Feed, since: int) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            await feed.loaded.wait()
    found = feed.projection
    return feed.loaded.is_set() and found is not None and found.ended and since >= found.sequence


async def _events(
    edge: Edge, user: Principal, feed: Feed, listener: Listener, outbox: Outbox
) -> AsyncIterator[bytes]:
    edge.streams += 1
    edge.sockets_of[user.user_id] += 1
    try:
        with edge.auth.revocations.watching(user) as ended:
            tasks = (
                asyncio.create_task(_catch_up(feed, listener)),
                asyncio.create_task(until_ended(user, ended)),
            )
            try:
                async for event in _until_over(edge, feed, listener, outbox, *tasks):
                    yield event
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        edge.streams -= 1
        edge.sockets_of[user.user_id] -= 1
        if not edge.sockets_of[user.user_id]:
            del edge.sockets_of[user.user_id]
        edge.hub.leave(feed, listener, past=True)


async def _until_over(
    edge: Edge,
    feed: Feed,
    listener: Listener,
    outbox: Outbox,
    joining: asyncio.Task[None],
    ended: asyncio.Task[None],
) -> AsyncIterator[bytes]:
    """Yield events until the execution is told to its end, the reader is too slow, may not read on, or we go down."""
    silent_s = 0.0
    while not (ended.done() or edge.stopping or outbox.overrun):
        if outbox.empty:
            if listener.failed:
                return
            if joining.done() and feed.projection is not None and feed.projection.ended:
                yield END
                return
        try:
            async with asyncio.timeout(LOOK_S):
                event = await outbox.take()
        except TimeoutError:
            silent_s += LOOK_S
            if silent_s >= QUIET_S:
                silent_s = 0.0
                yield b": still here\n\n"
            continue
        if event is None:
            return
        silent_s = 0.0
        yield event


async def _catch_up(feed: Feed, listener: Listener) -> None:
    assert listener.since is not None
    try:
        await feed.catch_up(listener, listener.since)
    except MillstreamError as error:
        listener.tell_failed(error)
    except Exception:  # a background task
        log.exception("catch_up_failed")
        listener.tell_failed(MillstreamError("The past events cannot be shown; GET the execution."))
