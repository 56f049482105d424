"""`GET /ws?token=...`: the socket. Who may not come in is refused before it is accepted."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect, WebSocketState

from millstream.api.auth.principal import Principal, Scope
from millstream.api.http.limits import HEADERS, admit
from millstream.api.http.problems import on_error
from millstream.api.http.tries import caller as who_calls
from millstream.api.state import Edge
from millstream.api.ws.session import SLOW_READER, Session
from millstream.schemas.errors import (
    AuthenticationError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)

log = structlog.get_logger(__name__)
router = APIRouter()

NO_TOKEN = 4001
BAD_TOKEN = 4003
ORIGIN_REFUSED = 4004
TRY_AGAIN = 1013
FRAME_LIMIT_CHARS = 64_000
"""Longest frame from a client; ours have some hundred characters."""


@router.websocket("/ws")
async def watch(websocket: WebSocket) -> None:
    """Follow executions live."""
    edge: Edge = websocket.app.state.edge
    try:
        caller = await _caller(websocket, edge)
    except RateLimitedError as error:
        await refuse(websocket, error)
        return
    if isinstance(caller, int):
        await websocket.close(caller)
        return
    session = Session(caller.account_id, edge.hub, edge.settings.limits, edge.metrics)
    websocket.state.outbox = session.outbox
    edge.sockets.add(websocket)
    edge.sockets_of[caller.user_id] += 1
    edge.heap.opened()
    edge.metrics.sockets.inc()
    try:
        await websocket.accept()
        with edge.auth.revocations.watching(caller) as ended:
            if await edge.auth.is_good(caller):  # it may have ended while the socket was opened
                await _serve(websocket, session, edge, until_ended(caller, ended))
            elif websocket.application_state is WebSocketState.CONNECTED:
                await websocket.close(BAD_TOKEN)
    finally:
        session.close()
        edge.sockets.discard(websocket)
        edge.heap.closed()
        edge.sockets_of[caller.user_id] -= 1
        if not edge.sockets_of[caller.user_id]:
            del edge.sockets_of[caller.user_id]
        edge.metrics.sockets.dec()


async def refuse(websocket: WebSocket, error: RateLimitedError) -> None:
    """Answer a socket that is not opened with the problem that a request would get."""
    answer = await on_error(HTTPConnection(websocket.scope), error)
    answer.headers.update(websocket.scope.get(HEADERS, {}))
    await websocket.send_denial_response(answer)


async def _caller(websocket: WebSocket, edge: Edge) -> Principal | int:
    """Return who it is, or the close code with which to refuse. Errors: RateLimitedError."""
    origin = websocket.headers.get("origin")
    if origin is not None and not edge.auth.origins.is_listed(origin, websocket):
        return ORIGIN_REFUSED
    token = websocket.query_params.get("token")
    if origin is None and edge.auth.uses_cookie(websocket, token):
        return ORIGIN_REFUSED  # only a browser has our cookie, and browsers send it
    if not edge.auth.is_tried(websocket, token):
        return NO_TOKEN
    try:
        principal = await who_calls(edge, websocket, token)
        principal.demand(Scope.READ_GRAPH)
    except (AuthenticationError, ForbiddenError, NotFoundError):
        return BAD_TOKEN
    except (OperationalError, PoolTimeout, RedisError, UnavailableError):
        return TRY_AGAIN
    await admit(edge, websocket, "socket", principal)
    limits = edge.settings.limits
    full = len(edge.sockets) >= limits.sockets or edge.sockets_of[principal.user_id] >= limits.user_sockets
    return TRY_AGAIN if full else principal


async def until_ended(principal: Principal, ended: asyncio.Event) -> None:
    """Return when the principal's rights end: revoked, or too old."""
    left_s = None if principal.expires_at is None else max(0.0, principal.expires_at - time.time())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(left_s):
            await ended.wait()


async def _serve(
    websocket: WebSocket, session: Session, edge: Edge, ended: Coroutine[Any, Any, None]
) -> None:
    ending = asyncio.create_task(ended)
    tasks = (
        ending,
        asyncio.create_task(_receive(websocket, session)),
        asyncio.create_task(_send(websocket, session)),
    )
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        is_over = ending.done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if is_over and websocket.application_state is WebSocketState.CONNECTED:
        await websocket.close(BAD_TOKEN, "the log-in has ended: log in again")
        return
    if session.outbox.overrun and websocket.application_state is WebSocketState.CONNECTED:
        edge.metrics.slow_readers.inc()
        log.info("slow_reader_cut")
        await websocket.close(SLOW_READER, "slow reader: connect again and subscribe with `since`")


async def _receive(websocket: WebSocket, session: Session) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        given = text if text is not None else message.get("bytes") or b""
        await session.take(given if len(given) <= FRAME_LIMIT_CHARS else "")


async def _send(websocket: WebSocket, session: Session) -> None:
    try:
        while (frame := await session.outbox.take()) is not None:
            await websocket.send_text(frame.decode())
    except (WebSocketDisconnect, RuntimeError):
        return  # gone; the receiving side knows as well
