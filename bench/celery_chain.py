"""Chains of ten Celery tasks on Redis, two worker processes: the task queue that most would take. `bench` extra.

`python -m celery -A bench.celery_chain worker` is the worker; it reads the address of Redis from `BENCH_REDIS`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

from celery import Celery, chain

from bench import ROOT
from bench.watch import percentile

LENGTH = 10
PAD = "x" * 150
LIMIT_S = 180.0
VARIABLE = "BENCH_REDIS"

app = Celery("bench", broker=os.environ.get(VARIABLE), backend=os.environ.get(VARIABLE))
app.conf.update(
    task_serializer="json",
    task_acks_late=True,  # as ours: a task of a killed worker is run again
    worker_prefetch_multiplier=16,
    broker_connection_retry_on_startup=True,
)


@app.task  # type: ignore[untyped-decorator]  # Celery is not typed
def step(value: dict[str, Any]) -> dict[str, Any]:
    """Do as little as a node of the chain does."""
    return {**value, "n": value["n"] + 1}


async def measure(redis: str, count: int) -> tuple[float, float]:
    """Return tasks a second for `count` chains of ten at once, and the p50 of one alone in milliseconds."""
    argv = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "bench.celery_chain",
        "worker",
        "--concurrency=2",
        "--pool=prefork",
    ]
    argv += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
    process = await asyncio.create_subprocess_exec(
        *argv,
        env={**os.environ, VARIABLE: redis},
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        app.conf.update(broker_url=redis, result_backend=redis)
        return await asyncio.to_thread(_drive, count)
    finally:
        process.terminate()
        await process.wait()


def _drive(count: int) -> tuple[float, float]:
    _run(20)
    spans = [_run(1) for _ in range(max(10, count // 20))]
    return count * LENGTH / _run(count), 1000 * percentile(sorted(spans), 0.5)


def _run(count: int) -> float:
    start = time.perf_counter()
    first = {"n": 0, "pad": PAD}
    sent = [chain(step.s(first), *(step.s() for _ in range(LENGTH - 1)))() for _ in range(count)]
    for result in sent:
        assert result.get(timeout=LIMIT_S, interval=0.002)["n"] == LENGTH
    return time.perf_counter() - start
