"""Coordinators and workers alone, on servers of their own: as many of each, and as many partitions, as is asked for."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import TracebackType

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench import ROOT
from bench.watch import Watcher
from millstream.topics.catalogue import CANCELS, catalogue
from tests.servers import Servers, temporary

READY_S = 90.0
STOP_S = 25.0


class Engine:
    """`async with Engine(partitions=4, slots=1) as engine`: no supervisor, edge or sink takes from its time."""

    def __init__(self, *, partitions: int, slots: int) -> None:
        self._partitions, self._slots = partitions, slots
        self._processes: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Engine:
        self._context = temporary()
        self._servers = await asyncio.to_thread(self._context.__enter__)
        try:
            await self._topics()
            ready = [await self._start(role, slot) for role in ROLES for slot in range(self._slots)]
            await self._await(ready)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
        for process in self._processes:
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
        await asyncio.to_thread(self._context.__exit__, None, None, None)

    def watcher(self) -> Watcher:
        """Return who starts executions here and sees them end."""
        return Watcher(self._servers.kafka, partitions=self._partitions)

    async def _topics(self) -> None:
        """Make the catalogue's topics. The one that every worker reads whole keeps its number of partitions."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers.kafka)
        await admin.start()
        await admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    topic.partitions if topic.name == CANCELS.name else self._partitions,
                    1,
                    topic_configs=topic.config,
                )
                for topic in catalogue()
            ]
        )
        await admin.close()

    async def _start(self, role: str, slot: int) -> Path:
        ready = self._servers.home.path / f"{role}-{slot}.ready"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.engine_process", str(self._partitions)),
            role,
            env=self._environ(self._servers)
            | {"MILLSTREAM_INSTANCE": f"{role}-{slot}", "MILLSTREAM_READY_FILE": str(ready)},
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._processes.append(process)
        return ready

    @staticmethod
    def _environ(servers: Servers) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
        return {
            **kept,
            "MILLSTREAM_HOME": str(servers.home.path),
            "MILLSTREAM_KAFKA": servers.kafka,
            "MILLSTREAM_REDIS": servers.redis,
            "MALLOC_ARENA_MAX": "2",
        }

    async def _await(self, ready: list[Path]) -> None:
        deadline = time.monotonic() + READY_S
        while not all(path.exists() for path in ready):
            if time.monotonic() > deadline or any(p.returncode is not None for p in self._processes):
                raise RuntimeError(f"the engine's processes did not start within {READY_S:g} s")
            await asyncio.sleep(0.1)


ROLES = ("coordinator", "worker")
