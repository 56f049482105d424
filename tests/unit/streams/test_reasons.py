"""Why something is not done yet: what events say of open node executions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from millstream.schemas.ids import derived
from millstream.schemas.messages import Delta, Message, Run, Started
from tests.unit.streams.scenes import CALLS, OUT, REGISTRY, REVIEW, NodeRow, family, graph, one, ran
from tests.unit.streams.simulation import USER, Simulation


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def reasons(simulation: Simulation, node: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (status, reason) of each event of a node that gives one."""
    found: list[Delta] = [d for _, d in simulation.events if d.node_id == node and d.detail]
    details = [(d.status or "", orjson.loads(d.detail or b"{}")) for d in found]
    return [(status, detail["reason"]) for status, detail in details if "reason" in detail]


async def test_a_node_that_lacks_inputs_names_its_pins() -> None:
    nodes: list[NodeRow] = [
        ("a", "StoreValueBlock", {"input": 1}, {}),
        ("if", "ConditionBlock", {"value1": 1, "operator": ">", "value2": 5}, {}),
        ("c", "CalculatorBlock", {"operation": "Add"}, {}),
    ]
    simulation = await ran(graph(nodes, ["a.output -> c.a", "if.yes_output -> c.b"]))
    assert reasons(simulation, "c") == [("INCOMPLETE", {"kind": "waiting", "pins": ["b"]})]


async def test_a_value_that_does_not_fit_is_named_with_the_rule() -> None:
    nodes: list[NodeRow] = [
        ("a", "StoreValueBlock", {"input": "Divine"}, {}),
        ("c", "CalculatorBlock", {"a": 1, "b": 2}, {}),
    ]
    simulation = await ran(graph(nodes, ["a.output -> c.operation"]))
    [(status, reason)] = reasons(simulation, "c")
    assert (status, reason["kind"], reason["pins"]) == ("INCOMPLETE", "waiting", ["operation"])
    assert "Divine" in reason["why"]


async def test_a_very_wide_node_says_how_many_are_missing() -> None:
    names = [f"n{i}" for i in range(30)]
    nodes: list[NodeRow] = [(n, "StoreValueBlock", {"input": 1}, {}) for n in names]
    simulation = await ran(
        graph(
            [*nodes, ("t", "FillTextTemplateBlock", {"format": "x"}, {})],
            [f"{n}.output -> t.values_#_{n}" for n in names],
        )
    )
    counts = [reason.get("count") for _, reason in reasons(simulation, "t")]
    assert counts == list(range(29, 0, -1))


async def test_a_wait_says_until_when() -> None:
    simulation = await ran(one("WaitBlock", {}, seconds=60))
    [(status, reason)] = reasons(simulation, "n")
    assert (status, reason["kind"]) == ("RUNNING", "timer")
    assert simulation.now >= reason["until"] >= 1_060_000


async def test_a_review_says_who_can_answer_since_when_and_what_happens_else() -> None:
    policy = {"policy": {"review_timeout_s": 60, "review_default": "approve"}}
    nodes = [n.model_copy(update={"metadata": policy}) for n in REVIEW.nodes]
    simulation = await ran(REVIEW.model_copy(update={"nodes": nodes}))
    [(status, reason)] = reasons(simulation, "h")
    assert (status, reason["kind"], reason["who"]) == ("REVIEW", "review", [USER])
    assert reason["until"] == reason["since"] + 60_000
    assert reason["default"] == "approve"


class Slow(Simulation):
    """Each run of a task says that it has begun, and what it waits for."""

    waits: tuple[str | None, ...] = (None,)

    async def work(self, task: Run) -> list[Message]:
        begun = [self._begun(task, waits) for waits in self.waits]
        return [*begun, *await super().work(task)]

    def _begun(self, task: Run, waits: str | None) -> Started:
        return Started(
            execution_id=task.execution_id,
            node=task.node,
            k=task.k,
            run_id=derived(task.node_execution_id, task.attempt),
            attempt=task.attempt,
            worker="w",
            at=task.attempt,
            waits=waits,
        )


async def test_a_run_that_takes_long_says_since_when_and_where_also_after_a_retry() -> None:
    simulation = Slow(REGISTRY, one("FlakyBlock", {"retries": 3, "backoff_s": 1, "jitter": 0}))
    await simulation.run()
    told = reasons(simulation, "n")
    kinds = [(status, reason["kind"]) for status, reason in told]
    assert kinds == [("RUNNING", "running"), ("QUEUED", "retry"), ("RUNNING", "running"), ("QUEUED", "retry"),
                     ("RUNNING", "running")]  # fmt: skip
    running = [reason for _, reason in told if reason["kind"] == "running"]
    assert running == [{"kind": "running", "since": at, "worker": "w"} for at in (1, 2, 3)]


async def test_a_run_that_waits_for_redis_says_so_once_and_then_that_it_runs() -> None:
    simulation = Slow(REGISTRY, one("FlakyBlock", {"retries": 1, "backoff_s": 1, "jitter": 0}))
    simulation.waits = ("redis", "redis", None, None)
    await simulation.run()
    told = [reason["kind"] for _, reason in reasons(simulation, "n")]
    assert told == ["redis", "running", "retry", "redis", "running"]


async def test_an_agent_node_names_its_child() -> None:
    child: list[NodeRow] = [("i", "AgentInputBlock", {"name": "x"}, {}), ("o", OUT, {"name": "y"}, {})]
    simulation = await ran(family(child, ["i.result -> o.value"]))
    [(status, reason)] = reasons(simulation, "agent")
    assert (status, reason["kind"], len(reason["executions"])) == ("RUNNING", "children", 1)
