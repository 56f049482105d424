"""What workers and child executions report. One node's outputs are taken in the order in which its executions became
ready: the outputs of a later one are held back until all earlier ones have ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from millstream.schemas.codec import decode, encode
from millstream.schemas.messages import ChildEvent, Delta, Emit, Failure, Finished, Output, Started
from millstream.streams import calls, resting, spending
from millstream.streams.cells import Chunk, Held, Node, Open
from millstream.streams.delivery import route
from millstream.streams.gates import await_person
from millstream.streams.notes import note_late, note_spare
from millstream.streams.readiness import inline
from millstream.streams.state import key
from millstream.streams.stepping import Canned, Step
from millstream.streams.verdict import note_failure

LEASE_MS = 15_000
"""A run that was not heard of for so long may be replaced by another one."""
TOLD_MS = 60_000
"""A long run is told again at most so often."""
OUTPUT_LIMIT = 100_000
"""Values that one node execution may emit."""


def on_started(step: Step, message: Started) -> None:
    """A run goes on: bind the node execution to it, or renew its lease."""
    opened = _bound(step, message)
    if opened is None:
        return
    step.head.gate = 0  # it takes long: the others need not wait
    _tell_running(step, message, opened)
    step.state.put(key(b"o", message.node, message.k), opened)


def on_output(step: Step, message: Output) -> None:
    """Values of a run that goes on."""
    opened = _bound(step, message)
    if opened is None:
        return
    _tell_running(step, message, opened)
    _take(step, message.node, message.k, opened, message.first, message.outputs)
    step.state.put(key(b"o", message.node, message.k), opened)


def _tell_running(step: Step, message: Started | Output, opened: Open) -> None:
    """Once for each run, with since when and by whom; and when what it waits for changes."""
    waits = message.waits if isinstance(message, Started) else None
    if not opened.started_at or waits != opened.waits:
        opened.started_at, opened.waits = message.at, waits
        _say_running(step, message.node, message.k, opened)


def still_running(step: Step, index: int, k: int, opened: Open) -> None:
    """Somebody asks about a run that was heard of within its lease: tell once more that it runs, so that whoever watches
    sees that a long block is a healthy one."""
    alive = opened.state == "running" and opened.started_at and step.at < opened.heard_at + LEASE_MS
    if alive and step.at >= opened.told_at + TOLD_MS:
        _say_running(step, index, k, opened)
        step.state.put(key(b"o", index, k), opened)


def _say_running(step: Step, index: int, k: int, opened: Open) -> None:
    opened.told_at = step.at
    reason = {"kind": opened.waits or "running", "since": opened.started_at, "worker": opened.worker}
    detail = orjson.dumps({"reason": reason})
    _tell(step, index, k, Delta(kind="RUNNING", status="RUNNING", detail=detail, at=opened.started_at))


def on_finished(step: Step, message: Finished) -> None:
    """A run ended: well, badly, or to be called again."""
    opened = _bound(step, message)
    if opened is None:
        return
    note_spare(step, opened, message)
    index, k = message.node, message.k
    _take(step, index, k, opened, message.first, message.outputs)
    spending.spent(step, message)
    step.head.in_flight -= 1
    step.head.gate = max(0, step.head.gate - 1)
    if message.park is not None:
        _park(step, index, k, opened, message)
    elif message.failure is not None and _retry(step, index, k, opened, message.failure):
        pass
    else:
        stats = {"elapsed_ms": message.elapsed_ms, "attempt": opened.attempt}
        settle_node(step, index, k, opened, message.failure, {"stats": stats, "started_at": message.at})


def _bound(step: Step, message: Started | Output | Finished) -> Open | None:
    """Return the node execution if this run may speak for it. The first run heard of is bound; another one replaces it
    when it comes from the same worker (which was restarted) or when the lease has ended."""
    opened = step.state.get(key(b"o", message.node, message.k), Open)
    if opened is None or opened.state != "running" or opened.attempt != message.attempt:
        _not_taken(step, message)
        return None
    if opened.run_id not in (None, message.run_id):
        leased = step.at < opened.heard_at + LEASE_MS and opened.worker != message.worker
        if leased:
            if isinstance(message, Finished) and message.first == 0 and opened.spare is None:
                opened.spare = encode(message)
                step.state.put(key(b"o", message.node, message.k), opened)
                step.set_timer(opened.heard_at + LEASE_MS, "lease", message.node, message.k)
            else:
                _not_taken(step, message)
            return None
    opened.run_id, opened.worker, opened.heard_at = message.run_id, message.worker, step.at
    return opened


def _not_taken(step: Step, message: Started | Output | Finished) -> None:
    if isinstance(message, Finished):
        note_late(step, message)


def lease_ended(step: Step, index: int, k: int) -> None:
    """The bound run may be gone: take the result of the other run that was kept, or wait another lease."""
    opened = step.state.get(key(b"o", index, k), Open)
    if opened is None or opened.spare is None or opened.state != "running":
        return
    if step.at < opened.heard_at + LEASE_MS:
        step.set_timer(opened.heard_at + LEASE_MS, "lease", index, k)
        return
    spare = decode(opened.spare)
    assert isinstance(spare, Finished)
    opened.run_id, opened.spare = None, None
    step.state.put(key(b"o", index, k), opened)
    on_finished(step, spare)


def _take(step: Step, index: int, k: int, opened: Open, first: int, outputs: list[Emit]) -> None:
    """Tell and route outputs that were not seen yet."""
    fresh = outputs[max(0, opened.seen - first) :]
    opened.seen = max(opened.seen, first + len(outputs))
    node = step.plan.node(index)
    if opened.seen > OUTPUT_LIMIT:
        step.fail(
            "too_many_outputs", f"node {node.id!r} emitted more than {OUTPUT_LIMIT:,} values in one execution"
        )
        return
    for emit in fresh:
        _tell(step, index, k, Delta(kind="OUTPUT", pin=emit.pin, value=emit.value, at=step.at))
        if node.block.kind == "Output" and emit.pin == "output":
            step.tell_parent_output(node.name, emit.value)
    if fresh and opened.call is not None:
        calls.keep_outputs(step, index, k, opened.call, fresh)
    if not fresh or not node.out:
        return
    counters = step.state.get(key(b"n", index), Node)
    assert counters is not None
    if counters.front == opened.order:
        for emit in fresh:
            route(step, index, emit.pin, emit.value, {p.selector: p.value for p in emit.picked})
        return
    held = step.state.get(key(b"h", index, opened.order), Held) or Held()
    chunk = Chunk([(e.pin, e.value, {p.selector: p.value for p in e.picked}) for e in fresh])
    step.state.put(key(b"c", index, opened.order, held.chunks), chunk)
    held.chunks += 1
    step.state.put(key(b"h", index, opened.order), held)


def settle_node(
    step: Step, index: int, k: int, opened: Open, failure: Failure | None, detail: dict[str, Any]
) -> None:
    """A node execution ended and is not tried again: do what its policy says of failures."""
    policy = step.plan.node(index).policy
    if failure is None or policy.on_error == "error_pin":
        complete(step, index, k, opened, failure, detail)
        return
    if policy.on_error == "fail":
        complete(step, index, k, opened, failure, detail)
        step.fail(failure.code, f"node {step.plan.node(index).id!r} failed: {failure.message}")
        return
    detail["failure"] = {"code": failure.code, "kind": failure.kind, "message": failure.message}
    detail["reason"] = {"kind": "continued"}
    default: dict[str, Any] = orjson.loads(policy.default)
    _take(step, index, k, opened, opened.seen, [Emit(pin=p, value=inline(v)) for p, v in default.items()])
    complete(step, index, k, opened, None, detail)


def emit_canned(step: Step, index: int, k: int, opened: Open, canned: Canned) -> None:
    """Complete a node execution with outputs that were given instead of a run: disabled, pinned, recorded."""
    reason = "disabled" if step.plan.node(index).policy.disabled else "given"
    step.head.gate = max(0, step.head.gate - 1)
    emits = [Emit(pin=pin, value=inline(value)) for pin, value in canned if pin != "error"]
    _take(step, index, k, opened, 0, emits)
    failed = next((value for pin, value in canned if pin == "error"), None)
    failure = (
        None if failed is None else Failure(code="recorded", kind="BlockExecutionError", message=str(failed))
    )
    complete(step, index, k, opened, failure, {"stats": {"elapsed_ms": 0}, "reason": {"kind": reason}})


def complete(
    step: Step,
    index: int,
    k: int,
    opened: Open,
    failure: Failure | None,
    detail: dict[str, Any],
    *,
    trouble: Failure | None = None,
) -> None:
    """A node execution ended: tell it, route its error, let go what was held back behind it, and let its caller go on.

    `trouble`: it completed, but its caller should know that it did not go well.
    """
    state, call = step.state, opened.call
    if failure is not None:
        step.head.error_count += 1
        if call is None:
            note_failure(step, index, failure)
        else:
            step.head.handled += 1
        detail["failure"] = {
            "code": failure.code,
            "kind": failure.kind,
            "message": failure.message,
            "retryable": failure.retryable,
        }
        error = Emit(pin="error", value=inline(failure.message))
        _take(step, index, k, opened, opened.seen, [error])
    status = "COMPLETED" if failure is None else "FAILED"
    _tell(step, index, k, Delta(kind="NODE", status=status, detail=orjson.dumps(detail), at=step.at))
    state.pop(key(b"o", index, k))
    if opened.rounds:
        state.pop(key(b"v", index, k))
    if step.plan.node(index).out:
        _let_go(step, index, opened)
    if call is not None:
        calls.ended(step, index, k, call, failure or trouble)


def _let_go(step: Step, index: int, opened: Open) -> None:
    state = step.state
    counters = state.get(key(b"n", index), Node)
    assert counters is not None
    if counters.front != opened.order:
        held = state.get(key(b"h", index, opened.order), Held) or Held()
        held.done = True
        state.put(key(b"h", index, opened.order), held)
        return
    counters.front += 1
    state.put(key(b"n", index), counters)
    _release(step, index, counters)


def _release(step: Step, index: int, counters: Node) -> None:
    """Route what later executions of the node have said, as far as they have ended in order."""
    state = step.state
    while True:
        name = key(b"h", index, counters.front)
        held = state.get(name, Held)
        if held is None:
            return
        for number in range(held.chunks):
            chunk_name = key(b"c", index, counters.front, number)
            chunk = state.get(chunk_name, Chunk)
            state.pop(chunk_name)
            for pin, value, picked in chunk.outputs if chunk else ():
                route(step, index, pin, value, picked)
        state.pop(name)
        if not held.done:
            return
        counters.front += 1
        state.put(key(b"n", index), counters)


def _park(step: Step, index: int, k: int, opened: Open, message: Finished) -> None:
    park = message.park
    assert park is not None
    opened.resumed, opened.resumed_value = park.state, park.state_value
    if opened.rounds:
        step.state.pop(key(b"v", index, k))  # the run that ended had them
    began = opened.started_at or message.at
    if park.calls:
        calls.begin(step, index, k, opened, park, began)
        return
    if park.delay_ms is not None:
        opened.state = "timer"
        resting.park(step, opened, park.delay_ms)
        until = step.at + park.delay_ms
        step.set_timer(until, "resume", index, k)
        detail = orjson.dumps({"reason": {"kind": "timer", "until": until}})
        _tell(step, index, k, Delta(kind="RUNNING", status="RUNNING", detail=detail, at=began))
    else:
        opened.state = "review"
        step.head.reviews += 1
        reason = await_person(step, step.plan.node(index), k)
        review = orjson.loads(park.review or b"{}")
        detail = orjson.dumps({"review": review, "reason": reason})
        _tell(step, index, k, Delta(kind="NODE", status="REVIEW", detail=detail, at=step.at))
    step.state.put(key(b"o", index, k), opened)


def _retry(step: Step, index: int, k: int, opened: Open, failure: Failure) -> bool:
    """Try again later if the failure may pass and the node's policy has tries left."""
    policy = step.plan.node(index).policy
    if not failure.retryable or opened.retries >= policy.retries or opened.seen:
        return False
    name = step.node_execution_id(step.plan.node(index), k)
    delay = policy.wait_ms(name, opened.retries)
    opened.retries += 1
    opened.state = "timer"
    resting.park(step, opened, delay)
    due = step.at + delay
    step.set_timer(due, "resume", index, k)
    step.state.put(key(b"o", index, k), opened)
    reason = {
        "kind": "retry",
        "try": opened.retries + 1,
        "of": policy.retries + 1,
        "at": due,
        "error": failure.message,
    }
    _tell(
        step,
        index,
        k,
        Delta(kind="NODE", status="QUEUED", detail=orjson.dumps({"reason": reason}), at=step.at),
    )
    return True


def on_child(step: Step, message: ChildEvent) -> None:
    """A child execution says something, or ends; its outputs are those of the agent node that waits for it."""
    opened = step.state.get(key(b"o", message.node, message.k), Open)
    if opened is None or opened.state != "child" or opened.child != message.child_id:
        return
    _take(step, message.node, message.k, opened, message.first, message.outputs)
    step.state.put(key(b"o", message.node, message.k), opened)
    spending.child_spent(step, opened, message.cost_microusd)
    if message.ended is None:
        resting.rest(step, opened, message.waiting)
    else:
        resting.unpark(step, opened)
        stats = {"node_count": message.node_count, "child_status": message.ended}
        trouble = None if message.result in (None, "ok") else _trouble(message)
        if trouble is not None and opened.call is None:
            step.head.troubled += 1
            note_failure(step, message.node, trouble, message.child_id)
        detail = {"stats": stats, "child": {"execution_id": message.child_id.hex(), "result": message.result}}
        complete(step, message.node, message.k, opened, None, detail, trouble=trouble)


def _trouble(message: ChildEvent) -> Failure:
    """As in AutoGPT the node completes whatever became of its child; the verdict must not call that a success."""
    why = f": {message.failure.message}" if message.failure is not None else ""
    text = f"the agent's execution {UUID(bytes=message.child_id)} ended: {message.result}{why}"
    return Failure(code=f"child_{message.result}", kind="BlockExecutionError", message=text)


def _tell(step: Step, index: int, k: int, delta: Delta) -> None:
    node = step.plan.node(index)
    step.tell(
        Delta(
            kind=delta.kind,
            node_execution_id=step.node_execution_id(node, k),
            node_id=node.id,
            status=delta.status,
            pin=delta.pin,
            value=delta.value,
            detail=delta.detail,
            at=delta.at,
        )
    )
