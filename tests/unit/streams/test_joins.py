"""Joins: what they run with when a branch was not taken, when, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from millstream.schemas.graph import Graph
from millstream.schemas.messages import Stop
from millstream.streams.plan import Plan, PlanBlock, PlanData, PlanLink, PlanNode
from tests.unit.streams.scenes import OUT, REGISTRY, NodeRow, answer, family, graph, ran
from tests.unit.streams.simulation import Simulation

OUTS: list[NodeRow] = [("o", OUT, {"name": "joined"}, {}), ("m", OUT, {"name": "missing"}, {})]
OUT_LINKS = ["j.result -> o.value", "j.missing -> m.value"]


def branches(value: int, block: str = "JoinBlock", **defaults: Any) -> Graph:
    """A condition with both ways led into one node."""
    nodes: list[NodeRow] = [
        ("if", "ConditionBlock", {"value1": value, "operator": ">", "value2": 5, "yes_value": "y"}, {}),
        ("j", block, defaults, {}),
        *OUTS,
    ]
    return graph(nodes, ["if.yes_output -> j.values_#_yes", "if.no_output -> j.values_#_no", *OUT_LINKS])


async def test_a_join_runs_with_the_branch_that_was_taken() -> None:
    simulation = await ran(branches(10))
    assert simulation.outputs() == {"joined": [{"yes": "y"}], "missing": [["no"]]}
    assert simulation.status == "COMPLETED"
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_join_with_all_its_values_does_not_wait_for_the_end() -> None:
    nodes: list[NodeRow] = [
        ("a", "StoreValueBlock", {"input": 1}, {}),
        ("b", "StoreValueBlock", {"input": 2}, {}),
        ("w", "WaitBlock", {"value": 3, "seconds": 60}, {}),
        ("j", "JoinBlock", {}, {}),
        *OUTS,
    ]
    links = ["a.output -> j.values_#_a", "b.output -> j.values_#_b", *OUT_LINKS]
    simulation = Simulation(REGISTRY, graph(nodes, links))
    for _ in range(50):
        if simulation.inbox:
            simulation.step()
        elif simulation.tasks:
            task = simulation.tasks.pop(0)
            simulation.inbox += [(task.execution_id, m) for m in await simulation.work(task)]
    assert simulation.timers, "the wait must not be over"
    assert simulation.outputs() == {"joined": [{"a": 1, "b": 2}], "missing": [[]]}


async def test_too_few_values_leave_a_join_waiting_and_the_verdict_says_so() -> None:
    simulation = await ran(branches(10, at_least=2))
    assert simulation.outputs() == {}
    verdict = simulation.detail["verdict"]
    assert verdict["result"] == "left_waiting"
    assert [(w["node"], w["pins"]) for w in verdict["waiting"]] == [("j", ["values_#_no"])]


async def test_any_other_node_waits_for_ever_as_in_autogpt() -> None:
    simulation = await ran(branches(10, "FillTextTemplateBlock", format="{{ yes }}"))
    assert simulation.status == "COMPLETED"
    assert simulation.detail["verdict"]["result"] == "left_waiting"


async def test_a_constant_stands_in_for_a_value_that_did_not_come() -> None:
    simulation = await ran(branches(10, **{"values_#_no": "default"}))
    [joined] = simulation.outputs()["joined"]
    assert joined == {"yes": "y", "no": "default"}
    assert simulation.outputs()["missing"] == [["no"]]


@pytest.mark.parametrize("upstream_first", [True, False])
async def test_what_leads_to_a_join_is_released_before_it_whatever_the_plan_lists_first(
    upstream_first: bool,
) -> None:
    condition = {"value1": 1, "operator": ">", "value2": 5}
    joins: list[NodeRow] = [("early", "JoinBlock", {}, {}), ("j", "JoinBlock", {}, {})]
    nodes: list[NodeRow] = [
        ("if", "ConditionBlock", condition, {}),
        *(joins if upstream_first else reversed(joins)),
        *OUTS,
    ]
    links = [
        "if.yes_output -> early.values_#_yes",
        "if.no_output -> early.values_#_no",
        "if.result -> j.values_#_result",
        "if.yes_output -> j.values_#_yes",
        "early.result -> j.values_#_early",
    ]
    simulation = await ran(graph(nodes, [*links, *OUT_LINKS]))
    assert simulation.outputs() == {
        "joined": [{"result": False, "early": {"no": 5}}],
        "missing": [["yes"]],
    }
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_run_goes_on_after_a_release_and_may_come_to_rest_again() -> None:
    """The value of the first join decides by which way the second is reached."""
    nodes: list[NodeRow] = [
        ("if", "ConditionBlock", {"value1": 9, "operator": ">", "value2": 5}, {}),
        ("first", "JoinBlock", {}, {}),
        ("again", "ConditionBlock", {"value1": 1, "operator": ">", "value2": 5}, {}),
        ("j", "JoinBlock", {}, {}),
        *OUTS,
    ]
    links = [
        "if.yes_output -> first.values_#_yes",
        "if.no_output -> first.values_#_no",
        "first.result_#_yes -> again.value1",
        "again.yes_output -> j.values_#_yes",
        "again.no_output -> j.values_#_no",
    ]
    simulation = await ran(graph(nodes, [*links, *OUT_LINKS]))
    assert simulation.outputs() == {"joined": [{"yes": 9}], "missing": [["no"]]}


async def test_executions_of_one_join_are_released_oldest_first_however_many_there_are() -> None:
    nodes: list[NodeRow] = [
        ("each", "StepThroughItemsBlock", {"items": list(range(200))}, {}),
        ("never", "ConditionBlock", {"value1": 1, "operator": ">", "value2": 5}, {}),
        ("j", "JoinBlock", {}, {}),
        *OUTS,
    ]
    links = ["each.item -> j.values_#_item", "never.yes_output -> j.values_#_never", *OUT_LINKS]
    simulation = await ran(graph(nodes, links))
    assert [joined["item"] for joined in simulation.outputs()["joined"]] == list(range(200))
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_join_waits_while_a_review_is_open_and_is_released_after_it() -> None:
    nodes: list[NodeRow] = [
        ("h", "HumanInTheLoopBlock", {"data": 1, "name": "check"}, {}),
        ("if", "ConditionBlock", {"value1": 9, "operator": ">", "value2": 5}, {}),
        ("j", "JoinBlock", {}, {}),
        *OUTS,
    ]
    links = ["h.rejected_data -> j.values_#_rejected", "if.yes_output -> j.values_#_yes", *OUT_LINKS]
    simulation = await ran(graph(nodes, links))
    assert simulation.status == "REVIEW"
    assert simulation.outputs() == {}
    simulation.inbox.append((simulation.execution_id, answer(simulation, "h", approved=True)))
    await simulation.run()
    assert simulation.outputs() == {"joined": [{"yes": 9}], "missing": [["rejected"]]}


async def test_a_join_within_a_child_execution_is_released_there() -> None:
    condition = {"operator": ">", "value2": 5}
    child: list[NodeRow] = [
        ("i", "AgentInputBlock", {"name": "x"}, {}),
        ("if", "ConditionBlock", condition, {}),
        ("j", "JoinBlock", {}, {}),
        ("o", OUT, {"name": "y"}, {}),
    ]
    links = [
        "i.result -> if.value1",
        "if.yes_output -> j.values_#_yes",
        "if.no_output -> j.values_#_no",
        "j.result -> o.value",
    ]
    simulation = await ran(family(child, links))
    assert simulation.outputs() == {"out": [{"no": 5}]}
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_stop_releases_nothing() -> None:
    simulation = Simulation(REGISTRY, branches(10))
    simulation.step()
    simulation.inbox.append((simulation.execution_id, Stop(execution_id=simulation.execution_id, by="me")))
    await simulation.run()
    assert simulation.outputs() == {}
    assert simulation.status == "TERMINATED"


async def test_the_release_is_told_with_what_is_missing() -> None:
    simulation = await ran(branches(10))
    [told] = [d.detail for _, d in simulation.events if d.kind == "QUEUED" and d.node_id == "j"]
    assert told == b'{"reason":{"kind":"released","missing":["values_#_no"]}}'


def test_the_order_of_release_ends_in_a_cycle_too() -> None:
    block = PlanBlock("b", "Standard", "io", b"{}", False, None, join=True)
    links = [PlanLink(a, "x", b, "y", False) for a, b in [(0, 1), (1, 2), (2, 0), (3, 2)]]
    plan = Plan(b"", PlanData([block], [PlanNode(str(i), 0, b"{}") for i in range(4)], links))
    assert plan.joins() == [1, 3, 2, 0]
