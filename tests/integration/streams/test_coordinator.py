"""The coordinator with others of its kind: who may write, who takes over, and what poison does to it."""

from __future__ import annotations

import signal
import uuid
from typing import Any

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from millstream.schemas.codec import encode
from millstream.schemas.messages import Events, Run, Stop, Timer
from millstream.topics.catalogue import EVENTS, INBOX, PARTITIONS, STATE, tasks
from tests.integration.streams.engine import gated
from tests.integration.streams.kit import Kit, wait_for
from tests.integration.streams.messages import letters, said, start, statuses, tell

pytestmark = pytest.mark.integration

GROUP = "millstream-coordinator"
TASKS = tasks(gated.spec.lane).name


def partitions(program: Any) -> list[int]:
    notes = program.notes("assigned")
    return list(notes[-1]["partitions"]) if notes else []


def inbox(program: Any) -> list[int]:
    """Return the inbox partitions that a coordinator owns: the changelog's are among the assigned ones too."""
    return sorted(set(partitions(program)))


def test_a_coordinator_that_slept_is_fenced_and_writes_no_older_state(mill: Kit) -> None:
    """It is stopped between the sending of effects and the writing of rows; another one takes over and goes on."""
    hold = mill.folder / "hold"
    one = mill.spawn("coordinator", "one", hold=str(hold)).wait_ready()
    begin = start()
    tell(mill, begin)
    one.wait(lambda: said(mill, TASKS, Run, {begin.execution_id}))
    hold.touch()
    tell(mill, Stop(execution_id=begin.execution_id, by="test"))
    one.wait(lambda: one.notes("held"))
    one.send(signal.SIGSTOP)
    two = mill.spawn("coordinator", "two").wait_ready()
    two.wait(lambda: statuses(mill, begin.execution_id)[-1:] == ["TERMINATED"])
    wait_for(
        lambda: mill.committed(GROUP, INBOX.name) == {p: e for p, e in mill.ends(INBOX.name).items() if e}
    )
    rows = mill.ends(STATE.name)
    hold.unlink()
    one.send(signal.SIGCONT)
    assert one.process.wait(30) == 1, one.tail()
    assert "FencedError" in one.log.read_text()
    assert one.notes("free"), "it was not in the middle of a flush"
    assert mill.ends(STATE.name) == rows
    assert two.process.poll() is None
    assert two.end() == 0


def test_a_killed_coordinator_is_replaced_and_executions_go_on(mill: Kit) -> None:
    """Its successor has no table of its own: it reads the changelog and knows the executions."""
    one = mill.spawn("coordinator", "one").wait_ready()
    begins = [start() for _ in range(30)]
    ids = {begin.execution_id for begin in begins}
    tell(mill, *begins)
    one.wait(lambda: len(said(mill, TASKS, Run, ids)) == len(ids))
    one.kill()
    two = mill.spawn("coordinator", "two")
    tell(mill, *(Stop(execution_id=eid, by="test") for eid in ids))
    two.wait(lambda: all(statuses(mill, eid)[-1:] == ["TERMINATED"] for eid in sorted(ids)[:3]), 40)
    two.wait(lambda: {r.key() for r in mill.read(EVENTS.name)} >= ids)
    wait_for(lambda: all(statuses(mill, eid).count("TERMINATED") == 1 for eid in sorted(ids)[:5]))
    assert len(said(mill, TASKS, Run, ids)) == len(ids)
    assert two.end() == 0


def test_poison_ends_in_dead_letters_and_the_coordinator_goes_on(mill: Kit) -> None:
    key, begin = uuid.uuid4().bytes, start()
    before = len(letters(mill, INBOX.name))
    poison = [
        b"\xff\xfe no record",
        b"\x00\x7f\xff\xff\xff" + b"x" * 20,
        None,
        b"\x01" * 1_900_000,
        encode(begin),  # under a key that is not its execution's
        encode(Run(**RUN)),  # a task is not for the inbox
    ]
    for value in poison:
        mill.put(INBOX.name, value, key)
    mill.flush()
    tell(mill, begin)
    one = mill.spawn("coordinator", "one")
    one.wait(lambda: said(mill, TASKS, Run, {begin.execution_id}))
    one.wait(lambda: len(letters(mill, INBOX.name)) >= before + len(poison))
    assert {letter.error_code for letter in letters(mill, INBOX.name)} == {"record_invalid"}
    wait_for(
        lambda: mill.committed(GROUP, INBOX.name) == {p: e for p, e in mill.ends(INBOX.name).items() if e}
    )
    assert one.end() == 0


RUN: dict[str, Any] = {
    "execution_id": b"k" * 16,
    "node_execution_id": b"n" * 16,
    "node": 0,
    "k": 0,
    "user_id": "u",
    "graph_id": "g",
    "graph_version": 1,
    "node_id": "n",
    "block_id": "b",
    "input": b"{}",
}


@pytest.mark.timeout(300)
def test_a_step_that_fails_within_a_burst_costs_that_message_alone(mill: Kit) -> None:
    """All is there before the coordinator starts, so it is decided in one burst: the execution is taken back to its rows,
    its other messages are decided again, and its neighbours notice nothing."""
    before = len(letters(mill, INBOX.name))
    hurt, *neighbours = [start() for _ in range(5)]
    messages: list[Any] = [neighbours[0], hurt, neighbours[1]]
    messages += [
        Timer(execution_id=hurt.execution_id, timer=-5),
        neighbours[2],
    ]  # no cell can have that number
    messages += [Timer(execution_id=hurt.execution_id, timer=2**40)]
    messages += [Stop(execution_id=hurt.execution_id, by="test"), neighbours[3]]
    for message in messages:  # on one partition, so that they are in that order
        mill.put(INBOX.name, encode(message), message.execution_id, 3)
    mill.flush()
    one = mill.spawn("coordinator", "one")
    ids = {message.execution_id for message in (hurt, *neighbours)}
    one.wait(
        lambda: mill.committed(GROUP, INBOX.name) == {p: e for p, e in mill.ends(INBOX.name).items() if e},
        150,
    )
    assert sorted(run.execution_id for run in said(mill, TASKS, Run, ids)) == sorted(ids)
    found = letters(mill, INBOX.name)
    assert len(found) == before + 2
    assert sum("the engine failed on a Timer" in letter.error_message for letter in found) == 2
    assert statuses(mill, hurt.execution_id)[-1:] == ["TERMINATED"]
    sequences = [e for e in said(mill, EVENTS.name, Events, {hurt.execution_id})]
    numbers = [e.first + n for e in sequences for n in range(len(e.deltas))]
    assert numbers == list(range(len(numbers))), "redone events have the numbers of the first time"
    assert one.end() == 0


def test_a_rolling_restart_moves_nothing(mill: Kit) -> None:
    """Static members: one that is back within its session gets what it had, and its peer hears nothing.

    The last of this file: its members stay in the group until their long session ends.
    """
    one = mill.spawn("coordinator", "one", session_s=20.0).wait_ready()
    two = mill.spawn("coordinator", "two", session_s=20.0).wait_ready()
    wait_for(lambda: two.notes("assigned") and len(one.notes("assigned")) > 1, what=mill.tails())
    wait_for(lambda: sorted(inbox(one) + inbox(two)) == list(range(PARTITIONS)), what=mill.tails())
    before, mine = len(one.notes()), inbox(two)
    assert two.end() == 0
    again = mill.spawn("coordinator", "two", session_s=20.0).wait_ready()
    begins = [start() for _ in range(20)]
    tell(mill, *begins)
    ids = {begin.execution_id for begin in begins}
    wait_for(lambda: len(said(mill, TASKS, Run, ids)) == len(ids), what=mill.tails())
    assert inbox(again) == mine
    assert len(one.notes()) == before
    assert [one.end(), again.end()] == [0, 0]


def limit_rows(mill: Kit, bytes_: int) -> None:
    """Have the broker refuse longer batches on the changelog."""
    entry = ConfigEntry("max.message.bytes", str(bytes_), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, STATE.name, incremental_configs=[entry])
    mill.admin.incremental_alter_configs([resource])[resource].result(20)


def test_a_row_that_the_changelog_refuses_is_not_in_the_table(mill: Kit) -> None:
    """Else the next owner would not have it. The process ends, and the step is done again with the same numbers."""
    one = mill.spawn("coordinator", "one").wait_ready()
    began, rows = start(), mill.ends(STATE.name)
    limit_rows(mill, 100)
    try:
        tell(mill, began)
        assert one.process.wait(60) == 1, one.tail()
        assert "MessageSizeTooLarge" in one.log.read_text()
        assert mill.ends(STATE.name) == rows
    finally:
        limit_rows(mill, 2_097_152)
    again = mill.spawn("coordinator", "one").wait_ready()
    again.wait(lambda: mill.ends(STATE.name) != rows)
    tell(mill, Stop(execution_id=began.execution_id, by="test"))
    again.wait(lambda: statuses(mill, began.execution_id)[-1:] == ["TERMINATED"])
    numbers = {e.first: e for e in said(mill, EVENTS.name, Events, {began.execution_id})}
    repeated = [e for e in said(mill, EVENTS.name, Events, {began.execution_id}) if e != numbers[e.first]]
    assert repeated == [], "the same numbers mean the same"
    assert again.end() == 0
