"""Months of executions, on the real PostgreSQL."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from millstream.connectors import database
from millstream.connectors.partitions import Month
from millstream.connectors.sink_store import _DROP_INPUTS, _LOCK_EXECUTIONS, SinkStore
from tests.integration.connectors.histories import USER, expected, stored, stories
from tests.integration.connectors.months import explained, id_at, kept, tables_read
from tests.integration.connectors.test_sink_store import placed

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)
THIS = Month.of(NOW)
INSERT = "INSERT INTO executions (id, user_id, status, created_at) VALUES (%s, %s, %s, %s)"


@pytest.fixture
def migrated(dsn: str) -> str:
    database.migrate(dsn)
    return dsn


def at(month: Month) -> datetime:
    return month.start + timedelta(days=14)


def rows(dsn: str, query: str, values: Any = None) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(query.encode(), values).fetchall()


def places(dsn: str, table: str = "executions") -> list[str]:
    return [name for (name,) in rows(dsn, f"SELECT tableoid::regclass::text FROM {table} ORDER BY 1")]


def part(month: Month, table: str = "executions") -> str:
    return f"{table}_{month.year}_{month.month:02}"


def test_a_database_from_before_months_keeps_all_its_rows(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "CREATE TABLE schema_migrations"
            " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for each in database.migrations():
            if each.name < "0013":
                conn.execute(each.sql.encode())
                conn.execute("INSERT INTO schema_migrations VALUES (%s, %s)", [each.name, each.checksum])
        for id_, key in (
            (id_at(NOW), "k"),
            (id_at(NOW - timedelta(days=400)), None),
            (uuid.UUID(int=2**128 - 1), None),
        ):
            conn.execute(
                "INSERT INTO executions (id, user_id, idempotency_key) VALUES (%s, %s, %s)", [id_, USER, key]
            )
            conn.execute(
                "INSERT INTO node_executions (id, execution_id, user_id, node_id, block_id, status, created_seq, sequence)"
                " VALUES (gen_random_uuid(), %s, %s, 'n', 'b', 'COMPLETED', 1, 2)",
                [id_, USER],
            )
            conn.execute("INSERT INTO node_outputs VALUES (%s, 1, %s, 'p', '1')", [id_, id_])
    before = stored(dsn)
    assert "0013_months" in database.migrate(dsn)
    assert stored(dsn) == before
    for table in ("executions", "node_executions", "node_outputs"):
        assert places(dsn, table) == [part(THIS, table), part(THIS, table), f"{table}_rest"]
    assert rows(dsn, "SELECT user_id, key FROM idempotency_keys") == [(USER, "k")]
    attached = rows(
        dsn,
        "SELECT count(*) FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid"
        " WHERE i.relkind = 'i' AND i.relispartition AND x.indrelid = %s::regclass",
        [part(THIS)],
    )
    assert attached == [(8,)]  # each index of the table has its part there: none is left out, none is double


async def test_months_are_there_before_they_begin_and_made_once(migrated: str) -> None:
    first, second = await kept(migrated, NOW), await kept(migrated, NOW)
    assert (first.made, second.made) == ([THIS.plus(1), THIS.plus(2)], [])
    with psycopg.connect(migrated) as conn:
        for months in (0, 1, 2, 3):
            when = at(THIS.plus(months))
            conn.execute(INSERT, [id_at(when), USER, "COMPLETED", when])
    assert places(migrated) == [part(THIS), part(THIS.plus(1)), part(THIS.plus(2)), "executions_rest"]


async def test_rows_of_a_month_that_comes_late_move_into_it(migrated: str) -> None:
    when = at(THIS.plus(4))
    with psycopg.connect(migrated) as conn:
        for id_ in (id_at(when), uuid.UUID(int=2**128 - 1)):
            conn.execute(INSERT, [id_, USER, "COMPLETED", when])
            conn.execute("INSERT INTO node_outputs VALUES (%s, 1, %s, 'p', '1')", [id_, id_])
    made = (await kept(migrated, at(THIS.plus(4)))).made
    assert made == [THIS.plus(n) for n in range(1, 7)]
    for table in ("executions", "node_outputs"):
        assert places(migrated, table) == [part(THIS.plus(4), table), f"{table}_rest"]


async def test_an_old_month_goes_with_all_that_names_it_and_waits_for_what_is_open(migrated: str) -> None:
    await kept(migrated, NOW)
    old, held, new = (id_at(at(THIS.plus(months))) for months in range(3))
    stray = uuid.UUID(int=2**128 - 1)
    with psycopg.connect(migrated) as conn:
        for id_, status, month in (
            (old, "COMPLETED", THIS),
            (held, "REVIEW", THIS.plus(1)),
            (new, "COMPLETED", THIS.plus(2)),
            (stray, "FAILED", THIS),
        ):
            conn.execute(INSERT, [id_, USER, status, at(month)])
            conn.execute("INSERT INTO idempotency_keys VALUES (%s, %s, %s)", [USER, str(id_), id_])
            conn.execute("INSERT INTO node_inputs VALUES (%s, 1, %s, 'p', '1')", [id_, id_])
    later = at(THIS.plus(5))
    assert (await kept(migrated, later, months=0)).dropped == []
    found = await kept(migrated, later, months=3)
    assert (found.dropped, found.held, found.removed) == ([THIS], [THIS.plus(1)], 1)
    for query in (
        "SELECT id FROM executions ORDER BY 1",
        "SELECT execution_id FROM idempotency_keys ORDER BY 1",
        "SELECT execution_id FROM node_inputs ORDER BY 1",
    ):
        assert rows(migrated, query) == [(held,), (new,)]
    with psycopg.connect(migrated) as conn:
        conn.execute("UPDATE executions SET status = 'COMPLETED' WHERE id = %s", [held])
    assert (await kept(migrated, later, months=3)).dropped == [THIS.plus(1)]
    assert rows(migrated, "SELECT id FROM executions") == [(new,)]


async def test_a_table_that_is_in_use_puts_the_round_off_and_nothing_is_half_done(migrated: str) -> None:
    with psycopg.connect(migrated) as conn:
        conn.execute("LOCK TABLE node_outputs_rest IN SHARE MODE")
        with pytest.raises(errors.LockNotAvailable):
            await kept(migrated, NOW)
    assert rows(migrated, "SELECT to_regclass(%s)", [part(THIS.plus(1))]) == [(None,)]
    assert (await kept(migrated, NOW)).made == [THIS.plus(1), THIS.plus(2)]


async def test_the_sink_writes_into_months_and_looks_only_where_a_row_can_be(migrated: str) -> None:
    await kept(migrated, NOW)
    records, model = stories(random.Random(35), 12)
    store = SinkStore(migrated, "events")
    offsets = store.offsets([0])
    for record in records:
        offsets = store.save(placed([record], begin=offsets[0]), offsets)
    store.save(placed(records, begin=offsets[0]), offsets)  # all comes twice
    store.close()
    assert stored(migrated) == expected(model)
    id_ = id_at(at(THIS.plus(1)))
    with psycopg.connect(migrated) as conn:
        for query, values in (
            (_LOCK_EXECUTIONS, [[id_.hex]]),
            ("SELECT FROM node_executions WHERE execution_id = %b ORDER BY created_seq", [id_]),
            ("SELECT FROM node_outputs WHERE execution_id = %b", [id_]),
            (_DROP_INPUTS, [[id_.hex], [uuid.uuid4().hex]]),
        ):
            plan = explained(conn, query, values)
            assert all(name.endswith(part(THIS.plus(1))[-8:]) for name in tables_read(plan)), query


def test_an_idempotency_key_is_free_of_months(migrated: str) -> None:
    with psycopg.connect(migrated) as conn:
        conn.execute("INSERT INTO idempotency_keys VALUES (%s, 'k', gen_random_uuid())", [USER])
        conn.execute("INSERT INTO idempotency_keys VALUES (gen_random_uuid(), 'k', gen_random_uuid())")
        with pytest.raises(errors.UniqueViolation):
            conn.execute("INSERT INTO idempotency_keys VALUES (%s, 'k', gen_random_uuid())", [USER])
