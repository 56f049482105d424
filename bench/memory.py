"""Family `memory`: what open executions cost while they wait for a person, or for a timer."""

from __future__ import annotations

import asyncio

from bench import graphs
from bench.cost import records
from bench.run import Run, pss_bytes, settle, tree_bytes
from millstream.schemas.graph import Graph
from millstream.topics.catalogue import CHANGELOG, INBOX

COORDINATOR = "coordinator-0"
PER = 10_000
RECORDS = 2
"""On the inbox, until one waits: its Start, and its node's result."""
LIMIT_S = 300


async def measure(run: Run) -> None:
    """Add the figures; the executions stay open."""
    await _open(run, "review", "a review", graphs.review())
    await _open(run, "timer", "a timer", graphs.waits(86_400.0))


async def _open(run: Run, name: str, what: str, graph: Graph) -> None:
    count = run.size(PER, 500)
    await settle(2.0)
    before = _sizes(run)
    goal = (await records(run.bootstrap))[INBOX.name] + RECORDS * count
    async with run.watcher() as watcher:
        await watcher.start_all(graphs.compiled(graph), graph.id, count)
    async with asyncio.timeout(LIMIT_S):
        while (await records(run.bootstrap))[INBOX.name] < goal:
            await settle(0.5)
    await settle(3.0)
    grown = {kind: (size - before[kind]) * PER / count for kind, size in _sizes(run).items()}
    about = f"{PER:,} executions that wait for {what}"
    if count != PER:
        about += f" (of {count})"
    run.figures.add(f"open_{name}_pss_mb", f"{about}: coordinator's memory", grown["pss"] / 1e6, "MB")
    run.figures.add(f"open_{name}_table_mb", f"{about}: its table's files", grown["table"] / 1e6, "MB")
    run.figures.add(f"open_{name}_changelog_mb", f"{about}: its changelog", grown["changelog"] / 1e6, "MB")


def _sizes(run: Run) -> dict[str, int]:
    segments = [tree_bytes(folder, "*.log") for folder in run.kafka_data.glob(f"{CHANGELOG}-[0-9]*")]
    return {
        "pss": pss_bytes(COORDINATOR, run.processes()[COORDINATOR]),
        "table": tree_bytes(run.tables),
        "changelog": sum(segments),
    }
