"""`POST /api/v1/ingest/{graph_id}`: an execution for each line."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute, upload
from millstream.api.ingest import service
from millstream.api.state import EdgeDep
from millstream.schemas.errors import (
    GraphInvalidError,
    NotFoundError,
    PayloadTooLargeError,
    QueueFullError,
    UnavailableError,
)

router = APIRouter(prefix="/api/v1", tags=["executions"], route_class=EdgeRoute)

TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_LINE = {
    "type": "object",
    "properties": {
        "inputs": {"type": "object", "description": "Values by name of the graph's inputs."},
        "key": {"type": "string", "description": "Idempotency key of this line."},
    },
    "additionalProperties": False,
}
_BODY = {"required": True, "content": {TYPES[0]: {"schema": _LINE}}}


class LineOut(BaseModel):
    """What became of a line."""

    line: int = Field(description="Its number, from 1; blank lines count.")
    id: UUID | None = Field(None, description="The execution; null: none was noted.")
    repeated: bool = Field(False, description="The key was used before, for the same inputs: that execution.")
    error: dict[str, Any] | None = Field(None, description="`code`, `message`, and `problems` of the inputs.")


class SummaryOut(BaseModel):
    """What became of all lines."""

    started: int
    repeated: int
    failed: int
    results: list[LineOut] = Field(description="In the order of the lines.")
    stopped: dict[str, Any] | None = Field(description="Why the lines behind the last result were not read.")


@router.post(
    "/ingest/{graph_id}",
    response_model=SummaryOut,
    responses=documented(
        GraphInvalidError, NotFoundError, PayloadTooLargeError, QueueFullError, UnavailableError
    ),
    openapi_extra={"requestBody": _BODY},
)
@require(Scope.EXECUTE_GRAPH)
@upload
async def ingest(
    graph_id: UUID,
    request: Request,
    user: CurrentUser,
    edge: EdgeDep,
    version: Annotated[int | None, Query(ge=1, description="Default: the active one.")] = None,
    dry_run: Annotated[bool, Query(description="No effects outside; blocks are imitated.")] = False,
) -> Response:
    """Start an execution for each line of an NDJSON body, while it comes in.

    The answer is 200 as soon as anything was started: look at `failed` and `stopped`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise HTTPException(
            415, f"The body's type is {kind or 'not given'!r}; send `Content-Type: {TYPES[0]}`."
        )
    template = await service.prepare(edge, graph_id, owner_id=user.id, version=version, dry_run=dry_run)
    found = await service.run(edge, template, request.stream())
    body = {
        "started": found.started,
        "repeated": found.repeated,
        "failed": found.failed,
        "results": found.results,
        "stopped": found.stopped,
    }
    return JsonAnswer(body)
