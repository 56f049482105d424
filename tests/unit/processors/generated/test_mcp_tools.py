"""Blocks of MCP tools, against servers that are written with the `mcp` package and listen on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.utilities.types import Image
from pydantic import SecretStr
from starlette.requests import Request as WebRequest
from starlette.responses import Response

from millstream.processors.blocks.mcp_tools import mcp_list_tools, mcp_tool
from millstream.processors.confidence import Confidence
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.errors import (
    AddressRefusedError,
    BlockExecutionError,
    BlockInputError,
    MillstreamError,
)
from millstream.schemas.secrets import Opened
from millstream.testing import context, emits
from tests.unit.processors.asgi import listening
from tests.unit.processors.conftest import Request, answer, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
KEY = "key-of-the-tools"


def a_server() -> MCPServer:
    server: MCPServer = MCPServer("tools")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def weather(city: str) -> dict[str, Any]:
        """Tell the weather."""
        return {"city": city, "celsius": 21.5}

    @server.tool()
    def names() -> list[str]:
        """Give names."""
        return ["Ada", "Eve"]

    @server.tool(structured_output=False)
    def picture() -> Image:
        """Draw."""
        return Image(data=PNG, format="png")

    @server.tool()
    def broken(why: str) -> str:
        """Fail."""
        raise ToolError(why)

    return server


class Guarded:
    """Lets nobody in without the key, and notes what was sent."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.seen: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = dict(WebRequest(scope).headers)
            self.seen.append(headers)
            if headers.get("authorization") != f"Bearer {KEY}":
                await Response("who are you?", 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class OneVault:
    """Has one credential."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        return Opened(
            id=secret_id,
            kind="api_key",
            provider="mcp",
            title="mine",
            hosts=self.hosts,
            data={"api_key": SecretStr(KEY).get_secret_value()},
        )


CHOSEN = {"id": "7e0b3cbb-0e3c-4a7c-b7a1-2f3cde0e3f11", "provider": "mcp", "type": "api_key"}


@asynccontextmanager
async def reached(**how: Any) -> AsyncIterator[tuple[str, GuardedHttp]]:
    async with (
        listening(a_server().streamable_http_app(**how)) as origin,
        GuardedHttp(allow=frozenset({origin})) as http,
    ):
        yield f"http://{origin}/mcp", http


@pytest.mark.parametrize(
    "how", [{}, {"stateless_http": True}, {"json_response": True}], ids=["sessions", "stateless", "json"]
)
async def test_tools_are_listed_and_called_whatever_way_the_server_speaks(how: dict[str, Any]) -> None:
    async with reached(**how) as (url, http):
        found = await emits(mcp_list_tools, {"server_url": url}, context(http=http))
        tools = {tool["name"]: tool for pin, tool in found if pin == "tool"}
        assert set(tools) == {"add", "weather", "names", "picture", "broken"}
        assert tools["add"]["description"] == "Add two numbers."
        assert tools["add"]["input_schema"]["required"] == ["a", "b"]
        assert found[-1] == ("tools", list(tools.values()))
        call = {"server_url": url, "selected_tool": "add", "tool_arguments": {"a": 2, "b": 3}}
        assert await emits(mcp_tool, call, context(http=http)) == [("result", 5)]


async def test_a_server_of_the_old_protocol_alone_is_served_by_the_handshake() -> None:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        asked = json.loads(request.body) if request.body else {}
        method = asked.get("method")
        if method == "initialize":
            result: Any = {
                "protocolVersion": "2025-03-26",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"},
            }
        elif method == "tools/call":
            assert request.headers["mcp-session-id"] == "s-1"
            result = {"content": [{"type": "text", "text": f"hello {asked['params']['arguments']['who']}"}]}
        elif method == "tools/list":
            result = {"tools": [{"name": "greet", "inputSchema": {"type": "object"}}]}
        elif "id" not in asked:
            await answer(writer, 202 if request.method == "POST" else 204)
            return
        else:
            await answer(writer, 400)
            return
        text = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result})
        body = f"event: message\ndata: {text}\n\n".encode()
        await answer(writer, 200, body, Content_Type="text/event-stream", Mcp_Session_Id="s-1")

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        inputs = {"server_url": server.url, "selected_tool": "greet", "tool_arguments": {"who": "Ada"}}
        assert await emits(mcp_tool, inputs, context(http=http)) == [("result", "hello Ada")]
    assert [request.method for request in server.requests][-1] == "DELETE", "the session is ended"


async def test_links_lead_to_the_arguments_of_the_tool() -> None:
    async with reached() as (url, http):
        schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
        inputs = {"server_url": url, "selected_tool": "add", "tool_arguments": {"a": 1, "b": 1}, "b": "41"}
        got = await emits(mcp_tool, inputs | {"tool_input_schema": schema}, context(http=http))
        assert got == [("result", 42)]


async def test_values_come_out_as_what_they_are() -> None:
    async with reached() as (url, http):
        ctx = context(http=http)

        async def result(tool: str, **arguments: Any) -> Any:
            inputs = {"server_url": url, "selected_tool": tool, "tool_arguments": arguments}
            [(pin, value)] = await emits(mcp_tool, inputs, ctx)
            assert pin == "result"
            return value

        assert await result("weather", city="Ulm") == {"city": "Ulm", "celsius": 21.5}
        assert await result("names") == ["Ada", "Eve"]
        file = await ctx.files.read(await result("picture"))
        assert (file.data, file.media_type) == (PNG, "image/png")


async def test_what_a_tool_refuses_is_told() -> None:
    async with reached() as (url, http):

        async def failure(tool: str, **arguments: Any) -> MillstreamError:
            inputs = {"server_url": url, "selected_tool": tool, "tool_arguments": arguments}
            with pytest.raises(MillstreamError) as caught:
                await emits(mcp_tool, inputs, context(http=http))
            return caught.value

        told = await failure("broken", why="no coffee")
        assert isinstance(told, BlockExecutionError)
        assert "broken" in str(told)
        assert "no coffee" in str(told)
        assert "a" in str(await failure("add", b=1))
        assert isinstance(await failure("nothing"), BlockExecutionError | BlockInputError)


async def test_a_credential_goes_to_the_hosts_that_it_names_and_to_no_other() -> None:
    guarded = Guarded(a_server().streamable_http_app())
    async with listening(guarded) as origin, GuardedHttp(allow=frozenset({origin})) as http:
        inputs = {
            "server_url": f"http://{origin}/mcp",
            "selected_tool": "add",
            "tool_arguments": {"a": 1, "b": 1},
        }

        async def called(chosen: Any, *hosts: str) -> Any:
            values = inputs | ({"credentials": chosen} if chosen is not None else {})
            trusted = Confidence(OneVault(*hosts), "tester", "e")
            trusted.about(mcp_tool.spec.input_schema, values)
            return await emits(mcp_tool, values, context(http=http, confidence=trusted))

        assert await called(CHOSEN, origin) == [("result", 2)]
        with pytest.raises(BlockExecutionError, match="wants a login"):
            await called(None)
        with pytest.raises(BlockExecutionError, match="wants a login"):
            await called({})
        guarded.seen.clear()
        with pytest.raises(AddressRefusedError, match=r"credential is for mcp\.example\.com"):
            await called(CHOSEN, "mcp.example.com")
        assert guarded.seen == []


async def test_servers_of_the_inner_network_are_refused() -> None:
    async with listening(a_server().streamable_http_app()) as origin, GuardedHttp() as http:
        inputs = {"server_url": f"http://{origin}/mcp", "selected_tool": "add"}
        with pytest.raises(AddressRefusedError, match="private network"):
            await emits(mcp_tool, inputs, context(http=http))


async def test_what_is_no_mcp_server_is_named_so() -> None:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, b"<p>hello</p>", Content_Type="text/html")

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        with pytest.raises(BlockExecutionError, match="MCP server"):
            await emits(mcp_list_tools, {"server_url": server.url}, context(http=http))


@pytest.mark.parametrize("url", ["stdio:npx", "npx --yes evil", "file:///bin/sh", "", "ssh://x"])
async def test_a09_no_address_starts_a_process(url: str) -> None:
    for block in (mcp_list_tools, mcp_tool):
        with pytest.raises(BlockInputError, match="no address of an MCP server"):
            await emits(block, {"server_url": url, "selected_tool": "x"}, context())
