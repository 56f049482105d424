from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from dataclasses import replace

import psycopg
import pytest

from millstream.connectors.sink import Options, Sink
from millstream.schemas.messages import Events
from tests.integration.connectors.conftest import Bench, wait_for
from tests.integration.connectors.histories import expected, stored, stories
from tests.servers import Servers

pytestmark = pytest.mark.integration


def stored_records(dsn: str) -> int:
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT coalesce(sum(next_offset), 0)::bigint FROM sink_offsets").fetchone()
    assert row is not None
    return int(row[0])


def sender(bench: Bench, records: list[Events], rate: float) -> threading.Thread:
    """Send in the background, `rate` records a second."""

    def work() -> None:
        began = time.monotonic()
        for number in range(0, len(records), 20):
            bench.send(records[number : number + 20])
            time.sleep(max(0.0, began + number / rate - time.monotonic()))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def named(options: Options) -> Options:
    """With a name the next sink takes over at once; without one it waits for the session of the dead one."""
    return replace(options, instance="sink-0")


def end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    return process.wait(20)


@pytest.mark.timeout(180)
def test_a_killed_sink_goes_on_where_it_was(bench: Bench) -> None:
    rng = random.Random(11)
    records, model = stories(rng, 120)
    bench.options = named(bench.options)
    sending = sender(bench, records, 200)
    process = bench.spawn()
    for part in (0.15, 0.4, 0.7):
        wait_for(lambda share=part: stored_records(bench.dsn) > share * len(records), 60)  # type: ignore[misc]
        process.kill()
        process.wait(10)
        assert stored_records(bench.dsn) < len(records)
        process = bench.spawn()
    sending.join()
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want, 60)
    assert stored_records(bench.dsn) == len(records)
    assert end(process) == 0


@pytest.mark.timeout(180)
def test_partitions_move_between_sinks_without_loss(bench: Bench) -> None:
    rng = random.Random(12)
    records, model = stories(rng, 120)
    sending = sender(bench, records, 150)
    first = bench.spawn()
    wait_for(lambda: stored_records(bench.dsn) > 0.1 * len(records))
    second = bench.spawn()
    wait_for(lambda: stored_records(bench.dsn) > 0.4 * len(records))
    assert end(first) == 0
    third = bench.spawn()
    wait_for(lambda: stored_records(bench.dsn) > 0.7 * len(records))
    second.kill()
    second.wait(10)
    sending.join()
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want, 60)
    wait_for(lambda: bench.is_ready(third), 60)
    assert end(third) == 0


@pytest.mark.timeout(180)
def test_a_sink_that_slept_through_a_rebalance_does_no_harm(bench: Bench) -> None:
    rng = random.Random(13)
    records, model = stories(rng, 120)
    sending = sender(bench, records, 150)
    sleeper = bench.spawn()
    wait_for(lambda: stored_records(bench.dsn) > 0.1 * len(records))
    sleeper.send_signal(signal.SIGSTOP)
    heir = bench.spawn()
    wait_for(lambda: stored_records(bench.dsn) > 0.8 * len(records), 60)
    sleeper.send_signal(signal.SIGCONT)
    sending.join()
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want, 60)
    assert end(sleeper) == 0
    assert end(heir) == 0
    assert stored(bench.dsn) == want


@pytest.mark.timeout(180)
def test_an_outage_of_postgres_is_waited_out(bench: Bench, servers: Servers) -> None:
    rng = random.Random(14)
    records, model = stories(rng, 80)
    sink = bench.start()
    half = len(records) // 2
    sending = sender(bench, records[:half], 300)
    wait_for(lambda: stored_records(bench.dsn) > 0.2 * half)
    servers.kill("postgres")
    sending.join()
    bench.send(records[half:])
    wait_for(lambda: sink.counts.outages > 3)
    servers.restart("postgres")
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want, 60)
    assert sink.counts.dead_letters == 0


@pytest.mark.timeout(180)
def test_an_outage_of_kafka_is_waited_out(bench: Bench, servers: Servers) -> None:
    rng = random.Random(18)
    records, model = stories(rng, 40)
    half = len(records) // 2
    bench.start()
    bench.send(records[:half])
    wait_for(lambda: stored_records(bench.dsn) == half)
    servers.kill("kafka")
    servers.restart("kafka")
    bench.send(records[half:])
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want, 60)


def test_a_sink_that_starts_before_postgres_waits_for_it(bench: Bench, servers: Servers) -> None:
    records, model = stories(random.Random(15), 3)
    servers.kill("postgres")
    try:
        stop = threading.Event()
        sink = Sink(bench.conf, bench.dsn, options=bench.options)
        thread = threading.Thread(target=sink.run, args=[stop])
        thread.start()
        bench.sinks.append((thread, stop, sink))
        wait_for(lambda: sink.counts.outages > 2)
    finally:
        servers.restart("postgres")
    bench.send(records)
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want)


def test_a_sink_with_a_name_is_back_at_once_after_a_kill(bench: Bench) -> None:
    bench.options = named(bench.options)
    first, _ = stories(random.Random(16), 1)
    second, _ = stories(random.Random(17), 1)
    process = bench.spawn()
    bench.send(first)
    wait_for(lambda: stored_records(bench.dsn) == len(first))
    process.kill()
    process.wait(10)
    began = time.monotonic()
    process = bench.spawn()
    bench.send(second)
    wait_for(lambda: stored_records(bench.dsn) == len(first) + len(second))
    assert time.monotonic() - began < 5.0, "it waited for the session of the dead one"
    assert end(process) == 0
