"""Family `rate`: node executions a second and how long one execution takes, by its graph."""

from __future__ import annotations

from bench import graphs
from bench.run import Run, pss_bytes
from bench.watch import Watcher, percentile
from millstream.schemas.graph import Graph


async def measure(run: Run) -> None:
    """Add the figures."""
    idle = sum(pss_bytes(name, process) for name, process in run.processes().items())
    async with run.watcher() as watcher:
        await watcher.run(graphs.chain(10), 300)
        await _spans(run, watcher)
        await _rates(run, watcher)
    run.figures.add("idle_mb", "idle platform, proportional set size", idle / 1e6, "MB", goal="< 900")


async def _spans(run: Run, watcher: Watcher) -> None:
    add = run.figures.add
    chain = await _each(watcher, graphs.chain(10), run.size(300, 30))
    what = "one chain of 10, Start appended to last event appended"
    add("chain_p50_ms", f"{what}, p50", percentile(chain, 0.5), "ms", goal="< 40")
    add("chain_p99_ms", f"{what}, p99", percentile(chain, 0.99), "ms")
    fan = await _each(watcher, graphs.fan(100), run.size(50, 5))
    add(
        "fan_100_p50_ms",
        "one list of 100, fanned out and gathered (201 nodes), p50",
        percentile(fan, 0.5),
        "ms",
    )
    gather = await _each(watcher, graphs.gather(100), run.size(50, 5))
    what = "100 nodes onto the list pins of one (102 nodes), p50"
    add("gather_100_p50_ms", what, percentile(gather, 0.5), "ms")
    line = await _each(watcher, graphs.chain(40), run.size(20, 3))
    add("sequence_40_p50_ms", "one chain of 40, p50", percentile(line, 0.5), "ms")


async def _rates(run: Run, watcher: Watcher) -> None:
    add, chains, calls = run.figures.add, run.size(2000, 200), run.size(500, 100)
    add("chain_nodes_s", f"chains of 10, {chains:,} at once, nodes", await chain_rate(run, watcher), "/s")
    fans = (await watcher.run(graphs.fan(100), run.size(100, 5))).rate
    add("fan_nodes_s", "1 to 100 to 1, nodes", fans, "/s")
    waited = (await watcher.run(graphs.waits(1.0), calls)).seconds
    add("waits_s", f"{calls} calls of one second at once", waited, "s", goal="< 2.5")


async def chain_rate(run: Run, watcher: Watcher) -> float:
    """Return nodes a second, of chains of ten."""
    return (await watcher.run(graphs.chain(10), run.size(2000, 200))).rate


async def _each(watcher: Watcher, graph: Graph, count: int) -> list[float]:
    """Return how long each of `count` executions took, one after the other."""
    return sorted([(await watcher.run(graph, 1)).spans_ms[0] for _ in range(count)])
