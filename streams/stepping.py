"""One step: the working state, the plan, the time, the effects so far; and how an execution goes on and ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from millstream.schemas.ids import derived
from millstream.schemas.messages import (
    ChildEvent,
    Delta,
    Emit,
    Events,
    ExecutionStatus,
    Failure,
    Flags,
    Payload,
    Run,
)
from millstream.streams.cells import Due, End, Given, Head, Open, Ready, Recorded
from millstream.streams.effects import Alarm, Effects, Put, Send
from millstream.streams.gates import held_for_approval, started_as_child
from millstream.streams.plan import Plan, RunNode
from millstream.streams.resting import tell
from millstream.streams.spending import left
from millstream.streams.state import State, key, numbers
from millstream.streams.stopping import call_off
from millstream.streams.verdict import verdict_of
from millstream.topics import catalogue

IN_FLIGHT_LIMIT = 256
"""Tasks of one execution that may be with workers at once, unless its Start says fewer; the rest waits in its own queue."""
NODE_LIMIT = 200_000
"""Node executions of one execution."""

TOOLBOX_BYTES = 2048
"""A larger list of the nodes that may be called goes into the object store, where each worker fetches it once."""

Canned = list[tuple[str, Any]]
"""Outputs that are emitted instead of running a block: (pin, value) in order."""


class Hooks(NamedTuple):
    """What a step needs of the modules that are built on it."""

    emit_canned: Callable[[Step, int, int, Open, Canned], None]
    release: Callable[[Step], bool]
    """Run joins that wait although nothing more can come; returns whether there were any."""
    begin_held: Callable[[Step, int], None]
    """Begin calls of a node that waited for a value which has come."""


class Step:
    """What the handlers of messages work with."""

    __slots__ = (
        "_hooks",
        "_ids",
        "_recorded",
        "at",
        "effects",
        "ended",
        "failure",
        "head",
        "masks",
        "plan",
        "state",
        "stop_reason",
        "stopped_by",
    )

    def __init__(self, state: State, head: Head, plan: Plan, at: int, effects: Effects, hooks: Hooks) -> None:
        self._hooks = hooks
        self._ids: dict[tuple[int, int], bytes] = {}
        self._recorded: dict[str, list[Canned]] | None = None
        self.state = state
        self.head = head
        self.plan = plan
        self.at = at
        self.effects = effects
        self.ended: ExecutionStatus | None = None
        self.failure: Failure | None = None
        self.stopped_by: str | None = None
        self.stop_reason: str | None = None
        self.masks: dict[str, dict[str, Any]] = {} if head.masks is None else orjson.loads(head.masks)

    # --- telling ---

    def tell(self, delta: Delta) -> None:
        """Add an event; they are numbered in this order."""
        self.effects.deltas.append(delta)

    def tell_status(self, status: ExecutionStatus, detail: dict[str, Any] | None = None) -> None:
        """Say that the execution has a new status; `settle` passes it on to the owner's feed."""
        self.head.status = status
        self.tell(
            Delta(
                kind="EXECUTION",
                status=status,
                detail=None if detail is None else orjson.dumps(detail),
                at=self.at,
            )
        )

    def send(self, topic: str, key_: bytes, message: Any) -> None:
        """Produce a record when the step is flushed."""
        self.effects.sends.append(Send(topic, key_, message))

    def node_execution_id(self, node: RunNode, k: int) -> bytes:
        """Return the id of a node execution: the same whenever the step is decided again."""
        name = (node.index, k)
        found = self._ids.get(name)
        if found is None:
            found = self._ids[name] = derived(self.state.id, node.id, k)
        return found

    # --- running ---

    def begin_held(self, index: int) -> None:
        """A value has come to a node that is called."""
        self._hooks.begin_held(self, index)

    def enqueue(self, node: int, k: int, opened: Open) -> None:
        """Run a ready node execution now, or put it into the queue while too many are with workers."""
        head = self.head
        instant = (
            self.canned(node, opened) is not None
        )  # from the queue: so that a long chain of them is no recursion
        opens = not instant and (not head.gate or self.plan.node(node).block.static)
        if opens and head.in_flight < head.in_flight_limit and head.ready_first == head.ready_next:
            self.dispatch(node, k, opened)
            return
        self.state.put(key(b"o", node, k), opened)
        self.state.put(key(b"r", head.ready_next), Ready(node, k))
        head.ready_next += 1

    def dispatch(self, index: int, k: int, opened: Open) -> None:
        """Send a task to its lane. Each task of a node execution has an attempt number of its own."""
        node = self.plan.node(index)
        if held_for_approval(self, node, k, opened) or started_as_child(self, node, k, opened):
            return
        opened.attempt += 1
        opened.state, opened.seen, opened.run_id, opened.spare = "running", 0, None, None
        opened.started_at = 0  # so that this run is told too, after a retry or a review
        opened.issued_at, opened.given_at, opened.given = self.at, self.at, 0
        self.state.put(key(b"o", index, k), opened)
        self.head.in_flight += 1
        self.give(node, k, opened)

    def give(self, node: RunNode, k: int, opened: Open) -> None:
        """Send a node execution's task. Again if `opened.given`: the same one, with the time of the first."""
        node_execution_id = self.node_execution_id(node, k)
        head = self.head
        given = self.state.get(key(b"v", node.index, k), Given) if opened.rounds else None
        flags = Flags(
            human_in_the_loop_safe_mode=head.review_safe,
            sensitive_action_safe_mode=head.sensitive_safe,
            dry_run=head.dry_run,
            strict=head.strict,
            timezone=head.timezone,
            test=head.test,
        )
        self.send(
            f"nodes.tasks.{node.block.lane}",
            node_execution_id,
            Run(
                execution_id=self.state.id,
                node_execution_id=node_execution_id,
                node=node.index,
                k=k,
                attempt=opened.attempt,
                user_id=head.user_id,
                graph_id=head.graph_id,
                graph_version=head.graph_version,
                node_id=node.id,
                block_id=node.block.id,
                input=opened.input,
                slots=opened.slots,
                selectors=node.selectors,
                resumed=opened.resumed,
                resumed_value=opened.resumed_value,
                tools=self._toolbox(node, opened) if node.toolbox else None,
                results=None if given is None else given.data,
                result_slots=[] if given is None else given.slots,
                timeout_ms=node.policy.timeout_ms or node.block.timeout_ms,
                cache_ms=node.policy.cache_ms,
                flags=flags,
                issued_at=opened.issued_at,  # also the first time: a coordinator that died may have given it before
                budget_microusd=left(head),
            ),
        )

    def _toolbox(self, node: RunNode, opened: Open) -> Payload:
        """Return what a node may call; in the object store when it is large, so that tasks stay small."""
        tools = node.toolbox
        if len(tools) <= TOOLBOX_BYTES:
            return Payload(inline=tools, type="array", size=len(tools))
        digest = hashlib.sha256(tools).digest()
        ref = f"values/{self.head.user_id}/{digest.hex()}"
        if opened.attempt == 1:
            self.effects.puts.append(Put(ref, tools))
        return Payload(ref=ref, type="array", size=len(tools), sha256=digest)

    def canned(self, index: int, opened: Open) -> Canned | None:
        """Return the outputs that a node execution emits instead of running; None: it runs."""
        node, head = self.plan.node(index), self.head
        if node.policy.disabled:
            return []
        if head.recorded:
            runs = self._recorded_runs().get(node.id)
            if runs is not None:
                return runs[opened.order] if opened.order < len(runs) else []
        if head.test and node.policy.pinned is not None:
            pinned: dict[str, list[Any]] = orjson.loads(node.policy.pinned)
            return [(pin, value) for pin, values in pinned.items() for value in values]
        return None

    def _recorded_runs(self) -> dict[str, list[Canned]]:
        if self._recorded is None:
            cell = self.state.get(key(b"x"), Recorded)
            self._recorded = {} if cell is None else orjson.loads(cell.data)
        return self._recorded

    def set_timer(self, at: int, kind: str, node: int = -1, k: int = -1) -> int:
        """Have a Timer message come at `at` or later. Returns the timer's number."""
        number = self.head.timers
        self.head.timers += 1
        self.head.due += 1
        self.state.put(key(b"t", number), Due(at, kind, node, k))
        self.effects.alarms.append(Alarm(at, number))
        return number

    # --- ending ---

    def fail(self, code: str, message: str) -> None:
        """End the whole execution as FAILED when the step settles."""
        self.failure = Failure(code=code, kind="BlockUnknownError", message=message)
        self.ended = "FAILED"

    def settle(self) -> None:
        """Start what waits in the queue, end the execution when nothing is left, and number the events."""
        if self.ended is None:
            self._pump()
            while self._idle() and self._hooks.release(self):
                self._pump()
            self._maybe_end()
        if self.ended is not None:
            self._end(self.ended)
        tell(self, self.head.sequence + len(self.effects.deltas) - 1)
        if self.effects.deltas:
            self._emit_events()
        if self.ended is not None:
            head = self.head
            self.state.head = End(
                self.ended, head.sequence, head.user_id, head.graph_id, head.graph_version, self.at
            )

    def _pump(self) -> None:
        head, state = self.head, self.state
        while head.in_flight < head.in_flight_limit and head.ready_first < head.ready_next:
            entry = state.get(key(b"r", head.ready_first), Ready)
            if (
                self.ended is not None
                or entry is not None
                and head.gate
                and not self.plan.node(entry.node).block.static
            ):
                return
            state.pop(key(b"r", head.ready_first))
            head.ready_first += 1
            opened = None if entry is None else state.get(key(b"o", entry.node, entry.k), Open)
            if entry is None or opened is None:
                continue
            canned = self.canned(entry.node, opened)
            if canned is None:
                self.dispatch(entry.node, entry.k, opened)
            else:
                self._hooks.emit_canned(self, entry.node, entry.k, opened, canned)

    def _idle(self) -> bool:
        """Nothing will happen any more, unless a join is released."""
        head = self.head
        busy = head.in_flight or head.parked or head.reviews or head.ready_first < head.ready_next
        return self.ended is None and not busy

    def _maybe_end(self) -> None:
        head = self.head
        if self.ended is not None:
            return
        busy = head.in_flight or head.parked or head.ready_first < head.ready_next
        if head.status == "REVIEW" and (busy or not head.reviews):
            self.tell_status("RUNNING")  # also before the end: there is no way from REVIEW to COMPLETED
        if busy:
            return
        if head.reviews:
            if head.status != "REVIEW":
                who = [head.user_id]
                reason = {"kind": "review", "count": head.reviews, "who": who, "since": self.at}
                self.tell_status("REVIEW", {"reason": reason})
            return
        self.ended = "COMPLETED"

    def _end(self, status: ExecutionStatus) -> None:
        head = self.head
        if status != "COMPLETED":
            self._end_open_nodes(status)
        if status == "FAILED" and (head.in_flight or head.parked):
            call_off(self, by="parent", reason="its parent failed")
        verdict = verdict_of(self, status)
        detail: dict[str, Any] = {
            "stats": {
                "node_count": head.node_count,
                "node_error_count": head.error_count,
                "duration_ms": max(0, self.at - head.started_at),
                "cost_microusd": head.cost_microusd,
            },
            "verdict": verdict,
        }
        if self.failure is not None:
            failure = self.failure
            detail["failure"] = {"code": failure.code, "kind": failure.kind, "message": failure.message}
        self.tell_status(status, detail)
        if head.parent is not None and head.parent_node >= 0:
            self._tell_parent(status, verdict["result"])

    def _end_open_nodes(self, status: ExecutionStatus) -> None:
        for name in self.state.names(b"o"):
            index, k = numbers(name)
            if index >= len(self.plan.data.nodes):
                continue  # the plan is lost
            self.tell(
                Delta(
                    kind="NODE",
                    node_execution_id=self.node_execution_id(self.plan.node(index), k),
                    node_id=self.plan.node(index).id,
                    status=status,
                    at=self.at,
                )
            )

    def _tell_parent(self, status: ExecutionStatus, result: str) -> None:
        head = self.head
        assert head.parent is not None
        self.send(
            catalogue.INBOX.name,
            head.parent,
            ChildEvent(
                execution_id=head.parent,
                child_id=self.state.id,
                node=head.parent_node,
                k=head.parent_k,
                first=head.said,
                ended=status,
                failure=self.failure,
                node_count=head.node_count,
                cost_microusd=head.cost_microusd,
                result=result,
            ),
        )

    def tell_parent_output(self, name: str, value: Payload) -> None:
        """Pass an output of this child execution on to the node that waits for it."""
        head = self.head
        if head.parent is None or head.parent_node < 0:
            return
        self.send(
            catalogue.INBOX.name,
            head.parent,
            ChildEvent(
                execution_id=head.parent,
                child_id=self.state.id,
                node=head.parent_node,
                k=head.parent_k,
                first=head.said,
                outputs=[Emit(pin=name, value=value)],
                waiting=not head.active,
                cost_microusd=head.cost_microusd,
            ),
        )
        head.said += 1

    def _emit_events(self) -> None:
        head = self.head
        self.send(
            catalogue.EVENTS.name,
            self.state.id,
            Events(
                execution_id=self.state.id,
                user_id=head.user_id,
                graph_id=head.graph_id,
                graph_version=head.graph_version,
                first=head.sequence,
                deltas=self.effects.deltas,
                at=self.at,
            ),
        )
        head.sequence += len(self.effects.deltas)
