"""Tables of values: node executions with their inputs and outputs, outputs of executions. JSON stays text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from millstream.api.database import Connection

OUTPUTS_MOST = 1000
"""Outputs of one node execution in an answer, as AutoGPT's."""
EXECUTION_OUTPUTS_MOST = 10_000
"""Outputs of an execution in an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node execution."""

    id: UUID
    node_id: str
    block_id: str
    status: str
    input: str | None
    input_left_out: int | None
    """Size of an input that does not fit into the answer."""
    slots: list[dict[str, Any]] | None
    add_time: datetime | None
    queue_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    failure: dict[str, Any] | None
    stats: dict[str, Any] | None
    reason: dict[str, Any] | None
    created_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """A value on a pin of a node execution: JSON text, or a reference."""

    node_execution_id: UUID
    pin: str
    value: str | None
    ref: dict[str, Any] | None
    left_out: int | None
    """Size of a value that does not fit into the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRow:
    """A value of an output of an execution."""

    name: str
    value: str | None
    ref: dict[str, Any] | None
    left_out: int | None


# Each statement adds up sizes in the order of its rows: what comes after `room` bytes is left out, only its size is said.
NODES = """
SELECT id, node_id, block_id, status, CASE WHEN running <= %(room)s THEN input::text END AS input,
    CASE WHEN running > %(room)s THEN octet_length(input::text) END AS input_left_out,
    slots, add_time, queue_time, start_time, end_time, failure, stats, reason, created_seq
FROM (
    SELECT *, sum(octet_length(input::text)) OVER (ORDER BY queue_time ASC NULLS LAST, created_seq) AS running
    FROM (
        SELECT * FROM node_executions WHERE execution_id = %(execution_id)s
        ORDER BY queue_time ASC NULLS LAST, created_seq LIMIT %(limit)s OFFSET %(offset)s
    ) page
) summed ORDER BY queue_time ASC NULLS LAST, created_seq
"""
INPUTS = """
SELECT node_execution_id, pin, value::text AS value, ref, NULL::int AS left_out FROM node_inputs
WHERE execution_id = %(execution_id)s AND node_execution_id = ANY(%(ids)s) ORDER BY sequence
"""
OUTPUTS = """
SELECT node_execution_id, pin, CASE WHEN running <= %(room)s THEN value::text END AS value, ref,
    CASE WHEN running > %(room)s AND ref IS NULL THEN octet_length(value::text) END AS left_out
FROM (
    SELECT *, sum(octet_length(value::text)) OVER (ORDER BY sequence) AS running FROM (
        SELECT *, row_number() OVER (PARTITION BY node_execution_id ORDER BY sequence) AS number
        FROM node_outputs WHERE execution_id = %(execution_id)s AND node_execution_id = ANY(%(ids)s)
    ) numbered WHERE number <= %(most)s
) summed ORDER BY sequence
"""
EXECUTION_OUTPUTS = """
SELECT name, CASE WHEN running <= %(room)s THEN value::text END AS value, ref,
    CASE WHEN running > %(room)s AND ref IS NULL THEN octet_length(value::text) END AS left_out
FROM (
    SELECT *, sum(octet_length(value::text)) OVER (ORDER BY sequence) AS running
    FROM execution_outputs WHERE execution_id = %(execution_id)s
) summed ORDER BY sequence LIMIT %(most)s
"""


class Values:
    """Reads what the sink has written about one execution, whose owner was checked before."""

    def __init__(self, conn: Connection, execution_id: UUID, *, room_bytes: int) -> None:
        self._conn = conn
        self._room_bytes = room_bytes
        self._execution_id = execution_id

    async def nodes(self, *, limit: int, offset: int) -> list[NodeRow]:
        """Read node executions in the order in which they were queued; those that wait come last."""
        async with self._conn.cursor(row_factory=class_row(NodeRow)) as cur:
            await cur.execute(NODES, self._values(limit=limit, offset=offset))
            return await cur.fetchall()

    async def inputs(self, ids: list[UUID]) -> list[ValueRow]:
        """Read what has arrived at node executions that wait."""
        return await self._rows(INPUTS, ids=ids)

    async def outputs(self, ids: list[UUID]) -> list[ValueRow]:
        """Read the outputs of node executions, in order."""
        return await self._rows(OUTPUTS, ids=ids, most=OUTPUTS_MOST)

    async def execution_outputs(self) -> list[OutputRow]:
        """Read the outputs of the execution, in order."""
        async with self._conn.cursor(row_factory=class_row(OutputRow)) as cur:
            await cur.execute(EXECUTION_OUTPUTS, self._values(most=EXECUTION_OUTPUTS_MOST))
            return await cur.fetchall()

    async def _rows(self, query: str, **values: Any) -> list[ValueRow]:
        if not values["ids"]:
            return []
        async with self._conn.cursor(row_factory=class_row(ValueRow)) as cur:
            await cur.execute(query, self._values(**values))
            return await cur.fetchall()

    def _values(self, **more: Any) -> dict[str, Any]:
        return {"execution_id": self._execution_id, "room": self._room_bytes, **more}
