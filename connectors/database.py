"""PostgreSQL: migrations and connections. The tables are those of `migrations/*.sql`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from millstream.schemas.errors import ConfigurationError, UnavailableError

CONNECT_S = 10
"""How long one attempt to connect may take."""
STATEMENT_TIMEOUT_MS = 10_000
"""How long one statement of a request may run."""
_LOCK = 0x6D696C6C  # "mill": migrations of two processes take turns
_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`; never edited once it is released."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, so that a later edit is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return all migrations in order."""
    folder = resources.files("millstream.connectors") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    return [
        Migration(name.removesuffix(".sql"), (folder / name).read_text(encoding="utf-8")) for name in names
    ]


def migrate(dsn: str) -> list[str]:
    """Bring the database up to date and return the names of the migrations that were applied now.

    Each runs in a transaction of its own; several processes may call this at once. Errors: ConfigurationError: an
    applied migration differs from the file, the database is newer than this program, or SQL is refused (such as
    missing rights); UnavailableError.
    """
    with _connection(dsn) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # ends with the connection
        conn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = _applied(conn)
        _compare(applied)
        new = [migration for migration in migrations() if migration.name not in applied]
        for migration in new:
            with conn.transaction():
                conn.execute(migration.sql.encode())
                conn.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
                    [migration.name, migration.checksum],
                )
        return [migration.name for migration in new]


def head(dsn: str) -> str | None:
    """Return the name of the newest applied migration, None for an empty database. Errors: UnavailableError."""
    with _connection(dsn) as conn:
        row = conn.execute("SELECT to_regclass('schema_migrations')").fetchone()
        return max(_applied(conn), default=None) if row and row[0] else None


def pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    wait_s: float = 10.0,
    application_name: str = "millstream-edge",
) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
    """Return a closed pool; the composition root opens it with `async with` or `await pool.open()`.

    A connection is tried out before it is lent, so a restart of PostgreSQL costs no request an error. `wait_s`: how
    long a request waits for a free one; then psycopg_pool.PoolTimeout.
    """
    return AsyncConnectionPool(
        dsn,
        kwargs={
            "connect_timeout": CONNECT_S,
            "application_name": application_name,
            "options": f"-c statement_timeout={statement_timeout_ms} -c idle_in_transaction_session_timeout=60000 "
            "-c TimeZone=UTC",
        },
        min_size=min_size,
        max_size=max_size,
        timeout=wait_s,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )


@contextmanager
def _connection(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection in autocommit; PostgreSQL's errors leave as ours."""
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_S) as conn:
            yield conn
    except psycopg.OperationalError as error:
        raise UnavailableError(f"PostgreSQL does not answer: {_first_line(error)}") from error
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:  # libpq could not read it; its message repeats the text, with the password
            raise ConfigurationError(
                "the DSN of PostgreSQL is not postgresql://user:password@host/name"
            ) from None
        raise ConfigurationError(f"PostgreSQL refused a migration: {_first_line(error)}") from error
    except psycopg.Error as error:
        raise ConfigurationError(f"PostgreSQL refused a migration: {_first_line(error)}") from error


def _applied(conn: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(conn.execute("SELECT name, checksum FROM schema_migrations").fetchall())


def _compare(applied: dict[str, str]) -> None:
    known = {migration.name: migration.checksum for migration in migrations()}
    if strange := sorted(applied.keys() - known.keys()):
        raise ConfigurationError(
            f"the database has migrations that this version of Millstream does not know: {', '.join(strange)}. "
            "It was made by a newer version; install that, or use another database."
        )
    if changed := sorted(name for name, checksum in applied.items() if known[name] != checksum):
        raise ConfigurationError(
            f"migrations were edited after they had been applied: {', '.join(changed)}. "
            "Put the files back as they were and write a new migration."
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
