"""Family `growth`: what more partitions, more processes and larger graphs cost."""

from __future__ import annotations

from bench import graphs
from bench.engine import Engine
from bench.run import Run
from bench.watch import Watcher, percentile

PARTITIONS = (1, 4, 16, 64)
SLOTS = (1, 2, 4)
SIZES = (10, 100, 1_000, 10_000)
USUAL = 16


async def sizes(run: Run) -> None:
    """Add the time of a node by the size of its graph."""
    add, wanted = run.figures.add, SIZES[:3] if run.quick else SIZES
    async with run.watcher() as watcher:
        await watcher.run(graphs.wide(100), 5)
        for size in wanted:
            times = max(3, min(20, 2_000 // size))
            found = await _node_ms(watcher, size, times)
            add(f"size_{size}_ms", f"one graph of {size:,} nodes, time per node", found, "ms")
    ratio = run.figures.ratio
    ratio(
        "size_1000_to_100",
        "time per node, 1,000 nodes : 100",
        of=("size_1000_ms", "size_100_ms"),
        goal="< 2.5",
    )
    ratio(
        "size_10000_to_1000",
        "time per node, 10,000 : 1,000",
        of=("size_10000_ms", "size_1000_ms"),
        goal="< 2.5",
    )


async def _node_ms(watcher: Watcher, size: int, times: int) -> float:
    graph = graphs.wide(size)
    spans = sorted([(await watcher.run(graph, 1, limit_s=300)).spans_ms[0] for _ in range(times)])
    return percentile(spans, 0.5) / size


async def processes(run: Run) -> None:
    """Add the rate of chains by partitions and by processes, each on servers of its own, with nothing else beside."""
    run.stop_platform()
    wanted = [(4, 1)] if run.quick else [(p, 1) for p in PARTITIONS] + [(USUAL, s) for s in SLOTS[1:]]
    for partitions, slots in wanted:
        async with Engine(partitions=partitions, slots=slots) as engine, engine.watcher() as watcher:
            await watcher.run(graphs.chain(10), 50)
            spans = [(await watcher.run(graphs.chain(10), 1)).spans_ms[0] for _ in range(run.size(100, 10))]
            rate = (await watcher.run(graphs.chain(10), run.size(2000, 200))).rate
        what = f"engine alone, {partitions} partitions, {slots} coordinator{'s'[: slots > 1]} and as many workers"
        name = f"engine_{partitions}_{slots}"
        run.figures.add(f"{name}_nodes_s", f"{what}, nodes of chains of 10", rate, "/s")
        run.figures.add(
            f"{name}_p50_ms", f"{what}, one chain of 10, p50", percentile(sorted(spans), 0.5), "ms"
        )
    lone, usual = f"engine_{1}_1_nodes_s", f"engine_{USUAL}_1_nodes_s"
    run.figures.ratio("partitions_16_to_1", "rate, 16 partitions : 1", of=(usual, lone))
    run.figures.ratio("slots_4_to_1", "rate, 4 slots : 1", of=(f"engine_{USUAL}_4_nodes_s", usual))
