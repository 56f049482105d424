"""`GET /ws?token=...`: the socket. Who may not come in is refused before it is accepted."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from millstream.api.auth.principal import Principal, Scope
from millstream.api.state import Edge
from millstream.api.ws.session import SLOW_READER, Session
from millstream.schemas.errors import AuthenticationError, ForbiddenError

log = structlog.get_logger(__name__)
router = APIRouter()

NO_TOKEN = 4001
BAD_TOKEN = 4003
ORIGIN_REFUSED = 4004
TOO_MANY = 1013
FRAME_LIMIT_CHARS = 64_000
"""Longest frame from a client; ours have some hundred characters."""


@router.websocket("/ws")
async def watch(websocket: WebSocket) -> None:
    """Follow executions live."""
    edge: Edge = websocket.app.state.edge
    caller = await _caller(websocket, edge)
    if isinstance(caller, int):
        await websocket.close(caller)
        return
    session = Session(caller.account_id, edge.hub, edge.settings.limits, edge.metrics)
    await websocket.accept()
    edge.sockets.add(websocket)
    edge.metrics.sockets.inc()
    try:
        await _serve(websocket, session, edge)
    finally:
        session.close()
        edge.sockets.discard(websocket)
        edge.metrics.sockets.dec()


async def _caller(websocket: WebSocket, edge: Edge) -> Principal | int:
    """Return who it is, or the close code with which to refuse."""
    origin = websocket.headers.get("origin")
    if origin is not None and not _origin_allowed(origin, websocket, edge):
        return ORIGIN_REFUSED
    token = websocket.query_params.get("token")
    if not edge.auth.is_tried(websocket, token):
        return NO_TOKEN
    try:
        principal = await edge.auth.principal(websocket, token)
        principal.demand(Scope.READ_GRAPH)
    except (AuthenticationError, ForbiddenError):
        return BAD_TOKEN
    return principal if len(edge.sockets) < edge.settings.limits.sockets else TOO_MANY


def _origin_allowed(origin: str, websocket: WebSocket, edge: Edge) -> bool:
    """Browsers send the page's origin: our own, or one of the list."""
    return origin in edge.settings.origins or urlsplit(origin).netloc == websocket.headers.get("host")


async def _serve(websocket: WebSocket, session: Session, edge: Edge) -> None:
    receiving = asyncio.create_task(_receive(websocket, session))
    sending = asyncio.create_task(_send(websocket, session))
    try:
        await asyncio.wait((receiving, sending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (receiving, sending):
            task.cancel()
        await asyncio.gather(receiving, sending, return_exceptions=True)
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
