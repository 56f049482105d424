"""What a stop does to an execution, whenever it comes."""

from __future__ import annotations

import pytest

from millstream.schemas.messages import Stop
from tests.unit.streams.scenes import CALLS, REGISTRY, finished, one
from tests.unit.streams.simulation import Simulation


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


async def test_a_stop_ends_everything_at_once_and_late_results_change_nothing() -> None:
    simulation = Simulation(REGISTRY, one("FlakyBlock", {}))
    simulation.step()
    [task] = simulation.tasks
    simulation.inbox.append((simulation.execution_id, Stop(execution_id=simulation.execution_id, by="me")))
    await simulation.run()
    assert simulation.status == "TERMINATED"
    assert simulation.detail["verdict"] == {"result": "stopped", "by": "me"}
    assert simulation.executions()["n"][0]["status"] == "TERMINATED"
    before = len(simulation.events)
    simulation.inbox.append((simulation.execution_id, finished(task, 1, 5)))
    await simulation.run()
    assert len(simulation.events) == before
    assert "nodes.cancels" in simulation.topics


async def test_a_stop_that_overtakes_the_start_is_kept() -> None:
    simulation = Simulation(REGISTRY, one("FlakyBlock", {}))
    start = simulation.inbox.pop()
    simulation.inbox += [
        (simulation.execution_id, Stop(execution_id=simulation.execution_id, by="me")),
        start,
        start,
    ]
    await simulation.run()
    assert simulation.status == "TERMINATED"
    assert simulation.tasks == []
    assert CALLS == []
