"""Timers that came due. Each is effective once: its cell goes with it, and a timer without a cell is ignored."""

from __future__ import annotations

from millstream.schemas.messages import Answer, Timer
from millstream.streams.cells import Due, Open
from millstream.streams.resting import unpark
from millstream.streams.results import lease_ended
from millstream.streams.reviews import on_answer
from millstream.streams.state import key
from millstream.streams.stepping import Step
from millstream.streams.verdict import WALL_TIME


def on_timer(step: Step, message: Timer) -> None:
    """Do what the timer was set for."""
    name = key(b"t", message.timer)
    due = step.state.get(name, Due)
    if due is None:
        return
    step.state.pop(name)
    step.head.due -= 1
    if due.kind == "wall":
        step.fail(WALL_TIME, "the execution ran over its time limit")
    elif due.kind == "review":
        _answer_by_default(step, due)
    elif due.kind == "lease":
        lease_ended(step, due.node, due.k)
    else:
        _resume(step, due)


def _answer_by_default(step: Step, due: Due) -> None:
    opened = step.state.get(key(b"o", due.node, due.k), Open)
    if opened is None or opened.state not in ("review", "approval"):
        return
    node = step.plan.node(due.node)
    answer = Answer(
        execution_id=step.state.id,
        node_execution_id=step.node_execution_id(node, due.k),
        approved=node.policy.review_default == "approve",
        message="nobody answered in time",
        by="timeout",
    )
    on_answer(step, answer)


def _resume(step: Step, due: Due) -> None:
    opened = step.state.get(key(b"o", due.node, due.k), Open)
    if opened is None or opened.state != "timer":
        return
    unpark(step, opened)
    opened.state = "ready"
    step.enqueue(due.node, due.k, opened)
