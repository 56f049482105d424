"""Family `hops`: where the time of one chain goes, from the timestamps of its records."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import graphs
from bench.run import Run
from bench.watch import percentile
from millstream.schemas.codec import decode
from millstream.schemas.messages import Finished
from millstream.schemas.messages import Run as Task
from millstream.topics.catalogue import INBOX, LANES, PARTITIONS, tasks

NODES = 10


async def measure(run: Run) -> None:
    """Add the figures."""
    names = [INBOX.name, *(tasks(lane).name for lane in LANES)]
    points = [TopicPartition(name, p) for name in names for p in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=run.bootstrap, fetch_max_wait_ms=5)
    await consumer.start()
    try:
        async with run.watcher() as watcher:
            await watcher.run(graphs.chain(NODES), 20)
            consumer.assign(points)
            await consumer.seek_to_end(*points)
            for point in points:
                await consumer.position(point)
            count = run.size(200, 20)
            ids = {(await watcher.run(graphs.chain(NODES), 1)).ids[0] for _ in range(count)}
        inbox, issued = await _records(consumer, ids)
    finally:
        await consumer.stop()
    deciding, working = [], []
    for execution_id in ids:
        messages = [at for _, at in sorted(inbox[execution_id])]
        given = sorted(issued[execution_id].values())
        # The i-th inbox record of a chain has the i-th task made, and the next inbox record ends that task.
        deciding += [float(task - message) for message, task in zip(messages, given, strict=False)]
        working += [float(message - task) for task, message in zip(given, messages[1:], strict=True)]
    _add(run, "coordinator", "inbox record appended to its task sent", deciding)
    _add(run, "worker", "task sent to its result appended", working)


def _add(run: Run, name: str, what: str, values: list[float]) -> None:
    values.sort()
    for share, label in ((0.5, "p50"), (0.99, "p99")):
        value = percentile(values, share)
        run.figures.add(f"hop_{name}_{label}_ms", f"hop of one chain: {what}, {label}", value, "ms")
    mean = sum(values) / len(values)
    run.figures.add(f"hop_{name}_mean_ms", f"hop of one chain: {what}, mean", mean, "ms")


async def _records(
    consumer: Any, ids: set[bytes]
) -> tuple[dict[bytes, list[tuple[int, int]]], dict[bytes, dict[int, int]]]:
    """Return execution -> (offset, time) of its inbox records, and execution -> node -> time of its task."""
    inbox: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    issued: dict[bytes, dict[int, int]] = defaultdict(dict)
    while (
        sum(map(len, inbox.values())) < len(ids) * (NODES + 1)
        or sum(map(len, issued.values())) < len(ids) * NODES
    ):
        batches = await consumer.getmany(timeout_ms=2000)
        if not batches:
            raise TimeoutError("records of the chains are missing")
        for records in batches.values():
            for record in records:
                message = decode(record.value)
                execution_id = message.execution_id  # type: ignore[attr-defined]
                if execution_id not in ids:
                    continue
                if isinstance(message, Task):
                    issued[execution_id][message.node] = record.timestamp
                elif isinstance(message, Finished) or record.topic == INBOX.name:
                    inbox[execution_id].append((record.offset, record.timestamp))
    return inbox, issued
