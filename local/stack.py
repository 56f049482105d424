"""Everything that `millstream up` runs, as data: the servers that are not outside ones, one setup step, the engine,
the sink and the edge.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millstream.local import jars, kafka, kafka_archive, ports, postgres, redis
from millstream.local.echo_model import launch as echo
from millstream.local.home import Home
from millstream.local.keys import Keys
from millstream.local.ready import http_ok
from millstream.local.spec import ProcessSpec
from millstream.topics import catalogue

LANES = ",".join(lane for lane in catalogue.LANES if lane != catalogue.DATA)

LOG_IN = (
    "MILLSTREAM_TOKEN",
    "MILLSTREAM_ACCOUNT_KEY",
    "MILLSTREAM_SETUP_CODE",
    "MILLSTREAM_SMTP__PASSWORD",
    "MILLSTREAM_ISSUER__SECRET",
    "MILLSTREAM_SSO",
    "MILLSTREAM_MASTER_KEYS",
    "MILLSTREAM_OAUTH_PROVIDERS",
)
MODELS = "MILLSTREAM_MODELS"
"""Has the operator's keys."""
NEEDLESS = {
    "coordinator": ("MILLSTREAM_POSTGRES", "MILLSTREAM_REDIS", "MILLSTREAM_WORKER_KEY", MODELS, *LOG_IN),
    "worker": ("MILLSTREAM_POSTGRES", *LOG_IN),
    "data-worker": LOG_IN,
    "sink": (
        "MILLSTREAM_REDIS",
        MODELS,
        *LOG_IN,
        "MILLSTREAM_WORKER_KEY",
        "MILLSTREAM_SIGNING_KEY",
        "MILLSTREAM_SIGNING_KEY_PREVIOUS",
    ),
}
"""What a process is not told because it does without: workers run people's blocks, so they have no database, save that
of the lane `data`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a platform. An empty address means: run that server here."""

    home: Home
    host: str = ports.LOOPBACK
    port: int = 8000
    workers: int = 1
    coordinators: int = 0
    """0: as many as workers."""
    kafka: str = ""
    kafka_jars: Path | None = None
    postgres: str = ""
    redis: str = ""
    token: str = ""
    signing_key: str = ""
    account_key: str = ""
    setup_code: str = ""
    worker_key: str = ""
    echo_model: str = ""

    @property
    def edge(self) -> str:
        """URL under which people on this machine reach the edge."""
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{self.port}"

    @property
    def reachable(self) -> str:
        """Address for a client on this machine."""
        return {"0.0.0.0": ports.LOOPBACK, "localhost": ports.LOOPBACK, "::": "::1"}.get(self.host, self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The embedded servers of one home and how to reach all three."""

    specs: list[ProcessSpec]
    kafka: str
    postgres: str
    redis: str
    echo_port: int = 0
    """Where the demo model listens; 0: nowhere here."""


def prepare_servers(wanted: Wanted, secrets: Keys, progress: Callable[[str], None]) -> Servers:
    """Fetch, format and configure the embedded servers, as far as that is still to do. Under the home's lock.

    Errors: ConfigurationError.
    """
    home = wanted.home
    embedded = {"kafka": not wanted.kafka, "postgres": not wanted.postgres, "redis": not wanted.redis}
    names = [name for name, here in embedded.items() if here] + (
        ["kafka-controller"] if embedded["kafka"] else []
    )
    names += [] if wanted.echo_model else [echo.NAME]
    chosen = ports.choose(home, names)
    specs = []
    if embedded["kafka"]:
        specs.append(_kafka(wanted, chosen, progress))
    if embedded["postgres"]:
        options = postgres.launch_options(home.postgres)
        if not (home.postgres / "data").exists():
            progress("making the database")
        postgres.initialise(home.postgres, secrets, options)
        specs.append(postgres.spec(home, port=chosen["postgres"], options=options))
    if embedded["redis"]:
        specs.append(redis.spec(home, secrets, port=chosen["redis"]))
    return Servers(
        specs=specs,
        kafka=wanted.kafka or f"{ports.LOOPBACK}:{chosen['kafka']}",
        postgres=wanted.postgres or postgres.dsn(secrets, chosen["postgres"]),
        redis=wanted.redis or redis.url(secrets, chosen["redis"]),
        echo_port=chosen.get(echo.NAME, 0),
    )


def _kafka(wanted: Wanted, chosen: dict[str, int], progress: Callable[[str], None]) -> ProcessSpec:
    home, cache = wanted.home, jars.default_cache()
    if wanted.kafka_jars:
        found, jvm = jars.from_folder(wanted.kafka_jars), []
    else:
        found = jars.ensure(cache, progress)
        kafka_archive.ensure(cache, found, progress)
        jvm = kafka_archive.options(cache, found)
    if not (home.kafka / "data").exists():
        progress("formatting Kafka's storage")
    kafka.format_storage(home.kafka, found)
    return kafka.spec(home, found, broker=chosen["kafka"], controller=chosen["kafka-controller"], jvm=jvm)


def environment(wanted: Wanted, secrets: Keys, servers: Servers) -> dict[str, str]:
    """Return the variables from which our own processes read their settings. Secrets travel only here."""
    return {
        "MILLSTREAM_KAFKA": servers.kafka,
        "MILLSTREAM_POSTGRES": servers.postgres,
        "MILLSTREAM_REDIS": servers.redis,
        "MILLSTREAM_HOST": wanted.host,
        "MILLSTREAM_PORT": str(wanted.port),
        "MILLSTREAM_TOKEN": wanted.token or secrets.token,
        "MILLSTREAM_SIGNING_KEY": wanted.signing_key or secrets.signing_key,
        "MILLSTREAM_ACCOUNT_KEY": wanted.account_key or secrets.account_key,
        "MILLSTREAM_SETUP_CODE": wanted.setup_code or secrets.setup_code,
        "MILLSTREAM_WORKER_KEY": wanted.worker_key or secrets.worker_key,
        "MILLSTREAM_EDGE_URL": wanted.edge,
        "MILLSTREAM_ECHO_MODEL": wanted.echo_model
        or (echo.url(servers.echo_port) if servers.echo_port else ""),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def processes(wanted: Wanted, servers: Servers, environ: dict[str, str]) -> list[ProcessSpec]:
    """Return the whole table, servers first."""
    home = wanted.home
    here = tuple(spec.name for spec in servers.specs)
    # The setup has ended long before the servers are stopped, so whoever needs them has to say so.
    ours = functools.partial(_ours, environ=environ, after=("setup", *here))
    engine = functools.partial(_engine, ours, home)
    # It waits for the servers by itself, having loaded what it needs while they started.
    specs = [*servers.specs, _ours("setup", "setup", environ=environ, after=(), once=True)]
    specs += [engine(f"coordinator-{n}", "coordinator") for n in range(wanted.coordinators or wanted.workers)]
    specs += [engine(f"worker-{n}", "worker", "--lanes", LANES) for n in range(wanted.workers)]
    specs.append(engine("data-worker", "worker", "--lanes", catalogue.DATA, role="data-worker"))
    specs.append(engine("sink", "sink"))
    answers = functools.partial(http_ok, wanted.port, "/readyz", wanted.reachable)
    edge = ours("edge", "edge", "--port", str(wanted.port), port=wanted.port, ready=answers)
    demo = [echo.spec(servers.echo_port, hidden=environ)] if servers.echo_port else []
    return [*specs, *demo, edge]


def ready_file(home: Home, name: str) -> Path:
    """Return the file that a process of ours without a port makes once it is ready (`Settings.ready_file`)."""
    return home.run / f"{name}.ready"


def _engine(
    ours: Callable[..., ProcessSpec], home: Home, name: str, *arguments: str, role: str = ""
) -> ProcessSpec:
    file = ready_file(home, name)
    spec = ours(name, *arguments, ready=file.exists)
    return dataclasses.replace(
        spec,
        # An empty variable counts as none, and hides one that the user has set.
        env={
            **spec.env,
            **dict.fromkeys(NEEDLESS[role or arguments[0]], ""),
            "MILLSTREAM_READY_FILE": str(file),
        },
        before_start=functools.partial(file.unlink, missing_ok=True),
    )


def _ours(
    name: str, *arguments: str, environ: dict[str, str], after: tuple[str, ...], **more: Any
) -> ProcessSpec:
    # -P: the working directory is no place to import from.
    argv = (sys.executable, "-P", "-m", "millstream.cli.main", *arguments)
    return ProcessSpec(name=name, argv=argv, env=environ, after=after, grace_s=20, **({"ready": bool} | more))
