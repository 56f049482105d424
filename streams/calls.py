"""Calls: a node execution has nodes that are linked from its tool pins run for it, and goes on with what they gave.

Each call is a node execution of its own, or of an agent node a child execution: in events, costs and limits as any other; its
outputs also go along its links. The caller waits meanwhile and is counted nowhere: those that it called are. Calls begin in
their order, at most `parallel` at once; when the last one has ended the caller's next task has the results in that order. What
a call gave is kept in cells of its own until then, so that each step writes little however many calls there are.

Pins of a called node that are linked from elsewhere have their newest value in each call. A call waits until there is one; it
fails if nothing else can happen any more.

A call that fails is a result like any other: what becomes of it is the caller's to say, and so the verdict does not count it.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import msgspec
import orjson

from millstream.schemas.messages import Delta, Emit, Failure, Park, Payload, Slot
from millstream.streams.cells import Called, Calls, Chunk, Given, Node, Open, Pending, Statics, Waiting
from millstream.streams.delivery import queue
from millstream.streams.effects import Put
from millstream.streams.plan import RunNode
from millstream.streams.readiness import Unready, assemble, inline, load
from millstream.streams.state import key
from millstream.streams.stepping import NODE_LIMIT, Step

CALL_LIMIT = 1000
"""Calls of one round."""
PARALLEL_LIMIT = 256
DEPTH_LIMIT = 32
"""Calls within calls."""
VALUE_LIMIT = 1000
"""Values that one call may give."""
INLINE_BYTES = 4096
"""A larger result goes into the object store."""
LISTED = 20
_SKIPPED = b'{"status":"SKIPPED","outputs":[],"error":"not begun, because an earlier call failed"}'


def begin(step: Step, index: int, k: int, opened: Open, park: Park, began: int) -> None:
    """A run ended by calling others: keep the calls, and start as many as may be under way."""
    step.head.node_count += 1  # so that a caller that goes on for ever comes to the limit, whatever it calls
    if step.head.node_count > NODE_LIMIT:
        step.fail(
            "too_many_nodes",
            f"more than {NODE_LIMIT:,} node executions and rounds of calls; an endless loop?",
        )
        return
    if len(park.calls) > CALL_LIMIT:
        step.fail("too_many_calls", f"{len(park.calls):,} calls at once, at most {CALL_LIMIT:,} are possible")
        return
    opened.state, opened.rounds = "calls", opened.rounds + 1
    for number, call in enumerate(park.calls):
        step.state.put(key(b"q", index, k, number), Pending(call.node, call.input, call.slots))
    calls = Calls(len(park.calls), max(1, min(park.parallel, PARALLEL_LIMIT)), park.stop)
    step.state.put(key(b"g", index, k), calls)
    step.state.put(key(b"o", index, k), opened)
    node = step.plan.node(index)
    reason = {
        "kind": "calls",
        "round": opened.rounds,
        "count": calls.total,
        "nodes": list(dict.fromkeys(call.node for call in park.calls))[:LISTED],
        "since": step.at,
    }
    step.tell(
        Delta(
            kind="RUNNING",
            node_execution_id=step.node_execution_id(node, k),
            node_id=node.id,
            status="RUNNING",
            detail=orjson.dumps({"reason": reason}),
            at=began,
        )
    )
    _go_on(step, node, k, calls)


def _go_on(step: Step, caller: RunNode, k: int, calls: Calls) -> None:
    """Begin the next calls as far as there is room; when none is left, call the caller again."""
    state, index = step.state, caller.index
    opened = state.get(key(b"o", index, k), Open)
    assert opened is not None
    while step.ended is None and calls.running < calls.parallel and calls.next < calls.total:
        if calls.stop and calls.failed:
            break
        number, name = calls.next, key(b"q", index, k, calls.next)
        pending = state.get(name, Pending)
        assert pending is not None
        state.pop(name)
        calls.next += 1
        calls.running += 1
        _begin_one(step, caller, k, calls, number, pending)
    state.put(key(b"g", index, k), calls)
    if not calls.running and step.ended is None:
        _resume(step, caller, k, opened, calls)


def _begin_one(
    step: Step, caller: RunNode, k: int, calls: Calls, number: int, pending: Pending, *, wait: bool = True
) -> bool:
    """Begin a call that is counted as under way. Returns False if it was refused, and so has ended."""
    opened = step.state.get(key(b"o", caller.index, k), Open)
    assert opened is not None
    refused = _start(step, caller, k, opened, number, pending, wait=wait)
    if refused is None:
        return True
    calls.running -= 1
    calls.failed += 1
    step.head.node_count += 1
    given = _given(step, None, "FAILED", refused, [], [])
    step.state.put(key(b"z", caller.index, k, number), given)
    return False


def on_kept(step: Step, index: int) -> None:
    """A value has come to a called node: begin the calls that waited for it."""
    name = key(b"w", index)
    waiting = step.state.get(name, Waiting)
    if waiting is not None:
        step.state.pop(name)
        _again(step, waiting.calls, wait=True)


def give_up(step: Step) -> bool:
    """Nothing can happen any more: calls that wait for a value fail. Returns whether there were any."""
    if not step.head.held_calls:
        return False
    for name in step.state.names(b"w"):
        waiting = step.state.get(name, Waiting)
        if waiting is not None:
            step.state.pop(name)
            _again(step, waiting.calls, wait=False)
    return True


def _again(step: Step, waiting: list[tuple[int, int, int]], *, wait: bool) -> None:
    step.head.held_calls -= len(waiting)
    refused: dict[tuple[int, int], Calls] = {}
    for index, k, number in waiting:
        calls = step.state.get(key(b"g", index, k), Calls)
        name = key(b"q", index, k, number)
        pending = step.state.get(name, Pending)
        assert calls is not None
        assert pending is not None
        step.state.pop(name)
        if not _begin_one(step, step.plan.node(index), k, calls, number, pending, wait=wait):
            refused[index, k] = calls
        step.state.put(key(b"g", index, k), calls)
    for (index, k), calls in refused.items():
        if step.ended is None:
            _go_on(step, step.plan.node(index), k, calls)


def _start(
    step: Step, caller: RunNode, k: int, opened: Open, number: int, pending: Pending, *, wait: bool
) -> Failure | None:
    """Queue the called node with the given inputs, or let the call wait. Returns why it cannot run, if so."""
    depth = 1 if opened.call is None else opened.call.depth + 1
    found = caller.callable.get(pending.node)
    if found is None:
        return _refusal("call_unknown", f"no node {pending.node!r} is linked from a tool pin of the caller")
    if depth > DEPTH_LIMIT:
        return _refusal("call_too_deep", f"more than {DEPTH_LIMIT} calls within each other")
    index, pins = found
    inputs = orjson.loads(pending.input)
    if not isinstance(inputs, dict):
        return _refusal("call_input", "the inputs of a call are no JSON object")
    given: dict[str, Payload] = {pin: inline(value) for pin, value in inputs.items()}
    given |= {_pin(slot.path): slot.value for slot in pending.slots}
    strange = sorted(given.keys() - pins)
    if strange:
        return _refusal("call_input", f"no link of the caller leads to {', '.join(map(repr, strange[:5]))}")
    node = step.plan.node(index)
    kept = step.state.get(key(b"k", index), Statics) if node.kept else None
    values = {**({} if kept is None else kept.values), **given}
    mask = step.masks.get(node.id, {})
    if wait and any(pin not in values and pin not in mask for pin in node.kept - node.called):
        _hold(step, index, caller.index, k, number, pending)
        return None
    loaded = {pin: load(value) for pin, value in values.items()}
    input_ = assemble(node, loaded, mask, excused=node.called | pins)
    if isinstance(input_, Unready):
        return _refusal("call_input", input_.reason)
    counters = step.state.get(key(b"n", index), Node) or Node()
    k_called = counters.created
    counters.created += 1
    step.state.put(key(b"n", index), counters)
    by = str(UUID(bytes=step.node_execution_id(caller, k)))
    detail = orjson.dumps({"called": {"by": by, "round": opened.rounds, "number": number}})
    queue(step, node, k_called, input_, values, detail=detail, call=Called(caller.index, k, number, depth))
    return None


def _hold(step: Step, index: int, caller: int, k: int, number: int, pending: Pending) -> None:
    waiting = step.state.get(key(b"w", index), Waiting) or Waiting()
    waiting.calls = [*waiting.calls, (caller, k, number)]
    step.state.put(key(b"w", index), waiting)
    step.state.put(key(b"q", caller, k, number), pending)
    step.head.held_calls += 1


def _refusal(code: str, message: str) -> Failure:
    return Failure(code=code, kind="BlockInputError", message=message)


def _pin(pointer: str) -> str:
    return pointer[1:].replace("~1", "/").replace("~0", "~")


def keep_outputs(step: Step, index: int, k: int, call: Called, outputs: list[Emit]) -> None:
    """A called node execution has emitted: keep it for the caller. Whoever calls this writes the node execution."""
    room = VALUE_LIMIT - call.values
    call.values += len(outputs)
    if room <= 0:
        return
    chunk = Chunk([(emit.pin, emit.value, {}) for emit in outputs[:room]])
    step.state.put(key(b"y", index, k, call.chunks), chunk)
    call.chunks += 1


def ended(step: Step, index: int, k: int, call: Called, failure: Failure | None) -> None:
    """A called node execution has ended: note what it gave, and let its caller go on."""
    state = step.state
    calls = state.get(key(b"g", call.node, call.k), Calls)
    assert calls is not None
    if call.values > VALUE_LIMIT and failure is None:
        failure = _refusal(
            "call_output", f"it emitted {call.values:,} values, a call takes {VALUE_LIMIT:,} at most"
        )
    outputs: list[tuple[str, Payload]] = []
    for number in range(call.chunks):
        name = key(b"y", index, k, number)
        chunk = state.get(name, Chunk)
        outputs += [(pin, value) for pin, value, _ in (chunk.outputs if chunk else ())]
        state.pop(name)
    id_ = step.node_execution_id(step.plan.node(index), k)
    given = _given(step, id_, "COMPLETED" if failure is None else "FAILED", failure, *_split(outputs))
    state.put(key(b"z", call.node, call.k, call.number), given)
    calls.running -= 1
    calls.failed += failure is not None
    state.put(key(b"g", call.node, call.k), calls)
    if step.ended is None:
        _go_on(step, step.plan.node(call.node), call.k, calls)


def _split(outputs: list[tuple[str, Payload]]) -> tuple[list[tuple[str, Any]], list[Slot]]:
    """Return pairs of pin and value, and slots for the values that are in the object store."""
    pairs: list[tuple[str, Any]] = []
    slots: list[Slot] = []
    for number, (pin, value) in enumerate(outputs):
        if value.inline is None:
            slots.append(Slot(path=f"/outputs/{number}/1", value=value))
        pairs.append((pin, None if value.inline is None else orjson.Fragment(value.inline)))
    return pairs, slots


def _given(
    step: Step,
    id_: bytes | None,
    status: str,
    failure: Failure | None,
    pairs: list[tuple[str, Any]],
    slots: list[Slot],
) -> Given:
    result: dict[str, Any] = {"status": status, "outputs": pairs}
    if id_ is not None:
        result["node_execution_id"] = str(UUID(bytes=id_))
    if failure is not None:
        result |= {"error": failure.message, "code": failure.code}
    return _small(step, Given(orjson.dumps(result), slots))


def _small(step: Step, given: Given) -> Given:
    """Put a large result into the object store: what is left is its place, and those of the values within it."""
    if len(given.data) <= INLINE_BYTES:
        return given
    digest = hashlib.sha256(given.data).digest()
    ref = f"values/{step.head.user_id}/{digest.hex()}"
    step.effects.puts.append(Put(ref, given.data))
    type_ = "array" if given.data[:1] == b"[" else "object"
    whole = Payload(ref=ref, type=type_, size=len(given.data), sha256=digest)
    return Given(b"null", [Slot(path="", value=whole), *given.slots])


def _resume(step: Step, caller: RunNode, k: int, opened: Open, calls: Calls) -> None:
    """All calls have ended: gather what they gave and queue the caller again."""
    state, index = step.state, caller.index
    parts: list[bytes] = []
    slots: list[Slot] = []
    for number in range(calls.total):
        if number >= calls.next:
            state.pop(key(b"q", index, k, number))
            parts.append(_SKIPPED)
            continue
        name = key(b"z", index, k, number)
        given = state.get(name, Given)
        assert given is not None
        state.pop(name)
        parts.append(given.data)
        slots += [msgspec.structs.replace(slot, path=f"/{number}{slot.path}") for slot in given.slots]
    state.pop(key(b"g", index, k))
    state.put(key(b"v", index, k), _small(step, Given(b"[" + b",".join(parts) + b"]", slots)))
    opened.state = "ready"
    step.tell(
        Delta(
            kind="NODE",
            node_execution_id=step.node_execution_id(caller, k),
            node_id=caller.id,
            status="QUEUED",
            detail=orjson.dumps({"calls": {"round": opened.rounds, "failed": calls.failed}}),
            at=step.at,
        )
    )
    step.enqueue(index, k, opened)
