"""Why an execution or a node execution is not done yet: `{"kind": ...}` beside the status. Pure.

Most reasons are in the events; here they are completed (whatever runs has a reason), dropped when their time has passed,
and summed up for the execution. Times are Unix milliseconds. Kinds: admission, lane, reissued, running, timer, retry,
review, children, calls, waiting, released, redis; of nodes that ended: continued, disabled, given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

FINAL = frozenset({"COMPLETED", "FAILED", "TERMINATED"})
Reason = dict[str, Any]
LOOKED_AT = 200
"""Newest node executions of an execution that its reason is made of."""
_FIRST = ("running", "redis", "reissued", "lane", "retry", "timer", "children", "review", "calls")
"""What is told of an execution when its nodes have several reasons: what moves it, before what it waits for."""
_DUE = {"timer": "until", "retry": "at"}


def of_node(
    status: str, reason: Reason | None, *, queued_at: int | None, started_at: int | None, now: int
) -> Reason | None:
    """Return why a node execution is where it is; None if there is nothing to say of one that ended."""
    if status in FINAL:
        return reason
    kind = (reason or {}).get("kind")
    due = (reason or {}).get(_DUE.get(str(kind), ""))
    passed = isinstance(due, int) and due <= now
    if reason is not None and kind != "released" and not passed:
        return reason
    if status == "RUNNING" and kind != "timer":
        return {"kind": "running", "since": started_at}
    if status == "INCOMPLETE":
        return {"kind": "waiting"}
    lane: Reason = {"kind": "lane", "since": due if passed else queued_at}
    return lane if kind != "released" or reason is None else {**lane, "missing": reason.get("missing", [])}


def of_execution(
    status: str, reason: Reason | None, nodes: Iterable[Reason | None], *, started_at: int | None
) -> Reason | None:
    """Return why an execution has not ended; None for one that has. `nodes`: reasons of its open node executions."""
    if status in FINAL:
        return None
    if status != "RUNNING":
        return reason or {"kind": "admission" if status in ("QUEUED", "INCOMPLETE") else "review"}
    found: dict[str, list[Reason]] = {}
    for each in nodes:
        if each is not None:
            found.setdefault(str(each.get("kind")), []).append(each)
    for kind in _FIRST:
        if kind in found:
            first = min(found[kind], key=_when)
            return {**first, "nodes": len(found[kind])}
    return {"kind": "running", "since": started_at}


def _when(reason: Reason) -> int:
    times = [reason.get(name) for name in ("until", "at", "since")]
    return next((time for time in times if isinstance(time, int)), 0)
