"""The sink's side of PostgreSQL: one batch is one transaction of a few multi-row statements, offsets included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from millstream.connectors.sink_read import Step
from millstream.connectors.sink_rows import ExecutionRow, Known, NodeRow, Placed, Rows, fold
from millstream.schemas.errors import ConflictError, RecordInvalidError

CONNECT_S = 5
_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        # Rows and offsets are in one transaction: what a crash of PostgreSQL loses is read again from the log.
        "synchronous_commit": "off",
        "statement_timeout": 60_000,
        # A sink that was stopped in mid-transaction must not keep its successor waiting.
        "idle_in_transaction_session_timeout": 10_000,
        "TimeZone": "UTC",
    }.items()
)
_LIMIT_TRANSACTIONS = """
SELECT set_config(name, '10000', false) FROM pg_settings WHERE name = 'transaction_timeout'"""
"""From PostgreSQL 17 on. A sink that was stopped in the middle of a pipeline is neither idle in its transaction nor within
a statement, so that neither of the time-outs above would end it; its successor waited for its locks."""

_INIT_OFFSETS = """
INSERT INTO sink_offsets (topic, partition, next_offset) SELECT %(topic)s, p, 0 FROM unnest(%(partitions)s::int[]) p
ON CONFLICT DO NOTHING"""
_LOCK_OFFSETS = """
SELECT partition, next_offset FROM sink_offsets WHERE topic = %(topic)s AND partition = ANY(%(partitions)s::int[])
ORDER BY partition FOR UPDATE"""
_SAVE_OFFSETS = """
UPDATE sink_offsets s SET next_offset = x.next_offset, updated_at = now()
FROM unnest(%(partitions)s::int[], %(offsets)s::bigint[]) x (partition, next_offset)
WHERE s.topic = %(topic)s AND s.partition = x.partition"""
_LOCK_EXECUTIONS = """
SELECT id, sequence, status FROM executions WHERE id = ANY(%b::text[]::uuid[]) ORDER BY id FOR UPDATE"""

_EXECUTION_COLUMNS = (
    ("id", "uuid"),
    ("user_id", "uuid"),
    ("graph_id", "uuid"),
    ("graph_version", "bigint"),
    ("status", "text"),
    ("sequence", "bigint"),
    ("created_at", "timestamptz"),
    ("partition", "bigint"),
    ("first_offset", "bigint"),
    ("last_offset", "bigint"),
    ("kind", "text"),
    ("parent", "uuid"),
    ("is_dry_run", "boolean"),
    ("request", "json"),
    ("started_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    ("stats", "json"),
    ("verdict", "json"),
    ("failure", "json"),
    ("reason", "json"),
)
_NODE_COLUMNS = (
    ("id", "uuid"),
    ("execution_id", "uuid"),
    ("user_id", "uuid"),
    ("node_id", "text"),
    ("block_id", "text"),
    ("status", "text"),
    ("created_seq", "bigint"),
    ("sequence", "bigint"),
    ("input", "json"),
    ("slots", "json"),
    ("add_time", "timestamptz"),
    ("queue_time", "timestamptz"),
    ("start_time", "timestamptz"),
    ("end_time", "timestamptz"),
    ("failure", "json"),
    ("stats", "json"),
    ("reason", "json"),
    ("review", "json"),
    ("answer", "json"),
)
_VALUE_COLUMNS = (
    ("execution_id", "uuid"),
    ("sequence", "bigint"),
    ("node_execution_id", "uuid"),
    ("pin", "text"),
    ("value", "json"),
    ("ref", "json"),
)
_OUTPUT_COLUMNS = (
    ("execution_id", "uuid"),
    ("sequence", "bigint"),
    ("name", "text"),
    ("value", "json"),
    ("ref", "json"),
)


def _rows(columns: Sequence[tuple[str, str]]) -> str:
    """Return a FROM item that turns one array per column into rows. uuid and json travel as text."""
    arrays = ", ".join(f"%b::{'text' if type_ in ('uuid', 'json') else type_}[]" for _, type_ in columns)
    names = ", ".join(name for name, _ in columns)
    return f"unnest({arrays}) x ({names})"


def _cast(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(
        f"x.{name}::{type_}" if type_ in ("uuid", "json") else f"x.{name}" for name, type_ in columns
    )


_SAVE_EXECUTIONS = f"""
INSERT INTO executions AS e (id, user_id, graph_id, graph_version, status, sequence, created_at, kafka_partition,
    first_offset, last_offset, kind, parent_execution_id, is_dry_run, request, started_at, ended_at, stats, verdict,
    failure, reason, accepted_at)
SELECT {_cast(_EXECUTION_COLUMNS)}, now() FROM {_rows(_EXECUTION_COLUMNS)}
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status,
    sequence = excluded.sequence,
    moved_at = now(),
    nudges = 0,
    graph_id = coalesce(e.graph_id, excluded.graph_id),
    graph_version = coalesce(e.graph_version, excluded.graph_version),
    kafka_partition = excluded.kafka_partition,
    first_offset = coalesce(e.first_offset, excluded.first_offset),
    last_offset = excluded.last_offset,
    parent_execution_id = coalesce(e.parent_execution_id, excluded.parent_execution_id),
    request = coalesce(e.request, excluded.request),
    started_at = coalesce(e.started_at, excluded.started_at),
    ended_at = coalesce(excluded.ended_at, e.ended_at),
    stats = coalesce(excluded.stats, e.stats),
    verdict = coalesce(excluded.verdict, e.verdict),
    failure = coalesce(excluded.failure, e.failure),
    reason = CASE WHEN e.status = excluded.status THEN coalesce(excluded.reason, e.reason) ELSE excluded.reason END,
    accepted_at = coalesce(e.accepted_at, excluded.accepted_at),
    start_record = NULL
WHERE e.sequence < excluded.sequence"""
_SAVE_NODES = f"""
INSERT INTO node_executions AS n ({", ".join(name for name, _ in _NODE_COLUMNS)})
SELECT {_cast(_NODE_COLUMNS)} FROM {_rows(_NODE_COLUMNS)}
ON CONFLICT (id, execution_id) DO UPDATE SET
    status = excluded.status,
    sequence = excluded.sequence,
    input = coalesce(excluded.input, n.input),
    slots = coalesce(excluded.slots, n.slots),
    add_time = coalesce(n.add_time, excluded.add_time),
    queue_time = coalesce(excluded.queue_time, n.queue_time),
    start_time = coalesce(n.start_time, excluded.start_time),
    end_time = coalesce(excluded.end_time, n.end_time),
    failure = coalesce(excluded.failure, n.failure),
    stats = coalesce(excluded.stats, n.stats),
    reason = excluded.reason,
    review = coalesce(excluded.review, n.review),
    answer = coalesce(excluded.answer, n.answer)
WHERE n.sequence < excluded.sequence"""
_SAVE_INPUTS = f"""
INSERT INTO node_inputs SELECT {_cast(_VALUE_COLUMNS)} FROM {_rows(_VALUE_COLUMNS)} ON CONFLICT DO NOTHING"""
_DROP_INPUTS = """
DELETE FROM node_inputs WHERE execution_id = ANY(%b::text[]::uuid[]) AND node_execution_id = ANY(%b::text[]::uuid[])"""
"""The executions say in which months to look."""
_SAVE_OUTPUTS = f"""
INSERT INTO node_outputs SELECT {_cast(_VALUE_COLUMNS)} FROM {_rows(_VALUE_COLUMNS)} ON CONFLICT DO NOTHING"""
_SAVE_EXECUTION_OUTPUTS = f"""
INSERT INTO execution_outputs SELECT {_cast(_OUTPUT_COLUMNS)} FROM {_rows(_OUTPUT_COLUMNS)} ON CONFLICT DO NOTHING"""


class FencedError(ConflictError):
    """Somebody else moved the offsets: another sink has this partition, or a commit of ours went through unseen."""


class RefusedError(RecordInvalidError):
    """PostgreSQL will never take this batch as it is: a value in it is not storable."""


def is_refusal(error: psycopg.Error) -> bool:
    """Say whether the data is at fault; everything else counts as an outage, which passes."""
    # 22 data, 23 integrity, 54 limits such as JSON that is nested too deeply; no state: refused before it was sent.
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)
    return error.sqlstate[:2] in ("22", "23", "54")


class SinkStore:
    """One connection, opened when needed and again after a failure."""

    def __init__(self, dsn: str, topic: str) -> None:
        self._dsn = dsn
        self._topic = topic
        self._conn: psycopg.Connection[Any] | None = None

    def offsets(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return {partition: next offset}; a partition that is new begins at 0. Errors: psycopg.Error."""
        arguments = {"topic": self._topic, "partitions": sorted(partitions)}
        conn = self._connection()
        with conn.transaction():
            conn.execute(_INIT_OFFSETS, arguments)
            return dict(conn.execute(_LOCK_OFFSETS, arguments).fetchall())

    def save(self, batch: Sequence[Placed], expected: Mapping[int, int]) -> dict[int, int]:
        """Write a batch and its offsets in one transaction; return {partition: next offset}.

        Errors: FencedError if an offset is not the `expected` one; RefusedError; psycopg.Error: try again later.
        """
        after = {partition: offset + 1 for partition, offset, _ in batch}
        conn = self._connection()
        try:
            with conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
                self._fence(cursor, {partition: expected[partition] for partition in after})
                steps = [item.step for item in batch if item.step is not None]
                rows = fold(batch, self._known(cursor, steps))
                with conn.pipeline():
                    _write(cursor, rows)
                    offsets = {"partitions": list(after), "offsets": list(after.values())}
                    cursor.execute(_SAVE_OFFSETS, {"topic": self._topic, **offsets})
        except psycopg.Error as error:
            if is_refusal(error):
                raise RefusedError(str(error).strip().split("\n", 1)[0]) from error
            raise
        return after

    def storable(self, text: str) -> bool:
        """Say whether PostgreSQL takes this text as JSON. Errors: psycopg.Error."""
        try:
            self._connection().execute("SELECT %s::json", [text])
        except psycopg.Error as error:
            if is_refusal(error):
                return False
            raise
        return True

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._conn is not None:
            self._conn.close()
        self._conn = None

    def _connection(self) -> psycopg.Connection[Any]:
        if self._conn is None or self._conn.closed:
            self._conn = psycopg.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=CONNECT_S,
                application_name="millstream-sink",
                options=_OPTIONS,
                keepalives_idle=10,
                keepalives_interval=3,
                keepalives_count=3,
                tcp_user_timeout=15_000,
            )
            self._conn.execute(_LIMIT_TRANSACTIONS)
        return self._conn

    def _fence(self, cursor: psycopg.Cursor[Any], expected: dict[int, int]) -> None:
        """Lock the offsets of the batch's partitions, in order, and compare them with what we believe."""
        cursor.execute(_LOCK_OFFSETS, {"topic": self._topic, "partitions": sorted(expected)})
        stored = dict(cursor.fetchall())
        if stored != expected:
            moved = {p: (offset, stored.get(p)) for p, offset in expected.items() if stored.get(p) != offset}
            raise FencedError(f"offsets were moved, {{partition: (ours, stored)}}: {moved}")

    @staticmethod
    def _known(cursor: psycopg.Cursor[Any], steps: Sequence[Step]) -> dict[str, Known]:
        ids = sorted({step.execution for step in steps})
        if not ids:
            return {}
        cursor.execute(_LOCK_EXECUTIONS, [ids])
        return {id_.hex: Known(sequence, status) for id_, sequence, status in cursor.fetchall()}


def _write(cursor: psycopg.Cursor[Any], rows: Rows) -> None:
    _insert(cursor, _SAVE_EXECUTIONS, [_execution(row) for row in rows.executions.values()])
    _insert(cursor, _SAVE_NODES, [_node(row) for row in rows.nodes.values()])
    _insert(cursor, _SAVE_INPUTS, [row for values in rows.inputs.values() for row in values])
    if rows.queued:
        cursor.execute(_DROP_INPUTS, [sorted(set(rows.queued.values())), list(rows.queued)])
    _insert(cursor, _SAVE_OUTPUTS, rows.outputs)
    _insert(cursor, _SAVE_EXECUTION_OUTPUTS, rows.execution_outputs)


def _insert(cursor: psycopg.Cursor[Any], statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        cursor.execute(statement.encode(), [list(column) for column in zip(*rows, strict=True)])


def _execution(row: ExecutionRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name, _ in _EXECUTION_COLUMNS)


def _node(row: NodeRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name, _ in _NODE_COLUMNS)
