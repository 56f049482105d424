"""Frames of `/ws`, both ways: `{"method", "data", "success", "channel", "error"}`. Pure.

Clients send `subscribe_graph_execution {graph_exec_id, since?, progress?}`, `subscribe_graph_executions {graph_id}`,
`unsubscribe {graph_exec_id}` and `heartbeat`. `since` is ours: the number of the last event that the client has; it
gets all later ones. Our event frames have a key more, `sequence`, on the last frame of each event. Ours are also
`subscribe_executions`, for all executions of the owner, and `unsubscribe {channel}`, which ends any subscription.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from millstream.api.events import Frame
from millstream.api.http.answers import dumps
from millstream.schemas.errors import InputInvalidError
from millstream.schemas.messages import Progress

SUBSCRIBE: Final = "subscribe_graph_execution"
SUBSCRIBE_GRAPH: Final = "subscribe_graph_executions"
SUBSCRIBE_ALL: Final = "subscribe_executions"
UNSUBSCRIBE: Final = "unsubscribe"
HEARTBEAT: Final = "heartbeat"
ERROR: Final = "error"
NOTIFICATION: Final = "notification"
FROM_CLIENTS: Final = frozenset({SUBSCRIBE, SUBSCRIBE_GRAPH, SUBSCRIBE_ALL, UNSUBSCRIBE, HEARTBEAT})
PROGRESS: Final = "node_progress"
FROM_US: Final = frozenset({"graph_execution_event", "node_execution_event", NOTIFICATION, PROGRESS, ERROR})
KEYS: Final = frozenset({"method", "data", "success", "channel", "error"})

PONG: Final = b'{"method":"heartbeat","data":"pong","success":true}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a client wants. `id`: of an execution, of a graph for SUBSCRIBE_GRAPH; None where neither is meant."""

    method: str
    id: UUID | None = None
    since: int | None = None
    channel: str | None = None
    progress: bool = False
    """Tell also how far nodes are, and texts while they are written."""


def parse(text: str | bytes) -> Ask:
    """Read a client's frame. Errors: InputInvalidError, whose text goes back in an `error` frame."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputInvalidError(f"The frame is not JSON: {error}.") from error
    method = frame.get("method") if isinstance(frame, dict) else None
    if not isinstance(method, str):
        raise InputInvalidError('The frame has another form than {"method": ..., "data": ...}.')
    if method in FROM_US:
        raise InputInvalidError(f"The method {method!r} goes from server to client only.")
    if method not in FROM_CLIENTS:
        raise InputInvalidError(f"The frame has another form: there is no method {method[:60]!r}.")
    if method in (HEARTBEAT, SUBSCRIBE_ALL):
        return Ask(method=method)
    data = frame.get("data")
    if method == UNSUBSCRIBE and isinstance(data, dict) and isinstance(data.get("channel"), str):
        return Ask(method=method, channel=data["channel"])
    if data is None:
        raise InputInvalidError(f"The method {method!r} needs `data`.")
    name = "graph_id" if method == SUBSCRIBE_GRAPH else "graph_exec_id"
    since = data.get("since") if isinstance(data, dict) and method == SUBSCRIBE else None
    if since is not None and (isinstance(since, bool) or not isinstance(since, int) or since < -1):
        raise InputInvalidError("`since` is the number of the last event that you have, -1 for none.")
    progress = data.get("progress") is True if isinstance(data, dict) and method == SUBSCRIBE else False
    return Ask(method=method, id=_id(data, name), since=since, progress=progress)


def _id(data: Any, name: str) -> UUID:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str):
        raise InputInvalidError(f"`data` needs {name!r}, a UUID in text.")
    try:
        return UUID(value)
    except ValueError as error:
        raise InputInvalidError(f"{name!r} is {value[:60]!r}, which is no UUID.") from error


def execution_channel(user_id: UUID, execution_id: UUID) -> str:
    """Return the key of a subscription to one execution."""
    return f"{user_id}|graph_exec#{execution_id}"


def graph_channel(user_id: UUID, graph_id: UUID) -> str:
    """Return the key of a subscription to all executions of a graph."""
    return f"{user_id}|graph#{graph_id}|executions"


def all_channel(user_id: UUID) -> str:
    """Return the key of a subscription to all executions of a user."""
    return f"{user_id}|executions"


def answer(method: str, channel: str | None) -> bytes:
    """Say yes to a subscription or its end."""
    return dumps({"method": method, "data": None, "success": True, "channel": channel, "error": None})


def notification(data: Any) -> bytes:
    """Tell all sockets of something that concerns no execution."""
    return dumps({"method": NOTIFICATION, "data": data, "success": None, "channel": None, "error": None})


def complaint(text: str, channel: str | None = None, data: Any = None) -> bytes:
    """Say what was wrong; the socket stays open."""
    return dumps({"method": ERROR, "data": data, "success": False, "channel": channel, "error": text})


def progress_data(progress: Progress) -> bytes:
    """Return how far a node is, or the next piece of a text that it writes, as JSON."""
    data: dict[str, Any] = {
        "graph_exec_id": str(UUID(bytes=progress.execution_id)),
        "node_exec_id": str(UUID(bytes=progress.node_execution_id)),
    }
    if progress.token is not None:
        data["text"] = progress.token
    else:
        data |= {"progress": progress.fraction, "note": progress.note}
    return dumps(data)


def event(frame: Frame, channel: bytes) -> bytes:
    """Put an event into the envelope. `channel` is JSON. Pieces are joined, as `data` is JSON already."""
    number = b"" if frame.sequence is None else b',"sequence":%d' % frame.sequence
    return b'{"method":"%s","data":%s,"success":null,"channel":%s,"error":null%s}' % (
        frame.method.encode(),
        frame.data,
        channel,
        number,
    )
