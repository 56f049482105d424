"""Joins: nodes that run with what has arrived once nothing more can come.

A node waits for a value on each linked pin, as AutoGPT's do, for ever if a branch was not taken. A join (a flag of its
block) waits until the execution would otherwise end: no task is with a worker, none is queued, no timer, child or review is
open. Then the first join that can is released, the execution goes on, and it may come to rest again. Joins are looked at in
the order of the plan, save that one which leads to another goes first.
"""

from __future__ import annotations

import orjson

from millstream.streams.cells import Missing, Node
from millstream.streams.delivery import clear, collect, fill_static, queue
from millstream.streams.plan import RunNode
from millstream.streams.readiness import Unready, assemble, load
from millstream.streams.state import key
from millstream.streams.stepping import Step
from millstream.streams.verdict import LISTED

RELEASED = 64
"""Waiting executions of one join that are looked at, and released, at a time: a step stays of bounded size."""
AT_LEAST = "at_least"
"""Input of a join: how many pins must have a value."""


def release(step: Step) -> bool:
    """Queue waiting executions of the first join that has any with enough values. Returns whether there was one."""
    if not step.head.waiting:
        return False
    return any(_released(step, index) for index in step.plan.joins())


def _released(step: Step, index: int) -> int:
    """Release executions of one join, oldest first; returns how many."""
    node = step.plan.node(index)
    counters = step.state.get(key(b"n", index), Node)
    if counters is None or len(node.linked) < 2:
        return 0  # with one linked pin it waits only for what does not fit
    last = min(counters.created, counters.oldest + RELEASED)
    return sum([_try(step, node, k, counters) for k in range(counters.oldest, last)])


def _try(step: Step, node: RunNode, k: int, counters: Node) -> bool:
    if step.ended is not None or step.state.get(key(b"m", node.index, k), Missing) is None:
        return False
    values = collect(step, node, k)
    fill_static(step, node, values)
    mask = step.masks.get(node.id)
    found = assemble(node, {p: load(v) for p, v in values.items()}, mask, released=True)
    if isinstance(found, Unready):
        return False
    there = [pin for pin in node.linked if pin != AT_LEAST and (pin in values or pin in (mask or {}))]
    least = found.values.get(AT_LEAST)
    if len(there) < (least if isinstance(least, int) else 1):
        return False
    step.head.waiting -= 1
    clear(step, node, k, counters)
    lacking = [pin for pin in node.linked if pin not in there and pin != AT_LEAST]
    reason = {"kind": "released", "missing": sorted(lacking)[:LISTED]}
    queue(step, node, k, found, values, detail=orjson.dumps({"reason": reason}))
    return True
