"""Numbered events of one execution to the frames that AutoGPT's clients know. Pure: no clock, no I/O.

An `Events` record says what changed; a frame shows what there is now: a node's outputs up to here, the execution's
statistics. `Projection` holds that state. The frames of an event depend only on the events up to it, so that whoever
reads the log again gets the same ones. The last frame of an event carries its sequence number; frames before it
(a RUNNING that nobody reported because the block was fast, the execution's statistics) carry none, so that a client
that was cut between two frames of an event asks for the event again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from uuid import UUID

import orjson

from millstream.api.http.answers import dumps
from millstream.api.reasons import FINAL, LOOKED_AT
from millstream.api.views import ExecutionView, NodeView, plain
from millstream.schemas.messages import Delta, Events

GRAPH_EVENT = "graph_execution_event"
NODE_EVENT = "node_execution_event"
NOTE_EVENT = "execution_note"
"""Ours: what has no place among AutoGPT's events, such as a result that came after a stop."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a client is told. `data` is JSON; `sequence` is None for all but the last frame of an event."""

    method: str
    data: bytes
    sequence: int | None = None


class Projection:
    """One execution, up to event `sequence`."""

    def __init__(self, view: ExecutionView, *, frame_bytes: int, sequence: int = -1) -> None:
        self.view = view
        self.sequence = sequence
        """Number of the last event that is in `view`; -1: none."""
        self.nodes: dict[bytes, NodeView] = {}
        """Node executions that have not ended."""
        self._frame_bytes = frame_bytes

    @classmethod
    def of(cls, events: Events, *, frame_bytes: int) -> Projection:
        """Begin with nothing but what every record says of its execution."""
        view = ExecutionView(
            id=UUID(bytes=events.execution_id),
            user_id=events.user_id,
            graph_id=events.graph_id,
            graph_version=events.graph_version,
        )
        return cls(view, frame_bytes=frame_bytes)

    @property
    def ended(self) -> bool:
        """Nothing more will come, but notes."""
        return self.view.status in FINAL

    def apply(self, events: Events, *, after: int = -1, quiet: bool = False) -> list[Frame]:
        """Take in a record. Events that are known already are passed over: a repeated record does no harm.

        Returns the frames of its events numbered above `after`; none if `quiet`.
        """
        frames: list[Frame] = []
        for number, delta in enumerate(events.deltas, start=events.first):
            if number <= self.sequence:
                continue
            self.sequence = number
            told = _Told(self, delta, delta.at or events.at, show=not quiet and number > after)
            told.apply()
            if told.frames:
                frames += told.frames[:-1]
                frames.append(replace(told.frames[-1], sequence=number))
        return frames

    def graph_json(self, now: int, *, whole: bool) -> bytes:
        """Return the data of a graph event."""
        newest = islice(reversed(self.nodes.values()), LOOKED_AT)
        data = self.view.shown(now, self._frame_bytes, whole=whole, nodes=newest)
        return dumps({**data, "event_type": "graph_execution_update"})

    def node_json(self, node: NodeView, now: int) -> bytes:
        """Return the data of a node event."""
        view = self.view
        of_all = {
            "user_id": view.user_id,
            "graph_id": view.graph_id,
            "graph_version": view.graph_version,
            "graph_exec_id": str(view.id),
        }
        return dumps({**of_all, **node.shown(now, self._frame_bytes), "event_type": "node_execution_update"})

    def node(self, delta: Delta, at: int) -> NodeView:
        """Return the node execution that an event is about, a new one if it was not heard of."""
        assert delta.node_execution_id is not None
        node = self.nodes.get(delta.node_execution_id)
        if node is None:
            node = self.nodes[delta.node_execution_id] = NodeView(
                execution_id=self.view.id,
                node_execution_id=UUID(bytes=delta.node_execution_id),
                node_id=delta.node_id or "",
                add_time=at,
            )
        node.block_id = node.block_id or delta.block_id or ""
        return node

    def add_output(self, name: str, node: NodeView) -> None:
        """An Output node has its input, and so the execution an output: the raw `value`. Source: graph format, 5.8."""
        value = orjson.loads(node.input or b"{}").get("value")
        self.view.outputs.setdefault(name, []).append(dumps(value))


class _Told:
    """One event: how it changes the projection, and the frames that tell it."""

    def __init__(self, projection: Projection, delta: Delta, at: int, *, show: bool) -> None:
        self._projection = projection
        self._delta = delta
        self._at = at
        self._show = show
        self.frames: list[Frame] = []

    def apply(self) -> None:
        delta, projection = self._delta, self._projection
        if delta.kind == "EXECUTION":
            projection.view.on_status(delta, self._at)
            self._tell_graph(whole=True)
            return
        if delta.kind == "NOTE" or delta.node_execution_id is None:
            self._tell_note()
            return
        node = projection.node(delta, self._at)
        detail: dict[str, Any] = {} if delta.detail is None else orjson.loads(delta.detail)
        if delta.kind == "INCOMPLETE" and delta.pin is not None and delta.value is not None:
            node.arrived(delta.pin, delta.value)
        elif delta.kind == "QUEUED":
            node.queued(delta, self._at)
            if delta.pin is not None:
                projection.add_output(delta.pin, node)
        elif delta.kind == "RUNNING":
            node.running(self._at)
        elif delta.kind == "OUTPUT" and delta.pin is not None and delta.value is not None:
            self._run_first(node, self._at)
            node.emitted(delta.pin, delta.value)
        elif delta.kind == "NODE":
            self._on_node(node, detail)
        if delta.kind != "OUTPUT":
            node.reason = detail.get("reason")
        self._tell_node(node)

    def _on_node(self, node: NodeView, detail: dict[str, Any]) -> None:
        """A node execution ended, waits for a person, or is to be run again."""
        delta, view = self._delta, self._projection.view
        started = detail.get("started_at")
        ran = started is not None or (
            delta.status == "REVIEW" and not (detail.get("review") or {}).get("sensitive")
        )
        if ran:
            self._run_first(node, started or self._at)
        node.status = delta.status or node.status
        if started is not None:
            node.start_time = started
        node.failure = detail.get("failure", node.failure)
        if node.status not in FINAL:
            return
        node.end_time = None if node.status == "TERMINATED" else self._at
        view.on_node_ended(detail, failed=node.status == "FAILED")
        self._projection.nodes.pop(delta.node_execution_id or b"", None)
        self._tell_graph(whole=False)

    def _run_first(self, node: NodeView, at: int) -> None:
        """A fast block reports nothing before its result; clients count on seeing it run."""
        if node.status != "RUNNING":
            node.running(at)
            self._tell_node(node)

    def _tell_node(self, node: NodeView) -> None:
        if self._show:
            self.frames.append(Frame(NODE_EVENT, self._projection.node_json(node, self._at)))

    def _tell_graph(self, *, whole: bool) -> None:
        if self._show:
            self.frames.append(Frame(GRAPH_EVENT, self._projection.graph_json(self._at, whole=whole)))

    def _tell_note(self) -> None:
        if not self._show:
            return
        delta, view = self._delta, self._projection.view
        node_execution_id = delta.node_execution_id and str(UUID(bytes=delta.node_execution_id))
        note = {
            "graph_exec_id": str(view.id),
            "node_exec_id": node_execution_id,
            "pin": delta.pin,
            "value": None if delta.value is None else orjson.loads(plain(view.id, delta.value)),
            "detail": None if delta.detail is None else orjson.loads(delta.detail),
        }
        self.frames.append(Frame(NOTE_EVENT, dumps(note)))
