"""A nudge: nothing was heard of an execution for long. What it waits for is looked at in its true state.

A task is given again only if it was not heard of for long and waits in no lane any more: the workers of its lane have taken
all that is as old. It is the same task with the same attempt, so whichever of its runs speaks first is the one that counts,
and a block that may not run twice still finds the claim of its first run. A run that is heard of is told once more, so that a
healthy block that takes hours is not taken for a silent one. Otherwise a nudge changes nothing.
"""

from __future__ import annotations

from collections import Counter

import orjson

from millstream.schemas.messages import Delta, Failure, Nudge
from millstream.streams.cells import Open
from millstream.streams.plan import RunNode
from millstream.streams.results import LEASE_MS, settle_node, still_running
from millstream.streams.state import key, numbers
from millstream.streams.stepping import Step

GIVEN_LIMIT = 3
"""How often a task is given again before its node fails with the code `lost`."""
MARGIN_MS = 5_000
"""What a task may have taken from its decision to its lane."""


def on_nudge(step: Step, message: Nudge) -> None:
    """Give lost tasks again, or fail their nodes. The step's end then ends an execution that waits for nothing."""
    silent_ms = max(message.silent_ms, LEASE_MS)
    taken = {each.lane: each.age_ms for each in message.taken}
    states: Counter[str] = Counter()
    lost: list[tuple[RunNode, int, Open]] = []
    for name in step.state.names(b"o"):
        opened = step.state.get(name, Open)
        if opened is None:
            continue
        states[opened.state] += 1
        states["rests"] += opened.rests
        index, k = numbers(name)
        node = step.plan.node(index)
        if _lost(step, opened, silent_ms, taken.get(node.block.lane)):
            lost.append((node, k, opened))
        else:
            still_running(step, index, k, opened)
    _recount(step, states)
    for node, k, opened in lost:
        if step.ended is None:
            _give_again(step, node, k, opened)


def _lost(step: Step, opened: Open, silent_ms: int, taken_ms: int | None) -> bool:
    if opened.state != "running" or opened.spare is not None or taken_ms is None:
        return False  # a spare result has a timer of its own
    silent = step.at - max(opened.given_at, opened.heard_at) >= silent_ms
    return silent and opened.given_at < step.at - taken_ms - MARGIN_MS


def _recount(step: Step, states: Counter[str]) -> None:
    """The counters that keep an execution open follow from its cells; a wrong one would keep it open for ever."""
    step.head.in_flight = states["running"]
    step.head.parked = states["timer"] + states["child"]
    step.head.resting = states["rests"]
    step.head.reviews = states["review"] + states["approval"]


def _give_again(step: Step, node: RunNode, k: int, opened: Open) -> None:
    lane = node.block.lane
    if opened.given >= GIVEN_LIMIT:
        step.head.in_flight -= 1
        step.head.gate = max(0, step.head.gate - 1)
        failure = Failure(
            code="lost",
            kind="BlockExecutionError",
            message=f"the task was given to the lane {lane!r} {opened.given + 1} times, and each time nothing came back: its "
            "workers were lost, or the block brings them down. The workers' logs say more; then retry.",
        )
        detail = {"stats": {"attempt": opened.attempt}, "started_at": opened.started_at or opened.issued_at}
        settle_node(step, node.index, k, opened, failure, detail)
        return
    opened.given += 1
    opened.given_at, opened.started_at = step.at, 0
    step.state.put(key(b"o", node.index, k), opened)
    step.give(node, k, opened)
    reason = {"kind": "reissued", "lane": lane, "time": opened.given, "of": GIVEN_LIMIT}
    step.tell(
        Delta(
            kind="NODE",
            node_execution_id=step.node_execution_id(node, k),
            node_id=node.id,
            status="QUEUED",
            detail=orjson.dumps({"reason": reason}),
            at=step.at,
        )
    )
