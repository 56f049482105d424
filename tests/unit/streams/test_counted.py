"""What an execution tells those who count: whether it works or rests, how wide it may be, what it has cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from millstream import Context, block
from millstream.processors.registry import Registry
from millstream.schemas.graph import Graph
from millstream.schemas.ids import derived_execution
from millstream.schemas.messages import Cancel, Feed, Message, Start, Stop, Usage
from millstream.streams.cells import End, Head
from millstream.streams.state import load
from tests.unit.streams import scenes
from tests.unit.streams.scenes import OUT, REVIEW, answer, family, graph, one
from tests.unit.streams.simulation import Simulation


@block
async def paid(value: int, cost: int = 100, fail: bool = False, *, ctx: Context) -> int:
    """Costs something, also when it fails."""
    ctx.spend(cost)
    if fail:
        raise ValueError("it broke")
    return value


REGISTRY = Registry({**{b.spec.id: b for b in scenes.REGISTRY}, paid.spec.id: paid})
scenes.IDS[paid.spec.name] = paid.spec.id


@dataclass
class Counted(Simulation):
    """Keeps what goes to others than workers and watchers."""

    told: list[Message] = field(default_factory=list)

    def _sent(self, key: bytes, topic: str, to: bytes, message: Message) -> None:
        super()._sent(key, topic, to, message)
        if isinstance(message, Feed | Usage | Cancel):
            self.told.append(message)

    def fed(self, *, child: bool = False) -> list[tuple[str, bool]]:
        return [(f.status, f.active) for f in self.told if isinstance(f, Feed) and f.child == child]

    def start(self, **changes: Any) -> Start:
        """The Start, changed."""
        [(key, start)] = self.inbox
        assert isinstance(start, Start)
        changed = msgspec.structs.replace(start, **changes)
        self.inbox = [(key, changed)]
        return changed


async def ran(found: Graph, **changes: Any) -> Counted:
    simulation = Counted(REGISTRY, found)
    simulation.start(**changes)
    await simulation.run()
    return simulation


def waits(seconds: float) -> Graph:
    return graph([("w", "WaitBlock", {"seconds": seconds, "value": 1}, {})], [])


async def test_a_run_tells_the_feed_that_it_began_and_ended() -> None:
    simulation = await ran(one("FlakyBlock", {"retries": 3, "backoff_s": 0.1}))
    assert simulation.fed() == [("RUNNING", True), ("COMPLETED", False)]


@pytest.mark.parametrize("seconds", [0.05, 4.9])
async def test_short_waits_are_not_told(seconds: float) -> None:
    assert (await ran(waits(seconds))).fed() == [("RUNNING", True), ("COMPLETED", False)]


async def test_a_run_that_waits_for_long_rests_and_goes_on() -> None:
    simulation = await ran(waits(60))
    assert simulation.fed()[:3] == [("RUNNING", True), ("RUNNING", False), ("RUNNING", True)]
    assert simulation.fed()[-1] == ("COMPLETED", False)


async def test_a_review_rests_until_it_is_answered() -> None:
    simulation = await ran(REVIEW)
    assert simulation.fed() == [("RUNNING", True), ("REVIEW", False)]
    simulation.inbox.append((simulation.execution_id, answer(simulation, "h", approved=True)))
    await simulation.run()
    assert simulation.fed()[2:] == [("RUNNING", True), ("COMPLETED", False)]


async def test_what_a_child_waits_for_its_parent_waits_for() -> None:
    nodes: list[scenes.NodeRow] = [
        ("i", "AgentInputBlock", {"name": "x"}, {}),
        ("w", "WaitBlock", {"seconds": 60}, {}),
        ("o", OUT, {"name": "y"}, {}),
    ]
    simulation = await ran(family(nodes, ["i.result -> w.value", "w.value -> o.value"]))
    assert simulation.outputs() == {"out": [5]}
    assert simulation.fed()[:3] == [("RUNNING", True), ("RUNNING", False), ("RUNNING", True)]
    assert simulation.fed()[-1] == ("COMPLETED", False)
    assert ("RUNNING", False) in simulation.fed(child=True)
    assert not any(
        isinstance(load(k[:16], simulation.rows), Head) for k in simulation.rows.rows if len(k) == 16
    )


async def test_a_start_that_comes_again_has_the_feed_say_where_its_run_is() -> None:
    simulation = Counted(REGISTRY, REVIEW)
    start = simulation.start()
    await simulation.run()
    simulation.inbox.append((simulation.execution_id, start))
    await simulation.run()
    assert simulation.fed()[2:] == [("REVIEW", False)]
    simulation.inbox.append((simulation.execution_id, Stop(execution_id=simulation.execution_id, by="me")))
    simulation.inbox.append((simulation.execution_id, start))
    await simulation.run()
    assert simulation.fed()[3:] == [("TERMINATED", False)] * 2


async def test_what_is_stopped_before_it_begins_ends_with_all_that_is_known_of_it() -> None:
    simulation = Counted(REGISTRY, waits(1))
    stop = Stop(execution_id=simulation.execution_id, by="me", reason="enough")
    simulation.inbox.insert(0, (simulation.execution_id, stop))
    await simulation.run()
    assert [d.status for _, d in simulation.events] == ["QUEUED", "RUNNING", "TERMINATED"]
    assert simulation.detail["verdict"] == {"result": "stopped", "by": "me", "reason": "enough"}
    assert simulation.fed() == [("TERMINATED", False)]
    assert simulation.tasks == []


async def test_no_more_tasks_are_with_workers_than_the_start_grants() -> None:
    items = graph(
        [
            ("l", "StepThroughItemsBlock", {"items": list(range(30))}, {}),
            ("s", "StoreValueBlock", {}, {}),
            ("o", OUT, {"name": "out"}, {}),
        ],
        ["l.item -> s.input", "s.output -> o.value"],
    )
    simulation = Counted(REGISTRY, items)
    simulation.start(in_flight=3)
    for _ in range(400):
        while simulation.inbox:
            simulation.step()
            assert len(simulation.tasks) <= 3
        if simulation.tasks:
            task = simulation.tasks.pop(0)
            simulation.inbox += [(task.execution_id, m) for m in await simulation.work(task)]
    assert simulation.outputs() == {"out": list(range(30))}


async def test_costs_are_summed_up_and_each_has_its_record() -> None:
    simulation = await ran(one("PaidBlock", {}))
    assert simulation.detail["stats"]["cost_microusd"] == 100
    [usage] = [m for m in simulation.told if isinstance(m, Usage)]
    assert (usage.cost_microusd, usage.block_id) == (100, paid.spec.id)
    assert (await ran(one("PaidBlock", {}, fail=True))).detail["stats"]["cost_microusd"] == 100
    assert not [m for m in (await ran(waits(0.01))).told if isinstance(m, Usage)]


async def test_over_its_budget_an_execution_fails_at_once() -> None:
    nodes: list[scenes.NodeRow] = [
        ("a", "PaidBlock", {"value": 1}, {}),
        ("b", "PaidBlock", {}, {}),
        ("c", "PaidBlock", {}, {}),
    ]
    chain = graph(nodes, ["a.result -> b.value", "b.result -> c.value"])
    simulation = await ran(chain, budget_microusd=150)
    assert (simulation.status, simulation.detail["failure"]["code"]) == ("FAILED", "over_budget")
    verdict = simulation.detail["verdict"]
    assert verdict == {"result": "over_budget", "budget_microusd": 150, "cost_microusd": 200}
    assert (await ran(chain, budget_microusd=300)).status == "COMPLETED"


async def test_a_task_says_what_may_at_most_be_spent() -> None:
    """What comes out of a run goes on before its cost is counted, as it may long before its end."""
    nodes: list[scenes.NodeRow] = [("a", "PaidBlock", {"value": 1}, {})]
    nodes += [(name, "PaidBlock", {}, {}) for name in "bc"]
    chain = graph(nodes, ["a.result -> b.value", "b.result -> c.value"])
    for budget, expected in ((300, [300, 300, 200]), (None, [None, None, None])):
        simulation = Counted(REGISTRY, chain)
        simulation.start(budget_microusd=budget)
        told = []
        for _ in expected:
            while simulation.inbox:
                simulation.step()
            [task] = simulation.tasks
            simulation.tasks.clear()
            told.append(task.budget_microusd)
            simulation.inbox += [(task.execution_id, m) for m in await simulation.work(task)]
        assert told == expected


async def test_a_child_spends_what_is_left_of_its_parent_s_budget() -> None:
    nodes: list[scenes.NodeRow] = [
        ("i", "AgentInputBlock", {"name": "x"}, {}),
        ("a", "PaidBlock", {}, {}),
        ("b", "PaidBlock", {}, {}),
        ("o", OUT, {"name": "y"}, {}),
    ]
    links = ["i.result -> a.value", "a.result -> b.value", "b.result -> o.value"]
    simulation = await ran(family(nodes, links), budget_microusd=1000)
    assert simulation.detail["stats"]["cost_microusd"] == 200
    simulation = await ran(family(nodes, links), budget_microusd=150)
    child = load(derived_execution(simulation.execution_id, "agent", 0, "child"), simulation.rows)
    assert child is not None
    assert isinstance(child.head, End)
    assert child.head.status == "FAILED"
    assert simulation.detail["verdict"]["result"] == "over_budget"


async def test_a_failing_execution_calls_off_what_runs_for_it() -> None:
    nodes: list[scenes.NodeRow] = [
        ("a", "PaidBlock", {"value": 1}, {}),
        ("w", "WaitBlock", {"seconds": 9, "value": 1}, {}),
    ]
    simulation = await ran(graph(nodes, []), budget_microusd=1)
    assert [m.execution_id for m in simulation.told if isinstance(m, Cancel)] == [simulation.execution_id]
