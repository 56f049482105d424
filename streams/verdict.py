"""What became of an execution, plainly: a run whose nodes failed, starved or ran out of time is not a success.

`status` has AutoGPT's names, by which a run with failed nodes is COMPLETED; the verdict says the rest. A join that was
released is no longer among the cells of waiting node executions, so it never counts as left waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millstream.schemas.messages import Failure
from millstream.streams.cells import Arrived, Failed, Missing
from millstream.streams.state import key, numbers

if TYPE_CHECKING:
    from millstream.streams.stepping import Step

LISTED = 20
"""How many nodes a verdict names, and how many pins of a node."""
MESSAGE_CHARS = 300
WALL_TIME = "wall_time"
"""Code of the failure of an execution that ran over its time limit."""
OVER_BUDGET = "over_budget"
"""Code of the failure of an execution that has cost more than it may; also the verdict's result."""
_RESULTS = {WALL_TIME: "timed_out", OVER_BUDGET: OVER_BUDGET}


def verdict_of(step: Step, status: str) -> dict[str, Any]:
    """Return `{"result": ...}` and the facts: failed nodes with block and message, starved ones with pins, who stopped it.

    A node that failed when it was called is its caller's affair.
    Results: ok, errors, left_waiting, stopped, timed_out, over_budget, failed.
    """
    head = step.head
    verdict: dict[str, Any] = {"result": _result(step, status)}
    if status == "TERMINATED":
        verdict["by"] = step.stopped_by
        if step.stop_reason:
            verdict["reason"] = step.stop_reason
    if verdict["result"] == OVER_BUDGET:
        verdict |= {"budget_microusd": head.budget_microusd, "cost_microusd": head.cost_microusd}
    uncaught = head.error_count - head.handled
    if uncaught:
        verdict["errors"] = uncaught
        verdict["failed_nodes"] = [step.plan.node(index).id for index in head.failed]
    if uncaught or head.troubled:
        verdict["failed"] = _failed(step)
    if head.waiting:
        verdict["waiting"] = left_waiting(step)
        verdict["waiting_count"] = head.waiting
    return verdict


def _result(step: Step, status: str) -> str:
    head = step.head
    if status == "TERMINATED":
        return "stopped"
    if status == "FAILED":
        return _RESULTS.get(step.failure.code if step.failure is not None else "", "failed")
    if head.error_count > head.handled or head.troubled:
        return "errors"
    return "left_waiting" if head.waiting else "ok"


def note_failure(step: Step, index: int, failure: Failure, child: bytes | None = None) -> None:
    """Keep the first failure of a node for the verdict; of the first nodes only, so that a step stays small."""
    head = step.head
    known = index in head.failed
    if not known and len(head.failed) >= LISTED:
        return
    if child is None and not known:
        head.failed = [*head.failed, index]
    name = key(b"f", index)
    if step.state.get(name, Failed) is None:
        step.state.put(name, Failed(failure.code, failure.message[:MESSAGE_CHARS], child))


def _failed(step: Step) -> list[dict[str, Any]]:
    found = []
    for name in step.state.names(b"f")[:LISTED]:
        cell = step.state.get(name, Failed)
        if cell is None:
            continue
        node = step.plan.node(numbers(name)[0])
        entry = {"node": node.id, "block": node.block.id, "code": cell.code, "message": cell.message}
        found.append(entry if cell.child is None else {**entry, "execution_id": cell.child.hex()})
    return found


def left_waiting(step: Step) -> list[dict[str, Any]]:
    """Return the first node executions that lack inputs: node, missing pins, and a sentence."""
    found = []
    for name in step.state.names(b"m")[:LISTED]:
        index, k = numbers(name)
        node = step.plan.node(index)
        missing = step.state.get(name, Missing)
        if missing is None:
            continue
        pins = missing.pins or [
            pin
            for pin, number in node.linked.items()
            if step.state.get(key(b"a", index, k, number), Arrived) is None
        ]
        found.append({"node": node.id, "pins": pins[:LISTED], "reason": missing.why or "no value arrived"})
    return found
