"""HTTP of the SDKs, over connections that the SSRF guard has checked.

httpcore's pool looks at every connection for every request, which is seconds for a thousand of them; this one keeps idle
connections in a list per origin, and opens one more when that is empty. How many there are at once is the business of the
limit per credential. No redirects are followed, so a key goes nowhere but where its call went.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, Final

import httpcore
import httpx2

from millstream.processors.guards.decoding import decoded
from millstream.processors.guards.http import CheckedBackend, Resolver, system_resolver
from millstream.schemas.errors import AddressRefusedError, BlockExecutionError

ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
IDLE_MOST: Final = 256
"""Idle connections to all hosts together: base URLs are the users', and sockets are few."""
IDLE_KEPT: Final = 64
"""Idle connections an origin."""
IDLE_S: Final = 30.0
CONNECT_S: Final = 10.0
_BROKEN: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
_PORTS: Final = {"http": 80, "https": 443}


class Transport(httpx2.AsyncBaseTransport):
    """For all SDK clients of a process.

    `allow`: exact `host:port` entries that may lead to inner addresses; `deny`: entries that are refused in any case.
    """

    def __init__(
        self,
        *,
        allow: frozenset[str] = frozenset(),
        deny: frozenset[str] = frozenset(),
        resolver: Resolver = system_resolver,
        ssl_context: ssl.SSLContext | None = None,
        keep_idle: bool = True,
    ) -> None:
        self._deny = deny
        self._ssl_context = ssl_context
        self._idle_kept = IDLE_KEPT if keep_idle else 0
        self._backend = CheckedBackend(allow, resolver)
        self._idle: dict[str, list[httpcore.AsyncHTTPConnection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Errors: AddressRefusedError, UpstreamError, those of httpx2."""
        origin = self._origin(request.url)
        request.headers["accept-encoding"] = "gzip, deflate"
        connection = await self._take(origin)
        core = httpcore.Request(
            method=request.method.encode(),
            url=httpcore.URL(
                scheme=origin.scheme, host=origin.host, port=origin.port, target=request.url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": {"connect": CONNECT_S, **_reading(request)}},
        )
        try:
            response = await connection.handle_async_request(core)
        except BaseException as error:
            await asyncio.shield(_closed(connection))
            if (translated := _translated(error, request)) is error:
                raise
            raise translated from error
        body = _Body(response, self, origin, connection, request)
        headers = [(name, value) for name, value in response.headers if name.lower() != b"content-encoding"]
        return httpx2.Response(response.status, headers=headers, stream=body)

    async def aclose(self) -> None:
        """Close all idle connections."""
        idle, self._idle = self._idle, defaultdict(list)
        for connections in idle.values():
            for connection in connections:
                await _closed(connection)

    def _origin(self, url: httpx2.URL) -> httpcore.Origin:
        port = url.port or _PORTS.get(url.scheme, 0)
        if not port or not url.host:
            raise AddressRefusedError("A model is asked at an absolute http or https URL.")
        if f"{url.host.lower().rstrip('.')}:{port}" in self._deny:
            raise AddressRefusedError(
                f"'{url.host}:{port}' is this platform itself; use its API from outside."
            )
        return httpcore.Origin(url.scheme.encode(), url.raw_host, port)

    async def _take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        while idle := self._idle.get(str(origin)):
            connection = idle.pop()
            if not idle:
                del self._idle[str(origin)]
            if connection.is_available() and not connection.has_expired():
                return connection
            await _closed(connection)
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._tls() if origin.scheme == b"https" else None,
            keepalive_expiry=IDLE_S,
            network_backend=self._backend,
        )

    def _tls(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
        return self._ssl_context

    async def give_back(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection for the next request, if it can be used again."""
        if (
            connection.is_idle()
            and not connection.is_closed()
            and len(self._idle.get(str(origin), ())) < self._idle_kept
            and sum(map(len, self._idle.values())) < IDLE_MOST
        ):
            self._idle[str(origin)].append(connection)
        else:
            await _closed(connection)


class _Body(httpx2.AsyncByteStream):
    """An answer as it comes, decompressed, up to its limit."""

    def __init__(
        self,
        response: httpcore.Response,
        transport: Transport,
        origin: httpcore.Origin,
        connection: httpcore.AsyncHTTPConnection,
        request: httpx2.Request,
    ) -> None:
        self._response = response
        self._transport = transport
        self._origin = origin
        self._connection = connection
        self._request = request
        self._parts = self._read()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts  # the SDK looks whether there is more when all has been read

    async def _read(self) -> AsyncIterator[bytes]:
        encoding = next(
            (v.decode() for n, v in self._response.headers if n.lower() == b"content-encoding"), ""
        )
        size = 0
        try:
            async for part in decoded(self._response.aiter_stream(), encoding):
                size += len(part)
                if size > ANSWER_LIMIT_BYTES:
                    raise BlockExecutionError(
                        f"The answer of the model has more than {ANSWER_LIMIT_BYTES} bytes."
                    )
                yield part
        except _BROKEN as error:
            raise _translated(error, self._request) from error

    async def aclose(self) -> None:
        await asyncio.shield(self._end())

    async def _end(self) -> None:
        await self._response.aclose()
        await self._transport.give_back(self._origin, self._connection)


def _reading(request: httpx2.Request) -> dict[str, float]:
    timeout: Any = request.extensions.get("timeout", {})
    return {name: value for name in ("read", "write") if (value := timeout.get(name)) is not None}


def _translated(error: BaseException, request: httpx2.Request) -> BaseException:
    if isinstance(error, httpcore.TimeoutException):
        return httpx2.ReadTimeout(str(error) or "no answer", request=request)
    if isinstance(error, httpcore.NetworkError | httpcore.ProtocolError):
        return httpx2.NetworkError(str(error) or type(error).__name__, request=request)
    return error


async def _closed(connection: httpcore.AsyncHTTPConnection) -> None:
    try:
        await connection.aclose()
    except (httpcore.NetworkError, OSError):
        return
