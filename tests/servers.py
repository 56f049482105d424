"""The real Kafka, PostgreSQL and Redis of a test run: started once, when the first test asks, in a folder of its own.

A test that kills a server uses `restart`; everybody else shares them and keeps apart by names of its own
(`database()` gives a fresh database, topics and groups take a random suffix).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

from millstream.local import keys
from millstream.local.child import Child, Phase, tail
from millstream.local.home import Home
from millstream.local.ports import LOOPBACK
from millstream.local.stack import Wanted, prepare_servers

START_S = 60.0


class Servers:
    """The embedded servers in a temporary home. `start` and `stop` frame a test run."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self._children: dict[str, Child] = {}
        self.kafka = ""
        """Bootstrap servers, `host:port`."""
        self.postgres = ""
        """DSN of the role `millstream` in the database `millstream`; prefer `database()`."""
        self.redis = ""
        """URL with password."""

    def start(self) -> None:
        """Start all three and wait until they answer."""
        self.home.prepare()
        self._keys = keys.ensure(self.home)
        found = prepare_servers(Wanted(home=self.home), self._keys, progress=lambda _: None)
        self.kafka, self.postgres, self.redis = found.kafka, found.postgres, found.redis
        for spec in found.specs:
            child = Child(spec, self.home.logs / f"{spec.name}.log")
            child.start(self._environ(spec.name), time.monotonic())
            self._children[spec.name] = child
        self.wait_ready()

    def stop(self) -> None:
        """Stop all three; whoever does not within its time is killed."""
        for child in self._children.values():
            child.stop(time.monotonic())
        deadline = time.monotonic() + 20
        while any(child.alive for child in self._children.values()):
            for child in self._children.values():
                child.poll(time.monotonic())
                if time.monotonic() > deadline:
                    child.kill()
            time.sleep(0.02)

    def pid(self, name: str) -> int:
        """Return the pid of `kafka`, `postgres` or `redis`."""
        pid = self._children[name].pid
        assert pid is not None
        return pid

    def kill(self, name: str) -> None:
        """Kill -9 one server and wait until it is gone."""
        child = self._children[name]
        os.kill(self.pid(name), signal.SIGKILL)
        while child.poll(time.monotonic()) is None:
            time.sleep(0.01)

    def restart(self, name: str) -> float:
        """Start a killed server again; returns the seconds until it answered."""
        started = time.monotonic()
        self._children[name].start(self._environ(name), started)
        self.wait_ready()
        return time.monotonic() - started

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            now = time.monotonic()
            for name, child in self._children.items():
                code = child.poll(now)
                if code is not None or now > deadline:
                    raise RuntimeError(f"{name} did not start (code {code}): {tail(child.log, 30)}")
            if all(child.phase is Phase.READY for child in self._children.values()):
                return
            time.sleep(0.02)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database with pgvector; gives its DSN, drops it afterwards."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        admin = self._admin_dsn("postgres")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER millstream")  # type: ignore[call-overload, unused-ignore]
        with psycopg.connect(self._admin_dsn(name), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
        try:
            yield self.postgres.rpartition("/")[0] + f"/{name}"
        finally:
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload, unused-ignore]

    def _admin_dsn(self, database: str) -> str:
        place = self.postgres.rpartition("@")[2].rpartition("/")[0]
        return f"postgresql://postgres:{self._keys.postgres_password}@{place}/{database}"

    def _environ(self, name: str) -> dict[str, str]:
        kept = {
            variable: value
            for variable, value in os.environ.items()
            if not variable.startswith("MILLSTREAM_")
        }
        return kept | {"MILLSTREAM_HOME": str(self.home.path), "MILLSTREAM_INSTANCE": name}


@contextlib.contextmanager
def temporary() -> Iterator[Servers]:
    """Run servers in a temporary folder, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="millstream-test-"))
    servers = Servers(folder / "home")
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["LOOPBACK", "Servers", "temporary"]
