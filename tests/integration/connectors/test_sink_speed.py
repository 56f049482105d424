from __future__ import annotations

import random
import statistics
import sys
import time

import psycopg
import pytest

from tests.integration.connectors.conftest import Bench, wait_for
from tests.integration.connectors.histories import stories, story

pytestmark = pytest.mark.integration


def test_it_keeps_up(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    records, _ = stories(random.Random(41), 600)
    bench.send(records)
    deltas = sum(len(record.deltas) for record in records)
    sink = bench.start()
    began = time.monotonic()
    wait_for(lambda: sink.counts.changes == deltas, 60)
    rate = deltas / (time.monotonic() - began)
    with capsys.disabled():
        sys.stdout.write(f"\nsink: {rate:,.0f} deltas/s ({deltas:,} deltas in {len(records):,} records)\n")
    assert rate > 2_000, "the target is 5,000 on an idle machine; this one may be busy"


def test_a_lone_event_is_in_the_tables_soon(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(42)
    sink = bench.start()
    took = []
    with psycopg.connect(bench.dsn, autocommit=True) as conn:
        for _ in range(50):
            record = story(rng).records()[0]
            bench.send([record])
            began = time.monotonic()
            while not conn.execute(
                "SELECT 1 FROM executions WHERE id = %s", [record.execution_id.hex()]
            ).fetchone():
                time.sleep(0.001)
                assert time.monotonic() - began < 10
            took.append((time.monotonic() - began) * 1000)
            time.sleep(rng.random() * 0.05)
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    with capsys.disabled():
        sys.stdout.write(
            f"\nsink: an event is readable {p50:.1f} ms (p50), {p95:.1f} ms (p95) after its acknowledgement\n"
        )
    assert p50 < 100, "the target is 30 ms on an idle machine; this one may be busy"
    assert sink.counts.outages == 0
