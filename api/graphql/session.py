"""One socket of `graphql-transport-ws`: who it is, then what it has subscribed to.

Nothing runs before the client has said who it is (A49: strawberry CVE-2026-35523). An id is used once on a socket: so what an
ended subscription still had to say can never be taken for another's (A52: graphql-tools CVE-2026-118666).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import GraphQLError

from millstream.api.graphql import errors, protocol
from millstream.api.graphql.protocol import Closing, Message
from millstream.api.graphql.running import Ask
from millstream.schemas.errors import ConflictError, MillstreamError

log = structlog.get_logger(__name__)

Enter = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes the payload of `connection_init`. Errors: Closing: he may not come in."""
Run = Callable[[Ask], AsyncIterator[dict[str, Any]]]
"""Yields the answers of a subscription. Errors: MillstreamError, GraphQLError: it has not begun, or broke off."""
Send = Callable[[bytes], Awaitable[None]]

QUEUED = 16
"""Messages before the socket; whoever has more to say waits."""


@dataclass(eq=False, slots=True)
class _Operation:
    id: str
    over: bool = False
    """The client wants no more of it, whatever waits to be sent."""
    task: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Of one socket."""

    subscriptions: int
    """At once."""
    operations: int
    """Ever."""


class Session:
    """Takes messages in turn. `write_all` must run beside it."""

    def __init__(self, enter: Enter, run: Run, send: Send, limits: SessionLimits) -> None:
        self._enter = enter
        self._run = run
        self._send = send
        self._limits = limits
        self._operations: dict[str, _Operation] = {}
        self._used: set[str] = set()
        self._queue: asyncio.Queue[tuple[_Operation | None, bytes]] = asyncio.Queue(QUEUED)
        self.entered = asyncio.Event()
        self._asked = False

    async def take(self, text: str | bytes) -> None:
        """Do what a message asks. Errors: Closing."""
        message = protocol.read(text)
        if message.kind == "ping":
            await self._say("pong")
        elif message.kind == "connection_init":
            await self._init(message)
        elif message.kind == "subscribe":
            await self._subscribe(message)
        elif message.kind == "complete":
            self._complete(message.id)

    async def write_all(self) -> None:
        """Send what is to be sent, until cancelled. One writer: messages never get into each other."""
        while True:
            operation, data = await self._queue.get()
            if operation is None or not operation.over:
                await self._send(data)

    async def close(self) -> None:
        """End all subscriptions."""
        operations = list(self._operations.values())
        for operation in operations:
            self._end(operation)
        tasks = [operation.task for operation in operations if operation.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _init(self, message: Message) -> None:
        if self._asked:
            raise Closing(protocol.TOO_MANY, "Too many initialisation requests")
        self._asked = True
        await self._enter(message.payload or {})
        await self._say("connection_ack")
        self.entered.set()

    async def _subscribe(self, message: Message) -> None:
        if not self.entered.is_set():
            raise Closing(protocol.NOBODY, "Unauthorized")
        if message.id in self._used:
            raise Closing(protocol.ID_TAKEN, f"Subscriber for {message.id[:60]} already exists")
        if len(self._used) >= self._limits.operations:
            raise Closing(protocol.TOO_MANY, "this socket has had all its subscriptions: open another")
        ask = _ask(message.payload or {})
        self._used.add(message.id)
        operation = _Operation(message.id)
        if len(self._operations) >= self._limits.subscriptions:
            error = ConflictError(
                f"This socket has {len(self._operations)} subscriptions, the most there can be; end some first."
            )
            await self._tell(operation, "error", [errors.shown(errors.of(error), "")])
            return
        self._operations[message.id] = operation
        operation.task = asyncio.create_task(self._follow(operation, ask))

    def _complete(self, id_: str) -> None:
        operation = self._operations.get(id_)
        if operation is not None:
            self._end(operation)

    def _end(self, operation: _Operation) -> None:
        operation.over = True
        self._operations.pop(operation.id, None)  # a task that never began would not do it
        if operation.task is not None:
            operation.task.cancel()

    async def _follow(self, operation: _Operation, ask: Ask) -> None:
        try:
            async with aclosing(self._run(ask)) as answers:  # type: ignore[type-var]  # generators are
                async for answer in answers:
                    await self._tell(operation, "next", answer)
            await self._tell(operation, "complete")
        except MillstreamError as error:
            await self._tell(operation, "error", [errors.shown(errors.of(error), "")])
        except GraphQLError as error:
            await self._tell(operation, "error", [errors.shown(error, "")])
        except Exception as error:  # a background task
            log.exception("subscription_failed")
            shown = errors.shown(GraphQLError("", original_error=error), "")
            await self._tell(operation, "error", [shown])
        finally:
            self._operations.pop(operation.id, None)

    async def _tell(self, operation: _Operation, kind: str, payload: Any = None) -> None:
        await self._queue.put((operation, protocol.write(kind, operation.id, payload)))

    async def _say(self, kind: str) -> None:
        await self._queue.put((None, protocol.write(kind)))


def _ask(payload: dict[str, Any]) -> Ask:
    query, variables, name = (payload.get(each) for each in ("query", "variables", "operationName"))
    if not isinstance(query, str):
        raise Closing(protocol.BAD_MESSAGE, "the payload has no query")
    if variables is not None and not isinstance(variables, dict):
        raise Closing(protocol.BAD_MESSAGE, "the variables are no object")
    if name is not None and not isinstance(name, str):
        raise Closing(protocol.BAD_MESSAGE, "the operation's name is no text")
    return Ask(query=query, variables=variables or {}, operation_name=name)
