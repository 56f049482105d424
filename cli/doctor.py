"""`millstream doctor`: is everything as it should be, and if not, what mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import typer

from millstream.cli.console import say
from millstream.cli.settings import Settings, load
from millstream.local.home import Home
from millstream.schemas.errors import MillstreamError

DISK_BYTES = 2_000_000_000
MEMORY_BYTES = 1_500_000_000
NUDGED = 3
"""A run of which nothing is heard though the engine was asked so often wants a person's look."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing. `remedy` is only shown when it is not ok."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    warning: bool = False
    """It works all the same; the remedy is shown."""


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor() -> None:
    """Check this machine and, if a platform runs, the platform; say how to mend what is wrong."""
    settings = load()
    failed = 0
    for finding in findings(settings):
        mark = "warn  " if finding.warning else "ok    " if finding.ok else "FAILED"
        say(f"{mark}  {finding.name}: {finding.detail}")
        if finding.remedy and not (finding.ok and not finding.warning):
            say(f"        {finding.remedy}")
        failed += not finding.ok
    if failed:
        say(f"{failed} failed")
        raise typer.Exit(1)
    say("all is well")


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is checked, in the order in which one thing needs the other."""
    home = Home(settings.home)
    yield _python()
    yield _disk(home)
    yield _memory(running=home.holder() is not None)
    yield _home(home)
    yield signing(settings, home)
    if not settings.kafka:
        yield _checked("java", _java, "Install again: `rm -rf .venv && ./millstream up`.")
        yield _checked("jars", lambda: _jars(settings), "Run `./millstream up` with a network, once.")
    if home.holder() is None:
        yield _port(settings)
        yield Finding("platform", False, f"nothing runs in {home.path}", "Start it with `./millstream up`.")
        return
    yield from _platform(home)


def _platform(home: Home) -> Iterator[Finding]:
    from millstream.cli.connect import connected

    log = "See `./millstream logs {}`; the supervisor starts it again by itself."
    try:
        settings = connected()
    except MillstreamError as error:
        yield Finding(
            "platform", False, str(error), "If it is only just starting, wait for `up` to say ready."
        )
        return
    yield _checked("kafka", lambda: _kafka(settings), log.format("kafka"))
    yield _checked("postgres", lambda: _postgres(settings), log.format("postgres"))
    yield _checked("redis", lambda: _redis(settings), log.format("redis"))
    yield _checked("topics", lambda: _topics(settings), "`./millstream topics apply` makes them so.")
    yield _checked("migrations", lambda: _migrations(settings), "`./millstream setup` applies them.")
    yield from _processes(home)
    yield _checked(
        "progress", lambda: _progress(settings), "Read docs/operations.md, section Runs without progress."
    )
    yield _checked("lag", _lag, "If it does not shrink: `./millstream logs sink`, and more `--workers`.")


def _checked(name: str, run: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(name, True, run())
    except MillstreamError as error:
        return Finding(name, False, str(error), remedy)
    except (OSError, subprocess.SubprocessError, ImportError) as error:
        return Finding(name, False, f"{type(error).__name__}: {error}", remedy)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", sys.version_info >= (3, 11), version, "Install Python 3.11 or later.")


def _disk(home: Home) -> Finding:
    place = next(path for path in (home.path, *home.path.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        "disk",
        free > DISK_BYTES,
        f"{free / 1e9:.1f} GB free in {place}",
        "Make room, or move MILLSTREAM_HOME.",
    )


def _memory(*, running: bool) -> Finding:
    import psutil

    free = psutil.virtual_memory().available
    wanted = MEMORY_BYTES // 4 if running else MEMORY_BYTES
    return Finding(
        "memory",
        free > wanted,
        f"{free / 1e9:.1f} GB available",
        "End other programs; the platform takes about 1 GB.",
    )


def _home(home: Home) -> Finding:
    if not home.path.exists():
        return Finding("home", True, f"{home.path} will be made")
    remedy = f"`chmod -R go-rwx {home.path}`; it must belong to the user who runs `up`."
    stat = home.path.stat()
    if not os.access(home.path, os.W_OK | os.X_OK) or stat.st_uid != os.getuid():
        return Finding("home", False, f"{home.path} is not ours to write", remedy)
    for path in (home.path, home.secrets):
        if path.exists() and path.stat().st_mode & 0o066:
            return Finding("home", False, f"{path} can be read by other users", remedy)
    return Finding("home", True, f"{home.path}, private")


def signing(settings: Settings, home: Home) -> Finding:
    """Say whether commands are signed: unsigned, whoever reaches the brokers can start and run anything."""
    if settings.signing_key.get_secret_value():
        return Finding("signing", True, "commands are signed with MILLSTREAM_SIGNING_KEY")
    if home.secrets.exists() or not settings.kafka:
        return Finding("signing", True, "commands are signed with the key that `up` keeps in its home")
    return Finding(
        "signing",
        True,
        "commands are not signed: whoever reaches the brokers can start and run anything",
        "Set the same MILLSTREAM_SIGNING_KEY for every process of the cluster.",
        warning=True,
    )


def _port(settings: Settings) -> Finding:
    from millstream.local import ports

    def free() -> str:
        ports.require_free(settings.port, settings.host, variable="MILLSTREAM_PORT")
        return f"{settings.port} is free"

    return _checked("port", free, "As it says.")


def _java() -> str:
    from millstream.local import kafka

    done = subprocess.run(
        [str(kafka.java()), "-version"], capture_output=True, text=True, timeout=20, check=True
    )
    return done.stderr.splitlines()[0]


def _jars(settings: Settings) -> str:
    from millstream.local import jars
    from millstream.schemas.errors import ConfigurationError

    if settings.kafka_jars:
        return f"{len(jars.from_folder(settings.kafka_jars))} in {settings.kafka_jars}"
    missing = jars.missing(jars.default_cache())
    if missing:
        raise ConfigurationError(f"{len(missing)} jars of Apache Kafka are not fetched yet.")
    return f"all in {jars.default_cache()}"


def _kafka(settings: Settings) -> str:
    from confluent_kafka import KafkaException

    from millstream.topics import clients

    try:
        metadata = clients.admin(settings.confluent()).list_topics(timeout=clients.ANSWER_S)
    except KafkaException as error:
        raise clients.unavailable(error, settings.kafka) from error
    return f"{settings.kafka}, {len(metadata.brokers)} broker, {len(metadata.topics)} topics"


def _postgres(settings: Settings) -> str:
    import psycopg

    from millstream.schemas.errors import UnavailableError

    try:
        with psycopg.connect(settings.postgres.get_secret_value(), connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'vector')"
            ).fetchone()
    except psycopg.Error as error:
        raise UnavailableError(f"PostgreSQL does not answer: {error}") from error
    version, vector = row or ("", None)
    if vector is None:
        raise UnavailableError(
            "PostgreSQL has no pgvector in this database: `CREATE EXTENSION vector` as a superuser."
        )
    return f"{version} with pgvector {vector}"


def _redis(settings: Settings) -> str:
    import redis

    from millstream.schemas.errors import UnavailableError

    try:
        with redis.Redis.from_url(settings.redis.get_secret_value(), socket_timeout=5) as client:
            policy = client.config_get("appendfsync")
            version = client.info("server")["redis_version"]
    except redis.RedisError as error:
        raise UnavailableError(f"Redis does not answer: {error}") from error
    if policy.get("appendfsync") != "always":
        raise UnavailableError("Redis does not write every claim to disk: set `appendfsync always`.")
    return f"{version}, every write on disk"


def _topics(settings: Settings) -> str:
    from millstream.topics import admin

    admin.verify(settings.confluent(), replication=settings.replication)
    return "as the catalogue says"


def _migrations(settings: Settings) -> str:
    from millstream.connectors import database
    from millstream.schemas.errors import UnavailableError

    newest = database.migrations()[-1].name
    applied = database.head(settings.postgres.get_secret_value())
    if applied != newest:
        raise UnavailableError(f"The database is at {applied!r}, this version needs {newest!r}.")
    return f"at {newest}"


def _processes(home: Home) -> Iterator[Finding]:
    from millstream.cli.status import rows_of
    from millstream.local import state

    running = state.find(home)
    for row in rows_of(running) if running else []:
        detail = f"{row.state}, pid {row.pid}, {row.restarts} restarts, {row.memory_mb} MB"
        yield Finding(row.name, row.state == "ready", detail, f"See `./millstream logs {row.name}`.")


def _progress(settings: Settings) -> str:
    import psycopg
    from psycopg.rows import class_row

    from millstream.api.watchdog.repository import SHOWN, SILENT, Silent
    from millstream.schemas.errors import UnavailableError

    silent_s = settings.silent_s or 120.0
    try:
        with psycopg.connect(settings.postgres.get_secret_value(), connect_timeout=5) as connection:
            cursor = connection.cursor(row_factory=class_row(Silent))
            found = cursor.execute(SILENT, {"silent_s": silent_s, "limit": SHOWN}).fetchall()
    except psycopg.Error as error:
        raise UnavailableError(f"PostgreSQL does not answer: {error}") from error
    if not found:
        return f"something was heard of every open run in the last {silent_s:g} s"
    first = ", ".join(str(run.id) for run in found[:3])
    most = f"at most for {found[0].silent_s:.0f} s: {first}"
    detail = f"nothing was heard of {found[0].total} open runs for {silent_s:g} s, {most}"
    if any(run.nudges >= NUDGED for run in found):
        raise UnavailableError(f"{detail}; the engine was asked {found[0].nudges} times about the first")
    return detail


def _lag() -> str:
    from millstream.cli.status import lags
    from millstream.schemas.errors import UnavailableError

    behind = {group: records for group, records in lags().items() if records > 10_000}
    if behind:
        raise UnavailableError(
            ", ".join(f"{group} is {records:,} records behind" for group, records in behind.items())
        )
    return "nobody is far behind"
