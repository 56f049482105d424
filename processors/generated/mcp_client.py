"""A client of MCP servers over streamable HTTP, all of it through the guarded client of blocks.

The protocol is that of the `mcp` package, old (`initialize`) and new (`server/discover`); only its transport is ours: each
message is one request whose whole answer is read, within the caps of blocks. So a server cannot ask back (sampling,
elicitation), and there is no stream of its own notifications: a tool call needs neither.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from millstream.processors.services import Bound, Http, HttpOptions
from millstream.schemas.errors import BlockExecutionError, BlockInputError, MillstreamError, UpstreamError

if TYPE_CHECKING:
    import httpx2
    from mcp.client import Client
    from mcp_types import CallToolResult, Tool

PAGES_LIMIT: Final = 20
"""Pages of a list of tools that are read."""
TOOLS_LIMIT: Final = 1_000
TIMEOUT_S: Final = 300.0
"""Longest call of a tool."""
ANSWER_LIMIT_BYTES: Final = 10_000_000
_PASSED_ON: Final = ("content-type", "mcp-session-id")
"""Headers of an answer that the protocol needs."""
_SENT: Final = ("accept", "content-type", "last-event-id")
_SENT_PREFIX: Final = "mcp-"


class Server:
    """A server, by its address, and what logs in there."""

    def __init__(self, http: Http, url: str, auth: Bound | None = None) -> None:
        self._http = http
        self._url = url
        self._auth = auth

    async def tools(self) -> list[Tool]:
        """Return the tools of the server. Errors: those of `Http`; UpstreamError; BlockExecutionError."""
        found: list[Tool] = []
        async with self._connected() as client:
            cursor: str | None = None
            for _ in range(PAGES_LIMIT):
                page = await client.list_tools(cursor=cursor)
                found += page.tools
                cursor = page.next_cursor
                if cursor is None or len(found) >= TOOLS_LIMIT:
                    break
        return found[:TOOLS_LIMIT]

    async def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool once. Errors: those of `Http`; UpstreamError; BlockExecutionError: the server refused."""
        async with self._connected() as client:
            return await client.call_tool(tool, arguments, read_timeout_seconds=TIMEOUT_S)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        """Log in for one exchange; whatever goes wrong leaves as one of our errors."""
        mcp = await _loaded("mcp.client.client")
        streamable = await _loaded("mcp.client.streamable_http")
        httpx2 = await _loaded("httpx2")
        carrier = _carrier(httpx2, self._http, self._auth)
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                httpx2.AsyncClient(transport=carrier, trust_env=False) as web,
                mcp.Client(
                    streamable.streamable_http_client(self._url, http_client=web), cache=None
                ) as client,
            ):
                yield client
        except MillstreamError:
            raise
        except TimeoutError as error:
            raise UpstreamError(f"The MCP server took more than {TIMEOUT_S:g} s.") from error
        except Exception as error:
            if carrier.failure is not None:
                raise carrier.failure from error
            raise _told(error, carrier.status) from error


async def _loaded(name: str) -> Any:
    """Import a module beside the event loop: the first import of `mcp` takes about a second."""
    return await asyncio.to_thread(importlib.import_module, name)


def _carrier(httpx2: Any, http: Http, auth: Bound | None) -> Any:
    """Return a transport that sends what the `mcp` package sends through `http`."""

    class Carrier(httpx2.AsyncBaseTransport):  # type: ignore[misc]  # the base is loaded late
        failure: MillstreamError | None = None
        status = 0

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "GET":  # the stream of a server's own messages, which we do not listen to
                return httpx2.Response(405, request=request)
            options: HttpOptions = {
                "headers": {
                    name: value
                    for name, value in request.headers.items()
                    if name in _SENT or name.startswith(_SENT_PREFIX)
                },
                "content": await request.aread(),
                "timeout_s": TIMEOUT_S,
                "max_bytes": ANSWER_LIMIT_BYTES,
            }
            if auth is not None:
                options["auth"] = auth
            try:
                answer = await http.request(request.method, str(request.url), **options)
            except MillstreamError as error:
                self.failure = self.failure or error
                raise httpx2.TransportError(str(error)) from error
            self.status = answer.status if answer.status >= 400 else self.status
            headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
            return httpx2.Response(answer.status, headers=headers, content=answer.body, request=request)

    return Carrier()


def _told(error: BaseException, status: int) -> MillstreamError:
    """Return what an exception of the `mcp` package is to the user of a block."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, MillstreamError):
        return error
    reason = " ".join(str(error).split())[:500] or type(error).__name__
    if status in (401, 403):
        return BlockExecutionError(
            f"The MCP server answered {status}: it wants a login. Choose credentials whose hosts name this server.",
            status=status,
        )
    code = getattr(error, "code", None)
    if code == -32602:
        return BlockInputError(f"The MCP server does not take this: {reason}.")
    if code is not None:
        return BlockExecutionError(f"The MCP server refused: {reason}.")
    return UpstreamError(f"This is no MCP server, or it is not well: {reason}.")
