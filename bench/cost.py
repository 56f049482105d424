"""Family `cost`: records, bytes and processor time of one node execution of a chain."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import graphs
from bench.run import Run, cpu_s, settle, tree_bytes
from millstream.topics.catalogue import CHANGELOG, EVENTS, INBOX, catalogue

NODES = 10
NAMES = {INBOX.name: "inbox", "nodes.tasks": "tasks", EVENTS.name: "events", CHANGELOG: "changelog"}


async def measure(run: Run) -> None:
    """Add the figures."""
    add, chains = run.figures.add, run.size(2000, 200)
    async with run.watcher() as watcher:
        await watcher.run(graphs.chain(NODES), 50)
        await settle(2.0)
        processes = run.processes()
        ends, sizes = await records(run.bootstrap), _bytes(run.kafka_data)
        used = {name: cpu_s(name, process) for name, process in processes.items()}
        nodes = (await watcher.run(graphs.chain(NODES), chains)).nodes
        await settle(2.0)  # the sink has the last events too
        used = {name: cpu_s(name, process) - used[name] for name, process in processes.items()}
        appended = {name: end - ends[name] for name, end in (await records(run.bootstrap)).items()}
        sizes = {name: size - sizes.get(name, 0) for name, size in _bytes(run.kafka_data).items()}
    add("records_per_node", "records a node execution", sum(appended.values()) / nodes)
    total = sum(sizes.values()) / nodes
    add("bytes_per_node", "bytes a node execution in the log", total, "B", goal="< 2,048")
    for start, label in NAMES.items():
        part = sum(size for name, size in sizes.items() if name.startswith(start))
        add(f"bytes_{label}", f"of these: {label}", part / nodes, "B")
    total_ms = 1000 * sum(used.values()) / nodes
    add("cpu_ms_per_node", "processor time a node execution, all processes", total_ms, "ms")
    for name, seconds in used.items():
        if seconds > 0:
            add(f"cpu_{name}_ms", f"of this: {name}", 1000 * seconds / nodes, "ms")


async def records(bootstrap: str) -> dict[str, int]:
    """Return topic -> sum of the ends of its partitions."""
    points = [TopicPartition(t.name, p) for t in catalogue() for p in range(t.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    consumer.assign(points)
    try:
        found: Counter[str] = Counter()
        for point, end in (await consumer.end_offsets(points)).items():
            found[point.topic] += end
        return dict(found)
    finally:
        await consumer.stop()


def _bytes(data: Path) -> dict[str, int]:
    """Return topic -> bytes of its segments. The embedded broker writes them here, and nowhere else."""
    return {
        topic.name: sum(tree_bytes(folder, "*.log") for folder in data.glob(f"{topic.name}-[0-9]*"))
        for topic in catalogue()
    }
