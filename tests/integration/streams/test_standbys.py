"""Standbys: another member keeps a copy of each table partition, and takes over with that alone."""

from __future__ import annotations

from functools import partial

import pytest

from tests.integration.streams.kit import SESSION_S, Kit, Program, wait_for
from tests.integration.streams.test_tables import PARTITIONS, Model, busy

pytestmark = pytest.mark.integration

MEMBERS = ("one", "two")


def actives(member: Program) -> set[int]:
    """Return the partitions that a member serves; those of standbys are among the assigned ones too."""
    notes = member.notes("persisted")
    return set(notes[-1]["actives"]) if notes else set()


def shared(members: dict[str, Program]) -> bool:
    """Tell whether each has some of the partitions and all are served once."""
    found = [actives(member) for member in members.values()]
    return all(found) and sorted(p for part in found for p in part) == list(range(PARTITIONS))


def flood(model: Model, turn: int, rows: int = 1200) -> None:
    """More rows than a queue of recovery holds at once, written while members come and go."""
    model.set((1000 + n, f"{turn}-{n}") for n in range(rows))
    model.set((1000 + n, None) for n in range(0, rows, 7))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("standbys", [0, 1])
def test_whoever_takes_over_has_the_rows(bench: Kit, standbys: int) -> None:
    """Killed in the middle of writing, each time the other one. A standby had most of the rows before it took over."""
    model = Model(bench)
    model.conf["standbys"] = standbys
    members = {name: model.spawn(name).wait_ready() for name in MEMBERS}
    wait_for(partial(shared, members), SESSION_S + 30, what=bench.tails())
    for turn in range(2):
        busy(model, turn)
        flood(model, turn)
        model.check(f"before-{turn}")
        victim, other = MEMBERS[turn % 2], MEMBERS[1 - turn % 2]
        heir, lost = members[other], actives(members[victim])
        if standbys:
            heir.wait(partial(follows, heir, lost), 60)
        began = len(heir.notes("persisted"))
        flood(model, turn + 10)
        members[victim].kill()
        heir.wait(partial(serves_all, heir, began), SESSION_S + 40)
        note = heir.notes("persisted")[began]["offsets"]
        if standbys:
            assert all(note[str(p)] for p in lost), (lost, heir.notes("persisted"))
        elif turn == 0:
            assert not any(note[str(p)] for p in lost), "it had the rows without being a standby"
        model.check(f"after-{turn}")
        members[victim] = model.spawn(victim).wait_ready()
        wait_for(partial(shared, members), SESSION_S + 40, what=bench.tails())
    model.check("end")


def serves_all(member: Program, began: int) -> bool:
    notes = member.notes("persisted")[began:]
    return bool(notes) and set(notes[-1]["actives"]) == set(range(PARTITIONS))


def follows(member: Program, partitions: set[int]) -> bool:
    """Tell whether a member's standbys have read something of these partitions."""
    notes = member.notes("standby")
    return bool(notes) and partitions <= {int(p) for p, offset in notes[-1]["offsets"].items() if offset >= 0}


def test_a_member_with_standbys_alone_is_ready_and_takes_over(bench: Kit) -> None:
    """More members than partitions."""
    model = Model(bench)
    model.conf["standbys"] = 1
    names = [f"m{n}" for n in range(PARTITIONS + 1)]
    members = {name: model.spawn(name) for name in names}
    for member in members.values():
        member.wait_ready()
    wait_for(lambda: sum(len(actives(m)) for m in members.values()) == PARTITIONS, what=bench.tails())
    busy(model, 1)
    model.check("first")
    victim = next(name for name in names if actives(members[name]))
    members.pop(victim).kill()
    wait_for(
        lambda: sorted(p for m in members.values() for p in actives(m)) == list(range(PARTITIONS)),
        SESSION_S + 30,
        what=bench.tails(),
    )
    busy(model, 2)
    model.check("second")
