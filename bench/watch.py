"""Starts executions by records and watches them end, on the log itself: no HTTP and no database in what is timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.graphs import compiled
from millstream.schemas.codec import decode, encode
from millstream.schemas.graph import Graph
from millstream.schemas.headers import Header, span_of, traceparent
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Events, Start
from millstream.schemas.signing import Signer
from millstream.streams.plan import CompiledPlan
from millstream.topics.catalogue import EVENTS, INBOX, PARTITIONS

USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"
FINAL = ("COMPLETED", "FAILED", "TERMINATED")
TICK_S = 0.01


@dataclass
class Result:
    """What a batch of executions took."""

    seconds: float = 0.0
    ended: int = 0
    nodes: int = 0
    spans_ms: list[float] = field(default_factory=list)
    """Per execution: LogAppendTime of Start to the append of its last event, sorted."""
    node_ends_ms: list[int] = field(default_factory=list)
    """When the events with the ends of nodes were appended."""
    appended_ms: dict[tuple[bytes, int], int] = field(default_factory=dict)
    """(execution, number of an event) -> when it was appended."""
    ids: list[bytes] = field(default_factory=list)
    """The executions, in the order of their starts."""

    @property
    def rate(self) -> float:
        """Node executions a second."""
        return self.nodes / self.seconds


class Watcher:
    """A producer of Starts and a consumer of events."""

    def __init__(self, bootstrap: str, *, signing_key: str = "", partitions: int = PARTITIONS) -> None:
        self._bootstrap = bootstrap
        self._signer = Signer(signing_key) if signing_key else None
        self._partitions = partitions

    async def __aenter__(self) -> Watcher:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            linger_ms=0,
            max_batch_size=262_144,
            max_request_size=2_000_000,
        )
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, fetch_max_wait_ms=5)
        await self._producer.start()
        await self._consumer.start()
        partitions = [TopicPartition(EVENTS.name, p) for p in range(self._partitions)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            await self._consumer.position(partition)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()
        await self._consumer.stop()

    async def start(self, plan: CompiledPlan, graph_id: str) -> tuple[bytes, asyncio.Future[Any]]:
        """Append a Start to a batch; returns the execution's id, and what is done when the broker has it."""
        execution_id = new_id().bytes
        record = Start(
            execution_id=execution_id,
            user_id=USER,
            graph_id=graph_id,
            graph_version=1,
            plan_hash=plan.hash,
            plan=plan.data,
        )
        value = encode(record)
        headers: list[Header] = [traceparent(execution_id, span_of(execution_id=execution_id))]
        if self._signer is not None:
            headers.append(self._signer.sign(value))
        return execution_id, await self._producer.send(INBOX.name, value, execution_id, headers=headers)

    async def start_all(self, plan: CompiledPlan, graph_id: str, count: int) -> dict[bytes, int]:
        """Start `count` executions; returns execution -> LogAppendTime of its Start."""
        sent = [await self.start(plan, graph_id) for _ in range(count)]
        return {execution_id: (await future).timestamp for execution_id, future in sent}

    async def run(self, graph: Graph, count: int, *, limit_s: float = 120) -> Result:
        """Start `count` executions at once and wait until all have ended.

        Errors: TimeoutError; RuntimeError if one did not complete.
        """
        plan, watch = compiled(graph), _Watch()
        start = time.perf_counter()
        watch.began = await self.start_all(plan, graph.id, count)
        async with asyncio.timeout(limit_s):
            await self._read(watch, lambda: watch.result.ended >= count)
        watch.result.seconds = time.perf_counter() - start
        return watch.done(list(watch.began))

    async def pace(
        self, graph: Graph, graph_ids: list[str], *, per_s: float, seconds: float, limit_s: float = 60
    ) -> Result:
        """Start `per_s` executions a second for a while, whatever comes of them, of one graph under many ids in turn; wait for
        all to end. Errors: TimeoutError; RuntimeError."""
        plan, watch = compiled(graph), _Watch()
        began = time.perf_counter()
        ids: list[bytes] = []
        over = False

        async def feed() -> None:
            nonlocal over
            while (spent := time.perf_counter() - began) < seconds:
                while len(ids) < spent * per_s:
                    execution_id, future = await self.start(plan, graph_ids[len(ids) % len(graph_ids)])
                    ids.append(execution_id)
                    watch.began[execution_id] = 0
                    future.add_done_callback(lambda f, i=execution_id: watch.note(i, f))  # type: ignore[misc]
                await asyncio.sleep(TICK_S)
            over = True

        async with asyncio.timeout(seconds + limit_s):
            feeding = asyncio.create_task(feed())
            await self._read(watch, lambda: over and watch.result.ended >= len(ids))
            await feeding
        watch.result.seconds = time.perf_counter() - began
        return watch.done(ids)

    async def _read(self, watch: _Watch, enough: Callable[[], bool]) -> None:
        while not enough():
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    watch.take(record)


class _Watch:
    """Takes events of the executions that were begun."""

    def __init__(self) -> None:
        self.began: dict[bytes, int] = {}
        self.result = Result()
        self._bad: list[str] = []

    def note(self, execution_id: bytes, future: asyncio.Future[Any]) -> None:
        self.began[execution_id] = future.result().timestamp

    def take(self, record: Any) -> None:
        message = decode(record.value)
        if not isinstance(message, Events) or message.execution_id not in self.began:
            return
        result = self.result
        for number, delta in enumerate(message.deltas, start=message.first):
            name = (message.execution_id, number)
            if name in result.appended_ms:
                continue  # told again after a crash
            result.appended_ms[name] = record.timestamp
            if delta.kind == "NODE" and delta.status in FINAL:
                result.nodes += 1
                result.node_ends_ms.append(record.timestamp)
            elif delta.kind == "EXECUTION" and delta.status in FINAL:
                result.ended += 1
                result.spans_ms.append(float(record.timestamp - self.began[message.execution_id]))
                if delta.status in ("FAILED", "TERMINATED"):
                    self._bad.append(repr(delta.detail))

    def done(self, ids: list[bytes]) -> Result:
        if self._bad:
            raise RuntimeError(f"{len(self._bad)} executions did not complete, the first: {self._bad[0]}")
        self.result.ids = ids
        self.result.spans_ms.sort()
        return self.result


def percentile(values: list[float], share: float) -> float:
    """Return a percentile of sorted values."""
    return values[min(len(values) - 1, int(len(values) * share))]
