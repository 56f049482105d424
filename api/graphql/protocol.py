"""Messages of `graphql-transport-ws`, both ways. Pure. Source: PROTOCOL.md of enisdenjo/graphql-ws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from millstream.api.http.answers import dumps

SUBPROTOCOL: Final = "graphql-transport-ws"

BAD_MESSAGE: Final = 4400
NOBODY: Final = 4401
FORBIDDEN: Final = 4403
NO_SUBPROTOCOL: Final = 4406
INIT_LATE: Final = 4408
ID_TAKEN: Final = 4409
TOO_MANY: Final = 4429

MESSAGE_LIMIT_CHARS: Final = 256_000
ID_LIMIT_CHARS: Final = 128

Kind = Literal["connection_init", "ping", "pong", "subscribe", "complete"]
_KINDS: Final = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})


class Closing(Exception):
    """The client broke a rule: the socket is closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """From a client."""

    kind: Kind
    id: str = ""
    payload: dict[str, Any] | None = None


def read(text: str | bytes) -> Message:
    """Read a message. Errors: Closing."""
    if len(text) > MESSAGE_LIMIT_CHARS:
        raise Closing(BAD_MESSAGE, f"the message is longer than {MESSAGE_LIMIT_CHARS:,} characters")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Closing(BAD_MESSAGE, "the message is not JSON") from None
    if not isinstance(found, dict) or found.get("type") not in _KINDS:
        raise Closing(BAD_MESSAGE, "the message has no type that clients send")
    payload = found.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise Closing(BAD_MESSAGE, "the payload is no object")
    kind: Kind = found["type"]
    id_: Any = ""
    if kind in ("subscribe", "complete"):
        id_ = found.get("id")
        if not isinstance(id_, str) or not 0 < len(id_) <= ID_LIMIT_CHARS:
            raise Closing(BAD_MESSAGE, f"the id is no text of 1 to {ID_LIMIT_CHARS} characters")
    return Message(kind=kind, id=id_, payload=payload)


def write(kind: str, id_: str | None = None, payload: Any = None) -> bytes:
    """Return a message to a client."""
    named = {} if id_ is None else {"id": id_}
    loaded = {} if payload is None else {"payload": payload}
    return dumps({"type": kind, **named, **loaded})
