"""Family `models`: a thousand calls of a model at once, of one second each, in one worker, against the echo model's server.

The worker is a process of its own, as the tasks reach it and without Kafka: block, client, SDK, guard, sockets. The server is
another one on the same cores.
"""

from __future__ import annotations

import asyncio
import json
import sys

from bench.run import Run
from millstream.local.ports import free_ports


async def measure(run: Run) -> None:
    """Add the figures."""
    count = run.size(1000, 200)
    [port] = free_ports(1)
    server = await _started("-m", "millstream.cli.main", "echo-model", "--port", str(port))
    try:
        assert server.stdout is not None
        await server.stdout.readline()  # it listens
        worker = await _started("-m", "bench.models_process", f"http://127.0.0.1:{port}/v1", str(count))
        said, _ = await worker.communicate()
        assert worker.returncode == 0
        found = json.loads(said)
    finally:
        server.terminate()
        await server.wait()
    what = f"{count:,} calls of a model at once, one second each, in one worker"
    run.figures.add("models_s", what, found["seconds"], "s", goal="< 4")
    run.figures.add("models_mb", f"{what}: its memory at most", found["memory_mb"], "MB", goal="< 400")
    run.figures.add("models_cpu_ms", "processor time of the worker for one call", found["cpu_ms"], "ms")


async def _started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
