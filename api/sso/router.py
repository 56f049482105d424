"""`/api/v1/auth/sso`: log-in by a provider. The browser goes there and comes back with a code; then it has a session."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from millstream.api.audit.record import note
from millstream.api.auth import login
from millstream.api.auth.guards import open_to_all
from millstream.api.auth.origins import safe_path
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.limits import hit
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.sso import service
from millstream.api.sso.pending import Pending
from millstream.api.sso.settings import NAME
from millstream.api.sso.vouched import REFUSED
from millstream.api.state import Edge, EdgeDep
from millstream.schemas.errors import (
    AuthenticationError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)

router = APIRouter(prefix="/api/v1/auth/sso", tags=["auth"], route_class=EdgeRoute)

Name = Annotated[str, Path(pattern=NAME)]
TEXT_MOST_CHARS = 4096
ERRORS = documented(NotFoundError, AuthenticationError, ForbiddenError, RateLimitedError, UnavailableError)


class ProviderOut(BaseModel):
    """A way to log in."""

    name: str
    title: str
    url: str = Field(description="Where the browser goes; `?next=` says where it comes out.")


class ProvidersOut(BaseModel):
    """All that the operator has set up."""

    items: list[ProviderOut]


def redirect_uri(edge: Edge, name: str) -> str:
    """Return what is registered at the provider: made from settings, never from a request."""
    return f"{edge.auth.settings.public_url.rstrip('/')}{router.prefix}/{name}/callback"


@router.get("", response_model=ProvidersOut)
@open_to_all
async def list_providers(edge: EdgeDep) -> Response:
    """Say by whom one can log in."""
    items = [
        {"name": each.name, "title": each.title or each.name, "url": f"{router.prefix}/{each.name}/start"}
        for each in edge.auth.settings.sso
    ]
    return JsonAnswer({"items": items})


@router.get("/{name}/start", status_code=303, response_class=Response, responses=ERRORS)
@open_to_all
async def start(
    name: Name,
    request: Request,
    edge: EdgeDep,
    next: Annotated[
        str | None, Query(max_length=2000, description="Where to go then: a path of ours.")
    ] = None,
) -> Response:
    """Send the browser to a provider."""
    _, provider = edge.auth.sso.get(name)
    await hit(edge, "log_in", request.client.host if request.client else "")
    pending = Pending(edge.redis, edge.auth.settings)
    begun, browser = await pending.begin(
        name, redirect_uri=redirect_uri(edge, name), next_path=safe_path(next)
    )
    answer = Response(status_code=303, headers={"Location": await provider.url(begun)})
    pending.give(answer, browser)
    return answer


@router.get("/{name}/callback", status_code=303, response_class=Response, responses=ERRORS)
@open_to_all
async def callback(
    name: Name,
    request: Request,
    edge: EdgeDep,
    state: Annotated[str, Query(max_length=TEXT_MOST_CHARS)] = "",
    code: Annotated[str, Query(max_length=TEXT_MOST_CHARS)] = "",
    iss: Annotated[str | None, Query(max_length=TEXT_MOST_CHARS)] = None,
) -> Response:
    """Take a browser back from a provider: start its session, and send it where it wanted to go."""
    settings, provider = edge.auth.sso.get(name)
    await hit(edge, "log_in", request.client.host if request.client else "")
    pending = Pending(edge.redis, edge.auth.settings)
    try:
        begun, next_path = await pending.finish(request, name, state)
        if not code:  # the provider, or the person there, has said no
            raise AuthenticationError(REFUSED)
        user = await service.log_in(edge, settings, await provider.vouched(begun, code=code, issuer=iss))
    except (AuthenticationError, ForbiddenError) as error:
        await note(edge.pool, None, "log_in.failed", "unknown", why="sso", provider=name, code=error.code)
        raise
    secret = await login.start_session(edge, user, request.headers.get("user-agent", ""))
    answer = Response(status_code=303, headers={"Location": safe_path(next_path)})
    pending.take(answer)
    edge.auth.sessions.give(answer, secret)
    return answer
