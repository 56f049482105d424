"""`/api/v1/executions`, and starting one at `/api/v1/graphs/{id}/execute`."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from millstream.api.audit.record import note, record
from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.database import ReadConnection, WriteConnection, statements
from millstream.api.executions import models, reasons, service, shown, stream
from millstream.api.executions.events import read_events
from millstream.api.executions.repository import Executions, Wish
from millstream.api.executions.values import Values
from millstream.api.http.answers import JsonAnswer, dumps
from millstream.api.http.paging import LIMIT_DEFAULT, Cursor, CursorText, Limit, page
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.pressure.lanes import with_lanes
from millstream.api.state import EdgeDep
from millstream.api.views import FINAL
from millstream.schemas.errors import (
    ConflictError,
    GraphInvalidError,
    InputInvalidError,
    NotFoundError,
    PayloadTooLargeError,
    QueueFullError,
    UnavailableError,
)
from millstream.schemas.messages import ExecutionStatus, Stop

router = APIRouter(prefix="/api/v1", tags=["executions"], route_class=EdgeRoute)

WAIT_STEP_S = 0.05
NODES_MOST = 1000

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Repeating a request with the same key starts nothing anew.",
    ),
]


@router.post(
    "/graphs/{graph_id}/execute",
    status_code=202,
    response_model=models.ExecutionHead,
    responses=documented(
        GraphInvalidError,
        InputInvalidError,
        NotFoundError,
        ConflictError,
        PayloadTooLargeError,
        QueueFullError,
        UnavailableError,
    ),
)
@require(Scope.EXECUTE_GRAPH)
async def execute_graph(
    graph_id: UUID,
    body: models.ExecuteIn,
    user: CurrentUser,
    edge: EdgeDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Start an execution. 202 means that the log has it, on all replicas: it will be carried out."""
    digest = service.digest_of(str(graph_id), body.model_dump(mode="json"))
    started = await service.find_repeated(edge, idempotency_key, digest, owner_id=user.id)
    if started is None:
        wanted = await service.prepare(edge, graph_id, body, owner_id=user.id)
        started = await service.start(edge, wanted, owner_id=user.id, digest=digest, key=idempotency_key)
    return accepted(started, user.id, kind="graph", dry_run=body.dry_run)


def accepted(
    started: service.Started, user_id: UUID, *, kind: str, dry_run: bool, preset_id: UUID | None = None
) -> Response:
    """Answer 202 with where to look."""
    headers = {"Location": f"/api/v1/executions/{started.id}"}
    if started.repeated:
        headers["Idempotency-Replayed"] = "true"
    body: dict[str, Any] = {
        "id": started.id,
        "user_id": user_id,
        "graph_id": started.graph_id,
        "graph_version": started.graph_version,
        "kind": kind,
        "status": started.status,
        "created_at": started.created_at,
        "started_at": None,
        "ended_at": None,
        "is_dry_run": dry_run,
        "parent_execution_id": None,
        "preset_id": preset_id,
        "stats": {},
        "verdict": None,
        "failure": None,
        "reason": {"kind": "start"},
    }
    return JsonAnswer(body, 202, headers=headers)


@router.get("/executions", response_model=models.ExecutionPage)
@require(Scope.READ_GRAPH)
async def list_executions(
    user: CurrentUser,
    conn: ReadConnection,
    graph_id: UUID | None = None,
    preset_id: UUID | None = None,
    status: Annotated[
        list[ExecutionStatus] | None, Query(max_length=10, description="May be given more than once.")
    ] = None,
    verdict: Annotated[
        models.Verdict | None, Query(description="What became of it, as its `verdict.result` says.")
    ] = None,
    created_after: models.Time = None,
    created_before: models.Time = None,
    kind: Annotated[models.Kind, Query(description="`block`: single blocks that were run.")] = "graph",
    cursor: CursorText = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """Return the caller's executions, newest first."""
    wish = Wish(
        kind=kind,
        graph_id=graph_id,
        preset_id=preset_id,
        statuses=None if status is None else list(status),
        verdict=verdict,
        created_after=created_after,
        created_before=created_before,
    )
    rows = await Executions(conn).list_(wish, owner_id=user.id, cursor=Cursor.parse(cursor), limit=limit + 1)
    cursors = [Cursor(row.created_at, row.id) for row in rows]
    whys = await reasons.of_executions(conn, rows)
    return JsonAnswer(page([shown.head(row, whys[row.id]) for row in rows], cursors, limit))


@router.get(
    "/executions/{execution_id}", response_model=models.ExecutionOut, responses=documented(NotFoundError)
)
@require(Scope.READ_GRAPH)
async def get_execution(
    execution_id: UUID,
    user: CurrentUser,
    edge: EdgeDep,
    wait_s: Annotated[
        float, Query(ge=0, le=60, description="Wait so long for its end before answering.")
    ] = 0,
    node_limit: Annotated[int, Query(ge=0, le=NODES_MOST)] = NODES_MOST,
    node_offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Return an execution with inputs, outputs and node executions, those in the order in which they were queued."""
    room = edge.settings.limits.answer_bytes
    deadline = time.monotonic() + wait_s
    while True:
        async with edge.pool.connection() as conn:  # not held while waiting
            await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            executions = Executions(conn)
            row = await executions.get(execution_id, owner_id=user.id)
            if row.status in FINAL or time.monotonic() >= deadline:
                values = Values(conn, execution_id, room_bytes=room)
                resolver = shown.Resolver(edge.objects, execution_id, room)
                place = await executions.place(row) if row.status == "QUEUED" else None
                answer = await shown.whole(
                    row, values, resolver, limit=node_limit, offset=node_offset, place=place
                )
                return JsonAnswer(with_lanes(answer, edge.pressure, edge.specs))
        await asyncio.sleep(WAIT_STEP_S)


@router.get(
    "/executions/{execution_id}/outputs",
    response_model=models.OutputsOut,
    responses=documented(NotFoundError),
)
@require(Scope.READ_GRAPH)
async def get_outputs(execution_id: UUID, user: CurrentUser, conn: ReadConnection, edge: EdgeDep) -> Response:
    """Return an execution's outputs alone: the values of each name, in the order in which they came."""
    row = await Executions(conn).get(execution_id, owner_id=user.id)
    room = edge.settings.limits.answer_bytes
    outputs = await shown.outputs_of(
        Values(conn, execution_id, room_bytes=room), shown.Resolver(edge.objects, execution_id, room)
    )
    return JsonAnswer({"id": row.id, "status": row.status, "verdict": row.verdict, "outputs": outputs})


@router.delete(
    "/executions/{execution_id}", status_code=204, responses=documented(NotFoundError, ConflictError)
)
@require(Scope.EXECUTE_GRAPH)
async def delete_execution(execution_id: UUID, user: CurrentUser, conn: WriteConnection) -> Response:
    """Take an execution that has ended out of sight, and withdraw its link. Its events stay on the log."""
    executions = Executions(conn)
    row = await executions.get(execution_id, owner_id=user.id)
    if row.status not in FINAL:
        raise ConflictError(f"The execution is {row.status}; stop it first.", status=row.status)
    await executions.delete(execution_id, owner_id=user.id)
    await record(conn, user, "execution.deleted", execution_id)
    return Response(status_code=204)


@router.post(
    "/executions/{execution_id}/stop",
    status_code=202,
    response_model=models.ExecutionHead,
    responses=documented(NotFoundError, UnavailableError),
)
@require(Scope.EXECUTE_GRAPH)
async def stop_execution(
    execution_id: UUID, user: CurrentUser, edge: EdgeDep, body: models.StopIn | None = None
) -> Response:
    """End an execution now. The answer shows it as it was before; one that has ended stays as it is."""
    async with statements(edge.pool) as conn:
        row = await Executions(conn).get(execution_id, owner_id=user.id)
        whys = await reasons.of_executions(conn, [row])
    if row.status not in FINAL:
        await service.ensure_sent(edge, execution_id, owner_id=user.id)
        reason = body.reason if body else None
        await note(edge.pool, user, "execution.stopped", execution_id, reason=reason)
        await edge.inbox.send(Stop(execution_id=execution_id.bytes, by=str(user.user_id), reason=reason))
        if row.status == "QUEUED":
            await edge.inbox.withdraw(execution_id.bytes, str(user.id))
    return JsonAnswer(shown.head(row, whys[execution_id]), 202)


@router.get(
    "/executions/{execution_id}/events",
    response_model=models.EventPage,
    responses={
        **documented(NotFoundError),
        200: {
            "content": {"application/x-ndjson": {}, "text/event-stream": {}},
            "description": "A page; or a line an event; or the events as they come.",
        },
        204: {"description": "A stream that was followed to its end: there is no more."},
    },
)
@require(Scope.READ_GRAPH)
async def list_events(
    request: Request,
    execution_id: UUID,
    user: CurrentUser,
    edge: EdgeDep,
    since: Annotated[int, Query(ge=-1, description="Number of the last event that you have.")] = -1,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    last_event_id: Annotated[
        str | None, Header(max_length=20, description="Of a stream that was cut; goes before `since`.")
    ] = None,
) -> Response:
    """Return what was recorded, as it was recorded. As JSON lines with `Accept: application/x-ndjson`.

    With `Accept: text/event-stream`: the frames of the WebSocket as server-sent events, from `Last-Event-ID` on.
    """
    if "text/event-stream" in request.headers.get("accept", ""):
        return await stream.answer(edge, execution_id, user, since=stream.number_of(last_event_id, since))
    items, more = await read_events(edge, execution_id, owner_id=user.id, since=since, limit=limit)
    if "application/x-ndjson" in request.headers.get("accept", ""):
        lines = b"".join(dumps(item) + b"\n" for item in items)
        return Response(lines, media_type="application/x-ndjson")
    answer: dict[str, Any] = {"items": items, "next_since": items[-1]["sequence"] if more and items else None}
    return JsonAnswer(answer)


@router.get(
    "/executions/{execution_id}/values/{ref:path}",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}, **documented(NotFoundError)},
)
@require(Scope.READ_GRAPH)
async def get_value(execution_id: UUID, ref: str, user: CurrentUser, edge: EdgeDep) -> Response:
    """Return a value that was too large for the answer or the event that named it."""
    async with statements(edge.pool) as conn:
        await Executions(conn).get(execution_id, owner_id=user.id)
    if not ref.startswith(f"values/{user.id}/"):  # the key says whose it is
        raise NotFoundError(f"Execution {execution_id} has no value {ref[:200]!r}.")
    return Response(await edge.objects.get(ref), media_type="application/json")
