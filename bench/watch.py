"""Starts executions by records and watches them end, on the log itself: no HTTP and no database in what is timed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from types import TracebackType

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.graphs import compiled
from millstream.schemas.codec import decode, encode
from millstream.schemas.graph import Graph
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Events, Start
from millstream.topics.catalogue import EVENTS, INBOX, PARTITIONS

USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"
END = ("COMPLETED", "FAILED", "TERMINATED")


@dataclass
class Result:
    """What a batch of executions took."""

    seconds: float
    ended: int
    nodes: int
    spans_ms: list[float] = field(default_factory=list)
    """Per execution: LogAppendTime of Start to the append of its last event."""

    @property
    def rate(self) -> float:
        """Node executions a second."""
        return self.nodes / self.seconds


class Watcher:
    """A producer of Starts and a consumer of events."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def __aenter__(self) -> Watcher:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", linger_ms=0, max_batch_size=262_144
        )
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, fetch_max_wait_ms=5)
        await self._producer.start()
        await self._consumer.start()
        partitions = [TopicPartition(EVENTS.name, p) for p in range(PARTITIONS)]
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

    async def run(self, graph: Graph, count: int, limit_s: float = 120) -> Result:
        """Start `count` executions at once and wait until all have ended. Errors: TimeoutError."""
        plan = compiled(graph)
        began: dict[bytes, int] = {}
        start = time.perf_counter()
        sent = []
        for _ in range(count):
            execution_id = new_id().bytes
            record = Start(
                execution_id=execution_id,
                user_id=USER,
                graph_id=graph.id,
                graph_version=1,
                plan_hash=plan.hash,
                plan=plan.data,
            )
            began[execution_id] = 0
            sent.append((execution_id, await self._producer.send(INBOX.name, encode(record), execution_id)))
        for execution_id, future in sent:
            began[execution_id] = (await future).timestamp
        result = Result(0.0, 0, 0)
        async with asyncio.timeout(limit_s):
            while result.ended < count:
                for records in (await self._consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        self._count(record, began, result)
        result.seconds = time.perf_counter() - start
        result.spans_ms.sort()
        return result

    @staticmethod
    def _count(record: object, began: dict[bytes, int], result: Result) -> None:
        message = decode(record.value)  # type: ignore[attr-defined]
        if not isinstance(message, Events) or message.execution_id not in began:
            return
        for delta in message.deltas:
            result.nodes += delta.kind == "NODE"
            if delta.kind == "EXECUTION" and delta.status in END:
                result.ended += 1
                span = record.timestamp - began[message.execution_id]  # type: ignore[attr-defined]
                result.spans_ms.append(float(span))


def percentile(values: list[float], share: float) -> float:
    """Return a percentile of sorted values."""
    return values[min(len(values) - 1, int(len(values) * share))]
