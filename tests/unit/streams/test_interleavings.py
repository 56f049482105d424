"""A person's answers, a review's time limit and a stop, in any order, repeated and interrupted: the first one counts."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millstream.schemas.graph import Graph
from millstream.schemas.ids import derived
from millstream.schemas.messages import Flags, Message, Start, Stop, Timer
from millstream.streams.cells import End
from millstream.streams.plan import Plan, decode_plan
from millstream.streams.state import State, load
from tests.unit.streams import transitions
from tests.unit.streams.scenes import REGISTRY, REVIEW, answer, one
from tests.unit.streams.simulation import Simulation

POLICY = {"policy": {"review_timeout_s": 60, "review_default": "approve"}}
ACTIONS = ("approve", "reject", "timeout", "stop", "work")


class Scene(Simulation):
    """One of two executions that wait for a person, who has a minute. Compiled once: there are a thousand."""

    def __post_init__(self) -> None:
        self.inbox.append((self.execution_id, _compiled(self.flags.sensitive_action_safe_mode)[0]))

    def _plan(self, state: State | None, message: Message) -> Plan | None:
        ended = state is not None and isinstance(state.head, End)
        return None if ended else _compiled(self.flags.sensitive_action_safe_mode)[1]


@cache
def _compiled(sensitive: bool) -> tuple[Message, Plan]:
    graph = _graph(sensitive)
    simulation = Simulation(REGISTRY, graph, flags=Flags(sensitive_action_safe_mode=sensitive))
    [(_, start)] = simulation.inbox
    assert isinstance(start, Start)
    assert start.plan is not None
    return start, decode_plan(start.plan_hash, start.plan)


def _graph(sensitive: bool) -> Graph:
    found = one("DelicateBlock", {}) if sensitive else REVIEW
    nodes = [n.model_copy(update={"metadata": POLICY}) if n.id in "hn" else n for n in found.nodes]
    return found.model_copy(update={"nodes": nodes})


def scene(*, sensitive: bool) -> Scene:
    return Scene(REGISTRY, REVIEW, flags=Flags(sensitive_action_safe_mode=sensitive))


async def to_rest(simulation: Simulation) -> None:
    """Decide and work until nothing is left but timers."""
    while simulation.inbox or simulation.tasks:
        if simulation.inbox:
            simulation.step()
        else:
            task = simulation.tasks.pop(0)
            simulation.inbox += [(task.execution_id, m) for m in await simulation.work(task)]


async def act(simulation: Simulation, node: str, action: str) -> None:
    id_ = simulation.execution_id
    if action in ("approve", "reject"):
        simulation.inbox.append((id_, answer(simulation, node, approved=action == "approve")))
    elif action == "stop":
        simulation.inbox.append((id_, Stop(execution_id=id_, by="me")))
    elif action == "timeout":
        simulation.now = max(simulation.now, 1_060_000)
        simulation.inbox += [
            (id_, Timer(execution_id=id_, timer=number)) for _, _, number in simulation.timers
        ]
    else:
        await to_rest(simulation)


def repeated(simulation: Simulation, data: Any) -> None:
    """Deliver some of what waits twice: a producer that was not sure sends again."""
    simulation.inbox = [m for m in simulation.inbox for _ in range(1 + data.draw(st.booleans()))]


@pytest.mark.timeout(900)
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.booleans(), st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=6), st.data())
def test_of_answer_time_limit_and_stop_the_first_counts(
    sensitive: bool, actions: list[str], data: st.DataObject
) -> None:
    asyncio.run(_check(sensitive, actions, data))


async def _check(sensitive: bool, actions: list[str], data: st.DataObject) -> None:
    simulation, node = scene(sensitive=sensitive), "n" if sensitive else "h"
    await to_rest(simulation)
    assert simulation.status == "REVIEW"
    for action in actions:
        await act(simulation, node, action)
        repeated(simulation, data)
    await simulation.run()  # the time limit comes at last
    decisive = [action for action in actions if action != "work"] or ["timeout"]
    first = decisive[0]
    transitions.check(delta for _, delta in simulation.events)
    state = load(simulation.execution_id, simulation.rows)
    assert state is not None
    assert isinstance(state.head, End)
    answers = [d for _, d in simulation.events if d.detail and b'"review":{"status"' in d.detail]
    if first == "stop":
        assert (simulation.status, answers) == ("TERMINATED", [])
        return
    [told] = answers
    review = orjson.loads(told.detail or b"{}")["review"]
    approved = first != "reject"
    assert review["status"] == ("APPROVED" if approved else "REJECTED")
    assert review["by"] == ("timeout" if first == "timeout" else "reviewer")
    assert told.node_execution_id == derived(simulation.execution_id, node, 0)
    if simulation.status == "TERMINATED":  # a stop came after the answer, before the end
        assert "stop" in decisive[1:]
        return
    assert simulation.status == "COMPLETED"
    if sensitive:
        wanted = {"result": [10]} if approved else {"error": [review["message"]]}
        assert simulation.outputs() == wanted
    else:
        assert simulation.outputs() == {
            "yes" if approved else "no": [{"a": 1}],
            "message": [review["message"]],
        }


async def test_a_rejected_sensitive_block_that_was_the_last_one_ends_by_way_of_running() -> None:
    simulation = scene(sensitive=True)
    await to_rest(simulation)
    await act(simulation, "n", "reject")
    await to_rest(simulation)
    statuses = [d.status for _, d in simulation.events if d.kind == "EXECUTION"]
    assert statuses == ["QUEUED", "RUNNING", "REVIEW", "RUNNING", "COMPLETED"]
