"""A lane of workers: runs survive rebalances, SIGTERM and poison."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from millstream.schemas.codec import decode, encode
from millstream.schemas.headers import TRACEPARENT, traceparent
from millstream.schemas.messages import Finished, Run
from millstream.streams.service import STOP_S
from millstream.topics.catalogue import INBOX, PARTITIONS, tasks
from tests.integration.streams.kit import Kit, wait_for
from tests.integration.streams.messages import give, lane_of, letters, said, start, task

pytestmark = pytest.mark.integration


def finished(mill: Kit, runs: list[Run]) -> Counter[bytes]:
    return Counter(f.execution_id for f in said(mill, INBOX.name, Finished, {r.execution_id for r in runs}))


def test_a_task_that_is_delivered_again_attaches_to_its_run(mill: Kit) -> None:
    """A second worker joins: what stays with the first is delivered to it again while it runs, and is not begun again."""
    lane, gate = lane_of(mill), mill.folder / "gate"
    runs = [task(f"r{n}", gate=str(gate)) for n in range(PARTITIONS)]
    give(mill, lane, runs)
    one = mill.spawn("lane", "one", lane=lane)
    one.wait(lambda: len(one.notes("begin")) == len(runs))
    two = mill.spawn("lane", "two", lane=lane)
    wait_for(
        lambda: (
            len(two.notes("begin")) == len(two.notes("assigned")[-1]["partitions"]) > 0
            if two.notes("assigned")
            else False
        ),
        what=mill.tails(),
    )
    give(
        mill, lane, more := [task(f"more{n}") for n in range(PARTITIONS)]
    )  # behind the copies that came again
    wait_for(lambda: len(finished(mill, more)) == len(more), what=mill.tails())
    assert len(one.notes("assigned")) > 1
    gate.touch()
    wait_for(lambda: len(finished(mill, runs)) == len(runs), what=mill.tails())
    for member in (one, two):
        assert max(Counter(n["id"] for n in member.notes("begin")).values()) == 1
    moved = {n["id"] for n in two.notes("begin")}
    wait_for(
        lambda: mill.committed(f"millstream-worker-{lane}", tasks(lane).name) == mill.ends(tasks(lane).name),
        what=mill.tails(),
    )
    for run, count in zip(runs, [finished(mill, [r])[r.execution_id] for r in runs], strict=True):
        name = f"r{runs.index(run)}"
        assert count == (2 if name in moved else 1), name


def test_a_stop_in_a_long_call_keeps_the_grace_and_the_task_is_done_elsewhere(mill: Kit) -> None:
    lane, gate = lane_of(mill), mill.folder / "gate"
    give(mill, lane, runs := [task("long", gate=str(gate)), task("short")])
    one = mill.spawn("lane", "one", lane=lane, drain_s=1.0).wait_ready()
    one.wait(lambda: [n["id"] for n in one.notes("end")] == ["short"] and len(one.notes("begin")) == 2)
    began = time.monotonic()
    assert one.end(STOP_S + 5) == 0, one.tail()
    assert time.monotonic() - began < STOP_S
    gate.touch()
    two = mill.spawn("lane", "two", lane=lane)
    wait_for(lambda: len(finished(mill, runs)) == 2, what=mill.tails())
    assert set(finished(mill, runs).values()) == {1}
    assert "long" in {n["id"] for n in two.notes("end")}


def test_a_stop_waits_for_calls_that_end_within_the_grace(mill: Kit) -> None:
    lane, gate = lane_of(mill), mill.folder / "gate"
    give(mill, lane, runs := [task("call", gate=str(gate))])
    one = mill.spawn("lane", "one", lane=lane, drain_s=15.0).wait_ready()
    one.wait(lambda: one.notes("begin"))
    one.process.terminate()
    gate.touch()
    assert one.process.wait(30) == 0
    assert finished(mill, runs) == {runs[0].execution_id: 1}
    assert sum(mill.committed(f"millstream-worker-{lane}", tasks(lane).name).values()) >= 1


def test_poison_ends_in_dead_letters_and_the_lane_goes_on(mill: Kit) -> None:
    lane = lane_of(mill)
    topic = tasks(lane).name
    poison = {
        "undecodable": b"\xff\xfe no record",
        "unknown schema": b"\x00\x7f\xff\xff\xff" + b"x" * 20,
        "empty": b"",
        "none": None,
        "two megabytes": b"\x01" * 1_900_000,
        "another message": encode(start()),
    }
    for value in poison.values():
        mill.put(topic, value, b"k" * 16, 0)
    runs = [task("boom", block="broken"), task("lost", block="no-such-block"), task("good")]
    give(mill, lane, runs, partitions=1)
    one = mill.spawn("lane", "one", lane=lane)
    one.wait(lambda: mill.committed(f"millstream-worker-{lane}", topic).get(0) == mill.ends(topic)[0])
    found = letters(mill, topic)
    assert [letter.offset for letter in found] == list(range(len(poison)))
    assert {letter.error_code for letter in found} == {"record_invalid"}
    answers = {f.execution_id: f for f in said(mill, INBOX.name, Finished, {r.execution_id for r in runs})}
    failures = [answers[run.execution_id].failure for run in runs]
    assert [failure and failure.code for failure in failures] == ["block_failed", "block_unknown", None]
    assert one.process.poll() is None
    assert one.end() == 0


REBALANCE_S = 6.0


def test_a_paid_call_that_outlasts_a_rebalance_is_made_once(mill: Kit, redis_url: str) -> None:
    """Calls run on for longer than members may take to join: nobody is thrown out, partitions rest, no call is begun twice."""
    lane, gate = lane_of(mill), mill.folder / "gate"
    conf: dict[str, Any] = {"lane": lane, "redis": redis_url, "rebalance_s": REBALANCE_S}
    one = mill.spawn("lane", "one", **conf).wait_ready()
    runs = [task(f"p{n}", gate=str(gate), block="paid") for n in range(PARTITIONS)]
    give(mill, lane, runs)
    one.wait(lambda: len(one.notes("begin")) == len(runs))
    two = mill.spawn("lane", "two", **conf).wait_ready()
    two.wait(lambda: two.notes("assigned") and two.notes("assigned")[-1]["partitions"])
    moved = set(two.notes("assigned")[-1]["partitions"])
    before = len(mill.notes("assigned"))
    time.sleep(2 * REBALANCE_S)  # what would be thrown out would have been, and be back
    assert len(mill.notes("assigned")) == before, "the group does not come to rest"
    gate.touch()
    wait_for(lambda: set(finished(mill, runs)) == {r.execution_id for r in runs}, what=mill.tails())
    wait_for(
        lambda: mill.committed(f"millstream-worker-{lane}", tasks(lane).name) == mill.ends(tasks(lane).name),
        what=mill.tails(),
    )
    assert Counter(mill.ids("begin")) == {f"p{n}": 1 for n in range(PARTITIONS)}
    answers = said(mill, INBOX.name, Finished, {r.execution_id for r in runs})
    good = Counter(a.execution_id for a in answers if a.failure is None)
    assert good == {run.execution_id: 1 for run in runs}
    refused = [a for a in answers if a.failure is not None]
    assert {a.failure.code for a in refused} <= {"interrupted"}
    assert {a.execution_id for a in refused} == {runs[p].execution_id for p in moved}


def test_a_result_goes_on_in_the_trace_of_its_task(mill: Kit) -> None:
    """Spans of Faust would end when a message is handed out, as lanes acknowledge by themselves: headers carry the trace."""
    lane, run = lane_of(mill), task("traced")
    header = traceparent(run.execution_id, run.node_execution_id[:8])
    mill.producer.produce(tasks(lane).name, encode(run), run.node_execution_id, headers=[header])
    mill.flush()
    mill.spawn("lane", "one", lane=lane)
    wait_for(lambda: finished(mill, [run]), what=mill.tails())
    [record] = [r for r in mill.read(INBOX.name) if r.key() == run.execution_id]
    assert isinstance(decode(record.value()), Finished)
    assert dict(record.headers())[TRACEPARENT] == header[1]
