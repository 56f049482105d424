"""A larger graph costs more in proportion, not worse."""

from __future__ import annotations

from bench import graphs
from bench.watch import Watcher
from millstream.local import keys
from millstream.local.home import Home
from tests.platform import Platform

TIMES = 5


async def test_time_per_node_does_not_grow_with_the_graph(platform: Platform) -> None:
    kafka = next(process["port"] for process in platform.status()["processes"] if process["name"] == "kafka")
    key = keys.ensure(Home(platform.home)).signing_key
    per_node = {}
    async with Watcher(f"127.0.0.1:{kafka}", signing_key=key) as watcher:
        for size in (100, 1_000):
            graph = graphs.wide(size)
            await watcher.run(graph, 1)
            # The best of some: other work on the machine makes single ones slow, never fast.
            spans = [(await watcher.run(graph, 1)).spans_ms[0] for _ in range(TIMES)]
            per_node[size] = min(spans) / size
    assert per_node[1_000] / per_node[100] < 2.5, per_node
