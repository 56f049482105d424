"""`POST /mcp`: the protocol of MCP over streamable HTTP, behind the same door as every route."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ScopeOf

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.http.requests import EdgeRoute
from millstream.api.mcp import catalogue
from millstream.api.mcp.server import Doorway

router = APIRouter(prefix="/mcp", include_in_schema=False, route_class=EdgeRoute)


class Spoken(Response):
    """An answer that another app gives."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: ScopeOf, receive: Receive, send: Send) -> None:
        """Let it answer."""
        await self._app(scope, receive, send)


@router.post("")
@require(Scope.USE_TOOLS)
async def speak_mcp(request: Request, _: CurrentUser, tools: str = "") -> Response:
    """Answer one message of the protocol. `?tools=graphs` or `?tools=blocks` offers only those, `?wait_s=` waits so long."""
    catalogue.only_of(tools)
    door: Doorway = request.app.state.mcp
    return Spoken(await door.open())
