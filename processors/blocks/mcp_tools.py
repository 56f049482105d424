"""Tools of MCP servers: see which there are, call one. Over HTTP only; nothing here starts a process."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any, Final

from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, Emit, Hidden, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import AnyCredential, Credentials, Provider
from millstream.processors.generated.mcp_client import Server
from millstream.processors.generated.tool_pins import ToolBlock
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError

if TYPE_CHECKING:
    from mcp_types import CallToolResult

ANY_LOGIN: Final = Provider("mcp", types=("oauth2", "api_key", "host_scoped"))
"""Bound to the hosts that the credential itself names: the address of the server comes from the graph."""


class ToolFacts(TypedDict):
    """One tool of a server."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]


class Tools(Outputs):
    """Pins of MCPListToolsBlock."""

    tool: ToolFacts
    tools: list[ToolFacts]


class Result(Outputs):
    """Pins of MCPToolBlock."""

    result: Any


@block(
    name="MCPListToolsBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample({"server_url": "http://127.0.0.1/mcp"}, raises="address_refused"),
        Sample({"server_url": "stdio:ls"}, raises="block_input_invalid"),
    ],
)
async def mcp_list_tools(
    server_url: str,
    credentials: Annotated[Credentials, ANY_LOGIN] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Tools]]:
    """List the tools of an MCP server: their names, what they do, and the JSON Schema of their arguments.

    server_url: Address of the server, such as https://mcp.example.com/mcp; streamable HTTP.
    credentials: What logs in there, if it wants a login; its hosts must name the server.
    tool: Each tool.
    tools: All tools together.
    """
    server = Server(ctx.http, _address(server_url), await _login(ctx, credentials))
    tools = [
        ToolFacts(
            name=tool.name,
            title=tool.title or (tool.annotations.title if tool.annotations else None) or tool.name,
            description=tool.description or "",
            input_schema=tool.input_schema,
        )
        for tool in await server.tools()
    ]
    for tool in tools:
        yield "tool", tool
    yield "tools", tools


@ToolBlock.of
@block(
    id="a0a4b1c2-d3e4-4f56-a7b8-c9d0e1f2a3b4",
    name="MCPToolBlock",
    kind="MCP Tool",
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample({"server_url": "http://127.0.0.1/mcp", "selected_tool": "add"}, raises="address_refused"),
        Sample({"server_url": "https://mcp.example.com/mcp"}, raises="block_input_invalid"),
        Sample({"server_url": "stdio:ls", "selected_tool": "x"}, raises="block_input_invalid"),
    ],
)
async def mcp_tool(
    server_url: str,
    credentials: Annotated[Credentials, ANY_LOGIN] = EMPTY,
    selected_tool: Advanced[str] = "",
    tool_input_schema: Hidden[dict[str, Any]] = EMPTY,
    tool_description: Hidden[str] = "",
    tool_arguments: Advanced[dict[str, Any]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Result]]:
    """Call a tool of an MCP server. Links may lead to the tool's own arguments, by their names.

    It is not called again after a crash, since a tool may change things.

    server_url: Address of the server, such as https://mcp.example.com/mcp; streamable HTTP.
    credentials: What logs in there, if it wants a login; its hosts must name the server.
    selected_tool: Name of the tool.
    tool_input_schema: JSON Schema of the tool's arguments, as the server gave it.
    tool_description: What the tool does, as the server says.
    tool_arguments: Constant arguments, by name.
    result: What the tool gave: a value if it gave one, else its text; images and sounds become files in the workspace.
    """
    if not selected_tool.strip():
        raise BlockInputError(
            "No tool is chosen; give its name as selected_tool. MCPListToolsBlock lists them."
        )
    server = Server(ctx.http, _address(server_url), await _login(ctx, credentials))
    answer = await server.call(selected_tool, tool_arguments)
    parts = [await _part(part, ctx) for part in answer.content]
    if answer.is_error:
        reason = " ".join(str(part) for part in parts)[:2_000] or "it did not say why"
        raise BlockExecutionError(f"The tool {selected_tool!r} failed: {reason}", tool=selected_tool)
    yield "result", _value(answer, parts)


def _address(url: str) -> str:
    if not url.strip().lower().startswith(("https://", "http://")):
        raise BlockInputError(
            f"{url[:100]!r} is no address of an MCP server; give one with https://. Servers that are started as "
            "a process (stdio) are never started from a graph."
        )
    return url.strip()


async def _login(ctx: Context, chosen: Any) -> AnyCredential | None:
    return await ctx.credentials("credentials") if chosen else None


async def _part(part: Any, ctx: Context) -> Any:
    """One part of an answer as a value."""
    if part.type == "text":
        return _read(part.text)
    if part.type in ("image", "audio"):
        return await ctx.files.write(_bytes(part.data), media_type=part.mime_type)
    if part.type == "resource":
        resource = part.resource
        if hasattr(resource, "text"):
            return {"uri": str(resource.uri), "media_type": resource.mime_type, "text": resource.text}
        file = await ctx.files.write(_bytes(resource.blob), media_type=resource.mime_type or "")
        return {"uri": str(resource.uri), "media_type": resource.mime_type, "file": file}
    return part.model_dump(mode="json", by_alias=True, exclude_none=True)


def _read(text: str) -> Any:
    """The value of a text that is a JSON object or list, else the text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BlockExecutionError("The tool gave a file that is not in base64.") from error


def _value(answer: CallToolResult, parts: list[Any]) -> Any:
    """The value of an answer. A server wraps what is no object as `{"result": value}`, since a schema wants objects."""
    found = answer.structured_content
    if found is not None:
        wrapped = isinstance(found, dict) and found.keys() == {"result"} and parts != [found]
        return found["result"] if wrapped else found
    return parts[0] if len(parts) == 1 else parts
