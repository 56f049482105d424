"""All faults in one storm. The short one runs always; the long one with `./millstream test --full`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import faults
from tests.chaos.effects import Effects
from tests.chaos.faults import Fault
from tests.chaos.storm import storm
from tests.platform import Platform

pytestmark = [pytest.mark.integration, pytest.mark.chaos]

SHORT: list[Fault] = [
    *(faults.kill(name) for name in ("worker", "coordinator", "edge", "sink", "postgres", "redis")),
    faults.kill_the_broker,
    faults.empty_redis,
    faults.drop_tables_while_down,
    faults.drop_tables_while_up,
    faults.freeze_worker_and_coordinator,
    faults.rebalance(1),
    faults.step_clocks,
]
LONG: list[Fault] = [*SHORT, faults.rebalance(4), faults.freeze_broker(60), faults.kill_all]
INTERRUPTED_SHARE = 0.25
"""Most effects that may be left with `interrupted`: those that were under way when something was killed or emptied."""


@pytest.mark.timeout(900)
def test_a_storm_of_faults_loses_and_doubles_nothing(
    mill: Platform, effects: Effects, tmp_path: Path
) -> None:
    facts = storm(mill, effects, tmp_path / "guests", SHORT, per_s=4)
    assert not facts.problems, "\n".join(facts.problems[:20])
    assert facts.executions >= 100
    assert facts.interrupted <= INTERRUPTED_SHARE * 5 * facts.executions


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_five_thousand_runs_through_rounds_of_storms(
    mill: Platform, effects: Effects, tmp_path: Path
) -> None:
    facts = storm(mill, effects, tmp_path / "guests", LONG, per_s=10, at_least=5_000)
    assert not facts.problems, "\n".join(facts.problems[:20])
    assert facts.interrupted <= INTERRUPTED_SHARE * 5 * facts.executions
