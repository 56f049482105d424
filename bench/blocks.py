"""Family `blocks`: what the SDK adds to one task of a worker, from the task's bytes to those of its result.

The same task is run with a no-op block made by `@block`, and with a bare handler in its place that checks nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from bench.run import Run
from millstream import block
from millstream.processors.context import Context
from millstream.schemas.codec import decode, encode
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Message
from millstream.schemas.messages import Run as Task
from millstream.streams.running import Environment, Running, run_task
from millstream.testing import context

ROUNDS = 10


@block
async def no_op(text: str, count: int = 1) -> str:
    """Do nothing."""
    return text


class Bare:
    """What stands in for a block: the function and nothing else."""

    def __init__(self) -> None:
        self.spec = no_op.spec

    async def run(self, inputs: dict[str, Any], ctx: Context) -> AsyncIterator[tuple[str, Any]]:
        """Give the text back."""
        yield "result", inputs["text"]


async def measure(run: Run) -> None:
    """Add the figures: the best of some rounds, in which the two take turns."""
    count = run.size(2000, 500)
    seconds = {"bare": 1e9, "sdk": 1e9}
    tasks = {"bare": _environment(Bare()), "sdk": _environment(no_op)}
    for _ in range(ROUNDS):
        for name, env in tasks.items():
            seconds[name] = min(seconds[name], await _timed(env, count) / count)
    for name, what in (("bare", "a bare handler"), ("sdk", "a no-op block of the SDK")):
        label = f"one task in a worker, without Kafka: {what}"
        run.figures.add(f"blocks_{name}_us", label, seconds[name] * 1e6, "us")
    run.figures.ratio(
        "blocks_sdk_ratio",
        "the SDK's block to the bare handler",
        of=("blocks_sdk_us", "blocks_bare_us"),
        goal="< 1.3",
    )


async def _timed(env: Environment, count: int) -> float:
    value = encode(_task())

    async def say(message: Message) -> None:
        raise AssertionError(f"a no-op says nothing before its end: {message}")

    started = time.perf_counter()
    for _ in range(count):
        task = decode(value)
        assert isinstance(task, Task)
        running = Running(task=task, worker="bench", say=say, issued_ms=0)
        finished = await run_task(running, env)
        encode(finished)
    took = time.perf_counter() - started
    assert [emit.pin for emit in finished.outputs] == ["result"]
    return took


def _task() -> Task:
    return Task(
        execution_id=new_id().bytes,
        node_execution_id=new_id().bytes,
        node=0,
        k=0,
        user_id="bench",
        graph_id="graph",
        graph_version=1,
        node_id="node",
        block_id=no_op.spec.id,
        input=b'{"text":"hello","count":3}',
    )


def _environment(handler: Any) -> Environment:
    """An environment that has this one block, and services that a no-op does not ask for."""
    services = context()
    nothing: Any = SimpleNamespace()

    def context_of(task: Task, resumed: Any) -> Context:
        return Context(
            user_id=task.user_id,
            graph_id=task.graph_id,
            graph_version=task.graph_version,
            execution_id=str(UUID(bytes=task.execution_id)),
            node_id=task.node_id,
            node_execution_id=str(UUID(bytes=task.node_execution_id)),
            http=services.http,
            files=services.files,
            kv=services.kv,
            progress=services.progress,
            cancelled=services.cancelled,
            resumed=resumed,
        )

    registry: Any = SimpleNamespace(get=lambda block_id, execution_id: handler)
    return Environment(
        registry=registry, values=nothing, claims=nothing, cache=nothing, context=context_of, worker="bench"
    )
