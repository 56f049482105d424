"""`/api/v1/reviews` and `/api/v1/executions/{id}/reviews`: what waits for a person, and the answers."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.database import ReadConnection
from millstream.api.executions.models import ReviewIn
from millstream.api.executions.repository import Executions
from millstream.api.http.answers import JsonAnswer, dumps
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.reasons import FINAL
from millstream.api.reviews.repository import Review, Reviews
from millstream.api.reviews.service import Decision, answer
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ConflictError, NotFoundError, PayloadTooLargeError, UnavailableError

router = APIRouter(prefix="/api/v1", tags=["reviews"], route_class=EdgeRoute)

REVIEWS_MOST = 1000
Status = Literal["WAITING", "APPROVED", "REJECTED", "DROPPED"]


class ReviewOut(BaseModel):
    """One review. DROPPED: the execution ended before anybody answered."""

    node_exec_id: UUID
    graph_exec_id: UUID
    node_id: str
    block_id: str
    status: Status
    payload: Any = Field(description="What is to be decided on.")
    instructions: str | None
    editable: bool
    sensitive: bool
    since: int | None = Field(description="Unix milliseconds.")
    who: list[str] = Field(description="Users who can answer.")
    until: int | None = Field(description="When the default answer is taken.")
    answer: dict[str, Any] | None


class AnsweredOut(BaseModel):
    """A decision. `answer`: as it counts, with who and when; null: it is on the log, its outcome not known yet."""

    id: UUID
    approved: bool
    answer: dict[str, Any] | None


def _shown(row: Review) -> dict[str, Any]:
    review, reason = row.review or {}, row.reason or {}
    waits = row.status == "REVIEW" and row.execution_status not in FINAL
    status = "WAITING" if waits else (row.answer or {}).get("status", "DROPPED")
    return {
        "node_exec_id": row.id,
        "graph_exec_id": row.execution_id,
        "node_id": row.node_id,
        "block_id": row.block_id,
        "status": status,
        "payload": review.get("data"),
        "instructions": review.get("name"),
        "editable": bool(review.get("editable", True)),
        "sensitive": bool(review.get("sensitive")),
        "since": reason.get("since"),
        "who": reason.get("who", []),
        "until": reason.get("until"),
        "answer": row.answer,
    }


@router.get(
    "/executions/{execution_id}/reviews", response_model=list[ReviewOut], responses=documented(NotFoundError)
)
@require(Scope.READ_GRAPH)
async def list_reviews(execution_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return what people were asked in an execution: what waits, and what was answered, by whom and when."""
    await Executions(conn).get(execution_id, owner_id=user.id)
    rows = await Reviews(conn).list_(execution_id, owner_id=user.id, limit=REVIEWS_MOST)
    return JsonAnswer([_shown(row) for row in rows])


@router.post(
    "/reviews/{node_execution_id}",
    status_code=202,
    response_model=AnsweredOut,
    responses=documented(NotFoundError, ConflictError, PayloadTooLargeError, UnavailableError),
)
@require(Scope.EXECUTE_GRAPH)
async def answer_review(
    node_execution_id: UUID, body: ReviewIn, user: CurrentUser, edge: EdgeDep
) -> Response:
    """Decide a review. The first decision counts; a later one is answered 409, with who was first and when."""
    return await answered(edge, node_execution_id, body, user)


@router.post(
    "/executions/{execution_id}/nodes/{node_execution_id}/answer",
    status_code=202,
    response_model=AnsweredOut,
    responses=documented(NotFoundError, ConflictError, PayloadTooLargeError, UnavailableError),
)
@require(Scope.EXECUTE_GRAPH)
async def answer_node(
    execution_id: UUID, node_execution_id: UUID, body: ReviewIn, user: CurrentUser, edge: EdgeDep
) -> Response:
    """Decide a review: the same as at `/reviews/{node_execution_id}`."""
    async with edge.pool.connection() as conn:
        row = await Reviews(conn).get(node_execution_id, owner_id=user.id)
    if row.execution_id != execution_id:
        raise NotFoundError(f"There is no node execution {node_execution_id} in execution {execution_id}.")
    return await answered(edge, node_execution_id, body, user)


async def answered(edge: EdgeDep, node_execution_id: UUID, body: ReviewIn, user: CurrentUser) -> Response:
    """Answer 202 with what counts."""
    data = dumps(body.data) if "data" in body.model_fields_set else None
    decision = Decision(approved=body.approved, data=data, message=body.message, by=user.user_id)
    found = await answer(edge, node_execution_id, decision)
    return JsonAnswer({"id": node_execution_id, "approved": body.approved, "answer": found}, 202)
