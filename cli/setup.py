"""`millstream setup`: what must be true before the engine starts. One step of `up`, one service of the compose file."""

from __future__ import annotations

import time

import typer

from millstream.cli.connect import connected
from millstream.cli.console import complain, say
from millstream.schemas.errors import UnavailableError

PATIENCE_S = 60.0


def register(app: typer.Typer) -> None:
    app.command(hidden=True)(setup)


def setup() -> None:
    """Wait for the servers, create and verify the topics, migrate the database. Repeating it changes nothing."""
    from millstream.connectors import database
    from millstream.topics import admin

    settings = connected()
    started = time.monotonic()
    while True:
        try:
            changes = admin.apply(settings.confluent(), replication=settings.replication)
            say(f"topics: {len(changes)} changed")
            database.migrate(settings.postgres.get_secret_value())
            say("database: migrated")
            return
        except UnavailableError as error:
            if time.monotonic() - started > PATIENCE_S:
                raise
            complain(f"waiting: {error}")
            time.sleep(0.3)
