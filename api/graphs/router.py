"""`/api/v1/graphs`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.credentials import confide
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.graphs import models, service
from millstream.api.graphs.repository import Graphs
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.paging import LIMIT_DEFAULT, Cursor, CursorText, Limit, page
from millstream.api.http.problems import documented
from millstream.api.http.requests import IN_THREAD_BYTES, EdgeRoute
from millstream.api.state import EdgeDep
from millstream.schemas.errors import GraphInvalidError, NotFoundError, PreconditionError
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.graph_export import export
from millstream.schemas.graph_problems import is_draft
from millstream.schemas.graph_validation import run_problems, save_problems

router = APIRouter(prefix="/api/v1/graphs", tags=["graphs"], route_class=EdgeRoute)

GRAPH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": 'A graph, bare or as `{"graph": {...}}`.',
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Graph"}}},
    }
}
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Default: the newest.")]

Publish = Annotated[
    bool | None,
    Query(
        description="Whether the saved version is the one that runs from now on; default: what its `is_active` says."
    ),
]


async def graph_body(request: Request) -> Graph:
    """Read the graph in the body. Its parser counts and checks for itself, so FastAPI's is passed by."""
    body = await request.body()
    return await asyncio.to_thread(parse_graph, body) if len(body) > IN_THREAD_BYTES else parse_graph(body)


def _as_wished(graph: Graph, publish: bool | None) -> Graph:
    return graph if publish is None else graph.model_copy(update={"is_active": publish})


GraphBody = Annotated[Graph, Depends(graph_body)]


@router.post(
    "",
    status_code=201,
    response_model=models.GraphOut,
    responses=documented(GraphInvalidError),
    openapi_extra=GRAPH_BODY,
)
@require(Scope.WRITE_GRAPH)
async def create_graph(
    graph: GraphBody, user: CurrentUser, conn: WriteConnection, edge: EdgeDep, publish: Publish = None
) -> Response:
    """Save a new graph; all ids in it become new. One that names unknown blocks is a draft: it is kept, but not run."""
    graph = _as_wished(graph, publish)
    graph = await confide.saved(conn, edge.vault, graph, edge.specs, owner_id=user.account_id)
    saved = await service.save_new(Graphs(conn), graph, edge.specs, owner_id=user.account_id)
    headers = {"Location": f"/api/v1/graphs/{saved['id']}", "ETag": service.etag(saved["version"])}
    return JsonAnswer(saved, 201, headers=headers)


@router.get("", response_model=models.GraphPage)
@require(Scope.READ_GRAPH)
async def list_graphs(
    user: CurrentUser, conn: ReadConnection, cursor: CursorText = None, limit: Limit = LIMIT_DEFAULT
) -> Response:
    """Return the caller's graphs, newest first, each in the version that runs by default."""
    rows = await Graphs(conn).list_(owner_id=user.account_id, cursor=Cursor.parse(cursor), limit=limit + 1)
    cursors = [Cursor(row.created_at, row.id) for row in rows]
    return JsonAnswer(page([asdict(row) for row in rows], cursors, limit))


@router.post("/validate", response_model=models.Validated, openapi_extra=GRAPH_BODY)
@require(Scope.READ_GRAPH)
async def validate_graph(
    request: Request,
    _: CurrentUser,
    edge: EdgeDep,
    for_run: Annotated[
        bool, Query(description="Ask also what keeps it from being run without inputs.")
    ] = False,
) -> Response:
    """Say what is wrong with a graph, without saving it."""
    try:
        graph = await graph_body(request)
    except GraphInvalidError as error:
        return JsonAnswer({"valid": False, "draft": False, "problems": error.facts["problems"]})
    graph = edge.specs.upgraded(graph)
    problems = save_problems(graph, edge.specs)
    if for_run:
        problems = run_problems(graph, edge.specs, inputs={}, masks={})
    found = {"valid": not problems, "draft": is_draft(problems), "problems": [p.as_dict() for p in problems]}
    return JsonAnswer(found)


@router.get("/{graph_id}", response_model=models.GraphOut, responses=documented(NotFoundError))
@require(Scope.READ_GRAPH)
async def get_graph(
    graph_id: UUID,
    user: CurrentUser,
    conn: ReadConnection,
    edge: EdgeDep,
    version: Version = None,
    for_export: Annotated[bool, Query(description="As a file for others: without secrets.")] = False,
) -> Response:
    """Return a graph, with the graphs that its agents run."""
    graphs = Graphs(conn)
    row = await graphs.get(graph_id, owner_id=user.account_id, version=version)
    graph = await service.with_sub_graphs(graphs, row)
    if for_export:
        return JsonAnswer(export(graph, edge.specs))
    return JsonAnswer(service.shown(row, graph, edge.specs), headers={"ETag": service.etag(row.version)})


@router.get("/{graph_id}/versions", response_model=models.GraphVersions, responses=documented(NotFoundError))
@require(Scope.READ_GRAPH)
async def list_versions(graph_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the newest 50 versions of a graph."""
    rows = await Graphs(conn).versions(graph_id, owner_id=user.account_id)
    return JsonAnswer({"items": [asdict(row) for row in rows]})


@router.put(
    "/{graph_id}",
    response_model=models.GraphOut,
    responses=documented(GraphInvalidError, NotFoundError, PreconditionError),
    openapi_extra=GRAPH_BODY,
)
@require(Scope.WRITE_GRAPH)
async def update_graph(
    graph_id: UUID,
    graph: GraphBody,
    user: CurrentUser,
    conn: WriteConnection,
    edge: EdgeDep,
    if_match: Annotated[str | None, Header(description="`ETag` of the version that you changed.")] = None,
    publish: Publish = None,
) -> Response:
    """Save the next version of a graph; with `If-Match` only if nobody else has saved one meanwhile."""
    graph = await confide.saved(conn, edge.vault, graph, edge.specs, owner_id=user.account_id)
    saved = await service.save_version(
        Graphs(conn),
        _as_wished(graph, publish),
        edge.specs,
        graph_id=graph_id,
        owner_id=user.account_id,
        if_match=if_match,
    )
    edge.changes.mention(graph_id=graph_id)
    return JsonAnswer(saved, headers={"ETag": service.etag(saved["version"])})


@router.post(
    "/{graph_id}/publish",
    response_model=models.GraphOut,
    responses=documented(GraphInvalidError, NotFoundError),
)
@require(Scope.WRITE_GRAPH)
async def publish_graph(
    graph_id: UUID,
    user: CurrentUser,
    conn: WriteConnection,
    edge: EdgeDep,
    body: models.PublishIn | None = None,
) -> Response:
    """Make a version the one that runs when none is named; until then it is kept beside the one that does."""
    shown = await service.publish(
        Graphs(conn),
        edge.specs,
        graph_id=graph_id,
        owner_id=user.account_id,
        version=body.version if body else None,
    )
    edge.changes.mention(graph_id=graph_id)
    return JsonAnswer(shown, headers={"ETag": service.etag(shown["version"])})


@router.delete("/{graph_id}", response_model=models.Deleted, responses=documented(NotFoundError))
@require(Scope.WRITE_GRAPH)
async def delete_graph(graph_id: UUID, user: CurrentUser, conn: WriteConnection, edge: EdgeDep) -> Response:
    """Delete all versions of a graph. Executions that run go on; history stays."""
    versions = await Graphs(conn).delete(graph_id, owner_id=user.account_id)
    edge.changes.mention(graph_id=graph_id)
    return JsonAnswer({"version_counts": versions})
