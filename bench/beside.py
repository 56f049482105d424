"""Family `beside`: others on the same broker in the same run, and our ratios to them."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec

from bench import bare_aiokafka, bare_confluent, bare_faust, graphs, group_commit
from bench.run import Run
from bench.throughput import chain_rate

RECORDS = 4
"""Of one node of a chain: task, result, event, changelog row."""


async def measure(run: Run) -> None:
    """Add the figures of the others; ours too, if the family `rate` was left out."""
    figures, bootstrap, chains = run.figures, run.bootstrap, run.size(2000, 200)
    if figures.value("chain_nodes_s") is None:
        async with run.watcher() as watcher:
            await watcher.run(graphs.chain(10), 50)
            figures.add("chain_nodes_s", "chains of 10 at once, nodes", await chain_rate(run, watcher), "/s")
    rate, p50 = await bare_faust.measure(bootstrap, chains)
    figures.add("bare_faust_nodes_s", "bare, stock Faust, the same records, nodes", rate, "/s")
    figures.add("bare_faust_p50_ms", "bare, stock Faust, one chain of 10, p50", p50, "ms")
    rate, p50 = await group_commit.measure(bootstrap, chains)
    figures.add(
        "group_commit_nodes_s", "our transport and group commit, JSON and nothing else, nodes", rate, "/s"
    )
    figures.add("group_commit_p50_ms", "the same, one chain of 10, p50", p50, "ms")
    rate = await bare_aiokafka.rate(bootstrap, chains * 20)
    figures.add("bare_aiokafka_records_s", "bare aiokafka loop, records", rate, "/s")
    rate = await asyncio.to_thread(bare_confluent.rate, bootstrap, chains * 20)
    figures.add("bare_confluent_records_s", "bare confluent-kafka loop, records", rate, "/s")
    if find_spec("celery") is None:
        figures.notes.append("Celery: it is not installed (`pip install millstream[bench]`).")
        return
    from bench import celery_chain

    rate, p50 = await celery_chain.measure(run.redis.rpartition("/")[0] + "/1", run.size(2000, 60))
    figures.add("celery_nodes_s", "Celery on the same Redis, 2 processes, chains of 10, tasks", rate, "/s")
    figures.add("celery_p50_ms", "Celery, one chain of 10, p50", p50, "ms")


def ratios(run: Run) -> None:
    """Add what the others are for."""
    ratio, ours = run.figures.ratio, "chain_nodes_s"
    ratio("to_bare_faust", "chains : bare Faust", of=(ours, "bare_faust_nodes_s"), goal="> 0.6")
    ratio("fan_to_bare_faust", "fan-out : bare Faust", of=("fan_nodes_s", "bare_faust_nodes_s"), goal="> 0.6")
    ratio("to_group_commit", "chains : group commit alone", of=(ours, "group_commit_nodes_s"), goal="> 0.7")
    ratio("to_celery", "chains : Celery", of=(ours, "celery_nodes_s"), goal="> 1")
    ratio("p50_to_celery", "one chain of 10, p50 : Celery's", of=("chain_p50_ms", "celery_p50_ms"))
    of = (ours, "bare_aiokafka_records_s")
    ratio("to_aiokafka", "records of chains : bare aiokafka", of=of, times=RECORDS)
