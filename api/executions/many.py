"""Executions of many ids at once, and what they hold: one statement a kind of question. See `values.py` for those of one.

What belongs to executions is asked for by ids that the caller got from rows of his own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from millstream.api.database import Connection
from millstream.api.executions.repository import Head, Whole
from millstream.api.executions.values import OUTPUTS_MOST, NodeRow, OutputRow, ValueRow

NodeKey = tuple[UUID, UUID]
"""An execution and a node execution of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOf(NodeRow):
    """A node execution, without its input."""

    execution_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """The merged input of a node execution; None while it waits."""

    id: UUID
    input: str | None
    left_out: int | None
    slots: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOf(OutputRow):
    """A value of an output, and whose."""

    execution_id: UUID


_HEAD = ", ".join(Head.__dataclass_fields__)
EXECUTIONS = f"""
SELECT {_HEAD}, request, sequence, kafka_partition, first_offset, last_offset
FROM executions WHERE id = ANY(%(ids)s) AND user_id = %(owner_id)s AND deleted_at IS NULL
"""
NODES = """
SELECT e.id AS execution_id, n.* FROM unnest(%(ids)s::uuid[]) e (id) CROSS JOIN LATERAL (
    SELECT id, node_id, block_id, status, NULL::text AS input, NULL::int AS input_left_out, NULL::json AS slots,
        add_time, queue_time, start_time, end_time, failure, stats, reason, created_seq
    FROM node_executions WHERE execution_id = e.id
    ORDER BY queue_time ASC NULLS LAST, created_seq LIMIT %(limit)s OFFSET %(offset)s
) n ORDER BY n.queue_time ASC NULLS LAST, n.created_seq
"""
# Each statement adds up sizes in the order of its rows: what comes after `room` bytes is left out, only its size is said.
INPUTS = """
SELECT id, CASE WHEN running <= %(room)s THEN input::text END AS input,
    CASE WHEN running > %(room)s THEN octet_length(input::text) END AS left_out, slots
FROM (
    SELECT *, sum(octet_length(input::text)) OVER (ORDER BY id) AS running
    FROM node_executions WHERE id = ANY(%(nodes)s) AND execution_id = ANY(%(ids)s)
) summed
"""
ARRIVED = """
SELECT node_execution_id, pin, value::text AS value, ref, NULL::int AS left_out FROM node_inputs
WHERE execution_id = ANY(%(ids)s) AND node_execution_id = ANY(%(nodes)s) ORDER BY execution_id, sequence
"""
EMITTED = """
SELECT node_execution_id, pin, CASE WHEN running <= %(room)s THEN value::text END AS value, ref,
    CASE WHEN running > %(room)s AND ref IS NULL THEN octet_length(value::text) END AS left_out
FROM (
    SELECT *, sum(octet_length(value::text)) OVER (ORDER BY execution_id, sequence) AS running FROM (
        SELECT *, row_number() OVER (PARTITION BY node_execution_id ORDER BY sequence) AS number
        FROM node_outputs WHERE execution_id = ANY(%(ids)s) AND node_execution_id = ANY(%(nodes)s)
    ) numbered WHERE number <= %(most)s
) summed ORDER BY execution_id, sequence
"""
OUTPUTS = """
SELECT execution_id, name, CASE WHEN running <= %(room)s THEN value::text END AS value, ref,
    CASE WHEN running > %(room)s AND ref IS NULL THEN octet_length(value::text) END AS left_out
FROM (
    SELECT *, sum(octet_length(value::text)) OVER (ORDER BY execution_id, sequence) AS running FROM (
        SELECT *, row_number() OVER (PARTITION BY execution_id ORDER BY sequence) AS number
        FROM execution_outputs WHERE execution_id = ANY(%(ids)s)
    ) numbered WHERE number <= %(most)s
) summed ORDER BY execution_id, sequence
"""


class ManyExecutions:
    """One method a question. `room_bytes`: of values in one answer."""

    def __init__(self, conn: Connection, *, room_bytes: int) -> None:
        self._conn = conn
        self._room_bytes = room_bytes

    async def rows(self, ids: Sequence[UUID], *, owner_id: UUID) -> dict[UUID, Whole]:
        """Read those of these executions that the owner has."""
        async with self._conn.cursor(row_factory=class_row(Whole)) as cur:
            await cur.execute(EXECUTIONS, {"ids": list(ids), "owner_id": owner_id})
            return {row.id: row for row in await cur.fetchall()}

    async def nodes(self, ids: Sequence[UUID], *, limit: int, offset: int) -> dict[UUID, list[NodeOf]]:
        """Read a page of node executions of each, in the order in which they were queued."""
        found: dict[UUID, list[NodeOf]] = {}
        async with self._conn.cursor(row_factory=class_row(NodeOf)) as cur:
            await cur.execute(NODES, {"ids": list(ids), "limit": limit, "offset": offset})
            for row in await cur.fetchall():
                found.setdefault(row.execution_id, []).append(row)
        return found

    async def inputs(self, keys: Sequence[NodeKey]) -> dict[UUID, InputRow]:
        """Read the inputs of node executions."""
        async with self._conn.cursor(row_factory=class_row(InputRow)) as cur:
            await cur.execute(INPUTS, self._values(keys))
            return {row.id: row for row in await cur.fetchall()}

    async def arrived(self, keys: Sequence[NodeKey]) -> dict[UUID, list[ValueRow]]:
        """Read what has arrived at node executions that wait."""
        return await self._by_node(ARRIVED, keys)

    async def emitted(self, keys: Sequence[NodeKey]) -> dict[UUID, list[ValueRow]]:
        """Read the outputs of node executions, in order."""
        return await self._by_node(EMITTED, keys)

    async def outputs(self, ids: Sequence[UUID]) -> dict[UUID, list[OutputOf]]:
        """Read the outputs of executions, in order."""
        found: dict[UUID, list[OutputOf]] = {}
        values = {"ids": list(ids), "room": self._room_bytes, "most": OUTPUTS_MOST}
        async with self._conn.cursor(row_factory=class_row(OutputOf)) as cur:
            await cur.execute(OUTPUTS, values)
            for row in await cur.fetchall():
                found.setdefault(row.execution_id, []).append(row)
        return found

    async def _by_node(self, query: str, keys: Sequence[NodeKey]) -> dict[UUID, list[ValueRow]]:
        found: dict[UUID, list[ValueRow]] = {}
        async with self._conn.cursor(row_factory=class_row(ValueRow)) as cur:
            await cur.execute(query, self._values(keys))
            for row in await cur.fetchall():
                found.setdefault(row.node_execution_id, []).append(row)
        return found

    def _values(self, keys: Sequence[NodeKey]) -> dict[str, Any]:
        executions, nodes = list({key[0] for key in keys}), [key[1] for key in keys]
        return {"ids": executions, "nodes": nodes, "room": self._room_bytes, "most": OUTPUTS_MOST}
