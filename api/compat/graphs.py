"""`/api/graphs`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import models
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.credentials import confide
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.graphs import service
from millstream.api.graphs.models import Deleted, GraphOut
from millstream.api.graphs.repository import GraphHead, Graphs
from millstream.api.graphs.router import GRAPH_BODY, GraphBody
from millstream.api.http.answers import JsonAnswer
from millstream.api.state import EdgeDep
from millstream.schemas.errors import InputInvalidError
from millstream.schemas.graph_export import export

router = APIRouter(
    prefix="/api/graphs", tags=["AutoGPT: graphs"], route_class=CompatRoute, responses=REFUSALS
)

LISTED_MOST = 250
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
ForExport = Annotated[bool, Query(description="As a file for others: without secrets.")]


def meta(row: GraphHead) -> dict[str, Any]:
    """Return AutoGPT's GraphMeta."""
    return {
        "id": row.id,
        "version": row.version,
        "is_active": row.is_active,
        "name": row.name,
        "description": row.description,
        "user_id": row.user_id,
        "created_at": row.created_at,
    }


@router.get("", response_model=list[models.GraphMeta])
@require(Scope.READ_GRAPH)
async def autogpt_list_graphs(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the caller's newest 250 graphs."""
    rows = await Graphs(conn).list_(owner_id=user.account_id, cursor=None, limit=LISTED_MOST)
    return JsonAnswer([meta(row) for row in rows])


@router.post("", response_model=GraphOut, openapi_extra=GRAPH_BODY)
@require(Scope.WRITE_GRAPH)
async def autogpt_create_graph(
    graph: GraphBody, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Save a new graph; all ids in it become new."""
    graph = await confide.saved(conn, edge.vault, graph, edge.specs, owner_id=user.account_id)
    return JsonAnswer(await service.save_new(Graphs(conn), graph, edge.specs, owner_id=user.account_id))


@router.get("/{graph_id}", response_model=GraphOut)
@require(Scope.READ_GRAPH)
async def autogpt_get_graph(
    graph_id: UUID,
    user: CurrentUser,
    conn: ReadConnection,
    edge: EdgeDep,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    for_export: ForExport = False,
) -> Response:
    """Return a graph, by default its newest version."""
    graphs = Graphs(conn)
    row = await graphs.get(graph_id, owner_id=user.account_id, version=version)
    graph = await service.with_sub_graphs(graphs, row)
    return JsonAnswer(export(graph, edge.specs) if for_export else service.shown(row, graph, edge.specs))


@router.put("/{graph_id}", response_model=GraphOut, openapi_extra=GRAPH_BODY)
@require(Scope.WRITE_GRAPH)
async def autogpt_update_graph(
    graph_id: UUID, graph: GraphBody, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Save the next version; it is the one that runs if it is active."""
    if "id" in graph.model_fields_set and graph.id != str(graph_id):
        raise InputInvalidError(f"The graph in the body has the id {graph.id!r}, the path {str(graph_id)!r}.")
    graph = await confide.saved(conn, edge.vault, graph, edge.specs, owner_id=user.account_id)
    saved = await service.save_version(
        Graphs(conn), graph, edge.specs, graph_id=graph_id, owner_id=user.account_id, if_match=None
    )
    edge.changes.mention(graph_id=graph_id)
    return JsonAnswer(saved)


@router.delete("/{graph_id}", response_model=Deleted)
@require(Scope.WRITE_GRAPH)
async def autogpt_delete_graph(
    graph_id: UUID, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Delete all versions of a graph."""
    versions = await Graphs(conn).delete(graph_id, owner_id=user.account_id)
    edge.changes.mention(graph_id=graph_id)
    return JsonAnswer({"version_counts": versions})


@router.get("/{graph_id}/versions", response_model=list[GraphOut])
@require(Scope.READ_GRAPH)
async def autogpt_list_versions(
    graph_id: UUID, user: CurrentUser, conn: ReadConnection, edge: EdgeDep
) -> Response:
    """Return the newest 50 versions, newest first."""
    graphs = Graphs(conn)
    rows = await graphs.versions(graph_id, owner_id=user.account_id)
    return JsonAnswer([await _shown(graphs, row.id, row.version, user.account_id, edge) for row in rows])


@router.get("/{graph_id}/versions/{version}", response_model=GraphOut)
@require(Scope.READ_GRAPH)
async def autogpt_get_version(
    graph_id: UUID,
    version: Version,
    user: CurrentUser,
    conn: ReadConnection,
    edge: EdgeDep,
    for_export: ForExport = False,
) -> Response:
    """Return one version of a graph."""
    graphs = Graphs(conn)
    if for_export:
        loaded = await service.load(graphs, graph_id, owner_id=user.account_id, version=version)
        return JsonAnswer(export(loaded, edge.specs))
    return JsonAnswer(await _shown(graphs, graph_id, version, user.account_id, edge))


@router.put("/{graph_id}/versions/active", response_model=None)
@require(Scope.WRITE_GRAPH)
async def autogpt_set_active_version(
    graph_id: UUID, body: models.ActiveIn, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Make a version the one that runs."""
    await service.publish(
        Graphs(conn),
        edge.specs,
        graph_id=graph_id,
        owner_id=user.account_id,
        version=body.active_graph_version,
    )
    edge.changes.mention(graph_id=graph_id)
    return JsonAnswer(None)


async def _shown(
    graphs: Graphs, graph_id: UUID, version: int, owner_id: UUID, edge: EdgeDep
) -> dict[str, Any]:
    return await service.load_shown(graphs, graph_id, edge.specs, owner_id=owner_id, version=version)
