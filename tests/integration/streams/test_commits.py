"""What is committed: never more than has finished, in whatever order it finishes."""

from __future__ import annotations

import json
from functools import partial

import pytest

from millstream.topics.clients import producer
from tests.integration.streams.kit import Kit, wait_for

pytestmark = pytest.mark.integration

FAST = 300


@pytest.mark.parametrize("before", [0, 100])
def test_a_commit_never_passes_a_message_that_still_runs(bench: Kit, before: int) -> None:
    """One job waits, hundreds after it end. `before`: a group that committed earlier, whose head Faust checks otherwise."""
    topic, gate = bench.topic("work", 1), bench.folder / "gate"
    if before:
        bench.work(topic, ({"id": f"old-{n}"} for n in range(before)), 1)
        bench.commit(bench.name, topic, {0: before})
    bench.work(topic, [{"id": "slow", "gate": str(gate)}, *({"id": f"fast-{n}"} for n in range(FAST))], 1)
    program = bench.spawn("pool", topics=[[topic]])
    program.wait(lambda: len(bench.ids("end")) == FAST)
    assert bench.ids("begin")[0] == "slow"
    # Two more rounds of work give the commit timer (0.5 s) every chance to do the wrong thing.
    for turn in range(2):
        more = bench.work(topic, [{"id": f"turn-{turn}-{n}", "s": 0.7} for n in range(3)], 1)
        program.wait(partial(bench.ended, more))
        assert bench.committed(bench.name, topic).get(0, 0) <= before
    gate.touch()
    end = bench.ends(topic)[0]
    program.wait(lambda: bench.committed(bench.name, topic).get(0) == end)
    assert program.end() == 0


def test_stock_faust_still_commits_past_a_running_message(bench: Kit) -> None:
    """Our reason for a transport of our own. When this fails, Faust may have been corrected: see docs/faust.md."""
    topic, gate = bench.topic("work", 1), bench.folder / "gate"
    bench.work(topic, [{"id": f"old-{n}"} for n in range(5)], 1)
    bench.commit(bench.name, topic, {0: 5})
    bench.work(topic, [{"id": "slow", "gate": str(gate)}, *({"id": f"fast-{n}"} for n in range(20))], 1)
    options = {"broker": f"kafka://{bench.kafka}"}
    program = bench.spawn("pool", topics=[[topic]], options=options)
    program.wait(lambda: bench.committed(bench.name, topic)[0] > 6)
    assert "slow" not in bench.ids("end")


def test_work_that_was_not_acknowledged_is_done_again_after_a_kill(bench: Kit) -> None:
    topic, gate = bench.topic("work", 2), bench.folder / "gate"
    ids = bench.work(topic, ({"gate": str(gate)} if n % 10 == 0 else {} for n in range(200)), 2)
    program = bench.spawn("pool", topics=[[topic]], session_s=6.0)
    program.wait(lambda: len(bench.ids("end")) == 180)
    program.kill()
    gate.touch()
    again = bench.spawn("pool", topics=[[topic]], session_s=6.0)
    again.wait(lambda: set(bench.ids("end")) == set(ids))
    wait_for(lambda: bench.committed(bench.name, topic) == bench.ends(topic), what=bench.tails())


def test_markers_of_transactions_and_aborted_records_stop_no_commit(bench: Kit) -> None:
    """They take offsets that nobody is handed: the commit passes them, and no record of a transaction is skipped."""
    topic = bench.topic("work", 2)
    client = producer(bench.conf, **{"transactional.id": bench.name, "enable.idempotence": True})
    client.init_transactions(60)
    kept = []
    for turn in range(6):
        client.begin_transaction()
        for n in range(10):
            job = {"id": f"{turn}-{n}"}
            client.produce(topic, key=job["id"].encode(), value=json.dumps(job).encode(), partition=n % 2)
        client.flush(60)
        if turn % 2:
            client.abort_transaction(60)
        else:
            client.commit_transaction(60)
            kept += [f"{turn}-{n}" for n in range(10)]
    program = bench.spawn("pool", topics=[[topic]])
    program.wait(lambda: set(kept) <= set(bench.ids("end")), 60)
    more = bench.work(topic, ({"id": f"last-{n}"} for n in range(4)), 2)
    program.wait(lambda: bench.committed(bench.name, topic) == bench.ends(topic), 60)
    assert set(bench.ids("end")) >= {*kept, *more}


def test_a_topic_that_is_compacted_while_it_is_read_stops_no_commit(bench: Kit) -> None:
    """Records vanish in front of the reader and behind it: the commit passes the holes, the last value of each key is seen."""
    count, keys = 1500, 5
    config = {"cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.01"}
    topic, gates = bench.topic("work", 1, **config), [bench.folder / "gate-0", bench.folder / "gate-1"]
    stops = {300: str(gates[0]), 305: str(gates[1])}
    for n in range(count):
        job = {"id": f"{n}", "pad": "x" * 4000} | ({"gate": stops[n]} if n in stops else {})
        bench.put(topic, json.dumps(job).encode(), f"k{n % keys}".encode() if n not in stops else b"stop")
    bench.flush()
    options = {"stream_buffer_maxsize": 50, "broker_max_poll_records": 10}
    program = bench.spawn("pool", topics=[[topic]], slots=1, options=options)
    program.wait(lambda: bench.ids("begin")[-1:] == ["300"])
    wait_for(lambda: len(bench.read(topic)) < count * 2 // 3, 120, what="the broker's cleaner")
    gates[0].touch()
    gates[1].touch()
    end = bench.ends(topic)[0]
    program.wait(lambda: bench.committed(bench.name, topic).get(0) == end, 60)
    seen = [int(id_) for id_ in bench.ids("end")]
    assert len(seen) < count, "nothing was compacted in front of the reader"
    assert seen == sorted(set(seen))
    assert set(seen) >= set(range(count - keys, count))
    assert program.end() == 0
