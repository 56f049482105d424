"""`/api/v1/executions/{id}/share` for the owner; `/api/v1/shared/{token}` for whoever has the link."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from millstream.api.auth.guards import CurrentUser, open_to_all, require
from millstream.api.auth.principal import Scope
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.executions.models import Ask
from millstream.api.executions.repository import Executions
from millstream.api.files.router import sent_file
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.shares import links, service
from millstream.api.shares.repository import Share, Shares
from millstream.api.state import Edge, EdgeDep
from millstream.schemas.errors import NotFoundError
from millstream.schemas.messages import ExecutionStatus

router = APIRouter(prefix="/api/v1", tags=["shares"], route_class=EdgeRoute)

DAY_S = 86_400
Token = Annotated[str, Path(pattern=links.TOKEN, description="The last part of the link.")]


class ShareIn(Ask):
    """How long a link is good."""

    expires_in_s: float = Field(
        7 * DAY_S, gt=0, le=366 * DAY_S, description="Seconds; default: a week.", examples=[DAY_S]
    )


class ShareOut(BaseModel):
    """A link. Whoever has it sees the outputs of the run, without a login."""

    execution_id: UUID
    token: str
    url: str = Field(description="What to give to people.")
    created_at: datetime
    expires_at: datetime


class SharedOut(BaseModel):
    """What a link shows of a run."""

    id: UUID
    graph_name: str
    graph_description: str
    status: ExecutionStatus
    created_at: datetime
    ended_at: datetime | None
    outputs: dict[str, list[Any]]
    expires_at: datetime


def _shown(edge: Edge, share: Share) -> dict[str, Any]:
    token = links.token_of(edge.auth.root, share)
    return {
        "execution_id": share.execution_id,
        "token": token,
        "url": f"{edge.settings.access.public_url.rstrip('/')}/api/v1/shared/{token}",
        "created_at": share.created_at,
        "expires_at": share.expires_at,
    }


@router.post(
    "/executions/{execution_id}/share",
    status_code=201,
    response_model=ShareOut,
    responses=documented(NotFoundError),
)
@require(Scope.EXECUTE_GRAPH)
async def share_execution(
    execution_id: UUID,
    user: CurrentUser,
    conn: WriteConnection,
    edge: EdgeDep,
    body: ShareIn | None = None,
) -> Response:
    """Make a link that shows a run to whoever has it. A run has one link: an earlier one is withdrawn."""
    await Executions(conn).get(execution_id, owner_id=user.account_id)
    share = await Shares(conn).put(
        execution_id,
        account_id=user.account_id,
        created_by=user.user_id,
        lifetime_s=(body or ShareIn.model_validate({})).expires_in_s,
    )
    return JsonAnswer(_shown(edge, share), 201)


@router.get("/executions/{execution_id}/share", response_model=ShareOut, responses=documented(NotFoundError))
@require(Scope.READ_GRAPH)
async def get_share(execution_id: UUID, user: CurrentUser, conn: ReadConnection, edge: EdgeDep) -> Response:
    """Return the link of a run. 404: it has none."""
    await Executions(conn).get(execution_id, owner_id=user.account_id)
    share = await Shares(conn).find_of(execution_id)
    if share is None:
        raise NotFoundError(f"Execution {execution_id} is not shared.")
    return JsonAnswer(_shown(edge, share))


@router.delete("/executions/{execution_id}/share", status_code=204, responses=documented(NotFoundError))
@require(Scope.EXECUTE_GRAPH)
async def withdraw_share(execution_id: UUID, user: CurrentUser, conn: WriteConnection) -> Response:
    """Withdraw the link of a run: it shows nothing from now on."""
    await Executions(conn).get(execution_id, owner_id=user.account_id)
    await Shares(conn).remove(execution_id)
    return Response(status_code=204)


@router.get("/shared/{token}", response_model=SharedOut, responses=documented(NotFoundError))
@open_to_all
async def get_shared(token: Token, conn: ReadConnection, edge: EdgeDep) -> Response:
    """Return a run that is shared by a link."""
    found = await service.opened(conn, edge, token)
    answer = {
        "id": found.row.id,
        "graph_name": found.name,
        "graph_description": found.description,
        "status": found.row.status,
        "created_at": found.row.created_at,
        "ended_at": found.row.ended_at,
        "outputs": await service.outputs(conn, edge, found, token),
        "expires_at": found.share.expires_at,
    }
    return JsonAnswer(answer)


@router.get(
    "/shared/{token}/files/{file_id}",
    response_class=Response,
    responses=documented(NotFoundError),
)
@open_to_all
async def download_shared_file(token: Token, file_id: UUID, conn: ReadConnection, edge: EdgeDep) -> Response:
    """Return a file that an output of a shared run names."""
    found = await service.opened(conn, edge, token)
    if not await Shares(conn).names_file(found.row.id, file_id):
        raise NotFoundError(f"The shared run names no file {file_id}.")
    return await sent_file(edge, file_id, owner_id=found.share.account_id)


@router.get(
    "/shared/{token}/values/{ref:path}",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}, **documented(NotFoundError)},
)
@open_to_all
async def get_shared_value(token: Token, ref: str, conn: ReadConnection, edge: EdgeDep) -> Response:
    """Return an output of a shared run that was too large for its answer."""
    found = await service.opened(conn, edge, token)
    if not await Shares(conn).names_value(found.row.id, ref):
        raise NotFoundError(f"The shared run has no value {ref[:200]!r}.")
    return Response(await edge.objects.get(ref), media_type="application/json")
