from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg import errors

from millstream.connectors import database
from millstream.schemas.errors import ConfigurationError, UnavailableError

pytestmark = pytest.mark.integration


def execute(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement.encode())


def test_migrations_are_applied_once(dsn: str) -> None:
    assert database.head(dsn) is None
    assert database.migrate(dsn) == [migration.name for migration in database.migrations()]
    assert database.migrate(dsn) == []
    assert database.head(dsn) == database.migrations()[-1].name


def test_processes_that_start_together_migrate_once(dsn: str) -> None:
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(database.migrate(dsn))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, 0, len(database.migrations())]


def test_a_migration_that_fails_leaves_nothing(dsn: str) -> None:
    execute(dsn, "CREATE TABLE sink_offsets ()")  # the last table of the first migration is in the way
    with pytest.raises(ConfigurationError, match='relation "sink_offsets" already exists'):
        database.migrate(dsn)
    execute(dsn, "DROP TABLE sink_offsets")
    assert database.migrate(dsn)


def test_an_edited_migration_is_refused(dsn: str) -> None:
    database.migrate(dsn)
    execute(dsn, "UPDATE schema_migrations SET checksum = 'other' WHERE name = '0001_spine'")
    with pytest.raises(ConfigurationError, match="0001_spine"):
        database.migrate(dsn)


def test_a_newer_database_is_refused(dsn: str) -> None:
    database.migrate(dsn)
    execute(dsn, "INSERT INTO schema_migrations (name, checksum) VALUES ('9999_future', 'x')")
    with pytest.raises(ConfigurationError, match="newer version"):
        database.migrate(dsn)


def test_no_server_is_unavailable_and_no_dsn_is_not_repeated() -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        database.head("postgresql://u:secret@127.0.0.1:1/x")
    with pytest.raises(ConfigurationError) as caught:
        database.head("postgresql//u:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)


async def test_the_pool_limits_statements_and_replaces_lost_connections(dsn: str) -> None:
    async with database.pool(dsn, max_size=1, statement_timeout_ms=100) as pool:
        with pytest.raises(errors.QueryCanceled):
            async with pool.connection() as conn:
                await conn.execute("SELECT pg_sleep(5)")
        execute(
            dsn,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'millstream-edge'",
        )
        async with pool.connection() as conn:
            assert await (await conn.execute("SELECT current_setting('TimeZone')")).fetchone() == ("UTC",)


def test_user_values_keep_their_text(dsn: str) -> None:
    database.migrate(dsn)
    text = '{"b": "\\u0000", "a": 1.50, "a": 2}'
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "INSERT INTO executions (id, user_id, request) VALUES (gen_random_uuid(), gen_random_uuid(), %s::json)"
            " RETURNING request::text",
            [text],
        ).fetchone()
    assert row == (text,)
