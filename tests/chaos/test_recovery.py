"""How soon work goes on after a kill. The seconds are for docs/performance.md; the bounds leave a slow machine room."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from random import Random

import pytest

from tests.chaos import graph
from tests.chaos.arena import READY_S, SESSION_S, Arena
from tests.chaos.checks import check_runs
from tests.chaos.effects import Effects
from tests.chaos.load import Load
from tests.chaos.recovery import Recovery, measure, partitions_of
from tests.platform import Platform

pytestmark = [pytest.mark.integration, pytest.mark.chaos, pytest.mark.full, pytest.mark.timeout(400)]

RESTART_S, TAKEOVER_S = 5.0, SESSION_S + 4.0
"""What is promised on a machine that does nothing else."""
ROOM = 2.0


def kafka_of(mill: Platform) -> str:
    return str(json.loads((mill.home / "run" / "state.json").read_text())["kafka"])


def hit(arena: Arena, effects: Effects, victim: str, *, watch_s: float, for_good: bool = False) -> Recovery:
    """Kill under load, wait, and measure. `for_good`: nobody starts it again while it is watched."""
    mill, kafka = arena.mill, kafka_of(arena.mill)
    saved = graph.save(mill, effects.url)
    with Load(mill, saved.id, per_s=15) as load:
        time.sleep(6)
        owned = asyncio.run(partitions_of(kafka, victim))
        assert owned, f"{victim} has no partitions"
        with arena.frozen("supervisor") if for_good else contextlib.nullcontext():
            at = arena.kill(victim)
            time.sleep(watch_s)
    mill.wait_ready(READY_S)
    assert not check_runs(mill, saved, load.accepted, effects).problems
    found = asyncio.run(measure(kafka, victim, owned, at, at + watch_s))
    print(f"\n{victim}: {found}", flush=True)  # noqa: T201 - a figure for the manual
    return found


@pytest.mark.parametrize("victim", ["worker-0", "coordinator-0"])
def test_a_killed_process_is_back_at_work_soon(
    mill: Platform, effects: Effects, tmp_path: Path, victim: str
) -> None:
    arena = Arena(mill=mill, rng=Random(0), folder=tmp_path)
    found = hit(arena, effects, victim, watch_s=20)
    assert found.all_s < RESTART_S * ROOM


@pytest.mark.parametrize("victim", ["worker-1", "coordinator-1"])
def test_a_lost_machine_s_share_is_taken_over_after_its_session(
    mill: Platform, effects: Effects, tmp_path: Path, victim: str
) -> None:
    arena = Arena(mill=mill, rng=Random(0), folder=tmp_path)
    found = hit(arena, effects, victim, watch_s=TAKEOVER_S * ROOM, for_good=True)
    assert SESSION_S - 3 < found.all_s < TAKEOVER_S * ROOM
