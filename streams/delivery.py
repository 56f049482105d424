"""Values on their way: from an output pin over its links into the queues of input pins, until a node is ready.

Each linked pin is a queue: a value goes into the oldest execution of the node that lacks this pin, so the executions that
have a pin are always the first ones, and one cursor a pin finds the next. Static pins keep the value of the newest ready
execution. Large fan-ins stay cheap: each value, cursor and counter is a cell of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from millstream.processors.pins import MISSING, read
from millstream.schemas.messages import Delta, Payload, Slot
from millstream.streams.cells import Arrived, Called, Missing, Node, Open, Ready, Statics
from millstream.streams.effects import Put
from millstream.streams.plan import PlanLink, RunNode
from millstream.streams.readiness import Input, Unready, assemble, inline, json_type, load, token
from millstream.streams.state import key
from millstream.streams.stepping import NODE_LIMIT, Step
from millstream.streams.verdict import LISTED

INPUT_LIMIT_BYTES = 256 * 1024
"""Largest input of a node that travels in place; it stands in a task, an event and the state."""


def route(step: Step, index: int, pin: str, value: Payload, picked: Mapping[str, Payload | None]) -> None:
    """Send an output along the node's links, in their order."""
    for link in step.plan.node(index).out:
        selected = _select(step, link, pin, value, picked)
        if selected is not None:
            deliver(step, link.sink, link.sink_name, selected, link.static)


def _select(
    step: Step, link: PlanLink, pin: str, value: Payload, picked: Mapping[str, Payload | None]
) -> Payload | None:
    if link.source_name == pin:
        return value
    if not link.source_name.startswith(pin) and not pin.startswith("tools_^_"):
        return None
    if value.inline is None:
        return picked.get(link.source_name)
    sink = step.plan.node(link.sink).id
    found = read(link.source_name, pin, load(value), sink_id=sink, sink_pin=link.sink_name)
    return None if found is MISSING or found is None else inline(found)


def deliver(step: Step, index: int, pin: str, value: Payload, static: bool) -> None:
    """Put a value into the queue of a pin, and run the node for each set that is complete now."""
    node = step.plan.node(index)
    if pin in node.kept:
        keep(step, node, pin, value)
        return
    counters = _counters(step, index)
    if len(node.linked) == 1:
        k = counters.created
        counters.created += 1
        step.state.put(key(b"n", index), counters)
        _try(step, node, k, {pin: value}, counters, Missing(0, 0, 1), (pin, value))
        return
    k, missing = _place(step, node, counters, pin, value)
    if missing.plain or (missing.static and step.state.get(key(b"s", index), Statics) is None):
        _tell_incomplete(step, node, k, missing, (pin, value))
        return
    ready = _try(step, node, k, collect(step, node, k), counters, missing, (pin, value))
    if ready is not None and static:
        _late_static(step, node, counters, ready)


def keep(step: Step, node: RunNode, pin: str, value: Payload) -> None:
    """A value comes to a node that is called, on a pin that its callers do not fill: the newest one is in each call."""
    name = key(b"k", node.index)
    kept = step.state.get(name, Statics) or Statics({})
    kept.values = {**kept.values, pin: value}
    step.state.put(name, kept)
    if step.head.held_calls:
        step.begin_held(node.index)


def _counters(step: Step, index: int) -> Node:
    counters = step.state.get(key(b"n", index), Node)
    if counters is None:
        counters = Node()
        step.state.put(key(b"n", index), counters)
    return counters


def _place(step: Step, node: RunNode, counters: Node, pin: str, value: Payload) -> tuple[int, Missing]:
    """Put the value into the oldest execution that lacks the pin, or into a new one."""
    state, index, number = step.state, node.index, node.linked[pin]
    cursor_name = key(b"p", index, number)
    cursor = state.get(cursor_name, Ready) or Ready(0, 0)
    k = max(cursor.node, counters.oldest)
    while k < counters.created and state.get(key(b"m", index, k), Missing) is None:
        k += 1
    missing = state.get(key(b"m", index, k), Missing) if k < counters.created else None
    if missing is None:
        k = counters.created
        counters.created += 1
        mask = step.masks.get(node.id, {})
        unmasked = [p for p in node.linked if p not in mask]
        plain = sum(1 for p in unmasked if p not in node.static_pins)
        missing = Missing(plain, len(unmasked) - plain)
        step.head.waiting += 1
        state.put(key(b"n", index), counters)
    if pin not in step.masks.get(node.id, {}):
        if pin in node.static_pins:
            missing.static -= 1
        else:
            missing.plain -= 1
    state.put(cursor_name, Ready(k + 1, 0))
    state.put(key(b"a", index, k, number), Arrived(missing.arrived, value))
    missing.arrived += 1
    state.put(key(b"m", index, k), missing)
    return k, missing


def collect(step: Step, node: RunNode, k: int) -> dict[str, Payload]:
    """Return the values that have arrived for an execution, in the order in which they came."""
    found = []
    for pin, number in node.linked.items():
        arrived = step.state.get(key(b"a", node.index, k, number), Arrived)
        if arrived is not None:
            found.append((arrived.order, pin, arrived.value))
    found.sort(key=lambda entry: entry[0])
    return {pin: value for _, pin, value in found}


def _try(
    step: Step,
    node: RunNode,
    k: int,
    values: dict[str, Payload],
    counters: Node,
    missing: Missing,
    cause: tuple[str, Payload],
    statics: Mapping[str, Payload] | None = None,
) -> Input | None:
    """Make the execution ready if its inputs are complete and fit; else it waits, as AutoGPT's does."""
    if missing.static:
        fill_static(step, node, values, statics)
    loaded = {pin: load(value) for pin, value in values.items()}
    found = assemble(node, loaded, step.masks.get(node.id))
    multi = len(node.linked) > 1
    if isinstance(found, Unready):
        if not multi:
            step.head.waiting += 1
        missing.pins, missing.why = list(found.pins), found.reason
        step.state.put(key(b"m", node.index, k), missing)
        _tell_incomplete(step, node, k, missing, cause)
        return None
    if multi:
        step.head.waiting -= 1
        clear(step, node, k, counters)
    queue(step, node, k, found, values)
    return found


def fill_static(
    step: Step, node: RunNode, values: dict[str, Payload], statics: Mapping[str, Payload] | None = None
) -> None:
    """Add the static values that are known, by default those of the node's newest ready execution."""
    if statics is None:
        known = step.state.get(key(b"s", node.index), Statics)
        statics = {} if known is None else known.values
    for pin in node.static_pins:
        if pin not in values and pin in statics:
            values[pin] = statics[pin]


def clear(step: Step, node: RunNode, k: int, counters: Node) -> None:
    """An execution waits no longer: drop what was kept of its waiting."""
    state = step.state
    state.pop(key(b"m", node.index, k))
    for number in node.linked.values():
        name = key(b"a", node.index, k, number)
        if state.get(name, Arrived) is not None:
            state.pop(name)
    while (
        counters.oldest < counters.created
        and state.get(key(b"m", node.index, counters.oldest), Missing) is None
    ):
        counters.oldest += 1
    state.put(key(b"n", node.index), counters)


def _late_static(step: Step, node: RunNode, counters: Node, ready: Input) -> None:
    """A static value came last: complete with it the other executions that wait for it, newest first."""
    statics = _static_values(node, ready, {})
    for k in range(counters.created - 1, counters.oldest - 1, -1):
        missing = step.state.get(key(b"m", node.index, k), Missing)
        if missing is None or missing.plain or not missing.static:
            continue
        values = collect(step, node, k)
        if values:
            cause = next(iter(values.items()))
            _try(step, node, k, values, counters, missing, cause, statics)


def queue(
    step: Step,
    node: RunNode,
    k: int,
    found: Input,
    values: Mapping[str, Payload],
    *,
    detail: bytes | None = None,
    call: Called | None = None,
) -> None:
    """The node execution has its input: number it, tell it, and run it as soon as there is room."""
    head = step.head
    found = _within_limit(step, found)
    counters = _counters(step, node.index)
    opened = Open(counters.queued, found.data, found.slots, call=call)
    counters.queued += 1
    step.state.put(key(b"n", node.index), counters)
    head.node_count += 1
    if head.node_count > NODE_LIMIT:
        step.fail(
            "too_many_nodes",
            f"more than {NODE_LIMIT:,} node executions in one execution; is there an endless loop?",
        )
        return
    if node.static_pins:
        step.state.put(key(b"s", node.index), Statics(_static_values(node, found, values)))
    step.tell(
        Delta(
            kind="QUEUED",
            node_execution_id=step.node_execution_id(node, k),
            node_id=node.id,
            block_id=node.block.id,
            status="QUEUED",
            pin=node.name if node.block.kind == "Output" else None,
            value=Payload(inline=found.data, type="object", size=len(found.data)),
            slots=found.slots,
            detail=detail,
            at=step.at,
        )
    )
    step.enqueue(node.index, k, opened)


def _within_limit(step: Step, found: Input) -> Input:
    """Put the largest values of an input that is too large for a record into the object store."""
    if len(found.data) <= INPUT_LIMIT_BYTES:
        return found
    holed = orjson.loads(found.data)
    sizes = {pin: orjson.dumps(value) for pin, value in holed.items()}
    slots, total = list(found.slots), len(found.data)
    taken = {slot.path.split("/")[1] for slot in slots}
    for pin, data in sorted(sizes.items(), key=lambda item: -len(item[1])):
        if total <= INPUT_LIMIT_BYTES or token(pin) in taken:
            continue
        digest = hashlib.sha256(data).digest()
        ref = f"values/{step.head.user_id}/{digest.hex()}"
        step.effects.puts.append(Put(ref, data))
        value = Payload(ref=ref, type=json_type(holed[pin]), size=len(data), sha256=digest)
        slots.append(Slot(path="/" + token(pin), value=value))
        holed[pin] = None
        total -= len(data)
    return Input(found.values, orjson.dumps(holed), slots)


def _static_values(node: RunNode, found: Input, values: Mapping[str, Payload]) -> dict[str, Payload]:
    statics: dict[str, Payload] = {}
    for pin in node.static_pins:
        value: Any = found.values.get(pin)
        given = values.get(pin)
        if found.slots and given is not None:
            statics[pin] = given
        elif pin in found.values:
            statics[pin] = inline(value)
    return statics


def _tell_incomplete(step: Step, node: RunNode, k: int, missing: Missing, cause: tuple[str, Payload]) -> None:
    pin, value = cause
    step.tell(
        Delta(
            kind="INCOMPLETE",
            node_execution_id=step.node_execution_id(node, k),
            node_id=node.id,
            block_id=node.block.id,
            status="INCOMPLETE",
            pin=pin,
            value=value,
            detail=orjson.dumps({"reason": _waits_for(step, node, k, missing)}),
            at=step.at,
        )
    )


def _waits_for(step: Step, node: RunNode, k: int, missing: Missing) -> dict[str, Any]:
    """Say which pins lack a value; of a very wide node only how many, since naming them costs a look at each."""
    if missing.why:
        return {"kind": "waiting", "pins": missing.pins[:LISTED], "why": missing.why[:200]}
    if len(node.linked) > LISTED:
        return {"kind": "waiting", "count": missing.plain + missing.static}
    mask = step.masks.get(node.id, {})
    pins = [
        pin
        for pin, number in node.linked.items()
        if pin not in mask and step.state.get(key(b"a", node.index, k, number), Arrived) is None
    ]
    return {"kind": "waiting", "pins": pins}
