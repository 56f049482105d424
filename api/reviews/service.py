"""Answering a review: the first answer counts, and whoever comes second learns who was first, and when."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from millstream.api.audit.record import record_own
from millstream.api.database import statements
from millstream.api.reasons import FINAL
from millstream.api.reviews.repository import Review, Reviews
from millstream.api.state import Edge
from millstream.schemas.errors import ConflictError, NotFoundError, PayloadTooLargeError
from millstream.schemas.messages import Answer, Payload
from millstream.schemas.sizes import KIB

OUTCOME_S = 5.0
"""How long an answer waits for the read model to tell which answer counted."""
STEP_S = 0.05
DATA_BYTES = 256 * KIB
"""Edited data is put into the inputs of the node, in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided. `data` is JSON; None: as it was asked."""

    approved: bool
    data: bytes | None
    message: str | None
    by: UUID

    @property
    def status(self) -> str:
        return "APPROVED" if self.approved else "REJECTED"

    def is_in(self, answer: dict[str, Any]) -> bool:
        """Tell whether an answer that counted is this one; the same one given twice is one."""
        same = (answer.get("status"), answer.get("message"), answer.get("by"))
        data = None if self.data is None else orjson.loads(self.data)
        return same == (self.status, self.message, str(self.by)) and answer.get("data") == data


async def answer(edge: Edge, node_execution_id: UUID, decision: Decision) -> dict[str, Any] | None:
    """Give a decision to the execution that waits for it. Returns the answer as it counts; None: not known yet.

    Errors: NotFoundError; ConflictError: it was answered before, or waits for no answer; PayloadTooLargeError.
    """
    if decision.data is not None and len(decision.data) > DATA_BYTES:
        raise PayloadTooLargeError(
            f"The data of the answer has {len(decision.data):,} bytes, the limit is {DATA_BYTES:,}.",
            limit=DATA_BYTES,
        )
    row = await _find(edge, node_execution_id, decision.by)
    counted = outcome(row, decision)
    if counted is not None:
        return counted
    data = decision.data
    message = Answer(
        execution_id=row.execution_id.bytes,
        node_execution_id=node_execution_id.bytes,
        approved=decision.approved,
        data=None if data is None else Payload(inline=data, size=len(data)),
        message=decision.message,
        by=str(decision.by),
    )
    await edge.inbox.send(message)
    async with edge.pool.connection() as conn:
        await record_own(conn, "review.answered", node_execution_id, approved=decision.approved)
    deadline = time.monotonic() + OUTCOME_S
    while time.monotonic() < deadline:
        await asyncio.sleep(STEP_S)
        counted = outcome(await _find(edge, node_execution_id, decision.by), decision)
        if counted is not None:
            return counted
    return None


async def _find(edge: Edge, node_execution_id: UUID, owner_id: UUID) -> Review:
    async with statements(edge.pool) as conn:
        return await Reviews(conn).get(node_execution_id, owner_id=owner_id)


def outcome(row: Review, decision: Decision) -> dict[str, Any] | None:
    """Return the answer that counted if it is this one; None while the review waits.

    Errors: ConflictError: another one counted, or none is waited for; NotFoundError: no review was ever asked for.
    """
    if row.status == "REVIEW" and row.execution_status not in FINAL:
        return None
    if row.answer is not None:
        if decision.is_in(row.answer):
            return row.answer
        at = datetime.fromtimestamp(row.answer["at"] / 1000, UTC).isoformat(timespec="milliseconds")
        raise ConflictError(
            f"The review was answered before: {row.answer['status']} by {row.answer['by']} at {at}.",
            status_of_review=row.answer["status"],
            by=row.answer["by"],
            at=at,
        )
    if row.review is None and row.status not in FINAL:
        raise ConflictError(
            f"The node execution waits for no decision: it is {row.status}.", status=row.status
        )
    if row.review is None:
        raise NotFoundError(f"Nobody was asked about the node execution {row.id}.")
    raise ConflictError(
        f"The node execution waits for no decision any more: it is {row.status}.", status=row.status
    )
