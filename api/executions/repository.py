"""Table `executions`: the edge writes the request and whether Kafka has it; the sink writes what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from psycopg.rows import class_row, scalar_row, tuple_row

from millstream.api.database import Connection
from millstream.api.http.paging import Cursor
from millstream.schemas.errors import NotFoundError
from millstream.schemas.messages import ExecutionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution:
    """A row before it is inserted."""

    id: UUID
    user_id: UUID
    graph_id: UUID
    graph_version: int
    kind: str
    request: str
    """JSON: `digest` first (see EARLIER), inputs, refs of large ones, masks, flags, plan."""
    start_record: bytes
    idempotency_key: str | None
    is_dry_run: bool
    parent_execution_id: UUID | None = None
    preset_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One execution, without values."""

    id: UUID
    user_id: UUID
    graph_id: UUID | None
    graph_version: int | None
    kind: str
    status: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stats: dict[str, Any] | None
    verdict: dict[str, Any] | None
    failure: dict[str, Any] | None
    is_dry_run: bool
    parent_execution_id: UUID | None
    reason: dict[str, Any] | None
    """As its last status gave it."""
    preset_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Head):
    """One execution with its request, and where its events are."""

    request: dict[str, Any] | None
    sequence: int
    kafka_partition: int | None
    first_offset: int | None
    last_offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which executions are asked for; None: whatever they have there."""

    kind: str | None = "graph"
    graph_id: UUID | None = None
    preset_id: UUID | None = None
    statuses: list[str] | None = None
    verdict: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What an idempotency key was used for."""

    id: UUID
    digest: str | None
    status: str
    created_at: datetime
    graph_id: UUID | None
    graph_version: int | None


_HEAD = (
    "id, user_id, graph_id, graph_version, kind, status, created_at, started_at, ended_at, stats, verdict, failure, "
    "is_dry_run, parent_execution_id, reason, preset_id"
)
INSERT = """
WITH taken AS (
    INSERT INTO idempotency_keys (user_id, key, execution_id)
    SELECT %(user_id)s, %(idempotency_key)s, %(id)s WHERE %(idempotency_key)s::text IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING execution_id
)
INSERT INTO executions (id, user_id, graph_id, graph_version, kind, request, start_record, idempotency_key, is_dry_run,
    parent_execution_id, preset_id)
SELECT %(id)s, %(user_id)s, %(graph_id)s, %(graph_version)s, %(kind)s, %(request)s::json, %(start_record)s,
    %(idempotency_key)s, %(is_dry_run)s, %(parent_execution_id)s::uuid, %(preset_id)s::uuid
WHERE %(idempotency_key)s::text IS NULL OR EXISTS (SELECT FROM taken) RETURNING created_at
"""
INSERT_MANY = """
WITH rows AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(requests)s::text[], %(records)b::bytea[], %(keys)s::text[], %(numbers)s::int[])
        AS r (id, request, start_record, key, number)
), taken AS (
    INSERT INTO idempotency_keys (user_id, key, execution_id)
    SELECT %(user_id)s, key, id FROM rows WHERE key IS NOT NULL ON CONFLICT DO NOTHING RETURNING execution_id
)
INSERT INTO executions (id, user_id, graph_id, graph_version, kind, request, start_record, idempotency_key, is_dry_run,
    created_at)
SELECT r.id, %(user_id)s, %(graph_id)s, %(graph_version)s, 'graph', r.request::json, r.start_record, r.key,
    %(is_dry_run)s, now() + r.number * interval '1 microsecond'
FROM rows r WHERE r.key IS NULL OR r.id IN (SELECT execution_id FROM taken) RETURNING id
"""
"""A microsecond each keeps the order that the rows had; PostgreSQL takes them in that of their keys: see `add_all`."""
EARLIER = """
SELECT id, substr(request::text, 12, 64) AS digest, status, created_at, graph_id, graph_version
FROM idempotency_keys k JOIN executions e ON e.id = k.execution_id
WHERE k.user_id = %(owner_id)s AND k.key = %(key)s
"""
"""The digest by its place, `{"digest":"<64 digits>"`: operators on json fail if \\u0000 is anywhere in the document."""
EARLIER_MANY = """
SELECT k.key, id, substr(request::text, 12, 64) AS digest
FROM idempotency_keys k JOIN executions e ON e.id = k.execution_id
WHERE k.user_id = %(owner_id)s AND k.key = ANY(%(keys)s)
"""
ACCEPT = """
UPDATE executions SET accepted_at = now(), start_record = NULL WHERE id = ANY(%(ids)s) AND accepted_at IS NULL
"""
START_RECORD = "SELECT start_record FROM executions WHERE id = %(id)s AND accepted_at IS NULL"
TO_SWEEP = """
SELECT id, user_id, start_record FROM executions
WHERE accepted_at IS NULL AND start_record IS NOT NULL AND created_at < now() - make_interval(secs => %(age_s)s)
ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
GET = f"""
SELECT {_HEAD}, request, sequence, kafka_partition, first_offset, last_offset
FROM executions WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
"""
_WISHES = {
    "kind": "kind = %(kind)s",
    "graph_id": "graph_id = %(graph_id)s",
    "preset_id": "preset_id = %(preset_id)s",
    "statuses": "status = ANY(%(statuses)s)",
    "verdict": """starts_with(verdict::text, '{"result":"' || %(verdict)s || '"')""",
    "created_after": "created_at > %(created_after)s",
    "created_before": "created_at < %(created_before)s",
    "at": "(created_at, id) < (%(at)s, %(after)s)",
}
"""A verdict begins with its result. Compared as text: operators on json fail if \\u0000 is anywhere in it."""
DELETE = """
WITH withdrawn AS (DELETE FROM shares WHERE execution_id = %(id)s AND account_id = %(owner_id)s)
UPDATE executions SET deleted_at = now() WHERE id = %(id)s AND user_id = %(owner_id)s AND deleted_at IS NULL
"""
COUNT = """
SELECT count(*) FROM executions WHERE user_id = %(owner_id)s AND graph_id = %(graph_id)s AND kind = 'graph'
AND deleted_at IS NULL
"""
COUNT_QUEUED = """
SELECT count(*) FROM (
    SELECT FROM executions WHERE user_id = %(owner_id)s AND status = 'QUEUED' AND deleted_at IS NULL LIMIT %(most)s
) counted
"""
PLACE = """
SELECT count(*) FROM executions WHERE user_id = %(owner_id)s AND status = 'QUEUED' AND deleted_at IS NULL
AND (created_at, id) <= (%(created_at)s, %(id)s)
"""


RARE = frozenset(get_args(ExecutionStatus)) - {"COMPLETED"}
"""What the index by status has: all but what most executions are."""


def list_query(values: Mapping[str, Any]) -> bytes:
    """Return the query of a list, with the conditions that are asked for and no others.

    A prepared statement that says `NULL or equal` for each gets a plan for all cases, which reads every page from the
    newest execution on. Rare statuses are asked for one by one, by name: each lies in its index in the order of the list,
    which `ANY` does not show, and of a parameter PostgreSQL does not know that it is rare. What most have is met soon on
    the way through all.
    """
    wishes = "".join(f" AND {text}" for name, text in _WISHES.items() if values.get(name) is not None)
    asked = set(values.get("statuses") or ())
    order = "ORDER BY created_at DESC, id DESC"
    if not asked or not asked <= RARE:
        return (
            f"SELECT {_HEAD} FROM executions WHERE user_id = %(owner_id)s AND deleted_at IS NULL{wishes} "
            f"{order} LIMIT %(limit)s OFFSET %(offset)s"
        ).encode()
    others = wishes.replace(f" AND {_WISHES['statuses']}", "")
    parts = [
        f"(SELECT {_HEAD} FROM executions WHERE user_id = %(owner_id)s AND deleted_at IS NULL AND status = '{status}'"
        f"{others} {order} LIMIT %(limit)s + %(offset)s)"
        for status in sorted(asked)
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) parts {order} LIMIT %(limit)s OFFSET %(offset)s".encode()


class Executions:
    """One method a question. Never commits."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(self, row: NewExecution) -> datetime | None:
        """Insert an execution. Returns when; None if its idempotency key was used before."""
        values = {field: getattr(row, field) for field in NewExecution.__slots__}
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(INSERT, values)
            created_at: datetime | None = await cur.fetchone()
        return created_at

    async def add_all(self, rows: list[NewExecution]) -> set[UUID]:
        """Insert executions of one graph. Returns the ids of those whose idempotency key was not used before."""
        first = rows[0]
        # Two requests with the same keys in other orders would wait for each other for ever.
        numbered = sorted(enumerate(rows), key=lambda pair: pair[1].idempotency_key or "")
        values = {
            "user_id": first.user_id,
            "graph_id": first.graph_id,
            "graph_version": first.graph_version,
            "is_dry_run": first.is_dry_run,
            "ids": [row.id for _, row in numbered],
            "requests": [row.request for _, row in numbered],
            "records": [row.start_record for _, row in numbered],
            "keys": [row.idempotency_key for _, row in numbered],
            "numbers": [number for number, _ in numbered],
        }
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(INSERT_MANY, values)
            return set(await cur.fetchall())

    async def earlier_of(self, keys: list[str], *, owner_id: UUID) -> dict[str, tuple[UUID, str | None]]:
        """Return what idempotency keys were used for: id and digest."""
        async with self._conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(EARLIER_MANY, {"keys": keys, "owner_id": owner_id})
            return {key: (id_, digest) for key, id_, digest in await cur.fetchall()}

    async def find_earlier(self, key: str, *, owner_id: UUID) -> Earlier | None:
        """Return what an idempotency key was used for, None for a new one."""
        async with self._conn.cursor(row_factory=class_row(Earlier)) as cur:
            await cur.execute(EARLIER, {"key": key, "owner_id": owner_id})
            return await cur.fetchone()

    async def accept(self, ids: list[UUID]) -> None:
        """Note that Kafka has the Starts of these executions."""
        await self._conn.execute(ACCEPT, {"ids": ids})

    async def find_start(self, execution_id: UUID) -> bytes | None:
        """Return the Start that Kafka may not have yet; None if it has it."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(START_RECORD, {"id": execution_id})
            record: bytes | None = await cur.fetchone()
        return record

    async def lock_to_sweep(self, *, age_s: float, limit: int) -> list[tuple[UUID, UUID, bytes]]:
        """Return id, owner and Start of executions that were not acknowledged in time; other edges pass over them until
        the commit."""
        async with self._conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(TO_SWEEP, {"age_s": age_s, "limit": limit})
            return await cur.fetchall()

    async def count_queued(self, *, owner_id: UUID, most: int) -> int:
        """Return how many executions of an owner have not begun; counts no further than `most`."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(COUNT_QUEUED, {"owner_id": owner_id, "most": most})
            return int(await cur.fetchone() or 0)

    async def place(self, row: Head) -> int:
        """Return an execution's place among those of its owner that have not begun; 1 is the next."""
        values = {"owner_id": row.user_id, "created_at": row.created_at, "id": row.id}
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(PLACE, values)
            return int(await cur.fetchone() or 1)

    async def get(self, execution_id: UUID, *, owner_id: UUID) -> Whole:
        """Read one. Errors: NotFoundError, also if another owner has it."""
        async with self._conn.cursor(row_factory=class_row(Whole)) as cur:
            await cur.execute(GET, {"id": execution_id, "owner_id": owner_id})
            row = await cur.fetchone()
        if row is None:
            raise NotFoundError(f"There is no execution {execution_id}.")
        return row

    async def list_(
        self, wish: Wish, *, owner_id: UUID, cursor: Cursor | None, limit: int, offset: int = 0
    ) -> list[Head]:
        """Read an owner's executions, newest first."""
        at, after = (cursor.at, cursor.id) if cursor else (None, None)
        asked = {name: getattr(wish, name) for name in Wish.__slots__}
        values = asked | {"owner_id": owner_id, "at": at, "after": after, "limit": limit, "offset": offset}
        async with self._conn.cursor(row_factory=class_row(Head)) as cur:
            await cur.execute(list_query(values), values)
            return await cur.fetchall()

    async def count(self, graph_id: UUID, *, owner_id: UUID) -> int:
        """Return how many runs of a graph there are."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(COUNT, {"owner_id": owner_id, "graph_id": graph_id})
            return int(await cur.fetchone() or 0)

    async def delete(self, execution_id: UUID, *, owner_id: UUID) -> None:
        """Hide one; its events stay on the log. Errors: NotFoundError."""
        done = await self._conn.execute(DELETE, {"id": execution_id, "owner_id": owner_id})
        if not done.rowcount:
            raise NotFoundError(f"There is no execution {execution_id}.")
