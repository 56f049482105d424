"""The MCP server of an edge: the protocol is that of the `mcp` package, without sessions, so any edge answers any request.

It is loaded when somebody first asks, since that takes a second and 30 MB.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp

from millstream.api.auth.principal import Principal
from millstream.api.database import statements
from millstream.api.http.answers import dumps
from millstream.api.http.limits import admit
from millstream.api.mcp import calls, catalogue
from millstream.api.mcp.calls import Told
from millstream.api.state import Edge
from millstream.schemas.errors import MillstreamError, UnavailableError
from millstream.schemas.sizes import check_json

if TYPE_CHECKING:
    from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams

log = structlog.get_logger(__name__)

INSTRUCTIONS: Final = (
    "Agents and blocks of a Millstream account. A tool that runs an agent answers when the run has ended, or with an "
    "execution_id if it takes longer; get_execution then tells what became of it."
)
LONGEST_WAIT_S: Final = 600.0


@dataclass(slots=True)
class Doorway:
    """The server of one app; `run` is one of the works of its lifespan."""

    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    app: ASGIApp | None = None

    async def run(self, edge: Edge) -> None:
        """Open when somebody asks, and stay open until cancelled; what failed is tried again when somebody asks again."""
        while True:
            await self.wanted.wait()
            await self._serve(edge)
            self.wanted.clear()

    async def _serve(self, edge: Edge) -> None:
        try:
            managers = await asyncio.to_thread(importlib.import_module, "mcp.server.streamable_http_manager")
            lowlevel = await asyncio.to_thread(importlib.import_module, "mcp.server.lowlevel.server")
            manager = managers.StreamableHTTPSessionManager(
                _server(lowlevel, edge),
                stateless=True,
                max_request_body_size=edge.settings.limits.body_bytes,
            )
            async with manager.run():
                self.app = manager.handle_request
                self.ready.set()
                await asyncio.Event().wait()
        except Exception:  # a background task
            log.exception("mcp_server_failed")
        finally:
            self.app = None
            self.ready.set()

    async def open(self) -> ASGIApp:
        """Return the app that speaks the protocol. Errors: UnavailableError."""
        if self.app is None and not self.wanted.is_set():
            self.ready.clear()
            self.wanted.set()
        await self.ready.wait()
        if self.app is None:
            raise UnavailableError("The MCP server is not open here; try again.")
        return self.app


def _server(lowlevel: Any, edge: Edge) -> Any:
    from mcp.shared.exceptions import MCPError
    from mcp_types import INVALID_PARAMS

    async def list_tools(ctx: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
        try:
            return await _listed(edge, ctx.request, params.cursor if params else None)
        except MillstreamError as error:
            raise MCPError(INVALID_PARAMS, str(error), {"code": error.code}) from error

    async def call_tool(ctx: Any, params: CallToolRequestParams) -> CallToolResult:
        run = _behind(edge, ctx.request, params.name)
        if run is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:100]!r} here; list the tools.")
        return await _called(edge, ctx.request, run, params.arguments or {})

    return lowlevel.Server(
        "millstream",
        version=edge.settings.version,
        title="Millstream",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: None,  # no tool of ours wants an argument as a header
    )


def _behind(edge: Edge, request: Request, name: str) -> Any:
    """Return what a tool does, by its name; None if there is none."""
    user: Principal = request.state.principal
    only = catalogue.only_of(request.query_params.get("tools", ""))
    wait_s = _wait_s(request, edge.settings.limits.block_wait_s)
    if name == catalogue.LOOK:
        return lambda arguments: calls.look(edge, user, arguments)
    spec = catalogue.Blocks(edge.specs.values()).by_name.get(name) if only != "graphs" else None
    if spec is not None:
        return lambda arguments: calls.run_block(edge, user, spec, arguments, wait_s=wait_s)
    graph_id: UUID | None = catalogue.graph_of(name) if only != "blocks" else None
    if graph_id is not None:
        return lambda arguments: calls.run_graph(edge, user, graph_id, arguments, wait_s=wait_s)
    return None


def _wait_s(request: Request, default_s: float) -> float:
    try:
        return min(LONGEST_WAIT_S, max(0.0, float(request.query_params.get("wait_s", default_s))))
    except ValueError:
        return default_s


async def _listed(edge: Edge, request: Request, cursor: str | None) -> ListToolsResult:
    from mcp_types import ListToolsResult, Tool, ToolAnnotations

    only = catalogue.only_of(request.query_params.get("tools", ""))
    async with statements(edge.pool) as conn:
        user: Principal = request.state.principal
        blocks = catalogue.Blocks(edge.specs.values())
        page = await catalogue.page(conn, blocks, edge.specs, user, cursor=cursor, only=only)
    tools = [
        Tool(
            name=offer.name,
            title=offer.title,
            description=offer.description,
            input_schema=offer.schema,
            annotations=ToolAnnotations(read_only_hint=True) if offer.reads_only else None,
        )
        for offer in page.offers
    ]
    return ListToolsResult(tools=tools, next_cursor=page.cursor)


async def _called(edge: Edge, request: Request, run: Any, arguments: dict[str, Any]) -> CallToolResult:
    """Call a tool. What it refuses is its answer, so that a model can do better; bugs are the protocol's errors."""
    try:
        await admit(edge, request, "start", request.state.principal)
        check_json(arguments)
        return _answer(await run(arguments))
    except MillstreamError as error:
        facts = {"code": error.code, "detail": str(error)}
        problems = error.facts.get("problems")
        return _answer(Told(facts=facts | ({"problems": problems} if problems else {}), failed=True))
    except ValidationError as error:
        reason = error.errors(include_input=False, include_url=False)[0]["msg"]
        return _answer(Told(facts={"code": "input_invalid", "detail": reason}, failed=True))
    except (OperationalError, PoolTimeout):
        log.warning("server_away", server="PostgreSQL")
        facts = {"code": "unavailable", "detail": "PostgreSQL does not answer now; try again."}
        return _answer(Told(facts=facts, failed=True))


def _answer(told: Told) -> CallToolResult:
    from mcp_types import CallToolResult, TextContent

    text = dumps(told.facts).decode()
    return CallToolResult(
        content=[TextContent(text=text)], structured_content=told.facts, is_error=told.failed
    )
