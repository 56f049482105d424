"""`python -m bench.fanout`: one edge process with thousands of WebSockets, each of which follows an execution of its own.

Events are appended at a steady rate, each for one socket; what is timed is from before the append to the frame's arrival, with
the real Kafka, PostgreSQL and Redis. The engine has no part in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench import ROOT
from bench.watch import USER, percentile
from millstream.connectors.database import migrate
from millstream.local.ports import LOOPBACK, free_ports
from millstream.schemas.ids import new_id
from millstream.topics.admin import apply
from millstream.topics.catalogue import EVENTS
from millstream.topics.tail import spans
from tests.servers import Servers, temporary

TOKEN = "a-token-for-the-fan-out-benchmark"
READY_S = 60.0
SPARE_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one round has shown."""

    sockets: int
    sent: int
    received: int
    closed: int
    opened_s: float
    p50_ms: float
    p99_ms: float
    socket_bytes: int
    """Memory of the edge per socket."""
    worst_by_second_ms: list[int]
    """The slowest frame of each second: one pause looks other than an edge that cannot keep up."""
    cpu_share: float
    """Of one core, by the edge, while events came."""


class Edge:
    """An edge process with limits that let a benchmark through."""

    def __init__(self, servers: Servers, dsn: str, folder: Path, **more: str) -> None:
        """`more`: settings by variable."""
        self._servers, self._dsn, self._folder, self._more = servers, dsn, folder, more
        [self.port] = free_ports(1)

    async def __aenter__(self) -> Edge:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
        given = {
            "MILLSTREAM_HOME": str(self._servers.home.path),
            "MILLSTREAM_KAFKA": self._servers.kafka,
            "MILLSTREAM_POSTGRES": self._dsn,
            "MILLSTREAM_REDIS": self._servers.redis,
            "MILLSTREAM_PORT": str(self.port),
            "MILLSTREAM_TOKEN": TOKEN,
            "MILLSTREAM_SOCKETS": "20000",
            "MILLSTREAM_USER_SOCKETS": "20000",
            "MILLSTREAM_LOG_LEVEL": "warning",
        }
        self._log = (self._folder / f"edge-{self.port}.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "millstream.cli.main", "edge"),
            env=kept | given | self._more,
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
        )
        self.process = psutil.Process(self._process.pid)
        deadline = time.monotonic() + READY_S
        while not await self._answers():
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the edge did not start: see {self._log.name}")
            await asyncio.sleep(0.2)
        return self

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()
        self._log.close()


def allow_files(wanted: int) -> None:
    """Raise this process's limit of open files, which its children have from it. Errors: RuntimeError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(f"the limit of open files is {hard}, {wanted} are needed (ulimit -n)")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def measure(
    edge: Edge, servers: Servers, dsn: str, *, sockets: int, per_s: float, seconds: float
) -> Found:
    """Open sockets, append events, and see when they come."""
    allow_files(sockets + SPARE_FILES)
    ids = [new_id() for _ in range(sockets)]
    kafka = {"bootstrap.servers": servers.kafka}
    partition_ends = {
        p: end for p, (_, end) in spans(kafka, EVENTS.name).items()
    }  # as a sink that is not behind
    with psycopg.connect(dsn, autocommit=True) as conn, conn.cursor() as cur:
        rows = [(id_, USER) for id_ in ids]
        cur.executemany("INSERT INTO executions (id, user_id, accepted_at) VALUES (%s, %s, now())", rows)
        ends = [(EVENTS.name, partition, partition_ends[partition]) for partition in range(EVENTS.partitions)]
        cur.executemany(
            "INSERT INTO sink_offsets (topic, partition, next_offset) VALUES (%s, %s, %s) "
            "ON CONFLICT (topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset",
            ends,
        )
    asked = {
        "host": LOOPBACK,
        "port": edge.port,
        "token": TOKEN,
        "kafka": servers.kafka,
        "user": USER,
        "executions": [str(id_) for id_ in ids],
        "per_s": per_s,
        "seconds": seconds,
    }
    before = edge.process.memory_info().rss
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.fanout_clients"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 28,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(300):
            if await process.stdout.readline() != b"ready\n":
                raise RuntimeError("the clients did not connect")
        after = edge.process.memory_info().rss
        began, spent = time.perf_counter(), sum(edge.process.cpu_times()[:2])
        async with asyncio.timeout(seconds + 120):
            found = json.loads(await process.stdout.readline())
        busy = (sum(edge.process.cpu_times()[:2]) - spent) / (time.perf_counter() - began)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    times = found["latencies_ms"]
    return Found(
        sockets=sockets,
        sent=found["sent"],
        received=len(times),
        closed=found["closed"],
        opened_s=found["opened_s"],
        p50_ms=percentile(times, 0.5),
        p99_ms=percentile(times, 0.99),
        socket_bytes=max(0, after - before) // sockets,
        worst_by_second_ms=found["worst_by_second_ms"],
        cpu_share=busy,
    )


async def _main(rounds: list[int], per_s: float, seconds: float) -> None:
    with temporary() as servers, servers.database() as dsn:
        apply({"bootstrap.servers": servers.kafka})
        migrate(dsn)
        for sockets in rounds:
            async with Edge(servers, dsn, servers.home.path) as edge:
                found = await measure(edge, servers, dsn, sockets=sockets, per_s=per_s, seconds=seconds)
            print(
                f"{found.sockets:,} sockets: {found.received:,} of {found.sent:,} frames, p50 {found.p50_ms:.1f} ms, "
                f"p99 {found.p99_ms:.1f} ms; opened in {found.opened_s:.1f} s, {found.socket_bytes / 1024:.0f} KiB each, "
                f"{found.cpu_share:.0%} of a core, {found.closed} closed; "
                f"slowest by second: {found.worst_by_second_ms}",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, nargs="+", default=[10, 500, 5000])
    parser.add_argument("--per-s", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=15)
    given = parser.parse_args()
    asyncio.run(_main(given.sockets, given.per_s, given.seconds))
