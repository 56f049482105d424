"""Executions within executions: what a child gets, gives, and leaves in its parent's verdict."""

from __future__ import annotations

from millstream.schemas.ids import derived_execution
from millstream.schemas.messages import Stop
from millstream.streams.cells import End
from millstream.streams.state import load
from tests.unit.streams.scenes import OUT, REGISTRY, NodeRow, family, ran
from tests.unit.streams.simulation import Simulation


async def test_a_child_execution_gets_inputs_and_gives_outputs() -> None:
    found = family(
        [("i", "AgentInputBlock", {"name": "x"}, {}), ("o", OUT, {"name": "y"}, {})], ["i.result -> o.value"]
    )
    simulation = await ran(found)
    assert simulation.outputs() == {"out": [5]}
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_stop_reaches_the_child() -> None:
    found = family(
        [
            ("i", "AgentInputBlock", {"name": "x"}, {}),
            ("w", "WaitBlock", {"seconds": 3600}, {}),
            ("o", OUT, {"name": "y"}, {}),
        ],
        ["i.result -> w.value", "w.value -> o.value"],
    )
    simulation = Simulation(REGISTRY, found)
    for _ in range(200):
        if simulation.inbox:
            simulation.step()
        elif simulation.tasks:
            task = simulation.tasks.pop(0)
            simulation.inbox += [(task.execution_id, m) for m in await simulation.work(task)]
    child = derived_execution(simulation.execution_id, "agent", 0, "child")
    assert load(child, simulation.rows) is not None
    simulation.inbox.append((simulation.execution_id, Stop(execution_id=simulation.execution_id, by="me")))
    await simulation.run()
    ended = load(child, simulation.rows)
    assert ended is not None
    assert isinstance(ended.head, End)
    assert ended.head.status == "TERMINATED"


async def test_a_child_that_did_not_end_well_is_no_success_of_its_parent() -> None:
    child: list[NodeRow] = [
        ("i", "AgentInputBlock", {"name": "x"}, {}),
        ("bad", "GetListItemBlock", {"list": [1], "index": 9}, {}),
        ("o", OUT, {"name": "y"}, {}),
    ]
    simulation = await ran(family(child, ["i.result -> o.value"]))
    assert simulation.outputs() == {"out": [5]}
    assert simulation.executions()["agent"][0]["status"] == "COMPLETED"
    verdict = simulation.detail["verdict"]
    assert verdict["result"] == "errors"
    [failed] = verdict["failed"]
    assert (failed["node"], failed["code"]) == ("agent", "child_errors")
    assert failed["execution_id"] == derived_execution(simulation.execution_id, "agent", 0, "child").hex()
