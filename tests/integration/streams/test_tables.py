"""Tables on our store: what a new owner recovers is what was written, wherever the partition has been."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from tests.integration.streams.kit import SESSION_S, Kit, Program, wait_for

pytestmark = pytest.mark.integration

PARTITIONS = 3
KEYS = 40


class Model:
    """What the table should hold: (partition, key) -> value."""

    def __init__(self, bench: Kit) -> None:
        self.bench = bench
        self.rows: dict[int, dict[str, str]] = {p: {} for p in range(PARTITIONS)}
        self.conf: dict[str, Any] = {"partitions": PARTITIONS}
        self.make()

    def make(self) -> None:
        self.topic = self.bench.topic("in", PARTITIONS)
        self.bench.make(f"{self.bench.name}-rows-changelog", PARTITIONS, **{"cleanup.policy": "compact"})
        self.conf["topic"] = self.topic

    def spawn(self, instance: str) -> Program:
        return self.bench.spawn("table", instance, **self.conf)

    def set(self, values: Iterable[tuple[int, str | None]]) -> None:
        """Write or delete (None) rows by number; the partition is the number's."""
        for number, value in values:
            partition, key = number % PARTITIONS, f"k{number}"
            job = {"delete": True} if value is None else {"set": value}
            self.bench.put(self.topic, json.dumps(job).encode(), key.encode(), partition)
            if value is None:
                self.rows[partition].pop(key, None)
            else:
                self.rows[partition][key] = value
        self.bench.flush()

    def check(self, mark: str) -> None:
        """Have each owner say what it holds, behind all that was written."""
        for partition in range(PARTITIONS):
            self.bench.put(self.topic, json.dumps({"dump": mark}).encode(), b"dump", partition)
        self.bench.flush()
        for partition in range(PARTITIONS):
            found = wait_for(partial(self.dumped, f"{mark}-{partition}"), what=self.bench.tails())
            assert found["rows"] == self.rows[partition], (mark, partition)

    def dumped(self, mark: str) -> Any:
        """Return the last note of that name, or None."""
        return next((n for n in reversed(self.bench.notes("dump")) if n["id"] == mark), None)


def busy(model: Model, turn: int) -> None:
    """Write every key, falsy values among them, delete some, write some of these again."""
    falsy = ["", "0", "false", "null", "{}"]
    model.set((n, falsy[n % 5] if n % 3 == 0 else f"{turn}-{n}") for n in range(KEYS))
    model.set((n, None) for n in range(0, KEYS, 4))
    model.set((n, f"{turn}-again-{n}" if n % 16 else "") for n in range(0, KEYS, 8))


def owned(member: Program) -> set[int]:
    """Return the partitions that a member was assigned last."""
    notes = member.notes("assigned")
    return set(notes[-1]["partitions"]) if notes else set()


def test_a_killed_owners_table_is_recovered_as_it_was(bench: Kit) -> None:
    """Killed in the middle of writing; the next owner starts from nothing, the first comes back to its own files."""
    model = Model(bench)
    one = model.spawn("one").wait_ready()
    busy(model, 1)
    model.check("first")
    busy(model, 2)
    one.wait(lambda: len(one.notes("applied")) > 80)
    one.kill()
    two = model.spawn("two").wait_ready()
    model.check("moved")
    busy(model, 3)
    model.check("two")
    two.kill()
    model.spawn("one").wait_ready()
    model.check("back")


def test_a_backlog_is_read_from_its_start_behind_a_recovery(bench: Kit) -> None:
    """Nothing was ever committed and there is a table to recover: stock Faust fetches while it still seeks, and drops that."""
    model, backlog = Model(bench), 200
    for partition in range(PARTITIONS):
        bench.put(f"{bench.name}-rows-changelog", bytes(8) + b"old", b"old", partition)
        model.rows[partition]["old"] = "old"
    model.set((n, str(n)) for n in range(backlog * PARTITIONS))
    program = model.spawn("one")
    model.check("all")
    applied = [(n["partition"], n["offset"]) for n in program.notes("applied")]
    for partition in range(PARTITIONS):
        assert [o for p, o in applied if p == partition] == list(range(backlog))


@pytest.mark.full
def test_a_partition_that_moves_back_and_forth_keeps_its_rows(bench: Kit) -> None:
    model = Model(bench)
    one = model.spawn("one").wait_ready()
    busy(model, 1)
    model.check("one")
    for turn in range(2):
        two = model.spawn("two").wait_ready()
        two.wait(partial(owned, two))
        busy(model, 2 + turn)
        model.check(f"both-{turn}")
        two.kill()
        wait_for(
            lambda: owned(one) == set(range(PARTITIONS)),
            SESSION_S + 15,
            what=bench.tails(),
        )
        model.set((n, None) for n in range(turn, KEYS, 5))
        model.check(f"alone-{turn}")


def test_a_wiped_folder_is_filled_from_the_changelog(bench: Kit) -> None:
    model = Model(bench)
    one = model.spawn("one").wait_ready()
    busy(model, 1)
    model.check("before")
    assert one.end() == 0
    shutil.rmtree(bench.folder / "data-one")
    model.spawn("one").wait_ready()
    model.check("after")


def test_topics_that_are_made_again_under_a_kept_folder_are_a_clear_end(bench: Kit) -> None:
    """The rows on disk are of another history: the process ends, and says what to do; without the folder it goes on."""
    model = Model(bench)
    one = model.spawn("one").wait_ready()
    busy(model, 1)
    model.check("before")
    assert one.end() == 0
    names = list(bench.topics)
    for future in bench.admin.delete_topics(names).values():
        future.result(20)
    wait_for(lambda: not set(names) & set(bench.admin.list_topics(timeout=10).topics), what="deletion")
    bench.topics.clear()
    again = Model(bench)
    again.set([(0, "new"), (1, "new"), (2, "new")])
    refused = again.spawn("one")
    assert refused.process.wait(60) == 1, refused.tail()
    assert "removed data from the topics" in refused.log.read_text().replace("\n", " ")
    shutil.rmtree(bench.folder / "data-one")
    again.spawn("one").wait_ready()
    again.check("after")


@pytest.mark.full
def test_a_folder_that_is_in_use_is_a_clear_end(bench: Kit) -> None:
    """Two processes on one folder: the second one that gets a partition which is open in the first ends, and says why."""
    model = Model(bench)
    one = model.spawn("one").wait_ready()
    busy(model, 1)
    model.check("one")
    shared = str(bench.folder / "data-one")
    two = bench.spawn("table", "two", **{**model.conf, "folder": shared})
    one.send(signal.SIGSTOP)
    assert two.process.wait(90) == 1, two.tail()
    assert "lock" in two.log.read_text().lower()
