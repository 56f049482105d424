"""How an execution begins: its first events, and the nodes that need nobody's output."""

from __future__ import annotations

from typing import Any

from millstream.schemas.messages import Payload, Start
from millstream.streams.cells import Node, Recorded
from millstream.streams.delivery import queue
from millstream.streams.plan import RunNode
from millstream.streams.readiness import Input, Unready, assemble, load
from millstream.streams.readiness import holed as make_input
from millstream.streams.state import key
from millstream.streams.stepping import Step


def begin(step: Step, message: Start) -> None:
    """Tell that the execution is there. Event 0 has what retells it: inputs, plan and parent."""
    detail: dict[str, Any] = {
        "plan": message.plan_hash.hex(),
        "kind": "block" if message.flags.strict else "graph",
        "inputs": {given.name: _shown(given.value) for given in message.inputs},
    }
    if message.parent_execution_id is not None:
        detail["parent"] = message.parent_execution_id.hex()
    if message.recorded is not None:
        step.state.put(key(b"x"), Recorded(message.recorded))
    if message.wall_time_ms is not None:
        step.set_timer(step.at + message.wall_time_ms, "wall")
    step.tell_status("QUEUED", detail)
    step.tell_status("RUNNING")


def _shown(value: Payload) -> Any:
    if value.inline is not None:
        return load(value)
    return {"$ref": value.ref, "size": value.size}


def start_nodes(step: Step, message: Start) -> None:
    """Queue the starting nodes with the inputs given. One that is not ready fails the execution: the edge refuses such
    a start, so this is a Start that came past the edge."""
    given = {named.name: load(named.value) for named in message.inputs}
    indices = list(step.plan.starting())
    static = [index for index in indices if step.plan.node(index).block.static]
    if len(static) < len(indices):
        # Values that are kept should be there before the streams that need them: so every run gives the same order.
        indices.sort(key=lambda index: not step.plan.node(index).block.static)
        step.head.gate = len(static)
    for index in indices:
        node = step.plan.node(index)
        step.state.put(key(b"n", index), Node(created=1))
        found = _input(step, node, given)
        if isinstance(found, Unready):
            step.fail("input_invalid", f"node {node.id!r} cannot start: {found.reason}")
            return
        queue(step, node, 0, found, {})
    if not indices:
        step.fail("graph_invalid", "no node to start with: each node waits for another")


def _input(step: Step, node: RunNode, given: dict[str, Any]) -> Input | Unready:
    if step.head.strict:
        return make_input(given)
    delivered: dict[str, Any] = {}
    if node.block.kind == "Input" and node.name in given:
        delivered["value"] = given[node.name]
    return assemble(node, delivered, step.masks.get(node.id))
