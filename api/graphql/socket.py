"""The socket of `/graphql`: `graphql-transport-ws` and nothing older."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from millstream.api.auth.principal import Principal
from millstream.api.graphql import protocol
from millstream.api.graphql.backlog import Backlog
from millstream.api.graphql.context import Context
from millstream.api.graphql.protocol import Closing
from millstream.api.graphql.running import Ask, Runner
from millstream.api.graphql.session import Session, SessionLimits
from millstream.api.http.limits import admit
from millstream.api.http.tries import caller
from millstream.api.state import Edge
from millstream.api.ws.router import ORIGIN_REFUSED, TRY_AGAIN, refuse, until_ended
from millstream.api.ws.session import SLOW_READER
from millstream.schemas.errors import (
    AuthenticationError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)

log = structlog.get_logger(__name__)
router = APIRouter()

REASON_MOST_BYTES = 123
"""Of a close frame. Source: RFC 6455, 5.5."""


@router.websocket("/graphql")
async def follow(websocket: WebSocket) -> None:
    """Follow executions live."""
    edge: Edge = websocket.app.state.edge
    origin = websocket.headers.get("origin")
    if origin is not None and not edge.auth.origins.is_listed(origin, websocket):
        await websocket.close(ORIGIN_REFUSED)
        return
    if len(edge.sockets) >= edge.settings.limits.sockets:
        await websocket.close(TRY_AGAIN)
        return
    try:
        await admit(edge, websocket, "socket", None)  # who it is, it says later: until then it holds a place
    except RateLimitedError as error:
        await refuse(websocket, error)
        return
    if protocol.SUBPROTOCOL not in websocket.scope.get("subprotocols", []):
        await websocket.accept()
        await websocket.close(protocol.NO_SUBPROTOCOL, "Subprotocol not acceptable")
        return
    edge.sockets.add(websocket)
    edge.metrics.sockets.inc()
    try:
        await websocket.accept(subprotocol=protocol.SUBPROTOCOL)
        await _Socket(websocket, edge, websocket.app.state.graphql).serve()
    finally:
        edge.sockets.discard(websocket)
        edge.metrics.sockets.dec()


class _Socket:
    """One connection: its caller, its session, and why it ends."""

    def __init__(self, websocket: WebSocket, edge: Edge, runner: Runner) -> None:
        limits = edge.settings.limits
        self._websocket = websocket
        self._edge = edge
        self._runner = runner
        self._principal: Principal | None = None
        self._backlog = Backlog(frames=limits.queue_frames, bytes_=limits.queue_bytes)
        most = SessionLimits(subscriptions=limits.subscriptions, operations=runner.settings.socket_operations)
        self._session = Session(self._enter, self._run, self._send, most)

    async def serve(self) -> None:
        """Serve until somebody has enough."""
        works = (self._receive(), self._session.write_all(), self._watch(), self._cut_when_slow())
        tasks = [asyncio.create_task(work) for work in works]
        closing: Closing | None = None
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            await self._session.close()
            self._leave()
            closing = _why(ends)
        if closing is not None and self._websocket.application_state is WebSocketState.CONNECTED:
            reason = closing.reason.encode()[:REASON_MOST_BYTES].decode(errors="ignore")
            await self._websocket.close(closing.code, reason)

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            await self._session.take(text if text is not None else message.get("bytes") or b"")

    async def _send(self, data: bytes) -> None:
        try:
            await self._websocket.send_text(data.decode())
        except (WebSocketDisconnect, RuntimeError):
            await asyncio.Event().wait()  # gone; the receiving side knows as well, and ends this

    async def _enter(self, payload: dict[str, Any]) -> None:
        token = _token(payload)
        websocket, auth = self._websocket, self._edge.auth
        if websocket.headers.get("origin") is None and auth.uses_cookie(websocket, token):
            raise Closing(
                protocol.FORBIDDEN, "Forbidden"
            )  # only a browser has our cookie, and says where from
        try:
            principal = await caller(self._edge, websocket, token)
            await admit(self._edge, websocket, "socket", principal, by_address=False)
        except RateLimitedError as error:
            raise Closing(TRY_AGAIN, str(error)) from None
        except (AuthenticationError, ForbiddenError, NotFoundError):
            raise Closing(protocol.FORBIDDEN, "Forbidden") from None
        except (OperationalError, PoolTimeout, RedisError, UnavailableError):
            raise Closing(TRY_AGAIN, "a server is away: try again") from None
        if self._edge.sockets_of[principal.user_id] >= self._edge.settings.limits.user_sockets:
            raise Closing(TRY_AGAIN, "you have too many sockets open")
        self._edge.sockets_of[principal.user_id] += 1
        self._principal = principal

    def _leave(self) -> None:
        if self._principal is not None:
            counts, user_id = self._edge.sockets_of, self._principal.user_id
            counts[user_id] -= 1
            if not counts[user_id]:
                del counts[user_id]

    async def _watch(self) -> None:
        """End the socket when its caller is late, or may no longer be here."""
        try:
            async with asyncio.timeout(self._runner.settings.init_s):
                await self._session.entered.wait()
        except TimeoutError:
            raise Closing(protocol.INIT_LATE, "Connection initialisation timeout") from None
        assert self._principal is not None
        with self._edge.auth.revocations.watching(self._principal) as ended:
            if await self._edge.auth.is_good(self._principal):  # it may have ended meanwhile
                await until_ended(self._principal, ended)
        raise Closing(protocol.FORBIDDEN, "the log-in has ended: log in again")

    async def _cut_when_slow(self) -> None:
        await self._backlog.overrun.wait()
        self._edge.metrics.slow_readers.inc()
        log.info("slow_reader_cut")
        raise Closing(SLOW_READER, "slow reader: connect again and subscribe with `since`")

    def _run(self, ask: Ask) -> AsyncIterator[dict[str, Any]]:
        assert self._principal is not None
        context = Context(self._edge, self._principal, self._websocket, self._backlog)
        return self._runner.events(context, ask)


def _why(ends: Sequence[object]) -> Closing | None:
    """Return what the client is told; None: it has gone by itself."""
    for end in ends:
        if isinstance(end, Closing):
            return end
        if isinstance(end, Exception):
            log.error("socket_failed", exc_info=end)
            return Closing(TRY_AGAIN, "something went wrong here: try again")
    return None


def _token(payload: dict[str, Any]) -> str | None:
    """Return the token of `connection_init`: `{"token": ...}` or `{"Authorization": "Bearer ..."}`."""
    given = payload.get("token")
    if isinstance(given, str) and given:
        return given
    for name in ("Authorization", "authorization"):
        scheme, _, token = str(payload.get(name, "")).partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
    return None
