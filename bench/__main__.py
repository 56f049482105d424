"""`python -m bench`: start a platform in a folder of its own, measure it beside others, print one table."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import beside, blocks, cost, figures, growth, hops, memory, models, recovery, sockets, throughput
from bench.run import Measure, Run

FAMILIES: dict[str, Measure] = {
    "blocks": blocks.measure,
    "models": models.measure,
    "rate": throughput.measure,
    "hops": hops.measure,
    "cost": cost.measure,
    "beside": beside.measure,
    "sockets": sockets.measure,
    "sizes": growth.sizes,
    "recovery": recovery.measure,
    "memory": memory.measure,
    "growth": growth.processes,
}
"""In the order in which they run."""


def main() -> None:
    """Measure what is asked for, and say it in the forms that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of everything; about two minutes")
    parser.add_argument("--only", default=",".join(FAMILIES), help=f"families, of {','.join(FAMILIES)}")
    parser.add_argument("--json", type=Path, help="file for the figures, for programs")
    parser.add_argument("--write", type=Path, help="document whose marked block the table replaces")
    parser.add_argument(
        "--earlier",
        type=Path,
        help="a --json of before: what is not measured now is shown from it, with its date",
    )
    options = parser.parse_args()
    names = options.only.split(",")
    for name in names:
        if name not in FAMILIES:
            parser.error(f"there is no family {name!r}; there are {', '.join(FAMILIES)}")
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # topics that have just been made have no leader yet
    signal.signal(
        signal.SIGTERM, lambda number, frame: sys.exit(128 + number)
    )  # the platform is stopped on the way
    with Run(quick=options.quick) as run:
        try:
            measure(run, names)
        finally:  # what was measured before a fault is not lost
            _say(run, options)


def measure(run: Run, names: list[str]) -> None:
    """Run families, in their order."""
    for name, family in FAMILIES.items():
        if name in names:
            began = time.monotonic()
            asyncio.run(family(run))
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    beside.ratios(run)


def _say(run: Run, options: argparse.Namespace) -> None:
    found = run.figures
    _show(found)
    if options.json:
        options.json.write_text(found.json(quick=run.quick))
    if options.write:
        table = found.markdown(quick=run.quick)
        if options.earlier:
            table += "\n\n" + found.earlier(json.loads(options.earlier.read_text()))
        figures.write_into(options.write, table)


def _show(found: figures.Figures) -> None:
    where = figures.machine()
    table = Table(title=f"Millstream on {where['cores']} {where['arch']} cores")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("goal", justify="right")
    for row in found:
        table.add_row(row.what, row.shown, row.goal)
    Console().print(table)
    for note in found.notes:
        print(f"not measured: {note}")


if __name__ == "__main__":
    main()
