"""A person's answer to a review. The first one counts; later ones find nothing that waits."""

from __future__ import annotations

from typing import Any

import orjson

from millstream.schemas.messages import Answer, Delta, Failure
from millstream.streams.cells import Open
from millstream.streams.readiness import load
from millstream.streams.results import complete
from millstream.streams.state import numbers
from millstream.streams.stepping import Step


def on_answer(step: Step, message: Answer) -> None:
    """Give the decision to whoever waits for it: a review block is run again with it, a sensitive block runs or fails."""
    found = _waiting(step, message.node_execution_id)
    if found is None:
        return
    index, k, opened = found
    step.head.reviews -= 1
    answer: dict[str, Any] = {
        "status": "APPROVED" if message.approved else "REJECTED",
        "message": message.message,
        "by": message.by,
        "at": step.at,
    }
    if message.data is not None and message.data.inline is not None:  # the edge takes no data by reference
        answer["data"] = load(message.data)
    if opened.state == "approval" and not message.approved:
        failure = Failure(
            code="rejected", kind="BlockExecutionError", message=message.message or "a person rejected it"
        )
        complete(step, index, k, opened, failure, {"review": answer})
        return
    if opened.state == "approval":
        opened.approved = True
        if isinstance(answer.get("data"), dict):
            opened.input = orjson.dumps(answer["data"])
    else:
        opened.resumed, opened.resumed_value = orjson.dumps({"review": answer}), None
    opened.state = "ready"
    step.tell(
        Delta(
            kind="NODE",
            node_execution_id=message.node_execution_id,
            node_id=step.plan.node(index).id,
            status="QUEUED",
            detail=orjson.dumps({"review": answer}),
            at=step.at,
        )
    )
    step.enqueue(index, k, opened)


def _waiting(step: Step, node_execution_id: bytes) -> tuple[int, int, Open] | None:
    for name in step.state.names(b"o"):
        index, k = numbers(name)
        opened = step.state.get(name, Open)
        if opened is None or opened.state not in ("review", "approval"):
            continue
        if step.node_execution_id(step.plan.node(index), k) == node_execution_id:
            return index, k, opened
    return None
