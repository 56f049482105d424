"""Faults one after the other, in an order that the seed decides, under a load that is watched."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import graph
from tests.chaos.arena import READY_S, Arena
from tests.chaos.checks import Facts, check_runs, check_watchers
from tests.chaos.effects import Effects
from tests.chaos.faults import Fault
from tests.chaos.load import Load
from tests.chaos.watchers import Watchers
from tests.platform import Platform

SEED = "CHAOS_SEED"
"""Variable with the seed of a run that is to be done again."""


def seed() -> int:
    """Return the seed of this run: another each time, unless one is asked for."""
    return int(os.environ.get(SEED) or random.SystemRandom().randrange(2**32))


def storm(
    mill: Platform,
    effects: Effects,
    folder: Path,
    faults: Sequence[Fault],
    *,
    per_s: float,
    at_least: int = 0,
) -> Facts:
    """Do all faults, in rounds until `at_least` runs were accepted. Returns what holds then; prints the story."""
    chosen = seed()
    print(f"\n{SEED}={chosen}", flush=True)  # noqa: T201 - a failure needs it
    folder.mkdir(exist_ok=True)
    arena = Arena(mill=mill, rng=random.Random(chosen), folder=folder)
    saved = graph.save(mill, effects.url)
    with Watchers(mill) as watchers:
        try:
            with Load(mill, saved.id, per_s=per_s, told=watchers.follow) as load:
                _rounds(arena, faults, load, at_least)
            mill.wait_ready(READY_S)
            arena.say(f"{len(load.accepted)} accepted, {load.refused} times refused")
            facts = check_runs(mill, saved, load.accepted, effects)
            watchers.finish(60)
            check_watchers(watchers, load.accepted, facts)
            facts.problems += load.errors
            arena.say(str(facts))
        finally:
            arena.ending.set()
            print(arena.stories(), flush=True)  # noqa: T201 - the record of the long form
    return facts


def _rounds(arena: Arena, faults: Sequence[Fault], load: Load, at_least: int) -> None:
    time.sleep(1.5)
    while True:
        for fault in arena.rng.sample(list(faults), len(faults)):
            fault(arena)
        if len(load.accepted) >= at_least:
            return
