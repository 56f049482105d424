"""A long execution as the read model has it: whoever begins to follow it is spared reading its events from the first one.

All is read in one snapshot of the database, at the event that `executions.sequence` names; the log goes on behind
`last_offset`. One thing is not in the tables: when a block that reports by its outputs alone had its first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, tuple_row

from millstream.api.database import Connection, Pool
from millstream.api.events import Projection
from millstream.api.http.answers import dumps
from millstream.api.reasons import FINAL
from millstream.api.views import ExecutionView, NodeView, filled, marker
from millstream.schemas.messages import Payload, Slot

OPEN_MOST = 10_000
"""Open node executions that are read; an execution has at most 256 in flight, the others wait for inputs."""

EXECUTION = """
SELECT user_id, graph_id, graph_version, status, request, started_at, ended_at, stats, verdict, failure, reason, sequence,
    last_offset
FROM executions WHERE id = %(id)s AND sequence >= 0 AND last_offset IS NOT NULL
"""
COUNTED = """
SELECT count(*), count(*) FILTER (WHERE status = 'FAILED'), coalesce(sum((stats->>'elapsed_ms')::numeric), 0)::bigint
FROM node_executions WHERE execution_id = %(id)s AND status = ANY(%(final)s)
"""
OPEN = """
SELECT id, node_id, block_id, status, input::text AS input, slots, add_time, queue_time, start_time, failure, reason
FROM node_executions WHERE execution_id = %(id)s AND status <> ALL(%(final)s) ORDER BY created_seq LIMIT %(most)s
"""
INPUTS = """
SELECT node_execution_id, pin, value::text, ref FROM node_inputs
WHERE execution_id = %(id)s AND node_execution_id = ANY(%(nodes)s) ORDER BY sequence
"""
OUTPUTS = """
SELECT node_execution_id, pin, value::text, ref FROM node_outputs
WHERE execution_id = %(id)s AND node_execution_id = ANY(%(nodes)s) ORDER BY sequence
"""
GIVEN_OUT = (
    "SELECT name, value::text, ref FROM execution_outputs WHERE execution_id = %(id)s ORDER BY sequence"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Execution:
    user_id: UUID
    graph_id: UUID | None
    graph_version: int | None
    status: str
    request: dict[str, Any] | None
    started_at: datetime | None
    ended_at: datetime | None
    stats: dict[str, Any] | None
    verdict: dict[str, Any] | None
    failure: dict[str, Any] | None
    reason: dict[str, Any] | None
    sequence: int
    last_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    id: UUID
    node_id: str
    block_id: str
    status: str
    input: str | None
    slots: list[dict[str, Any]] | None
    add_time: datetime | None
    queue_time: datetime | None
    start_time: datetime | None
    failure: dict[str, Any] | None
    reason: dict[str, Any] | None


async def snapshot_of(pool: Pool, execution_id: UUID, *, frame_bytes: int) -> tuple[Projection, int] | None:
    """Return the projection, and the offset behind its last event; None if nothing of it is in the tables."""
    async with pool.connection() as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        async with conn.cursor(row_factory=class_row(_Execution)) as cur:
            await cur.execute(EXECUTION, {"id": execution_id})
            row = await cur.fetchone()
        if row is None:
            return None
        view = _view(execution_id, row)
        rows = _Rows(conn, execution_id)
        [(view.node_count, view.error_count, view.node_time_ms)] = await rows.read(COUNTED, final=list(FINAL))
        for name, value, ref in await rows.read(GIVEN_OUT):
            view.outputs.setdefault(name, []).append(_value(execution_id, value, ref))
        projection = Projection(view, frame_bytes=frame_bytes, sequence=row.sequence)
        await _add_open(projection, rows)
    return projection, row.last_offset + 1


class _Rows:
    """Statements about one execution."""

    def __init__(self, conn: Connection, execution_id: UUID) -> None:
        self.conn, self.execution_id = conn, execution_id

    async def read(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        async with self.conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(query, {"id": self.execution_id, **values})
            return await cur.fetchall()

    async def open(self) -> list[_Node]:
        async with self.conn.cursor(row_factory=class_row(_Node)) as cur:
            await cur.execute(OPEN, {"id": self.execution_id, "final": list(FINAL), "most": OPEN_MOST})
            return await cur.fetchall()


def _view(execution_id: UUID, row: _Execution) -> ExecutionView:
    request = row.request or {}
    inputs = dict(request.get("inputs") or {})
    for name, ref in (request.get("refs") or {}).items():
        inputs[name] = marker(execution_id, _payload(ref))
    view = ExecutionView(
        id=execution_id,
        user_id=str(row.user_id),
        graph_id=str(row.graph_id),
        graph_version=row.graph_version or 0,
        status=row.status,
        started_at=_ms(row.started_at),
        ended_at=_ms(row.ended_at),
        inputs=inputs,
        verdict=row.verdict,
        reason=row.reason,
    )
    if row.status in FINAL:
        view.error = (row.failure or {}).get("message")
        view.cost_microusd = (row.stats or {}).get("cost_microusd", 0)
    return view


async def _add_open(projection: Projection, rows: _Rows) -> None:
    execution_id = rows.execution_id
    nodes = {row.id: _node(execution_id, row) for row in await rows.open()}
    for id_, pin, value, ref in await rows.read(INPUTS, nodes=list(nodes)):
        nodes[id_].inputs[pin] = _value(execution_id, value, ref)
    for id_, pin, value, ref in await rows.read(OUTPUTS, nodes=list(nodes)):
        node = nodes[id_]
        node.outputs.setdefault(pin, []).append(_value(execution_id, value, ref))
        if node.status == "QUEUED":
            node.status = "RUNNING"  # as its first output has told live
    projection.nodes = {id_.bytes: node for id_, node in nodes.items()}


def _node(execution_id: UUID, row: _Node) -> NodeView:
    data = None if row.input is None else row.input.encode()
    if data is not None and row.slots:
        slots = [Slot(path=slot["path"], value=_payload(slot["ref"])) for slot in row.slots]
        whole = next((slot.value for slot in slots if not slot.path), None)
        data = dumps(marker(execution_id, whole)) if whole else filled(execution_id, data, slots)
    return NodeView(
        execution_id=execution_id,
        node_execution_id=row.id,
        node_id=row.node_id,
        block_id=row.block_id,
        status=row.status,
        input=data,
        add_time=_ms(row.add_time),
        queue_time=_ms(row.queue_time),
        start_time=_ms(row.start_time),
        failure=row.failure,
        reason=row.reason,
    )


def _value(execution_id: UUID, text: str | None, ref: dict[str, Any] | None) -> bytes:
    if ref is None:
        return b"null" if text is None else text.encode()
    return dumps(ref) if "unstorable" in ref else dumps(marker(execution_id, _payload(ref)))


def _payload(ref: dict[str, Any]) -> Payload:
    return Payload(ref=str(ref.get("key")), type=ref.get("type") or "object", size=int(ref.get("size") or 0))


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
