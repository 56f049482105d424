"""`millstream coordinator`, `admission`, `worker`, `sink`, `edge`: one process of the platform in the foreground, on any
machine that reaches the servers. `up` and the compose file start the same commands.
"""

from __future__ import annotations

import fcntl
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from millstream.schemas.errors import ConfigurationError
from millstream.topics.catalogue import DATA

if TYPE_CHECKING:
    from millstream.cli.settings import Settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LANE = re.compile(r"[a-z0-9][a-z0-9-]*")

Instance = Annotated[
    str | None,
    typer.Option(
        help="Name of this process, its own in the whole cluster and the same after a restart. Default: "
        "MILLSTREAM_INSTANCE, or the role and the host's name."
    ),
]
ReadyFile = Annotated[
    Path | None,
    typer.Option(
        help="File that is there while the process has its partitions and works; for health checks."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (worker, coordinator, admission, sink, edge):
        app.command(rich_help_panel="One process, on a machine of its own")(command)


def worker(
    lanes: Annotated[str, typer.Option(help="Lanes to serve, separated by commas.")] = "io,cpu,llm",
    slots: Annotated[int | None, typer.Option(min=1, help="Tasks of a lane to run at once.")] = None,
    instance: Instance = None,
    ready_file: ReadyFile = None,
) -> None:
    """Run blocks. Needs Kafka, Redis and the object store, and PostgreSQL for the lane `data` alone.

    MILLSTREAM_KAFKA, MILLSTREAM_REDIS, MILLSTREAM_OBJECTS_URL and MILLSTREAM_SIGNING_KEY say where the cluster is. SIGTERM
    lets what runs go on for ten seconds; what is not done by then is done again by another worker.
    """
    from millstream.cli import process

    names = tuple(dict.fromkeys(lane.strip() for lane in lanes.split(",") if lane.strip()))
    if not names or not all(LANE.fullmatch(name) for name in names):
        raise ConfigurationError(f"--lanes {lanes!r}: names of lanes, separated by commas, such as llm,io.")
    needs: tuple[str, ...] = ("kafka", "redis")
    if DATA in names:
        if names != (DATA,):
            raise ConfigurationError(
                f"--lanes {lanes!r}: workers of the lane {DATA!r} have the database, so they serve no other lane; start one "
                f"with `--lanes {DATA}` beside one with the rest."
            )
        needs = (*needs, "postgres")
    with _prepared("worker", needs, instance, ready_file, slots=slots) as settings:
        process.worker(settings, list(names))


def coordinator(
    instance: Instance = None,
    standbys: Annotated[
        int | None, typer.Option(min=0, help="Copies of each table partition on other coordinators.")
    ] = None,
    admission: Annotated[
        bool, typer.Option(help="Decide also when each may begin; else `millstream admission` must.")
    ] = True,
    ready_file: ReadyFile = None,
) -> None:
    """Decide what happens to executions. Needs Kafka and the object store.

    Its tables are in MILLSTREAM_HOME; without them it reads the changelog first. Give all coordinators of a cluster the same
    number of standbys.
    """
    from millstream.cli import process

    with _prepared("coordinator", ("kafka",), instance, ready_file, standbys=standbys) as settings:
        process.coordinator(settings, admission=admission)


def admission(instance: Instance = None, ready_file: ReadyFile = None) -> None:
    """Decide when executions may begin, apart from the coordinators, which do it otherwise. Needs Kafka."""
    from millstream.cli import process

    with _prepared("admission", ("kafka",), instance, ready_file) as settings:
        process.admission(settings)


def sink(instance: Instance = None, ready_file: ReadyFile = None) -> None:
    """Write events to PostgreSQL. Needs Kafka and PostgreSQL."""
    from millstream.cli import process

    with _prepared("sink", ("kafka", "postgres"), instance, ready_file) as settings:
        process.sink(settings)


def edge(
    port: Annotated[int | None, typer.Option(help="TCP port; default MILLSTREAM_PORT or 8000.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; default MILLSTREAM_HOST or 127.0.0.1.")] = None,
) -> None:
    """Serve people and programs over HTTP and WebSocket. Needs Kafka, PostgreSQL, Redis and the object store.

    `GET /healthz` says that it lives, `GET /readyz` that it can serve.
    """
    from millstream.cli import process

    with _prepared("edge", ("kafka", "postgres", "redis"), None, None, port=port, host=host) as settings:
        process.edge(settings)


@contextmanager
def _prepared(
    role: str, needs: tuple[str, ...], instance: str | None, ready_file: Path | None, **options: object
) -> Iterator[Settings]:
    """Settings with a name and all addresses filled in, once the servers answer. One process a name and home."""
    from millstream.cli.logs import configure
    from millstream.cli.reach import found, mention_objects, wait_for
    from millstream.schemas.codec import write_up_to

    settings = found(needs, ready_file=ready_file, **options)
    if role != "sink":
        mention_objects(settings)
    name = instance or settings.instance or f"{role}-{socket.gethostname()}"
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name of a process: letters, digits, dot, dash, underscore.")
    settings = settings.model_copy(
        update={"instance": name} | ({} if "postgres" in needs else {"postgres": SecretStr("")})
    )
    configure(settings.log_level)
    write_up_to(settings.schemas_up_to or None)
    with _alone(settings.home / "run", name):
        if settings.ready_file is not None:
            settings.ready_file.unlink(missing_ok=True)
        if role != "edge":  # which binds its port first, then waits by itself
            wait_for(settings, needs)
        try:
            yield settings
        finally:
            if settings.ready_file is not None:
                settings.ready_file.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Hold the name on this machine. Two processes of one name would push each other out of their group for ever.

    Errors: ConfigurationError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"A process named {name!r} runs already in {str(folder.parent)!r}: give this one another --instance."
            ) from error
        yield
