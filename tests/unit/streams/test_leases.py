"""Two runs of one task: the first that is heard of counts, while its lease lasts."""

from __future__ import annotations

from typing import Any

import pytest

from millstream.schemas.ids import derived
from millstream.schemas.messages import Message, Run, Started
from millstream.streams.results import LEASE_MS
from tests.unit.streams.scenes import CALLS, REGISTRY, finished, one
from tests.unit.streams.simulation import Simulation


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def started(task: Run, run: int) -> Started:
    return Started(
        execution_id=task.execution_id,
        node=task.node,
        k=task.k,
        run_id=derived(b"run", run),
        attempt=task.attempt,
        worker=f"w{run}",
        at=0,
    )


async def fed(*say: Any) -> Simulation:
    """Start, and have the first task's workers say something."""
    simulation = Simulation(REGISTRY, one("FlakyBlock", {}))
    simulation.step()
    task = simulation.tasks.pop()
    messages: list[Message] = [make(task) for make in say]
    simulation.inbox += [(simulation.execution_id, message) for message in messages]
    await simulation.run()
    return simulation


async def test_the_first_of_two_results_counts() -> None:
    simulation = await fed(lambda t: finished(t, 1, "first"), lambda t: finished(t, 2, "second"))
    assert simulation.outputs() == {"result": ["first"]}


async def test_a_bound_run_keeps_its_node_execution_while_its_lease_lasts() -> None:
    simulation = await fed(
        lambda t: started(t, 1), lambda t: finished(t, 2, "second"), lambda t: finished(t, 1, "first")
    )
    assert simulation.outputs() == {"result": ["first"]}


async def test_when_the_lease_ends_the_other_run_s_result_counts() -> None:
    simulation = await fed(lambda t: started(t, 1), lambda t: finished(t, 2, "second"))
    assert simulation.outputs() == {"result": ["second"]}
    assert simulation.now >= 1_000_000 + LEASE_MS
