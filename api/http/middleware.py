"""Around every request: its id, security headers, metrics, one line in the log (without the query: it may have a token)."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from millstream.api.http.limits import HEADERS
from millstream.api.http.problems import on_anything, on_http
from millstream.api.metrics import Metrics

log = structlog.get_logger("millstream.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LINK = re.compile(r"(/shared/)[^/]+")
"""A link is as good as a login for what it shows: its token is in no log."""
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; not logged while they succeed."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer that does not say otherwise: answers are private data, never documents with scripts."""

HSTS = {"Strict-Transport-Security": "max-age=31536000"}
HEADERS_BYTES = 32 * 1024
HEADERS_MOST = 100
QUERY_BYTES = 16 * 1024
PATH_BYTES = 4 * 1024


class RequestFrame:
    """Pure ASGI, so that uploads and answers stream through it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, tls: bool = False) -> None:
        """`tls`: people come over TLS, and their browsers remember it."""
        self._app = app
        self._metrics = metrics
        self._headers = SECURITY_HEADERS | (HSTS if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid4())
        scope["request_id"] = request_id
        status = 500
        began = time.perf_counter()

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in scope.get(HEADERS, {}).items():
                    headers[name] = value
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_framed)
            finally:
                self._done(scope, status, time.perf_counter() - began)

    def _done(self, scope: Scope, status: int, elapsed_s: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "(none)"
        self._metrics.request_done(scope["method"], route, status, elapsed_s)
        if scope["path"] in QUIET and status < 500:
            return
        log.info(
            "request",
            method=scope["method"],
            path=LINK.sub(r"\1...", scope["path"]),
            status=status,
            elapsed_ms=round(elapsed_s * 1000, 1),
        )


class Unforeseen:
    """Innermost: turns what nobody has caught into an answer, so that it goes out with all headers, and refuses long heads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        request = Request(scope)
        try:
            if (error := too_long(scope)) is not None:
                await (await on_http(request, error))(scope, receive, send_noted)
            else:
                await self._app(scope, receive, send_noted)
        except Exception as unforeseen:
            if started:
                raise
            await (await on_anything(request, unforeseen))(scope, receive, send_noted)


def too_long(scope: Scope) -> HTTPException | None:
    """Return why a request is refused for its head, None if it is not."""
    if len(scope["query_string"]) > QUERY_BYTES:
        return HTTPException(414, f"The query is over the limit of {QUERY_BYTES:,} bytes; send a body.")
    if len(scope.get("raw_path") or b"") > PATH_BYTES:
        return HTTPException(414, f"The path is over the limit of {PATH_BYTES:,} bytes.")
    headers = scope["headers"]
    if len(headers) > HEADERS_MOST or sum(len(name) + len(value) for name, value in headers) > HEADERS_BYTES:
        return HTTPException(
            431, f"The limit is {HEADERS_MOST} headers of {HEADERS_BYTES:,} bytes together; send fewer."
        )
    return None
