"""`/api/executions`, `/api/graphs/{id}/executions`, `/api/public/shared`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from millstream.api.auth.guards import CurrentUser, open_to_all, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import models, runs
from millstream.api.compat.paging import PageDep
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.executions import router as native
from millstream.api.executions import service
from millstream.api.executions.models import ExecuteIn
from millstream.api.executions.repository import Executions, Wish
from millstream.api.graphs.repository import Graphs
from millstream.api.http.answers import JsonAnswer
from millstream.api.shares import links
from millstream.api.shares import service as shared
from millstream.api.shares.repository import Shares
from millstream.api.shares.router import Token, download_shared_file
from millstream.api.state import EdgeDep
from millstream.api.views import FINAL
from millstream.schemas.errors import GraphInvalidError

router = APIRouter(prefix="/api", tags=["AutoGPT: executions"], route_class=CompatRoute, responses=REFUSALS)

LISTED_MOST = 250
SHARED_S = 366 * 86_400.0
"""A public link of AutoGPT has no end; ours has one within a year."""
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.post("/graphs/{graph_id}/execute/{graph_version}", response_model=models.RunMeta)
@require(Scope.EXECUTE_GRAPH)
async def autogpt_execute_graph(
    graph_id: UUID,
    graph_version: Version,
    user: CurrentUser,
    edge: EdgeDep,
    body: models.RunRequest | None = None,
    preset_id: UUID | None = None,
) -> Response:
    """Start a run; it is QUEUED once the log has it."""
    given = body or models.RunRequest()
    wish = ExecuteIn.model_validate(
        {
            "inputs": given.inputs,
            "credentials_inputs": given.credentials_inputs,
            "version": graph_version,
            "dry_run": given.dry_run,
        }
    )
    try:
        wanted = await service.prepare(edge, graph_id, wish, owner_id=user.account_id)
    except GraphInvalidError as error:
        return JsonAnswer({"detail": invalid(error)}, 400)
    digest = service.digest_of(str(graph_id), wish.model_dump(mode="json"))
    started = await service.start(edge, wanted, owner_id=user.account_id, digest=digest)
    return JsonAnswer(runs.begun(started, user, given.inputs, is_dry_run=given.dry_run))


def invalid(error: GraphInvalidError) -> dict[str, object]:
    """Return what AutoGPT's clients read of a graph that cannot be run."""
    nodes: dict[str, dict[str, str]] = {}
    for each in error.facts.get("problems", []):
        nodes.setdefault(each.get("node") or "", {}).setdefault(each.get("pin") or "", each["reason"])
    return {"type": "validation_error", "message": str(error), "node_errors": nodes}


@router.get("/executions", response_model=list[models.RunMeta])
@require(Scope.READ_GRAPH)
async def autogpt_list_executions(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the caller's newest 250 runs."""
    rows = await Executions(conn).list_(Wish(), owner_id=user.account_id, cursor=None, limit=LISTED_MOST)
    return JsonAnswer([runs.meta(row) for row in rows])


@router.get("/graphs/{graph_id}/executions", response_model=models.PagedRuns)
@require(Scope.READ_GRAPH)
async def autogpt_list_executions_of_graph(
    graph_id: UUID, user: CurrentUser, conn: ReadConnection, page: PageDep
) -> Response:
    """Return the runs of a graph, newest first."""
    await Graphs(conn).get(graph_id, owner_id=user.account_id)
    executions = Executions(conn)
    rows = await executions.list_(
        Wish(graph_id=graph_id), owner_id=user.account_id, cursor=None, limit=page.size, offset=page.offset
    )
    total = await executions.count(graph_id, owner_id=user.account_id)
    return JsonAnswer({"executions": [runs.meta(row) for row in rows], "pagination": page.of(total)})


@router.get("/graphs/{graph_id}/executions/{graph_exec_id}", response_model=models.RunWithNodes)
@require(Scope.READ_GRAPH)
async def autogpt_get_execution(
    graph_id: UUID, graph_exec_id: UUID, user: CurrentUser, conn: ReadConnection, edge: EdgeDep
) -> Response:
    """Return one run with its node executions."""
    row = await runs.of_graph(conn, graph_id, graph_exec_id, user)
    return JsonAnswer(await runs.whole(conn, edge, row))


@router.post("/graphs/{graph_id}/executions/{graph_exec_id}/stop", response_model=models.RunMeta | None)
@require(Scope.EXECUTE_GRAPH)
async def autogpt_stop_execution(
    graph_id: UUID, graph_exec_id: UUID, user: CurrentUser, edge: EdgeDep
) -> Response:
    """Stop a run. The answer shows it as it was before; null: it had ended."""
    async with edge.pool.connection() as conn:
        row = await runs.of_graph(conn, graph_id, graph_exec_id, user)
    if row.status in FINAL:
        return JsonAnswer(None)
    await native.stop_execution(graph_exec_id, user, edge)
    return JsonAnswer(runs.meta(row))


@router.delete("/executions/{graph_exec_id}", status_code=204)
@require(Scope.EXECUTE_GRAPH)
async def autogpt_delete_execution(graph_exec_id: UUID, user: CurrentUser, conn: WriteConnection) -> Response:
    """Take a run that has ended out of sight."""
    return await native.delete_execution(graph_exec_id, user, conn)


@router.post("/graphs/{graph_id}/executions/{graph_exec_id}/share", response_model=models.PublicLink)
@require(Scope.EXECUTE_GRAPH)
async def autogpt_share_execution(
    graph_id: UUID, graph_exec_id: UUID, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Make a public link to a run, good for a year; an earlier one is withdrawn."""
    await runs.of_graph(conn, graph_id, graph_exec_id, user)
    share = await Shares(conn).put(
        graph_exec_id, account_id=user.account_id, created_by=user.user_id, lifetime_s=SHARED_S
    )
    token = links.token_of(edge.auth.root, share)
    url = f"{edge.settings.access.public_url.rstrip('/')}/api/public/shared/{token}"
    return JsonAnswer({"share_url": url, "share_token": token})


@router.delete("/graphs/{graph_id}/executions/{graph_exec_id}/share", status_code=204)
@require(Scope.EXECUTE_GRAPH)
async def autogpt_withdraw_share(
    graph_id: UUID, graph_exec_id: UUID, user: CurrentUser, conn: WriteConnection
) -> Response:
    """Withdraw the public link of a run."""
    await runs.of_graph(conn, graph_id, graph_exec_id, user)
    await Shares(conn).remove(graph_exec_id)
    return Response(status_code=204)


@router.get("/public/shared/{share_token}", response_model=models.SharedRun)
@open_to_all
async def autogpt_get_shared(share_token: Token, conn: ReadConnection, edge: EdgeDep) -> Response:
    """Return what a public link shows: the outputs of its run."""
    found = await shared.opened(conn, edge, share_token)
    answer = {
        "id": found.row.id,
        "graph_name": found.name,
        "graph_description": found.description,
        "status": found.row.status,
        "created_at": found.row.created_at,
        "outputs": await shared.outputs(conn, edge, found, share_token),
    }
    return JsonAnswer(answer)


@router.get(
    "/public/shared/{share_token}/files/{file_id}/download",
    response_class=Response,
)
@open_to_all
async def autogpt_download_shared_file(
    share_token: Token, file_id: UUID, conn: ReadConnection, edge: EdgeDep
) -> Response:
    """Return a file that an output of a shared run names."""
    return await download_shared_file(share_token, file_id, conn, edge)
