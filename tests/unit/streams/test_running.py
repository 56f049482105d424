"""One run of a task, at its edges: what cannot be sent, what was cancelled from within, and what a cache may keep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from millstream import Emit as EmitOf
from millstream import Outputs
from millstream.processors.registry import Registry
from millstream.processors.sdk import Context, block
from millstream.schemas.codec import decode, encode
from millstream.schemas.messages import Finished, Message, Output, Run
from millstream.streams.running import CHUNK_OUTPUTS, Environment, Running, UnsaidError, run_task
from millstream.streams.worker import Worker
from tests.unit.streams.context import context
from tests.unit.streams.simulation import DictCache, Values
from tests.unit.streams.test_nudges import begun


class Numbers(Outputs):
    result: int


@block
async def many(value: int) -> AsyncIterator[EmitOf[Numbers]]:
    """Emit more than one message holds."""
    for number in range(CHUNK_OUTPUTS + value):
        yield "result", number


@block
async def cancelled(value: int) -> int:
    """Await what somebody else cancelled."""
    other = asyncio.get_running_loop().create_future()
    other.cancel()
    return int(await other)


@block
async def turns(value: int, *, ctx: Context) -> int:
    """Say which turn it is."""
    return value if ctx.resumed is None else -1


OWN = Registry({each.spec.id: each for each in (many, cancelled, turns)})


def environment(cache: DictCache) -> Environment:
    claims: Any = None
    return Environment(registry=OWN, values=Values(), claims=claims, cache=cache, context=context, worker="w")


def task_of(spec_id: str, **more: Any) -> Run:
    found = begun("OnceBlock").tasks.pop()
    return msgspec.structs.replace(found, block_id=spec_id, input=b'{"value":1}', slots=[], **more)


def running(task: Run, say: Any) -> Running:
    return Running(task=task, worker="w", say=say, issued_ms=int(time.time() * 1000))


async def test_outputs_that_cannot_be_sent_are_no_failure_of_the_block() -> None:
    async def say(message: Message) -> None:
        if isinstance(message, Output):
            raise ConnectionError("two replicas are missing")

    with pytest.raises(UnsaidError):
        await run_task(running(task_of(many.spec.id), say), environment(DictCache()))


async def test_only_the_outputs_of_a_whole_run_are_kept_in_the_cache() -> None:
    async def say(message: Message) -> None:
        raise AssertionError(message)

    cache = DictCache()
    later = task_of(turns.spec.id, cache_ms=60_000, resumed=b'{"turn":2}')
    assert (await run_task(running(later, say), environment(cache))).outputs
    assert not cache.kept
    whole = task_of(turns.spec.id, cache_ms=60_000)
    first = await run_task(running(whole, say), environment(cache))
    assert list(cache.kept.values()) == [first.outputs]
    assert (await run_task(running(later, say), environment(cache))).outputs != first.outputs


class Sent:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def create_batch(self) -> Any:
        records: list[bytes] = []

        def append(*, timestamp: Any, key: bytes, value: bytes, headers: Any) -> bool:
            records.append(value)
            return True

        return SimpleNamespace(records=records, append=append, record_count=lambda: len(records))

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        self.messages += [decode(value) for value in batch.records]
        done = asyncio.get_running_loop().create_future()
        done.set_result(SimpleNamespace(offset=0))
        return done


async def test_a_block_that_is_cancelled_from_within_has_a_result_all_the_same() -> None:
    producer: Any = Sent()
    broken: list[BaseException] = []
    letter: Any = None
    worker = Worker(environment(DictCache()), producer, letter, broken.append)
    task = task_of(cancelled.spec.id)
    record = SimpleNamespace(headers=[], timestamp=time.time(), key=task.node_execution_id)
    acked: list[Any] = []

    async def ack(event: Any) -> None:
        acked.append(event)

    event = SimpleNamespace(value=encode(task), message=record)
    room = asyncio.Semaphore(0)
    await worker._handle(SimpleNamespace(ack=ack), event, room)
    [said] = producer.messages
    assert isinstance(said, Finished)
    assert said.failure is not None
    assert "cancelled from within" in said.failure.message
    assert acked == [event]
    assert not broken
