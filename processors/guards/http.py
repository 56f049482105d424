"""The one HTTP client of all blocks. It refuses inner addresses by what a name resolves to, not by how it is
written.

A name is resolved once; every address it has must be public; the connection goes to the checked address while
Host and TLS name stay those of the URL, so a name that changes between check and connect gains nothing. The
check sits in the transport, where no block can pass it by, and runs again for each redirect.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final, Protocol, Unpack

import httpcore
import httpx

from millstream.processors.guards.addresses import refusal
from millstream.processors.guards.decoding import decoded
from millstream.processors.services import Credential, HttpOptions, HttpResponse
from millstream.schemas.errors import AddressRefusedError, BlockExecutionError, BlockInputError, UpstreamError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

REDIRECT_LIMIT: Final = 5
BODY_LIMIT_BYTES: Final = VALUE_LIMIT_BYTES
TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 10.0
ADDRESS_TRIES: Final = 3
"""How many of a name's addresses are tried."""
USER_AGENT: Final = "Millstream"

_OURS_TO_SET: Final = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "accept-encoding",
    }
)
"""Headers that a caller may not send: they decide where a message ends or whom it is for."""
_HARMLESS: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers that go along to another origin; all others might be secrets."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Resolver(Protocol):
    """Turns a host into addresses; injected by tests."""

    async def __call__(self, host: str, port: int, /) -> list[str]:
        """Return the addresses of `host` as text. Errors: OSError."""
        ...


async def system_resolver(host: str, port: int, /) -> list[str]:
    """Ask the system, which also reads the odd forms of addresses (`2130706433`, `0177.1`) as it would on
    connect.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections, to checked addresses only."""

    def __init__(self, allow: frozenset[str], resolve: Resolver) -> None:
        self._allow = allow
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, connect to the first address that answers."""
        addresses = await self.addresses(host, port)
        last: Exception | None = None
        for address in addresses[:ADDRESS_TRIES]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise AddressRefusedError("Blocks do not open sockets of this machine.")

    async def sleep(self, seconds: float) -> None:
        """Wait between retries of the pool."""
        await self._inner.sleep(seconds)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Resolve and check. Errors: UpstreamError, AddressRefusedError."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise UpstreamError(f"The host {host!r} cannot be found: {error}.", host=host) from error
        if f"{host}:{port}" not in self._allow:
            for address in addresses:
                why = refusal(address)
                if why is not None:
                    raise AddressRefusedError(
                        f"{host!r} leads into a private network ({why}); blocks reach public addresses only. "
                        f"Whoever runs this platform can allow '{host}:{port}'.",
                        host=host,
                    )
        return addresses


class GuardedHttp:
    """`Http` for blocks. One for all users of a process: it keeps connections, but no cookies and no
    credentials.

    `allow`: exact `host:port` entries that may lead to inner addresses; `deny`: entries that are refused in
    any case, like the platform's own address. `services`: where services stand that are not at their public
    address, by name.
    """

    def __init__(
        self,
        *,
        allow: frozenset[str] = frozenset(),
        deny: frozenset[str] = frozenset(),
        services: Mapping[str, str] | None = None,
        resolver: Resolver = system_resolver,
        ssl_context: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = BODY_LIMIT_BYTES,
    ) -> None:
        self._deny = deny
        self._services = {} if services is None else services
        self._ssl_context = ssl_context
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._backend = CheckedBackend(allow, resolver)
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def get(self, url: str, **options: Unpack[HttpOptions]) -> HttpResponse:
        """`request("GET", url)`."""
        return await self.request("GET", url, **options)

    async def request(self, method: str, url: str, **options: Unpack[HttpOptions]) -> HttpResponse:
        """Send one request and read the whole answer; the time limit counts for everything, redirects
        included.
        """
        limit_s = min(options.get("timeout_s", self._timeout_s), 600.0)
        try:
            async with asyncio.timeout(limit_s):
                return await self._follow(_built(method, url, options), options)
        except TimeoutError as error:
            raise UpstreamError(f"{_named(url)} took more than {limit_s:g} s.") from error

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the checked addresses of a host, for protocols other than HTTP, within the time for connecting."""
        if f"{host.lower().rstrip('.')}:{port}" in self._deny:
            raise AddressRefusedError(f"'{host}:{port}' is this platform itself; use its API from outside.")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                found = await self._backend.addresses(host, port)
        except TimeoutError as error:
            raise UpstreamError(f"The host {host!r} was not found in {CONNECT_TIMEOUT_S:g} s.") from error
        return found[:ADDRESS_TRIES]

    def service_url(self, name: str) -> str | None:
        """Return where the operator has put the service; None for its public address."""
        return self._services.get(name)

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    async def __aenter__(self) -> GuardedHttp:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _follow(self, request: httpx.Request, options: HttpOptions) -> HttpResponse:
        auth = options.get("auth")
        credential = options.get("credential") if auth is None else auth.credential()
        for _ in range(REDIRECT_LIMIT + 1):
            self._check(request.url)
            if credential is not None:
                _attach(request, credential)
            response = await self._send(request, options.get("max_bytes", self._max_bytes))
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target or not options.get("follow", True):
                return response
            request, same = _redirected(request, response.status, target)
            credential = credential if same else None
        raise UpstreamError(f"{_named(str(request.url))}: more than {REDIRECT_LIMIT} redirects.")

    def _check(self, url: httpx.URL) -> None:
        if url.scheme not in _DEFAULT_PORTS or not url.host:
            raise AddressRefusedError(f"{_named(str(url))} is no absolute http or https URL.")
        if _origin(url).replace(".:", ":") in self._deny:  # `host.` is `host`
            raise AddressRefusedError(f"{_origin(url)!r} is this platform itself; use its API from outside.")

    async def _send(self, request: httpx.Request, max_bytes: int) -> HttpResponse:
        core = httpcore.Request(
            method=request.method.encode(),
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": {"connect": CONNECT_TIMEOUT_S, "pool": CONNECT_TIMEOUT_S}},
        )
        try:
            response = await self._opened().handle_async_request(core)
            try:
                headers = _joined(response.headers)
                body = await _body(response, headers.get("content-encoding", ""), max_bytes, request.method)
            finally:
                await response.aclose()
        except httpcore.LocalProtocolError as error:
            raise BlockInputError(f"This request cannot be sent: {error}.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            reason = str(error) or type(error).__name__
            raise UpstreamError(f"{_named(str(request.url))} does not answer: {reason}.") from error
        return HttpResponse(status=response.status, url=str(request.url), headers=headers, body=body)

    def _opened(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._ssl_context or httpx.create_ssl_context(),
                max_connections=200,
                max_keepalive_connections=20,
                keepalive_expiry=15.0,
                network_backend=self._backend,
            )
        return self._pool


def _built(method: str, url: str, options: HttpOptions) -> httpx.Request:
    """The request as it goes to the first host. Errors: BlockInputError."""
    given = {
        name: value for name, value in options.get("headers", {}).items() if name.lower() not in _OURS_TO_SET
    }
    fields: dict[str, Any] = {
        name: options[name] for name in ("params", "json", "data", "files", "content") if name in options
    }
    try:
        target = httpx.URL(url)
        if target.username or target.password:
            userinfo = f"{target.username}:{target.password}".encode()
            given = {"Authorization": f"Basic {base64.b64encode(userinfo).decode()}", **given}
            target = target.copy_with(username=None, password=None)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", **given, "Accept-Encoding": "gzip, deflate"}
        return httpx.Request(method.upper(), target, headers=headers, **fields)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise BlockInputError(f"{_named(url)} cannot be requested: {error}.") from error


def _redirected(request: httpx.Request, status: int, target: str) -> tuple[httpx.Request, bool]:
    """The next request, and whether it goes to the same origin."""
    try:
        url = request.url.join(target)
        url = url.copy_with(username=None, password=None, fragment=None)
    except httpx.InvalidURL as error:
        raise UpstreamError(f"{_named(str(request.url))} redirects to no URL: {error}.") from error
    same = (url.scheme, _origin(url)) == (request.url.scheme, _origin(request.url))
    headers = httpx.Headers(
        [(n, v) for n, v in request.headers.multi_items() if same or n.lower() in _HARMLESS]
    )
    headers.pop("host", None)
    headers["accept-encoding"] = "gzip, deflate"
    becomes_get = (status == 303 and request.method != "HEAD") or (
        status in (301, 302) and request.method == "POST"
    )
    if becomes_get:
        for name in ("content-length", "content-type", "transfer-encoding"):
            headers.pop(name, None)
        return httpx.Request("GET", url, headers=headers), same
    if not same and "content-length" in request.headers:
        headers["content-length"] = request.headers["content-length"]
    headers["host"] = url.netloc.decode("ascii")  # httpx sets it only when it makes the body itself
    return httpx.Request(request.method, url, headers=headers, stream=request.stream), same


def _attach(request: httpx.Request, credential: Credential) -> None:
    """Add the credential's headers. Errors: AddressRefusedError if it is not meant for this host."""
    port = request.url.port or _DEFAULT_PORTS.get(request.url.scheme, 0)
    if not credential.allows(request.url.scheme, request.url.host, port):
        hosts = ", ".join(sorted(credential.hosts)) or "no host; name its hosts"
        raise AddressRefusedError(f"This credential is for {hosts}, not for {_origin(request.url)!r}.")
    request.headers.update(credential.headers)


async def _body(response: httpcore.Response, encoding: str, max_bytes: int, method: str) -> bytes:
    """The whole body, decompressed. Errors: BlockExecutionError if it is larger than `max_bytes`."""
    parts: list[bytes] = []
    size = 0
    if method == "HEAD" or response.status in (204, 304):
        return b""
    async for part in decoded(_chunks(response), encoding):
        size += len(part)
        if size > max_bytes:
            raise BlockExecutionError(f"The answer has more than {max_bytes} bytes; ask for less.")
        parts.append(part)
    return b"".join(parts)


async def _chunks(response: httpcore.Response) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_stream():
        yield chunk


def _joined(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _origin(url: httpx.URL) -> str:
    """`host:port` in its exact form."""
    return f"{url.host}:{url.port or _DEFAULT_PORTS.get(url.scheme, 0)}"


def _named(url: str) -> str:
    """A URL for a message: without query and user, which may hold secrets."""
    head = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = head.partition("://")
    host, slash, path = rest.partition("/")
    return repr(f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"[:200])
