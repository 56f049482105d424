"""Two runs of one task: the first that is heard of counts, while its lease lasts."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from millstream.schemas.ids import derived
from millstream.schemas.messages import Emit, Failure, Message, Run, Started
from millstream.streams.notes import NOTE_LIMIT
from millstream.streams.readiness import inline
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


def notes(simulation: Simulation) -> list[dict[str, Any]]:
    return [orjson.loads(delta.detail or b"") for _, delta in simulation.events if delta.kind == "NOTE"]


async def test_what_a_run_says_after_its_lease_ended_and_another_was_taken_is_a_note() -> None:
    simulation = Simulation(REGISTRY, one("FlakyBlock", {}))
    simulation.step()
    task = simulation.tasks.pop()
    simulation.inbox.append((simulation.execution_id, started(task, 1)))
    simulation.step()
    simulation.now += LEASE_MS
    simulation.inbox += [
        (simulation.execution_id, message)
        for message in (started(task, 2), finished(task, 1, "secret"), finished(task, 2, "second"))
    ]
    await simulation.run()
    assert simulation.outputs() == {"result": ["second"]}
    [note] = notes(simulation)
    assert note == {
        "late": True,
        "run_id": derived(b"run", 1).hex(),
        "attempt": 1,
        "worker": "w1",
        "elapsed_ms": 0,
        "outputs": [{"pin": "result", "count": 1, "bytes": len('"secret"')}],
        "failure": None,
    }


async def test_a_kept_result_that_is_not_needed_is_a_note() -> None:
    simulation = await fed(
        lambda t: started(t, 1), lambda t: finished(t, 2, "second"), lambda t: finished(t, 1, "first")
    )
    [note] = notes(simulation)
    assert note["worker"] == "w2"


async def test_a_kept_result_that_is_taken_is_none() -> None:
    simulation = await fed(lambda t: started(t, 1), lambda t: finished(t, 2, "second"))
    assert notes(simulation) == []


async def test_a_second_result_beside_a_kept_one_is_a_note_at_once() -> None:
    simulation = await fed(
        lambda t: started(t, 1), lambda t: finished(t, 2, "second"), lambda t: finished(t, 3, "third")
    )
    assert simulation.outputs() == {"result": ["second"]}
    [note] = notes(simulation)
    assert note["worker"] == "w3"


async def test_a_result_of_a_node_execution_that_never_was_is_no_note() -> None:
    simulation = await fed(
        lambda t: finished(t, 1, "first"), lambda t: msgspec.structs.replace(finished(t, 2, 1), k=7)
    )
    assert simulation.outputs() == {"result": ["first"]}
    assert notes(simulation) == []


async def test_notes_are_small_and_few() -> None:
    long = Failure(code="c", kind="BlockUnknownError", message="m" * 100_000)
    outputs = [Emit(pin=f"pin-{n % 1000}", value=inline(n)) for n in range(5000)]

    def noisy(task: Run) -> Message:
        return msgspec.structs.replace(finished(task, 2, 1), failure=long, outputs=outputs)

    late = [noisy] * (NOTE_LIMIT + 10)
    simulation = await fed(lambda t: finished(t, 1, "first"), *late)
    assert simulation.outputs() == {"result": ["first"]}
    found = notes(simulation)
    assert len(found) == NOTE_LIMIT
    assert all(len(orjson.dumps(note)) < 3000 for note in found)
