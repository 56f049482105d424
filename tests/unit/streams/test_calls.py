"""Calls: what a node execution has run for it, in which order, and what it gets back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from millstream import Context, block
from millstream.processors.confidence import Confidence
from millstream.processors.registry import Registry
from millstream.schemas.codec import encode
from millstream.schemas.graph import Graph
from millstream.schemas.ids import derived
from millstream.schemas.messages import Flags, Run, Stop
from millstream.schemas.secrets import Opened
from millstream.streams import calls as rules
from millstream.streams.cells import End
from millstream.streams.state import load
from tests.unit.streams import context as contexts
from tests.unit.streams import transitions
from tests.unit.streams.calling import BLOCKS, own_graph, scene
from tests.unit.streams.scenes import OUT, NodeRow, answer, graph
from tests.unit.streams.simulation import Simulation


async def ran(found: Graph, **flags: Any) -> Simulation:
    simulation = Simulation(BLOCKS, found, flags=Flags(**flags))
    await simulation.run()
    transitions.check(delta for _, delta in simulation.events)
    state = load(simulation.execution_id, simulation.rows)
    assert state is not None
    assert isinstance(state.head, End)
    return simulation


async def test_results_come_in_the_order_of_the_calls() -> None:
    simulation = Simulation(BLOCKS, scene({"items": [1, 2, 3, 4], "parallel": 3}))
    await simulation.run(order=lambda count: count - 1)  # the newest task ends first
    assert simulation.outputs() == {"out": [[1, 0], [2, 0], [3, 0], [4, 0]]}
    assert simulation.detail["verdict"] == {"result": "ok"}


@pytest.mark.parametrize(("parallel", "most"), [(1, 1), (3, 3), (400, 10)])
async def test_no_more_calls_are_under_way_than_wanted(parallel: int, most: int) -> None:
    simulation = Simulation(BLOCKS, scene({"items": list(range(10)), "parallel": parallel}))
    seen = 0
    for _ in range(500):
        seen = max(seen, sum(task.node_id == "t" for task in simulation.tasks))
        if simulation.inbox:
            simulation.step()
        elif simulation.tasks:
            task = simulation.tasks.pop(0)
            simulation.inbox += [(task.execution_id, m) for m in await simulation.work(task)]
    assert simulation.status == "COMPLETED"
    assert seen == most


async def test_each_call_is_a_node_execution_that_says_who_called_it() -> None:
    simulation = await ran(scene({"items": [1, 2], "rounds": 2}))
    runs = simulation.executions()["t"]
    assert [run["input"]["value"] for run in runs] == [1, 2, 1, 2]
    called = [
        orjson.loads(d.detail)["called"]
        for _, d in simulation.events
        if d.kind == "QUEUED" and d.node_id == "t" and d.detail
    ]
    assert [(each["round"], each["number"]) for each in called] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    [told] = {each["by"] for each in called}
    assert told.replace("-", "") == derived(simulation.execution_id, "c", 0).hex()
    waits = [d for _, d in simulation.events if d.detail and b'"kind":"calls"' in d.detail]
    assert [orjson.loads(d.detail or b"")["reason"]["round"] for d in waits] == [1, 2]
    assert len(simulation.executions()["c"]) == 1


async def test_a_failed_call_is_its_callers_affair() -> None:
    simulation = await ran(scene({"items": [1, 13, 2]}))
    assert simulation.outputs() == {"out": [[1, 0], [2, 0]], "errors": ["unlucky"]}
    assert [run["status"] for run in simulation.executions()["t"]] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert simulation.detail["verdict"] == {"result": "ok"}
    assert simulation.detail["stats"]["node_error_count"] == 1


async def test_after_a_failure_no_further_call_begins_if_the_caller_wants_it_so() -> None:
    simulation = await ran(scene({"items": [13, 1, 2], "stop": True}))
    assert len(simulation.executions()["t"]) == 1
    assert simulation.outputs()["errors"] == ["unlucky"] + ["not begun, because an earlier call failed"] * 2


async def test_outputs_of_a_called_node_also_go_along_its_links() -> None:
    simulation = Simulation(BLOCKS, scene({"items": [1, 2, 3], "parallel": 3}, links=["t.result -> s.value"]))
    await simulation.run(order=lambda count: count - 1)
    assert simulation.outputs()["side"] == [[1, 0], [2, 0], [3, 0]]


async def test_pins_linked_from_elsewhere_have_their_newest_value() -> None:
    nodes: list[NodeRow] = [
        ("v", "StoreValueBlock", {"input": 5}, {}),
        ("c", "CallerBlock", {"items": [1, 2]}, {}),
        ("t", "PairBlock", {}, {}),
        ("o", OUT, {"name": "out"}, {}),
    ]
    found = own_graph(nodes, ["c.tools -> t.value", "v.output -> t.other", "c.result -> o.value"])
    simulation = await ran(found)
    assert simulation.outputs() == {"out": [[1, 5], [2, 5]]}
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_call_waits_until_such_a_value_has_come() -> None:
    nodes: list[NodeRow] = [
        ("v", "WaitBlock", {"value": 5, "seconds": 30}, {}),
        ("c", "CallerBlock", {"items": [1, 2], "parallel": 2}, {}),
        ("t", "PairBlock", {}, {}),
        ("o", OUT, {"name": "out"}, {}),
    ]
    found = own_graph(nodes, ["c.tools -> t.value", "v.value -> t.other", "c.result -> o.value"])
    assert (await ran(found)).outputs() == {"out": [[1, 5], [2, 5]]}


async def test_a_call_fails_when_such_a_value_can_no_longer_come() -> None:
    nodes: list[NodeRow] = [
        ("v", "ConditionBlock", {"value1": 1, "operator": ">", "value2": 5}, {}),
        ("c", "CallerBlock", {"items": [1, 2], "rounds": 2}, {}),
        ("t", "PairBlock", {}, {}),
        ("e", OUT, {"name": "errors"}, {}),
    ]
    found = own_graph(nodes, ["c.tools -> t.value", "v.yes_output -> t.other", "c.error_text -> e.value"])
    simulation = await ran(found)
    assert simulation.outputs() == {"errors": ["no value has arrived on 'other'"] * 4}
    assert "t" not in simulation.executions()


async def test_only_linked_nodes_and_pins_may_be_called() -> None:
    simulation = await ran(scene({"items": [1], "node": "o"}))
    assert simulation.outputs() == {"errors": ["no node 'o' is linked from a tool pin of the caller"]}
    simulation = await ran(scene({"items": [{"value": 1, "other": 2}]}))
    assert simulation.outputs() == {"errors": ["no link of the caller leads to 'other'"]}
    simulation = await ran(scene({"items": [{}]}))
    assert simulation.outputs() == {"errors": ["required and without a value: 'value'"]}


async def test_large_inputs_results_and_states_travel_by_reference() -> None:
    text = "x" * 40_000
    body: NodeRow = ("t", "WaitBlock", {"seconds": 0}, {})
    simulation = await ran(scene({"items": [text, "y", text + "z"]}, body))
    results = [d for _, d in simulation.events if d.kind == "OUTPUT" and d.pin == "result"]
    sizes = [d.value.size for d in results if d.value is not None]
    assert sizes == [40_002, 3, 40_003]
    assert all(len(row) < 20_000 for row in simulation.rows.rows.values())


async def test_secrets_are_passed_to_called_nodes_as_references() -> None:
    id_, canary = "9d2c1a52-0f0e-4d35-8f6c-0d6a5c1f0002", "canary-81723"

    class OneVault:
        async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
            return Opened(id=secret_id, kind="value", data={"value": canary})

    heard: list[Any] = []

    @block
    async def listen(value: str) -> str:
        """Hears a secret."""
        heard.append(value)
        return value

    def made(task: Run, resumed: Any) -> Context:
        ctx = contexts.context(task, resumed)
        ctx.confidence = Confidence(OneVault(), ctx.user_id, ctx.execution_id)
        return ctx

    found = scene({"items": [{"value": {"$secret": id_}}]}, ("t", "PairBlock", {}, {}))
    nodes = [n.model_copy(update={"block_id": listen.spec.id}) if n.id == "t" else n for n in found.nodes]
    blocks = Registry({spec.id: BLOCKS.get(spec.id) for spec in BLOCKS.specs()} | {listen.spec.id: listen})
    simulation = Simulation(blocks, found.model_copy(update={"nodes": nodes}), context=made)
    tasks: list[bytes] = []
    work = simulation.work

    async def watched(task: Run) -> Any:
        tasks.append(encode(task))
        said = await work(task)
        tasks.extend(encode(message) for message in said)
        return said

    simulation.work = watched  # type: ignore[method-assign]
    await simulation.run()
    assert heard == [canary]
    assert simulation.status == "COMPLETED"
    assert canary.encode() not in b"".join(tasks)
    assert id_.encode() in b"".join(tasks)


async def test_a_stop_ends_caller_and_called() -> None:
    body: NodeRow = ("t", "WaitBlock", {"seconds": 3600}, {})
    simulation = Simulation(BLOCKS, scene({"items": [1, 2], "parallel": 2}, body))
    while simulation.inbox or simulation.tasks:
        if simulation.inbox:
            simulation.step()
        else:
            task = simulation.tasks.pop(0)
            simulation.inbox += [(task.execution_id, m) for m in await simulation.work(task)]
    simulation.inbox.append((simulation.execution_id, Stop(execution_id=simulation.execution_id, by="me")))
    await simulation.run()
    assert simulation.status == "TERMINATED"
    statuses = {node: [run["status"] for run in runs] for node, runs in simulation.executions().items()}
    assert statuses == {"c": ["TERMINATED"], "t": ["TERMINATED"] * 2}
    assert len(simulation.rows.rows) == 1


async def test_a_called_sensitive_block_waits_for_a_person_and_so_does_the_run() -> None:
    simulation = Simulation(
        BLOCKS,
        scene({"items": [1]}, ("t", "GuardedBlock", {}, {})),
        flags=Flags(sensitive_action_safe_mode=True),
    )
    await simulation.run()
    assert simulation.status == "REVIEW"
    simulation.inbox.append((simulation.execution_id, answer(simulation, "t", approved=True)))
    await simulation.run()
    assert simulation.outputs() == {"out": [10]}


async def test_endless_rounds_come_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "NODE_LIMIT", 50)
    simulation = await ran(scene({"items": [1], "node": "nowhere", "rounds": 1_000_000}))
    assert simulation.status == "FAILED"
    assert simulation.detail["failure"]["code"] == "too_many_nodes"


async def test_calls_within_calls_have_a_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "DEPTH_LIMIT", 3)
    nodes: list[NodeRow] = [
        ("c", "CallerBlock", {"items": [[1]]}, {}),
        ("d", "CallerBlock", {}, {}),
        ("o", OUT, {"name": "out"}, {}),
    ]
    found = own_graph(nodes, ["c.tools -> d.items", "d.tools -> d.items", "c.error_text -> o.value"])
    simulation = await ran(found)
    assert len(simulation.executions()["d"]) == 3
    assert simulation.status == "COMPLETED"


async def test_the_tools_of_a_node_are_told_once_and_not_on_each_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body: NodeRow = ("t", "FillTextTemplateBlock", {"format": "x"}, {})
    found = scene({"items": [{}], "rounds": 2}, body)
    links = [ln.model_copy(update={"sink_name": "values_#_who"}) if ln.source_name == "tools" else ln
             for ln in found.links]  # fmt: skip
    simulation = Simulation(BLOCKS, found.model_copy(update={"links": links}))
    given: list[Run] = []
    work = simulation.work

    async def watched(task: Run) -> Any:
        given.append(task)
        return await work(task)

    monkeypatch.setattr("millstream.streams.stepping.TOOLBOX_BYTES", 10)
    simulation.work = watched  # type: ignore[method-assign]
    await simulation.run()
    tasks = [task for task in given if task.node_id == "c"]
    assert len(tasks) == 3
    for task in tasks:
        assert task.tools is not None
        assert task.tools.inline is None
    [payload] = {task.tools.ref for task in tasks if task.tools}
    [tool] = orjson.loads(simulation.values.objects[payload or ""])
    assert tool["name"] == "fill_text_template"
    assert tool["pins"] == {"values_who": "values_#_who"}


@pytest.mark.parametrize("ending", ["ok", "bad"])
async def test_an_agent_is_called_as_a_child_execution(ending: str) -> None:
    child_nodes: list[NodeRow] = [
        ("i", "AgentInputBlock", {"name": "x"}, {}),
        ("w", "GetListItemBlock", {"list": [7], "index": 0 if ending == "ok" else 9}, {}),
        ("o", OUT, {"name": "y"}, {}),
    ]
    child = graph(child_nodes, ["i.result -> o.value"]).model_dump(mode="json")
    child["id"] = "11111111-1111-4111-8111-111111111111"
    agent = {
        "graph_id": child["id"],
        "graph_version": 1,
        "user_id": "u",
        "inputs": {},
        "input_schema": {"type": "object", "properties": {"x": {}}, "required": ["x"]},
        "output_schema": {"type": "object", "properties": {"y": {}}},
    }
    nodes: list[NodeRow] = [
        ("c", "CallerBlock", {"items": [1, 2], "parallel": 2}, {}),
        ("t", "AgentExecutorBlock", agent, {}),
        ("o", OUT, {"name": "out"}, {}),
        ("e", OUT, {"name": "errors"}, {}),
    ]
    links = ["c.tools -> t.x", "c.result -> o.value", "c.error_text -> e.value"]
    simulation = await ran(own_graph(nodes, links, sub_graphs=[child]))
    assert simulation.detail["verdict"] == {"result": "ok"}
    if ending == "ok":
        assert simulation.outputs() == {"out": [1, 2]}
    else:
        assert len(simulation.outputs()["errors"]) == 2
        assert "errors" in simulation.outputs()["errors"][0]
