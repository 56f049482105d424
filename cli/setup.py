"""`millstream setup`: what must be true before the engine starts. One step of `up`, one service of the compose file."""

from __future__ import annotations

import time

import typer

from millstream.cli.connect import connected
from millstream.cli.console import complain, say
from millstream.cli.settings import Settings
from millstream.schemas.errors import ConfigurationError, UnavailableError

PATIENCE_S = 60.0


def register(app: typer.Typer) -> None:
    app.command(hidden=True)(setup)


def setup() -> None:
    """Wait for the servers, create and verify the topics, migrate the database. Repeating it changes nothing."""
    from millstream.connectors import database
    from millstream.topics import admin

    settings = connected()
    lanes = _lanes(settings)
    deadline = time.monotonic() + PATIENCE_S
    wait_for_kafka(settings, deadline)
    while True:
        try:
            changes = admin.apply(settings.confluent(), replication=settings.replication, lanes=lanes)
            say(f"topics: {len(changes)} changed")
            dsn = settings.postgres.get_secret_value()
            add_pgvector(dsn)
            say(f"database: {len(database.migrate(dsn))} migrations applied")
            return
        except UnavailableError as error:
            if time.monotonic() > deadline:
                raise
            complain(f"waiting: {error}")
            time.sleep(0.3)


def _lanes(settings: Settings) -> tuple[str, ...]:
    """Return ours, and those that blocks name whose workers are elsewhere."""
    from millstream.cli import installed
    from millstream.topics.catalogue import LANES

    return tuple(dict.fromkeys((*LANES, *(block.spec.lane for block in installed.registry(settings)))))


def wait_for_kafka(settings: Settings, deadline: float) -> None:
    """Wait until a broker listens. Cheaper than a client, which would back off for seconds, and in `up` this runs
    beside the start of the servers. After the deadline the client says what is wrong.
    """
    from millstream.local.ready import kafka_answers, listens

    answers = listens if settings.kafka_security.tls or settings.kafka_security.sasl else kafka_answers
    brokers = [server.rpartition(":") for server in settings.kafka.split(",")]
    while not any(answers(int(port), host) for host, _, port in brokers) and time.monotonic() < deadline:
        time.sleep(0.05)


def add_pgvector(dsn: str) -> None:
    """Add pgvector to the database if it is not there. Errors: ConfigurationError, UnavailableError."""
    import psycopg

    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.OperationalError as error:
        raise UnavailableError(f"PostgreSQL does not answer: {error}") from error
    except psycopg.Error as error:
        raise ConfigurationError(
            f"The database has no pgvector and it cannot be added: {error}. Install the extension on the server, and "
            "let a superuser run `CREATE EXTENSION vector` in this database."
        ) from error
