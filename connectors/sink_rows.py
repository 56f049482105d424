"""A batch of steps, summed up into rows: one per execution and node execution, one per value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from millstream.connectors.sink_read import Change, Step, members, time_of
from millstream.schemas.messages import DeltaKind

TERMINAL = frozenset({"COMPLETED", "TERMINATED", "FAILED"})
_REQUEST = ("inputs", "masks", "flags", "plan")


@dataclass(slots=True)
class ExecutionRow:
    """What a batch says of one execution. None: nothing new."""

    id: str
    user_id: str
    graph_id: str | None
    graph_version: int
    status: str
    sequence: int
    created_at: datetime
    partition: int
    first_offset: int
    last_offset: int
    kind: str = "graph"
    parent: str | None = None
    is_dry_run: bool = False
    request: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stats: str | None = None
    verdict: str | None = None
    failure: str | None = None
    reason: str | None = None
    """Of the last status; None clears it."""


@dataclass(slots=True)
class NodeRow:
    """What a batch says of one node execution. None: nothing new."""

    id: str
    execution_id: str
    user_id: str
    node_id: str
    block_id: str
    status: str
    created_seq: int
    sequence: int
    input: str | None = None
    slots: str | None = None
    add_time: datetime | None = None
    queue_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    failure: str | None = None
    stats: str | None = None
    reason: str | None = None
    """Of the last status; None clears it."""
    review: str | None = None
    answer: str | None = None


class ValueRow(NamedTuple):
    """A value at a pin of a node execution: waiting input or output."""

    execution_id: str
    sequence: int
    node: str
    pin: str
    json: str | None
    ref: str | None


class OutputRow(NamedTuple):
    """An output of an execution."""

    execution_id: str
    sequence: int
    name: str
    json: str | None
    ref: str | None


@dataclass(slots=True)
class Rows:
    """A batch, summed up: one row per execution and node execution, one per value."""

    executions: dict[str, ExecutionRow] = field(default_factory=dict)
    nodes: dict[str, NodeRow] = field(default_factory=dict)
    inputs: dict[str, list[ValueRow]] = field(default_factory=dict)
    """By node execution: values at nodes that still wait."""
    queued: dict[str, str] = field(default_factory=dict)
    """Node executions that wait no longer, each with its execution."""
    outputs: list[ValueRow] = field(default_factory=list)
    execution_outputs: list[OutputRow] = field(default_factory=list)


class Known(NamedTuple):
    """What the table says of an execution before the batch."""

    sequence: int
    status: str


class Placed(NamedTuple):
    """A step and where its record lies. `step` None: the record could not be read and only moves the offset."""

    partition: int
    offset: int
    step: Step | None


def fold(batch: Iterable[Placed], known: Mapping[str, Known]) -> Rows:
    """Sum up a batch. Deltas that the tables have already (by sequence) are passed over."""
    rows = Rows()
    for partition, offset, step in batch:
        if step is None:
            continue
        row = rows.executions.get(step.execution)
        before = known.get(step.execution) if row is None else Known(row.sequence, row.status)
        new = [c for c in step.changes if before is None or c.sequence > before.sequence]
        if not new:
            continue
        if row is None:
            row = rows.executions[step.execution] = ExecutionRow(
                id=step.execution,
                user_id=step.user,
                graph_id=step.graph,
                graph_version=step.graph_version,
                status=before.status if before else "QUEUED",
                sequence=-1,
                created_at=new[0].at,
                partition=partition,
                first_offset=offset,
                last_offset=offset,
            )
        row.sequence, row.last_offset = new[-1].sequence, offset
        for change in new:
            _APPLY[change.kind](rows, row, change)
    return rows


def _execution(rows: Rows, row: ExecutionRow, change: Change) -> None:
    detail = change.detail
    row.status = change.status or row.status
    if change.status == "RUNNING":
        row.started_at = row.started_at or change.at
    elif change.status in TERMINAL:
        row.ended_at = change.at
    row.stats = detail.get("stats", row.stats)
    row.verdict = detail.get("verdict", row.verdict)
    row.failure = detail.get("failure", row.failure)
    row.reason = detail.get("reason")
    if change.sequence == 0:
        asked = [f'"{name}":{detail[name]}' for name in _REQUEST if name in detail]
        row.request = f"{{{','.join(asked)}}}" if asked else None
        row.kind = "block" if detail.get("kind") == '"block"' else "graph"
        row.parent = _parent(detail)
        row.is_dry_run = detail.get("dry_run") == "true" or _flag(detail.get("flags"), "dry_run")


def _parent(detail: Mapping[str, str]) -> str | None:
    text = detail.get("parent_execution_id") or detail.get("parent") or ""
    try:
        return UUID(text.strip('"')).hex
    except ValueError:
        return None


def _flag(flags: str | None, name: str) -> bool:
    return bool(flags) and members((flags or "").encode(), []).get(name) == "true"


def _incomplete(rows: Rows, row: ExecutionRow, change: Change) -> None:
    node = _node(rows, row, change, "INCOMPLETE")
    node.add_time = node.add_time or change.at
    rows.inputs.setdefault(node.id, []).append(_value_row(row, change))


def _queued(rows: Rows, row: ExecutionRow, change: Change) -> None:
    node = _node(rows, row, change, "QUEUED")
    node.add_time = node.add_time or change.at
    node.queue_time = change.at
    node.input = change.value.json
    node.slots = change.slots
    rows.inputs.pop(node.id, None)
    rows.queued[node.id] = row.id
    if change.output is not None:
        rows.execution_outputs.append(OutputRow(row.id, change.sequence, change.pin, *change.output))


def _running(rows: Rows, row: ExecutionRow, change: Change) -> None:
    node = _node(rows, row, change, "RUNNING")
    node.start_time = node.start_time or change.at


def _output(rows: Rows, row: ExecutionRow, change: Change) -> None:
    rows.outputs.append(_value_row(row, change))


def _ended(rows: Rows, row: ExecutionRow, change: Change) -> None:
    node = _node(rows, row, change, "COMPLETED")
    detail = change.detail
    if node.status in TERMINAL:
        node.end_time = change.at
    started = detail.get("started_at", "")
    if node.start_time is None and started.isdecimal() and len(started) < 15:
        node.start_time = time_of(int(started))
    node.failure = detail.get("failure", node.failure)
    node.stats = detail.get("stats", node.stats)
    if node.status == "REVIEW":
        node.review = detail.get("review", node.review)
    else:
        node.answer = detail.get("review", node.answer)


def _note(rows: Rows, row: ExecutionRow, change: Change) -> None:
    """A late result: history keeps it, the read model does not."""


_APPLY: dict[DeltaKind, Callable[[Rows, ExecutionRow, Change], None]] = {
    "EXECUTION": _execution,
    "INCOMPLETE": _incomplete,
    "QUEUED": _queued,
    "RUNNING": _running,
    "OUTPUT": _output,
    "NODE": _ended,
    "NOTE": _note,
}


def _node(rows: Rows, row: ExecutionRow, change: Change, status: str) -> NodeRow:
    id_ = change.node or ""
    node = rows.nodes.get(id_)
    if node is None:
        node = rows.nodes[id_] = NodeRow(
            id=id_,
            execution_id=row.id,
            user_id=row.user_id,
            node_id=change.node_id,
            block_id=change.block_id,
            status=status,
            created_seq=change.sequence,
            sequence=change.sequence,
        )
    node.status = change.status or status
    node.reason = change.detail.get("reason")
    node.sequence = change.sequence
    return node


def _value_row(row: ExecutionRow, change: Change) -> ValueRow:
    return ValueRow(row.id, change.sequence, change.node or "", change.pin, *change.value)
