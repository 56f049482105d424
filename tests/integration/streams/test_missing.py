"""Things that are not there: source topics at the start, and the broker for a while."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.integration.streams.conftest import KafkaOnly
from tests.integration.streams.kit import Kit, wait_for

pytestmark = pytest.mark.integration


def test_a_source_topic_that_is_missing_ends_the_process(bench: Kit) -> None:
    """Stock Faust stays up for ever, without partitions and without a word."""
    there, missing = bench.topic("there", 1), f"{bench.name}-missing"
    program = bench.spawn("pool", topics=[[there, missing]])
    assert program.process.wait(30) == 1, program.tail()
    assert f"topics are missing: {missing}; run `millstream topics apply`" in program.log.read_text()
    assert not program.ready.exists()


def test_a_source_topic_that_is_made_while_the_process_starts_is_found(bench: Kit) -> None:
    late = f"{bench.name}-late"
    program = bench.spawn("pool", topics=[[late]])
    bench.topic("late", 2)
    program.wait_ready()
    bench.work(late, [{"id": "a"}], 2)
    program.wait(lambda: bench.ids("end") == ["a"])


@pytest.mark.full
def test_a_broker_that_stands_still_costs_nothing(own_bench: Kit, own_broker: KafkaOnly) -> None:
    """Longer than every session. What is committed at any time has its output; the process recovers, or ends and is
    started again as the supervisor would."""
    topic, out = own_bench.topic("work", 4), own_bench.topic("out", 4)
    ids = own_bench.work(topic, ({"s": 0.05} for _ in range(3000)))
    conf = {"topics": [[topic]], "out": out, "slots": 30}
    program = own_bench.spawn("pool", **conf)  # type: ignore[arg-type]
    program.wait(lambda: len(own_bench.ids("end")) > 300)
    pid = own_broker.pid("kafka")
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(15)  # the outage itself
    finally:
        os.kill(pid, signal.SIGCONT)
    deadline = time.monotonic() + 90
    while set(own_bench.ids("end")) != set(ids):
        delivered = own_bench.committed(own_bench.name, topic)
        said = {record.value().decode() for record in own_bench.read(out)}
        for partition, offset in delivered.items():  # asked for before the outputs were read
            done = {f"{n:06d}" for n in range(partition, len(ids), 4) if n // 4 < offset}
            assert done <= said, f"committed without an output: {sorted(done - said)[:5]}"
        if program.process.poll() is not None:
            program = own_bench.spawn("pool", **conf)  # type: ignore[arg-type]
        assert time.monotonic() < deadline, own_bench.tails()
    assert {record.value().decode() for record in own_bench.read(out)} == set(ids)
    wait_for(
        lambda: own_bench.committed(own_bench.name, topic) == own_bench.ends(topic), what=own_bench.tails()
    )
