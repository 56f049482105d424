"""A backlog far larger than what a process holds is worked off in flat memory: the rest of it stays in Kafka."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import psutil
import pytest

from millstream.schemas.codec import encode
from millstream.schemas.messages import Emit, Finished
from millstream.streams.readiness import inline
from millstream.topics.catalogue import INBOX, tasks
from tests.integration.streams.kit import Kit, Program, wait_for
from tests.integration.streams.messages import give, lane_of, start, task, tell

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

MB = 1024 * 1024
RECORD_BYTES = 2_000
ALLOWED_MB = 100
"""What a backlog may add, however long it is: two bursts, Faust's buffer, what the client has fetched, the allocator's
slack. 50,000 records of 2 KB held in memory are 150 MB and more."""
SIZES = [50_000, pytest.param(1_000_000, marks=[pytest.mark.full, pytest.mark.timeout(7200)])]


def rss_mb(program: Program) -> float:
    return float(psutil.Process(program.process.pid).memory_info().rss) / MB


def settled_mb(program: Program) -> float:
    """Return the resident memory once it grows no more: what can be read has been read."""
    seen = [rss_mb(program)]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(1.0)
        seen.append(rss_mb(program))
        if len(seen) > 4 and max(seen[-4:]) - min(seen[-4:]) < 2:
            break
    return max(seen)


def late_results(bench: Kit, count: int) -> None:
    """Results for executions that nobody knows: each is read, decided and acknowledged."""
    value = inline("x" * RECORD_BYTES)
    for number in range(count):
        message = Finished(
            execution_id=uuid.uuid4().bytes,
            node=0,
            k=number,
            run_id=uuid.uuid4().bytes,
            attempt=1,
            worker="w",
            at=0,
            elapsed_ms=1,
            outputs=[Emit(pin="result", value=value)],
        )
        while True:
            try:
                bench.put(INBOX.name, encode(message), message.execution_id)
                break
            except BufferError:
                bench.producer.poll(0.1)
    bench.flush()


def behind(bench: Kit, group: str, topic: str) -> int:
    done = bench.committed(group, topic)
    return sum(end - done.get(partition, 0) for partition, end in bench.ends(topic).items())


def grown_mb(bench: Kit, count: int, *, unbounded: bool = False) -> float:
    """Have a coordinator stand before its first flush while `count` records wait; returns by how much it grew."""
    hold = bench.folder / "hold"
    program = bench.spawn("coordinator", hold=str(hold), unbounded=unbounded).wait_ready()
    wait_for(lambda: behind(bench, "millstream-coordinator", INBOX.name) == 0)
    idle = settled_mb(program)
    hold.touch()
    tell(bench, *(start() for _ in range(100)))  # there is something to send in every partition
    program.wait(lambda: program.notes("held"))
    late_results(bench, count)
    peak = settled_mb(program)
    hold.unlink()
    deadline = time.monotonic() + 60 + count / 500
    while behind(bench, "millstream-coordinator", INBOX.name):
        assert program.process.poll() is None, program.tail()
        peak = max(peak, rss_mb(program))
        assert time.monotonic() < deadline, program.tail()
        time.sleep(0.2)
    assert program.end() == 0, program.tail()
    print(f"{count} records, unbounded={unbounded}: idle {idle:.0f} MB, peak {peak:.0f} MB")  # noqa: T201
    return peak - idle


@pytest.mark.parametrize("count", SIZES)
def test_a_coordinators_memory_is_flat_under_a_backlog(mill: Kit, count: int) -> None:
    assert grown_mb(mill, count) < ALLOWED_MB


def test_without_the_bound_the_backlog_is_in_memory(mill: Kit) -> None:
    """The same with the bound taken away: the figure above is one that the bound earns."""
    assert grown_mb(mill, 50_000, unbounded=True) > ALLOWED_MB


@pytest.mark.parametrize("count", SIZES)
def test_a_workers_memory_is_flat_under_a_backlog(mill: Kit, tmp_path: Path, count: int) -> None:
    lane, gate = lane_of(mill), tmp_path / "gate"
    program = mill.spawn("lane", lane=lane, slots=100).wait_ready()
    idle = settled_mb(program)
    text = "x" * RECORD_BYTES
    for first in range(0, count, 10_000):
        give(mill, lane, [task(f"{n}-{text}", gate=str(gate)) for n in range(first, first + 10_000)])
    peak = settled_mb(program)
    gate.touch()
    group, topic = f"millstream-worker-{lane}", tasks(lane).name
    deadline = time.monotonic() + 120 + count / 200
    while behind(mill, group, topic):
        assert program.process.poll() is None, program.tail()
        peak = max(peak, rss_mb(program))
        assert time.monotonic() < deadline, program.tail()
        time.sleep(0.5)
    print(f"{count} tasks: idle {idle:.0f} MB, peak {peak:.0f} MB")  # noqa: T201
    assert peak - idle < ALLOWED_MB
