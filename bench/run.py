"""One run of the benchmarks: its platform, started when the first family asks, and its figures."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from bench.figures import Figures
from bench.watch import Watcher
from millstream.cli.settings import variables
from millstream.local import keys, redis
from millstream.local.home import Home
from tests.platform import Platform

MANY = "1000000"
LIMITS = {
    "MILLSTREAM_USER_EXECUTIONS": MANY,
    "MILLSTREAM_USER_NODES": MANY,
    "MILLSTREAM_USER_QUEUE": MANY,
    "MILLSTREAM_SOCKETS": "4000",
    "MILLSTREAM_USER_SOCKETS": "4000",
}
"""Limits for people that would throttle a benchmark; those that this version has are set."""

Measure = Callable[["Run"], Coroutine[Any, Any, None]]


class Run:
    """What the families share. Leaving the `with` stops the platform and removes its folder."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.figures = Figures()
        self._folder = Path(tempfile.mkdtemp(prefix="millstream-bench-"))
        self._platform: Platform | None = None

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_platform()
        shutil.rmtree(self._folder, ignore_errors=True)

    def size(self, full: int, quick: int) -> int:
        """Return how many, of the two."""
        return quick if self.quick else full

    @property
    def platform(self) -> Platform:
        """The platform: one coordinator, one worker, sink, edge, Kafka, PostgreSQL, Redis."""
        if self._platform is None:
            known = variables()
            limits: dict[str, Any] = {name: value for name, value in LIMITS.items() if name in known}
            platform = Platform(self._folder / "home", **limits)
            platform.start()  # one that does not come up stops by itself
            self._platform = platform
        return self._platform

    def stop_platform(self) -> None:
        """Stop the platform: what comes next wants the machine for itself."""
        if self._platform is not None:
            self._platform.stop()
            self._platform = None
            shutil.rmtree(self._folder / "home", ignore_errors=True)

    def processes(self) -> dict[str, psutil.Process]:
        """Return the platform's processes by name."""
        return {p["name"]: psutil.Process(p["pid"]) for p in self.platform.status()["processes"]}

    def _port(self, name: str) -> int:
        return int(next(p["port"] for p in self.platform.status()["processes"] if p["name"] == name))

    @property
    def bootstrap(self) -> str:
        """Kafka, `host:port`."""
        return f"127.0.0.1:{self._port('kafka')}"

    @property
    def redis(self) -> str:
        """URL of Redis."""
        return redis.url(keys.ensure(Home(self.platform.home)), self._port("redis"))

    @property
    def kafka_data(self) -> Path:
        """Folder with the broker's partitions."""
        return Home(self.platform.home).kafka / "data"

    @property
    def tables(self) -> Path:
        """Folder with the coordinators' tables."""
        return self.platform.home / "tables"

    def watcher(self) -> Watcher:
        """Return who starts executions on the platform and sees them end."""
        return Watcher(self.bootstrap, signing_key=keys.ensure(Home(self.platform.home)).signing_key)


async def settle(seconds: float) -> None:
    """Let background work come to rest."""
    await asyncio.sleep(seconds)


def tree_bytes(folder: Path, pattern: str = "*") -> int:
    """Return the length of the files below a folder; one that vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob(pattern):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def pss_bytes(name: str, process: psutil.Process) -> int:
    """Return the proportional set size of a process and its children."""
    total = 0
    for member in _members(name, process):
        try:
            total += member.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


def cpu_s(name: str, process: psutil.Process) -> float:
    """Return the processor seconds that a process and its children have used."""
    total = 0.0
    for member in _members(name, process):
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _members(name: str, process: psutil.Process) -> list[psutil.Process]:
    """A process and its children; of the supervisor, whose children are all the others, itself."""
    return [process] if name == "supervisor" else [process, *process.children(recursive=True)]


def now_ms() -> int:
    """Return this machine's clock, which is also the broker's here."""
    return time.time_ns() // 1_000_000
