"""`python -m bench`: start a platform in a folder of its own, measure it beside bare Faust and bare aiokafka, print ratios."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform as machine
import tempfile
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bench import bare_aiokafka, bare_faust, graphs
from bench.watch import Watcher, percentile
from tests.platform import Platform


def main() -> None:
    """Run the benchmarks. `--quick` takes a tenth of the executions."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the executions")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millstream-bench-") as folder:
        platform = Platform(Path(folder))
        platform.start()
        try:
            memory = _memory_mb(platform)
            bootstrap = (
                f"127.0.0.1:{next(p['port'] for p in platform.status()['processes'] if p['name'] == 'kafka')}"
            )
            figures = asyncio.run(_measure(bootstrap, 200 if options.quick else 2000))
        finally:
            platform.stop()
    figures["idle_mb"] = memory
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        _show(figures)


def _memory_mb(platform: Platform) -> float:
    """Proportional set size of all processes of the idle platform."""
    total = 0
    for process in platform.status()["processes"]:
        tree = psutil.Process(process["pid"])
        children = tree.children(recursive=True) if process["name"] == "postgres" else []
        total += sum(p.memory_full_info().pss for p in [tree, *children])
    return round(total / 1e6, 1)


async def _measure(bootstrap: str, count: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    async with Watcher(bootstrap) as watcher:
        ten = graphs.chain(10)
        await watcher.run(ten, 50)
        spans = [(await watcher.run(ten, 1)).spans_ms[0] for _ in range(50)]
        spans.sort()
        figures["chain_p50_ms"], figures["chain_p99_ms"] = percentile(spans, 0.5), percentile(spans, 0.99)
        figures["chain_nodes_s"] = (await watcher.run(ten, count)).rate
        fans = [(await watcher.run(graphs.fan(100), 1)).spans_ms[0] for _ in range(10)]
        figures["fan_100_p50_ms"] = percentile(sorted(fans), 0.5)
        figures["fan_nodes_s"] = (await watcher.run(graphs.fan(100), max(5, count // 20))).rate
        gathers = [(await watcher.run(graphs.gather(100), 1)).spans_ms[0] for _ in range(10)]
        figures["gather_100_p50_ms"] = percentile(sorted(gathers), 0.5)
        sequence = [(await watcher.run(graphs.chain(40), 1)).spans_ms[0] for _ in range(5)]
        figures["sequence_40_ms"] = percentile(sorted(sequence), 0.5)
        figures["waits_500_s"] = (await watcher.run(graphs.waits(1.0), 500)).seconds
    figures["bare_faust_nodes_s"] = await bare_faust.rate(bootstrap, count)
    figures["bare_aiokafka_records_s"] = await bare_aiokafka.rate(bootstrap, count * 20)
    figures["chain_to_bare_faust"] = figures["chain_nodes_s"] / figures["bare_faust_nodes_s"]
    figures["fan_to_bare_faust"] = figures["fan_nodes_s"] / figures["bare_faust_nodes_s"]
    figures["records_to_bare_aiokafka"] = 4 * figures["chain_nodes_s"] / figures["bare_aiokafka_records_s"]
    return figures


ROWS = {
    "chain_nodes_s": "chains of 10, node executions/s",
    "fan_nodes_s": "1 to 100 to 1, node executions/s",
    "bare_faust_nodes_s": "bare Faust, the same records, nodes/s",
    "bare_aiokafka_records_s": "bare aiokafka, records/s",
    "chain_to_bare_faust": "chains : bare Faust",
    "fan_to_bare_faust": "fan-out : bare Faust",
    "records_to_bare_aiokafka": "records of chains : bare aiokafka",
    "chain_p50_ms": "one chain of 10, p50 ms",
    "chain_p99_ms": "one chain of 10, p99 ms",
    "fan_100_p50_ms": "one 1 to 100 to 1, p50 ms",
    "gather_100_p50_ms": "100 values onto one list, p50 ms",
    "sequence_40_ms": "one chain of 40, ms",
    "waits_500_s": "500 waits of 1 s at once, s",
    "idle_mb": "idle platform, PSS in MB",
}


def _show(figures: dict[str, Any]) -> None:
    table = Table(
        title=f"Millstream on {machine.processor() or machine.machine()}, {psutil.cpu_count()} cores"
    )
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, label in ROWS.items():
        table.add_row(label, f"{figures[name]:,.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
