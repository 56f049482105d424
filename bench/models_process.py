"""`python -m bench.models_process URL COUNT`: the worker of the family `models`. Prints its figures as JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any
from uuid import UUID

import uvloop

from millstream.processors.blocks.ai_text import ai_text_generator
from millstream.processors.context import Context
from millstream.processors.models.providers import offer
from millstream.processors.models.switchboard import Switchboard
from millstream.processors.registry import load_registry
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Finished, Message
from millstream.schemas.messages import Run as Task
from millstream.streams.running import Environment, Running, run_task
from millstream.testing import Silent, context

INPUT = {
    "prompt": "Repeat: hello, this is the answer to a question of some length.",
    "model": "echo-1-wait-1000",
}


class Nothing:
    """In the places of Redis and the object store, which these runs have no use for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody needs {name!r} here")


async def main(url: str, count: int) -> dict[str, float]:
    """Run the tasks at once."""
    board = Switchboard(offer(echo_url=url))
    progress = Silent()
    surroundings = context(progress=progress)

    def context_of(task: Task, resumed: Any) -> Context:
        return context(
            http=surroundings.http,
            files=surroundings.files,
            kv=surroundings.kv,
            progress=progress,
            model_source=board,
            node_execution_id=str(UUID(bytes=task.node_execution_id)),
        )

    nothing = Nothing()
    env = Environment(
        registry=load_registry(),
        values=nothing,
        claims=nothing,
        cache=nothing,
        context=context_of,
        worker="bench",
    )
    warm = dict(INPUT, model="echo-1")
    assert (await _ran(env, warm)).failure is None  # loads the SDK, as a worker's first call does
    before, began = time.process_time(), time.monotonic()
    results = await asyncio.gather(*(_ran(env, INPUT) for _ in range(count)))
    seconds, spent = time.monotonic() - began, time.process_time() - before
    assert all(result.failure is None for result in results)
    await board.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return {"seconds": seconds, "memory_mb": peak_mb, "cpu_ms": spent * 1000 / count}


async def _ran(env: Environment, inputs: dict[str, Any]) -> Finished:
    task = Task(
        execution_id=new_id().bytes,
        node_execution_id=new_id().bytes,
        node=0,
        k=0,
        user_id="bench",
        graph_id="bench",
        graph_version=1,
        node_id="n",
        block_id=ai_text_generator.spec.id,
        input=json.dumps(inputs).encode(),
    )

    async def say(message: Message) -> None:
        return None  # that it runs, and the text as it comes

    return await run_task(Running(task=task, worker="bench", say=say, issued_ms=0), env)


if __name__ == "__main__":
    uvloop.install()
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2])))))
