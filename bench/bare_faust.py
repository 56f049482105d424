"""The same records through a bare, stock Faust app: a task, a result, an event and a table row a node, JSON, nothing else.

`python -m bench.bare_faust coordinator|worker BOOTSTRAP RUN FOLDER` is one of its two processes.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from bench import json_chains
from bench.json_chains import LENGTH, PAD, PARTITIONS, TOPICS


async def measure(bootstrap: str, count: int) -> tuple[float, float]:
    """Return nodes a second for `count` chains of ten, and the p50 of one in milliseconds."""
    run = str(time.time_ns())
    await json_chains.create(bootstrap, run)
    return await json_chains.measure("bench.bare_faust", bootstrap, run, count)


def _app(role: str, bootstrap: str, run: str, folder: str) -> Any:
    import faust

    app = faust.App(
        f"bare-{role}-{run}",
        broker=f"kafka://{bootstrap}",
        store="rocksdb://" if role == "coordinator" else "memory://",
        datadir=f"{folder}/{role}",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        producer_max_batch_size=262_144,
        broker_max_poll_interval=86_400,
    )
    names = {
        name: app.topic(f"{name}-{run}", partitions=PARTITIONS, value_serializer="json") for name in TOPICS
    }
    if role == "worker":

        @app.agent(names["tasks"])  # type: ignore[untyped-decorator]  # Faust is not typed
        async def work(stream: Any) -> None:
            async for task in stream:
                await names["inbox"].send(key=task["e"].encode(), value={**task, "n": task["n"] + 1})

    else:
        table = app.Table("state", partitions=PARTITIONS)

        @app.agent(names["inbox"])  # type: ignore[untyped-decorator]  # Faust is not typed
        async def coordinate(stream: Any) -> None:
            async for message in stream:
                key = message["e"].encode()
                if message["n"] < LENGTH:
                    await names["tasks"].send(key=key + b"-%d" % message["n"], value=message)
                await names["events"].send(key=key, value={**message, "status": "COMPLETED"})
                table[message["e"]] = {"n": message["n"], "pad": PAD}

    return app


def _main(role: str, bootstrap: str, run: str, folder: str) -> None:
    import faust
    import uvloop

    uvloop.install()
    faust.Worker(_app(role, bootstrap, run, folder), loglevel="ERROR").execute_from_commandline()


if __name__ == "__main__":
    _main(*sys.argv[1:])
