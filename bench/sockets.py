"""Family `sockets`: from the append of an event to its frame at a WebSocket client, with few and with many clients.

Each client follows a graph of its own; the graphs' executions come at 70 % of the highest rate, so that there are as many
frames a second whatever the number of clients. The clients are one process, `bench.socket_clients`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from uuid import UUID, uuid4

from bench import ROOT, graphs
from bench.run import Run, settle
from bench.throughput import chain_rate
from bench.watch import Result, percentile

SHARE = 0.7
NODES = 10
SPARE_FILES = 200
EDGE_LIMIT = 1000
"""WebSockets of one edge, unless this version has a setting for it."""


async def measure(run: Run) -> None:
    """Add the figures, for each number of clients."""
    async with run.watcher() as watcher:
        highest = run.figures.value("chain_nodes_s")
        if highest is None:
            await watcher.run(graphs.chain(NODES), 50)
            highest = await chain_rate(run, watcher)
    for clients in (1, 10, 50) if run.quick else (1, 100, 2000):
        if reason := _impossible(run, clients):
            run.figures.notes.append(f"{clients:,} WebSocket clients: {reason}.")
            continue
        found = await _latencies(run, clients, per_s=SHARE * highest / NODES)
        what = f"event appended to its frame received, {clients:,} WebSocket client{'s'[: clients > 1]}"
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            value = percentile(found, share)
            run.figures.add(f"socket_{clients}_{label}_ms", f"{what}, {label}", value, "ms")


def _impossible(run: Run, clients: int) -> str:
    """Return why so many clients cannot be; empty if they can. Raises the limit of open files as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return f"the limit of open files is {hard} (ulimit -n)"
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if clients > EDGE_LIMIT and "MILLSTREAM_SOCKETS" not in run.platform.environ:
        return f"one edge takes {EDGE_LIMIT:,} sockets"
    return ""


async def _latencies(run: Run, clients: int, *, per_s: float) -> list[float]:
    """Return the latency of each frame in milliseconds, sorted."""
    graph_ids = [str(uuid4()) for _ in range(clients)]
    url = run.platform.url.replace("http", "ws") + "/ws"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.socket_clients", url),
        env={**os.environ, "BENCH_TOKEN": run.platform.token},
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 28,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(graph_ids).encode() + b"\n")
        async with asyncio.timeout(120):
            assert await process.stdout.readline() == b"ready\n", "the WebSocket clients did not connect"
        async with run.watcher() as watcher:
            paced = await watcher.pace(
                graphs.chain(NODES), graph_ids, per_s=per_s, seconds=run.size(30, 4), limit_s=120
            )
        await settle(1.0)
        process.stdin.write_eof()
        async with asyncio.timeout(60):
            frames = json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return _joined(paced, frames)


def _joined(paced: Result, frames: list[tuple[str, int, float]]) -> list[float]:
    found = []
    for execution_id, sequence, at_ms in frames:
        appended = paced.appended_ms.get((UUID(execution_id).bytes, sequence))
        if appended is not None:
            found.append(max(0.0, at_ms - appended))
    executions = len(paced.ids)
    if len(found) < executions:
        raise RuntimeError(f"{len(found)} frames came of {executions} executions: clients missed some")
    return sorted(found)
