"""A rolling restart of everything under load: whoever is back within its session gets what it had, and nobody else moves."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from millstream.schemas.messages import Run
from millstream.topics.catalogue import PARTITIONS, tasks
from tests.integration.streams.engine import gated
from tests.integration.streams.kit import Kit, Program, wait_for
from tests.integration.streams.messages import said, start, tell

pytestmark = [pytest.mark.integration, pytest.mark.chaos, pytest.mark.timeout(600)]

SESSION_S = 40.0
"""Longer than a restart takes on a busy machine."""
NAMES = ("one", "two")


def partitions(program: Program) -> list[int]:
    """Return the partitions of a member, each once; those of its tables have the same numbers."""
    notes = program.notes("assigned")
    return sorted(set(notes[-1]["partitions"])) if notes else []


def settled(members: dict[str, Program]) -> bool:
    found = [partitions(member) for member in members.values()]
    return all(found) and sorted(p for part in found for p in part) == list(range(PARTITIONS))


def moves(program: Program) -> int:
    """Return how often partitions came or went."""
    return len(program.notes("assigned")) + len(program.notes("revoked"))


def test_each_of_two_workers_and_two_coordinators_in_turn(mill: Kit) -> None:
    work = mill.topic("work", PARTITIONS)
    confs: dict[str, dict[str, Any]] = {
        "coordinator": {"session_s": SESSION_S},
        "pool": {"session_s": SESSION_S, "topics": [[work]], "slots": 50},
    }
    groups = {kind: {name: mill.spawn(kind, name, **conf) for name in NAMES} for kind, conf in confs.items()}
    for members in groups.values():
        for member in members.values():
            member.wait_ready(120)
        wait_for(partial(settled, members), 120, what=mill.tails())
    ids: list[str] = []
    begun = []
    for turn, (kind, name) in enumerate([(kind, name) for kind in confs for name in NAMES]):
        jobs = ({"id": f"{turn}-{n}", "s": 0.05} for n in range(200))
        ids += mill.work(work, jobs, PARTITIONS)
        begun += [start() for _ in range(20)]
        tell(mill, *begun[-20:])
        others = [m for k in groups for n, m in groups[k].items() if (k, n) != (kind, name)]
        before, had = [moves(other) for other in others], partitions(groups[kind][name])
        assert groups[kind][name].end(60) == 0
        groups[kind][name] = mill.spawn(kind, name, **confs[kind]).wait_ready(SESSION_S)
        assert partitions(groups[kind][name]) == had, (kind, name)
        assert len(groups[kind][name].notes("assigned")) == 1, "it moved more than once"
        assert [moves(other) for other in others] == before, (kind, name)
    wait_for(partial(mill.ended, ids), 120, what=mill.tails())
    wait_for(lambda: mill.committed(mill.name, work) == mill.ends(work), 60, what=mill.tails())
    executions = {message.execution_id for message in begun}
    lane = tasks(gated.spec.lane).name
    wait_for(lambda: len(said(mill, lane, Run, executions)) == len(executions), 120, what=mill.tails())
