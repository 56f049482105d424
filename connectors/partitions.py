"""Months of executions: partitions of five tables by the time in the execution's id, made ahead, dropped when old.

`<table>_2026_11` has the executions of a month; the first one also all before it. `<table>_rest` has what fits nowhere:
ids without a time, and ids of a month that was not made in time, which move when it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from psycopg.sql import SQL, Composed, Identifier, Literal

AHEAD = 2
"""Months that are there before they begin."""
AT_ONCE = 1000
"""Old rows without a month that one round removes."""
_LOCK = 0x6D73_6D6F
_TABLES = {
    "executions": ("id", 70),
    "node_executions": ("execution_id", 80),
    "node_inputs": ("execution_id", 100),
    "node_outputs": ("execution_id", 100),
    "execution_outputs": ("execution_id", 100),
}
"""Column with the execution's id, and fill factor. In the order in which the sink writes, so that locks come in one order."""
_BESIDE = ("idempotency_keys", "shares", "execution_secrets")
"""Tables without months that name executions."""
_SETTINGS = """
SELECT set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '300s', true)
"""
"""Whoever waits for a table's lock has all others wait behind him: better to try again in a while."""
_MONTHS = """
SELECT right(c.relname, 7) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'executions'::regclass AND c.relname ~ '^executions_\\d{4}_\\d{2}$' ORDER BY 1
"""
_OPEN = SQL("SELECT count(*) FROM {} WHERE status NOT IN ('COMPLETED', 'FAILED', 'TERMINATED')")
_OLD_REST = """
SELECT id FROM executions_rest WHERE created_at < %(before)s AND status IN ('COMPLETED', 'FAILED', 'TERMINATED')
LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, at: datetime) -> Month:
        """Return the month of a time."""
        at = at.astimezone(UTC)
        return cls(at.year, at.month)

    @classmethod
    def named(cls, name: str) -> Month:
        """Return the month of a partition's name, `2026_11`."""
        year, month = name.split("_")
        return cls(int(year), int(month))

    def plus(self, months: int) -> Month:
        """Return the month so many later."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    @property
    def start(self) -> datetime:
        """When it begins."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def first_id(self) -> UUID:
        """The bound between its ids and those before."""
        return UUID(bytes=int(self.start.timestamp() * 1000).to_bytes(6, "big") + bytes(10))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    def table(self, name: str) -> Identifier:
        """Return a table's partition of this month."""
        return Identifier(f"{name}_{self.year:04}_{self.month:02}")


@dataclass(slots=True)
class Kept:
    """What a round has done. `held`: months that are old and have executions that are still open."""

    made: list[Month] = field(default_factory=list)
    dropped: list[Month] = field(default_factory=list)
    held: list[Month] = field(default_factory=list)
    removed: int = 0
    """Old executions whose ids have no time."""


async def keep(conn: AsyncConnection[Any], *, months: int, now: datetime | None = None) -> Kept | None:
    """Make the months ahead, and drop those that ended more than `months` months ago (0: none).

    Each month is a transaction of its own; `conn` must be in autocommit. None: another process is at it.
    Errors: psycopg.errors.LockNotAvailable: a table was busy, try again; InsufficientPrivilege: the tables are not ours.
    """
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not await cur.fetchone():
            return None
    try:
        return await _keep(conn, months, Month.of(now or datetime.now(UTC)))
    finally:
        if not conn.broken:
            await conn.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


async def _keep(conn: AsyncConnection[Any], months: int, current: Month) -> Kept:
    kept = Kept()
    there = await _there(conn)
    month = there[-1].plus(1) if there else current
    while month <= current.plus(AHEAD):
        await _make(conn, month)
        kept.made.append(month)
        month = month.plus(1)
    if months:
        oldest = current.plus(-months)
        for position, month in enumerate(there):
            if month >= oldest:
                break
            gone = await _drop(conn, month, is_first=position == 0)
            (kept.dropped if gone else kept.held).append(month)
        kept.removed = await _remove_rest(conn, oldest.start)
    return kept


async def _there(conn: AsyncConnection[Any]) -> list[Month]:
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(_MONTHS)
        return [Month.named(name) for name in await cur.fetchall()]


async def _make(conn: AsyncConnection[Any], month: Month) -> None:
    """Add a month to all tables, with what lies in `_rest` of it."""
    low, high = Literal(month.first_id), Literal(month.plus(1).first_id)
    async with conn.transaction():
        await conn.execute(_SETTINGS)
        for name in _TABLES:
            await conn.execute(
                SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(Identifier(f"{name}_rest"))
            )
        for name, (key, fill) in _TABLES.items():
            part = month.table(name)
            for text in (
                "CREATE TABLE {part} (LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (fillfactor = {fill})",
                "WITH strays AS (DELETE FROM {rest} WHERE {key} >= {low} AND {key} < {high} RETURNING *) "
                "INSERT INTO {part} SELECT * FROM strays",
                "ALTER TABLE {name} ATTACH PARTITION {part} FOR VALUES FROM ({low}) TO ({high})",
            ):
                await conn.execute(
                    _filled(text, name=name, part=part, key=key, fill=Literal(fill), low=low, high=high)
                )


def _filled(text: str, *, name: str, key: str, **facts: Identifier | Literal) -> Composed:
    names = {"name": Identifier(name), "rest": Identifier(f"{name}_rest"), "key": Identifier(key)}
    return SQL(text).format(**names, **facts)  # type: ignore[arg-type, unused-ignore]


async def _drop(conn: AsyncConnection[Any], month: Month, *, is_first: bool) -> bool:
    """Drop a month, and what names its executions. Returns False if one of them is still open."""
    async with conn.transaction(), conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(_SETTINGS)
        await cur.execute(_OPEN.format(month.table("executions")))
        if await cur.fetchone():
            return False
        low = UUID(int=0) if is_first else month.first_id
        for name in _BESIDE:
            query = SQL("DELETE FROM {} WHERE execution_id >= %s AND execution_id < %s")
            await cur.execute(query.format(Identifier(name)), [low, month.plus(1).first_id])
        for name in _TABLES:
            await cur.execute(SQL("DROP TABLE {}").format(month.table(name)))
    return True


async def _remove_rest(conn: AsyncConnection[Any], before: datetime) -> int:
    async with conn.transaction(), conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(_SETTINGS)
        await cur.execute(_OLD_REST, {"before": before, "most": AT_ONCE})
        ids = await cur.fetchall()
        if ids:
            columns = {f"{name}_rest": key for name, (key, _) in _TABLES.items()}
            for name, key in (columns | dict.fromkeys(_BESIDE, "execution_id")).items():
                query = SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(Identifier(name), Identifier(key))
                await cur.execute(query, [ids])
    return len(ids)
