"""Each process killed by itself, and all at once: who is at fault is plain when one of these fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import faults
from tests.chaos.effects import Effects
from tests.chaos.faults import Fault
from tests.chaos.storm import storm
from tests.platform import Platform

pytestmark = [pytest.mark.integration, pytest.mark.chaos, pytest.mark.full, pytest.mark.timeout(400)]

VICTIMS: dict[str, list[Fault]] = {
    **{
        name: [faults.kill(name)] * 2
        for name in ("worker", "coordinator", "sink", "edge", "postgres", "redis")
    },
    "kafka": [faults.kill_the_broker],
    "everything": [faults.kill_all],
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_loses_and_doubles_nothing(
    mill: Platform, effects: Effects, tmp_path: Path, victim: str
) -> None:
    facts = storm(mill, effects, tmp_path / "guests", VICTIMS[victim], per_s=20)
    assert not facts.problems, "\n".join(facts.problems[:20])
    assert facts.executions > 20
