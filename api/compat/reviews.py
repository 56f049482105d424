"""`/api/review`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import models
from millstream.api.compat.paging import PageDep
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.database import ReadConnection
from millstream.api.executions.repository import Executions
from millstream.api.http.answers import JsonAnswer, dumps
from millstream.api.reasons import FINAL
from millstream.api.reviews.repository import Review, Reviews
from millstream.api.reviews.service import Decision, answer
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ConflictError, InputInvalidError, MillstreamError

router = APIRouter(
    prefix="/api/review", tags=["AutoGPT: reviews"], route_class=CompatRoute, responses=REFUSALS
)

REVIEWS_MOST = 1000


def _shown(row: Review) -> dict[str, Any]:
    review = row.review or {}
    return {
        "node_exec_id": row.id,
        "node_id": row.node_id,
        "user_id": row.user_id,
        "graph_exec_id": row.execution_id,
        "graph_id": row.graph_id,
        "graph_version": row.graph_version,
        "payload": review.get("data"),
        "instructions": review.get("name"),
        "editable": bool(review.get("editable", True)),
        "status": "WAITING",
        "review_message": None,
        "was_edited": None,
        "processed": False,
        "created_at": _since(row),
        "updated_at": None,
        "reviewed_at": None,
    }


def _since(row: Review) -> datetime | None:
    since = (row.reason or {}).get("since")
    return row.queue_time if since is None else datetime.fromtimestamp(since / 1000, UTC)


@router.get("/pending", response_model=list[models.PendingReview])
@require(Scope.READ_GRAPH)
async def autogpt_list_pending_reviews(user: CurrentUser, conn: ReadConnection, page: PageDep) -> Response:
    """Return what waits for the caller's answers, newest first."""
    rows = await Reviews(conn).pending(owner_id=user.account_id, limit=page.size, offset=page.offset)
    return JsonAnswer([_shown(row) for row in rows])


@router.get("/execution/{graph_exec_id}", response_model=list[models.PendingReview])
@require(Scope.READ_GRAPH)
async def autogpt_list_reviews_of_execution(
    graph_exec_id: UUID, user: CurrentUser, conn: ReadConnection
) -> Response:
    """Return what waits for an answer in one run, oldest first."""
    execution = await Executions(conn).get(graph_exec_id, owner_id=user.account_id)
    rows = await Reviews(conn).list_(graph_exec_id, owner_id=user.account_id, limit=REVIEWS_MOST)
    waiting = [row for row in rows if row.status == "REVIEW" and execution.status not in FINAL]
    return JsonAnswer([_shown(row) for row in waiting])


@router.post("/action", response_model=models.ReviewResponse)
@require(Scope.EXECUTE_GRAPH)
async def autogpt_answer_reviews(body: models.ReviewRequest, user: CurrentUser, edge: EdgeDep) -> Response:
    """Decide reviews of one run. The first answer to each counts; later ones count as failed."""
    if any(item.auto_approve_future for item in body.reviews):
        raise InputInvalidError("`auto_approve_future` is not possible here; answer each review.")
    async with edge.pool.connection() as conn:
        rows = [await Reviews(conn).get(item.node_exec_id, owner_id=user.account_id) for item in body.reviews]
    if len({row.execution_id for row in rows}) > 1:
        raise ConflictError("The reviews are of more than one run; answer each run by itself.")
    if rows[0].execution_status in FINAL:
        raise ConflictError(f"The run has ended: it is {rows[0].execution_status}.")
    counts, failures = {True: 0, False: 0}, []
    for item in body.reviews:
        edited = item.approved and "reviewed_data" in item.model_fields_set and item.reviewed_data is not None
        decision = Decision(
            approved=item.approved,
            data=dumps(item.reviewed_data) if edited else None,
            message=item.message,
            by=user.account_id,
        )
        try:
            await answer(edge, item.node_exec_id, decision)
            counts[item.approved] += 1
        except MillstreamError as error:
            failures.append(str(error))
    return JsonAnswer(
        {
            "approved_count": counts[True],
            "rejected_count": counts[False],
            "failed_count": len(failures),
            "error": failures[0] if failures else None,
        }
    )
