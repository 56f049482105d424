"""How a request comes in: first who sends it, then how long it is, then what it says. Secure by default."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from millstream.api.audit.record import arrived
from millstream.api.auth.guards import CLOSED, Guard, guard_of
from millstream.api.auth.principal import Scope
from millstream.api.http.limits import Kind, admit
from millstream.api.http.tries import caller
from millstream.schemas.errors import InputInvalidError, PayloadTooLargeError
from millstream.schemas.sizes import KIB, check_json

EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

IN_THREAD_BYTES = 256 * KIB
"""A longer body is parsed beside the event loop."""
FORM_BYTES = 16 * KIB
"""What a form may have around its file."""
_UPLOAD = "__millstream_upload__"
_KIND = "__millstream_kind__"


def upload(endpoint: EndpointT) -> EndpointT:
    """Mark an endpoint whose body may be as long as a file."""
    setattr(endpoint, _UPLOAD, True)
    return endpoint


def counted_as(kind: Kind) -> Callable[[EndpointT], EndpointT]:
    """Mark an endpoint whose requests cost something else than its method says."""

    def mark(endpoint: EndpointT) -> EndpointT:
        setattr(endpoint, _KIND, kind)
        return endpoint

    return mark


def parse_json(body: bytes) -> Any:
    """Return the value. Errors: InputInvalidError: not JSON, or JSON that we would change on the way."""
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputInvalidError(f"The body is not UTF-8 (byte {error.start}).", path="") from error
    except RecursionError as error:
        raise InputInvalidError(
            "The body has too many lists and objects within each other.", path=""
        ) from error
    except ValueError as error:
        raise InputInvalidError(f"The body is not JSON: {error}.", path="") from error
    check_json(value)
    return value


class EdgeRequest(Request):
    """A request whose body is counted while it comes in, and parsed once."""

    limit_bytes: int = 0

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body. Errors: PayloadTooLargeError."""
        seen = 0
        async for chunk in super().stream():
            seen += len(chunk)
            self._check_length(seen)
            yield chunk

    def check_declared(self) -> None:
        """Refuse by the header, before a byte of the body is read."""
        declared = self.headers.get("content-length", "0")
        self._check_length(int(declared) if declared.isdecimal() else 0)

    def _check_length(self, length: int) -> None:
        if length > self.limit_bytes:
            raise PayloadTooLargeError(
                f"The body is over the limit of {self.limit_bytes:,} bytes; upload large data as a file.",
                limit=self.limit_bytes,
            )

    async def json(self) -> Any:
        """Return the body's value. Errors: InputInvalidError."""
        if not hasattr(self, "_json"):
            body = await self.body()
            long = len(body) > IN_THREAD_BYTES
            self._json = await asyncio.to_thread(parse_json, body) if long else parse_json(body)
        return self._json


class EdgeRoute(APIRoute):
    """A route that asks who calls, and whether he may, before it reads a body."""

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()
        read = self._reader()
        is_upload = getattr(self.endpoint, _UPLOAD, False)
        guard = guard_of(self.endpoint) or CLOSED
        kind = getattr(self.endpoint, _KIND, None) or _kind(self.methods, guard, is_upload=is_upload)

        async def answer(request: Request) -> Response:
            edge = request.app.state.edge
            ours = EdgeRequest(request.scope, request.receive)
            arrived(ours)
            limits = edge.settings.limits
            ours.limit_bytes = limits.file_bytes + FORM_BYTES if is_upload else limits.body_bytes
            if not guard.open:
                ours.state.principal = await caller(edge, ours)
                guard.check(ours.state.principal)
            await admit(edge, ours, kind, getattr(ours.state, "principal", None))
            ours.check_declared()
            if read is not None:
                await read(ours)
            return await handle(ours)

        return answer

    def _reader(self) -> Callable[[EdgeRequest], Awaitable[Any]] | None:
        """Return what reads the body ahead of FastAPI, which would turn our errors into a plain 400."""
        if self.body_field is None:
            return None
        return EdgeRequest.form if getattr(self.endpoint, _UPLOAD, False) else _read_json


def _kind(methods: set[str] | None, guard: Guard, *, is_upload: bool) -> Kind:
    if methods is not None and methods <= {"GET", "HEAD"}:
        return "read"
    if is_upload:
        return "upload"
    return "start" if guard.scope in (Scope.EXECUTE_GRAPH, Scope.EXECUTE_BLOCK) else "write"


async def _read_json(request: EdgeRequest) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        if not await request.body():
            return
        raise HTTPException(
            415, f"The body's type is {kind or 'not given'!r}; send `Content-Type: application/json`."
        )
    if await request.body():
        await request.json()
