"""Family `recovery`: kill -9 a process under load; how long until a node finishes again. The supervisor starts it anew."""

from __future__ import annotations

import asyncio
import os
import signal
from uuid import uuid4

from bench import graphs
from bench.run import Run, now_ms, settle

PER_S = 20.0
"""Executions a second meanwhile: far below what the platform can do."""
BEFORE_S = 3.0
LEAST_PAUSE_MS = 100
"""What was in flight at the kill still ends; recovery is the end of the longest pause after it."""


async def measure(run: Run) -> None:
    """Add the figures."""
    kills = run.size(3, 1)
    for name in ("worker-0", "coordinator-0"):
        found = sorted([await _recovery_ms(run, name) for _ in range(kills)])
        what = f"kill -9 of the {name.removesuffix('-0')} to the next finished node, median of {kills}"
        run.figures.add(f"recovery_{name.removesuffix('-0')}_s", what, found[kills // 2] / 1000, "s")


async def _recovery_ms(run: Run, name: str) -> float:
    killed: list[int] = []
    pid = run.processes()[name].pid

    async def kill() -> None:
        await settle(BEFORE_S)
        os.kill(pid, signal.SIGKILL)
        killed.append(now_ms())

    async with run.watcher() as watcher:
        killing = asyncio.create_task(kill())
        paced = await watcher.pace(
            graphs.chain(10), [str(uuid4())], per_s=PER_S, seconds=BEFORE_S + run.size(25, 12), limit_s=120
        )
        await killing
    run.platform.wait_ready(60)
    times = [killed[0], *sorted(at for at in paced.node_ends_ms if at >= killed[0])]
    pauses = [(after - before, after) for before, after in zip(times, times[1:], strict=False)]
    longest, until = max(pauses)
    if longest < LEAST_PAUSE_MS:
        raise RuntimeError(f"the kill of {name} was not felt: the longest pause was {longest} ms")
    return float(until - killed[0])
