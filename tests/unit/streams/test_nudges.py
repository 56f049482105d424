"""Nudges: a lost task is given again, a task that may still wait or run is not, and nothing is given for ever."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from millstream.schemas.codec import encode
from millstream.schemas.messages import Delta, Finished, Nudge, Run, Started, Taken
from millstream.streams.cells import Head
from millstream.streams.nudging import GIVEN_LIMIT
from millstream.streams.results import LEASE_MS, TOLD_MS
from millstream.streams.running import Environment, Running, run_task
from millstream.streams.state import load
from tests.unit.streams.context import context
from tests.unit.streams.scenes import CALLS, REGISTRY, REVIEW, finished, graph, one
from tests.unit.streams.simulation import DictCache, Simulation, Values

SILENT_MS = 60_000
LATER_MS = 100_000


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def begun(name: str = "DelicateBlock", **policy: Any) -> Simulation:
    """A run whose first task is with a worker, if it was not lost."""
    simulation = Simulation(REGISTRY, one(name, policy))
    simulation.step()
    return simulation


def nudge(
    simulation: Simulation, *, after_ms: int = LATER_MS, taken_ms: int | None = 0, silent_ms: int = SILENT_MS
) -> list[Run]:
    """Let time go by and ask; returns what is given to workers."""
    before = len(simulation.tasks)
    simulation.now += after_ms
    lanes = {block.spec.lane for block in REGISTRY}
    taken = [] if taken_ms is None else [Taken(lane=lane, age_ms=taken_ms) for lane in sorted(lanes)]
    message = Nudge(execution_id=simulation.execution_id, at=simulation.now, silent_ms=silent_ms, taken=taken)
    simulation.inbox.insert(0, (simulation.execution_id, message))
    simulation.step()
    return simulation.tasks[before:]


def alive(task: Run) -> Started:
    """What a run says every few seconds."""
    return Started(
        execution_id=task.execution_id,
        node=task.node,
        k=task.k,
        run_id=b"r" * 16,
        attempt=task.attempt,
        worker="w",
        at=5,
    )


async def test_a_lost_task_is_given_again_as_it_was_and_the_run_ends() -> None:
    simulation = begun()
    lost = simulation.tasks.pop()
    [again] = nudge(simulation)
    assert (again.node_execution_id, again.attempt) == (lost.node_execution_id, lost.attempt)
    assert again.input == lost.input
    assert again.issued_at == lost.issued_at is not None
    reason = orjson.loads(simulation.events[-1][1].detail or b"")["reason"]
    assert reason == {"kind": "reissued", "lane": "io", "time": 1, "of": GIVEN_LIMIT}
    await simulation.run()
    assert simulation.status == "COMPLETED"
    assert simulation.outputs() == {"result": [10]}


async def test_the_result_of_the_task_that_was_thought_lost_still_counts_once() -> None:
    simulation = begun()
    lost = simulation.tasks[0]
    nudge(simulation)
    for task, value in ((lost, "late"), (simulation.tasks.pop(), "again")):
        simulation.inbox.append((simulation.execution_id, finished(task, value == "late", value)))
    simulation.tasks.clear()
    await simulation.run()
    assert simulation.outputs() == {"result": ["late"]}


@pytest.mark.parametrize(
    "ask",
    [
        {"after_ms": SILENT_MS - 1000},
        {"taken_ms": None},
        {"taken_ms": LATER_MS + 5000},
        {"silent_ms": 0, "after_ms": LEASE_MS - 1000},
    ],
    ids=["not silent for long", "nobody knows the lane", "may wait in the lane", "within the lease"],
)
async def test_a_task_that_may_still_be_run_is_not_given_again(ask: dict[str, Any]) -> None:
    simulation = begun()
    events = len(simulation.events)
    assert nudge(simulation, **ask) == []
    assert len(simulation.events) == events
    await simulation.run()
    assert simulation.outputs() == {"result": [10]}


async def test_a_run_that_renews_its_lease_is_left_alone() -> None:
    simulation = begun()
    task = simulation.tasks[0]
    simulation.now += LATER_MS
    simulation.inbox.append((simulation.execution_id, alive(task)))
    simulation.step()
    assert nudge(simulation, after_ms=SILENT_MS - 1000) == []
    assert len(nudge(simulation, after_ms=2000)) == 1


async def test_a_run_that_takes_hours_is_told_again_when_somebody_asks_but_not_too_often() -> None:
    """Its lease is renewed without an event: whoever only reads events would think that nothing goes on."""
    simulation = begun()
    task = simulation.tasks[0]

    def hear_and_ask(after_ms: int) -> list[Delta]:
        simulation.now += after_ms
        before = len(simulation.events)
        simulation.inbox.append((simulation.execution_id, alive(task)))
        simulation.step()
        assert nudge(simulation, after_ms=1000) == []
        return [delta for _, delta in simulation.events[before:]]

    [first] = hear_and_ask(0)
    assert hear_and_ask(TOLD_MS // 2) == []
    assert hear_and_ask(TOLD_MS) == [first]
    assert hear_and_ask(TOLD_MS - 10_000) == []
    assert hear_and_ask(10_000) == [first]
    assert first.kind == "RUNNING"
    assert orjson.loads(first.detail or b"")["reason"] == {"kind": "running", "since": 5, "worker": "w"}
    simulation.now += TOLD_MS - LEASE_MS
    simulation.inbox.append((simulation.execution_id, alive(task)))
    simulation.step()
    before = len(simulation.events)
    assert nudge(simulation, after_ms=LEASE_MS) == []
    assert len(simulation.events) == before, "the lease has ended: nobody knows whether it still runs"


async def test_a_task_that_is_lost_again_and_again_fails_its_node() -> None:
    simulation = begun()
    for _ in range(GIVEN_LIMIT):
        assert len(nudge(simulation)) == 1
    simulation.tasks.clear()
    assert [task.node_id for task in nudge(simulation)] == ["e"], (
        "what follows from the error, not the lost one"
    )
    await simulation.run()
    assert simulation.status == "COMPLETED"
    assert "given to the lane 'io' 4 times" in simulation.outputs()["error"][0]
    detail = next(orjson.loads(d.detail or b"{}") for _, d in simulation.events if d.status == "FAILED")
    assert detail["failure"]["code"] == "lost"
    assert simulation.detail["verdict"]["errors"] == 1


async def test_a_nudge_leaves_what_waits_for_a_person_or_a_timer() -> None:
    simulation = Simulation(REGISTRY, REVIEW)
    await simulation.run()
    assert simulation.status == "REVIEW"
    assert nudge(simulation) == []
    assert simulation.status == "REVIEW"
    CALLS.clear()
    retried = begun("FlakyBlock", retries=3, backoff_s=200)
    retried.inbox += [(retried.execution_id, m) for m in await retried.work(retried.tasks.pop())]
    retried.step()
    assert nudge(retried) == []
    await retried.run()
    assert retried.outputs() == {"result": [1]}


async def test_counters_that_would_keep_a_run_open_for_ever_are_put_right() -> None:
    simulation = Simulation(REGISTRY, graph([("n", "DelicateBlock", {"value": 1}, {})], []))
    simulation.step()
    state = load(simulation.execution_id, simulation.rows)
    assert state is not None
    assert isinstance(state.head, Head)
    state.head.in_flight += 1
    state.head.parked += 1
    simulation.rows.write(state.flush(simulation.offset))
    await simulation.run()
    assert simulation.status == "RUNNING"
    nudge(simulation)
    assert simulation.status == "COMPLETED"


async def test_a_block_that_may_not_run_twice_asks_for_its_claim_with_its_first_time() -> None:
    """Else a Redis that was emptied in between would know nothing of the first run, and grant the claim again."""
    asked: list[tuple[str, int]] = []

    class Refuses:
        async def claim(self, key: str, owner: str, issued_ms: int) -> bool:
            asked.append((key, issued_ms))
            return False

    simulation = begun("OnceBlock")
    lost = simulation.tasks.pop()
    [again] = nudge(simulation)
    env = Environment(
        registry=REGISTRY, values=Values(), claims=Refuses(), cache=DictCache(), context=context, worker="w"
    )

    async def say(message: object) -> None:
        raise AssertionError(message)

    said: list[Finished] = []
    for task, issued_ms in ((lost, 1_000_100), (again, 1_200_000)):
        said.append(await run_task(Running(task=task, worker="w", say=say, issued_ms=issued_ms), env))
    assert asked[0][0] == asked[1][0]
    assert asked[1][1] <= asked[0][1]
    assert [s.failure.code for s in said if s.failure] == ["interrupted"] * 2


def test_a_nudge_s_own_record_is_small() -> None:
    taken = [Taken(lane=lane, age_ms=10**9) for lane in ("io", "cpu", "llm", "data")]
    assert len(encode(Nudge(execution_id=b"x" * 16, at=10**13, silent_ms=120_000, taken=taken))) < 100
