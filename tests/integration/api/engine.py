"""An engine in the test's own process: the real `decide` and the real blocks between the real topics, without Faust.

It stands for admission (which lets all begin at once), coordinator and workers while the edge is tested. `held()` makes it
wait before each task, so that a test can look at an execution half-way.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from millstream.connectors.objects import Objects
from millstream.connectors.payloads import Values
from millstream.processors.context import Context
from millstream.processors.registry import Registry
from millstream.schemas.codec import decode, encode
from millstream.schemas.messages import Emit, Events, Message, Request, Run, Start, Timer
from millstream.streams.cells import End
from millstream.streams.engine import decide
from millstream.streams.plan import Plan, decode_plan
from millstream.streams.running import Environment, Running, run_task
from millstream.streams.state import MemoryRows, State, load
from millstream.topics.catalogue import EVENTS, INBOX, REQUESTS


class NoClaims:
    async def claim(self, key: str, owner: str, issued_ms: int) -> bool:
        return True


class NoCache:
    async def get(self, task: Run, version: str) -> list[Emit] | None:
        return None

    async def put(self, task: Run, version: str, outputs: list[Emit]) -> None:
        return None


class Engine:
    """Takes what is appended to `executions.requests` and `executions.inbox` from now on."""

    def __init__(
        self, kafka: str, registry: Registry, objects: Objects, context: Callable[[Run, Any], Context]
    ) -> None:
        self._kafka = kafka
        self._objects = objects
        values = Values(objects)
        self._env = Environment(
            registry=registry,
            values=values,
            claims=NoClaims(),
            cache=NoCache(),
            context=context,
            worker="test",
        )
        self._rows = MemoryRows()
        self._plans: dict[bytes, Plan] = {}
        self._timers: list[tuple[int, bytes, int]] = []
        self._free = asyncio.Event()
        self._free.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.admits = True
        """False: what is asked for waits, and is forgotten."""
        self.seen: list[tuple[bytes, Message]] = []
        """Every inbox record: key and message."""

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=self._kafka, acks="all", linger_ms=0)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, fetch_max_wait_ms=50)
        await self._producer.start()
        await self._consumer.start()
        points = [
            TopicPartition(topic.name, partition)
            for topic in (REQUESTS, INBOX)
            for partition in range(topic.partitions)
        ]
        self._consumer.assign(points)
        await self._consumer.seek_to_end(*points)
        for point in points:
            await self._consumer.position(point)
        self._spawn(self._run())
        self._spawn(self._ring())

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Run no task meanwhile."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    async def emit(self, events: Events) -> int:
        """Write a record of events as the coordinator would; returns its offset."""
        sent = await self._producer.send_and_wait(EVENTS.name, encode(events), key=events.execution_id)
        return int(sent.offset)

    async def _run(self) -> None:
        async for record in self._consumer:
            await self._take(record)

    async def _take(self, record: ConsumerRecord) -> None:
        key, message = record.key, decode(record.value)
        if record.topic == REQUESTS.name:
            if isinstance(message, Request) and self.admits:
                await self._producer.send_and_wait(INBOX.name, message.start, key=message.execution_id)
            return
        self.seen.append((key, message))
        state = load(key, self._rows)
        plan = await self._plan(state, message)
        state, effects = decide(state, message, at=record.timestamp, plan=plan, rows=self._rows)
        for put in effects.puts:
            await self._objects.put(put.key, put.data)
        for send in effects.sends:
            if isinstance(send.message, Run):
                self._spawn(self._work(send.message))
            else:
                await self._producer.send_and_wait(send.topic, encode(send.message), key=send.key)
        for alarm in effects.alarms:
            heapq.heappush(self._timers, (alarm.at, key, alarm.timer))
        if state is not None:
            self._rows.write(state.flush(record.offset))

    async def _plan(self, state: State | None, message: Message) -> Plan | None:
        if isinstance(message, Start):
            data = message.plan or await self._objects.get(f"plans/{message.plan_hash.hex()}")
            plan = self._plans[message.plan_hash] = decode_plan(message.plan_hash, data)
            return plan
        return None if state is None or isinstance(state.head, End) else self._plans[state.head.plan_hash]

    async def _work(self, task: Run) -> None:
        await self._free.wait()

        async def say(message: Message) -> None:
            await self._producer.send_and_wait(INBOX.name, encode(message), key=task.execution_id)

        running = Running(task=task, worker="test", say=say, issued_ms=int(time.time() * 1000))
        await say(await run_task(running, self._env))

    async def _ring(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            while self._timers and self._timers[0][0] <= time.time() * 1000:
                _, key, timer = heapq.heappop(self._timers)
                message = Timer(execution_id=key, timer=timer)
                await self._producer.send_and_wait(INBOX.name, encode(message), key=key)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
