"""What a node's policy, a person, a stop, a parent and a second run of a task do to an execution."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from millstream import Context, Emit, Outputs, block
from millstream.processors.registry import Registry, load_registry
from millstream.processors.sdk import Block
from millstream.schemas.errors import GraphInvalidError, UpstreamError
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.ids import derived
from millstream.schemas.messages import (
    Answer,
    Finished,
    Flags,
    Message,
    Run,
    Started,
    Stop,
)
from millstream.schemas.messages import (
    Emit as EmitMessage,
)
from millstream.streams.readiness import inline
from millstream.streams.results import LEASE_MS
from millstream.streams.state import End, load
from tests.unit.streams.simulation import Simulation

CALLS: list[int] = []


@block
async def flaky(value: int, *, ctx: Context) -> int:
    """Fails in passing until its third call."""
    CALLS.append(ctx.attempt)
    if len(CALLS) < 3:
        raise UpstreamError("try later")
    return value


class Twice(Outputs):
    result: int


@block
async def broken(value: int) -> AsyncIterator[Emit[Twice]]:
    """Says something, then fails."""
    yield "result", value
    raise ValueError("it broke")


@block(sensitive=True)
async def delicate(value: int) -> int:
    """Wants a person's approval."""
    return value * 10


@block(repeatable=False)
async def once(value: int) -> int:
    """Must not run twice."""
    return value


OWN: dict[str, Block] = {b.spec.id: b for b in (flaky, broken, delicate, once)}
REGISTRY = Registry({b.spec.id: b for b in load_registry()} | OWN)
IDS = {spec.name: spec.id for spec in REGISTRY.specs()}
OUT = "AgentOutputBlock"
NodeRow = tuple[str, str, dict[str, Any], dict[str, Any]]


def graph(nodes: list[NodeRow], links: list[str], **more: Any) -> Graph:
    """Nodes are (id, block, defaults, policy); links `a.pin -> b.pin`."""
    ends = [[end.split(".", 1) for end in link.split(" -> ")] for link in links]
    return parse_graph(
        {
            "name": "g",
            "description": "",
            "nodes": [
                {"id": i, "block_id": IDS[b], "input_default": d, "metadata": {"policy": p} if p else {}}
                for i, b, d, p in nodes
            ],
            "links": [
                {"source_id": a, "source_name": pin, "sink_id": b, "sink_name": sink}
                for (a, pin), (b, sink) in ends
            ],
            **more,
        }
    )


def one(name: str, policy: dict[str, Any], **defaults: Any) -> Graph:
    """One block whose result and error are outputs of the run."""
    nodes = [
        ("n", name, {"value": 1, **defaults}, policy),
        ("o", OUT, {"name": "result"}, {}),
        ("e", OUT, {"name": "error"}, {}),
    ]
    return graph(nodes, ["n.result -> o.value", "n.error -> e.value"])


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


async def ran(found: Graph, inputs: dict[str, Any] | None = None, **flags: Any) -> Simulation:
    simulation = Simulation(REGISTRY, found, inputs or {}, flags=Flags(**flags))
    await simulation.run()
    return simulation


async def test_a_failure_that_may_pass_is_tried_again_after_a_growing_wait() -> None:
    simulation = await ran(one("FlakyBlock", {"retries": 3, "backoff_s": 10, "jitter": 0}))
    assert simulation.outputs() == {"result": [1]}
    assert len(CALLS) == 3
    assert simulation.now >= 1_000_000 + 10_000 + 20_000
    reasons = [orjson.loads(d.detail)["reason"] for _, d in simulation.events if d.kind == "NODE" and d.status == "QUEUED"
               and d.detail]  # fmt: skip
    assert [(r["try"], r["of"]) for r in reasons] == [(2, 4), (3, 4)]
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_tries_end_and_the_last_error_stands() -> None:
    simulation = await ran(one("FlakyBlock", {"retries": 1}))
    assert simulation.outputs() == {"error": ["try later"]}
    assert simulation.status == "COMPLETED"
    assert simulation.detail["verdict"] == {"result": "errors", "errors": 1, "failed_nodes": ["n"]}


async def test_a_failure_goes_on_with_the_default_when_asked() -> None:
    simulation = await ran(one("BrokenBlock", {"on_error": "continue", "default": {"result": 7}}))
    assert simulation.outputs() == {"result": [1, 7]}
    assert simulation.detail["verdict"] == {"result": "ok"}


async def test_a_failure_fails_the_run_when_asked() -> None:
    simulation = await ran(one("BrokenBlock", {"on_error": "fail"}))
    assert simulation.status == "FAILED"
    assert "it broke" in simulation.detail["failure"]["message"]


async def test_a_disabled_node_completes_without_running() -> None:
    simulation = await ran(one("FlakyBlock", {"disabled": True}))
    assert simulation.outputs() == {}
    assert CALLS == []
    assert simulation.executions()["n"][0]["status"] == "COMPLETED"


async def test_pinned_data_is_emitted_in_test_runs_only() -> None:
    policy = {"pinned": {"result": [5, 6]}, "retries": 3, "backoff_s": 0}
    assert (await ran(one("FlakyBlock", policy), test=True)).outputs() == {"result": [5, 6]}
    assert CALLS == []
    assert (await ran(one("FlakyBlock", policy))).outputs() == {"result": [1]}


async def test_recorded_outputs_stand_in_for_the_nodes_before_the_one_to_run() -> None:
    found = graph(
        [
            ("a", "FlakyBlock", {"value": 1}, {}),
            ("b", "StoreValueBlock", {}, {}),
            ("o", OUT, {"name": "out"}, {}),
        ],
        ["a.result -> b.input", "b.output -> o.value"],
    )
    simulation = Simulation(REGISTRY, found, recorded={"a": [[["result", 41]]]})
    await simulation.run()
    assert CALLS == []
    assert simulation.outputs() == {"out": [41]}


async def test_a_long_chain_of_recorded_nodes_is_no_recursion() -> None:
    names = [f"n{i}" for i in range(1500)]
    nodes: list[NodeRow] = [(n, "StoreValueBlock", {"input": 0} if n == "n0" else {}, {}) for n in names]
    found = graph(nodes, [f"{a}.output -> {b}.input" for a, b in zip(names, names[1:], strict=False)])
    simulation = Simulation(REGISTRY, found, recorded={n: [[["output", 3]]] for n in names})
    await simulation.run()
    assert simulation.detail["stats"]["node_count"] == 1500


async def test_the_wall_time_ends_a_run_that_waits() -> None:
    found = graph([("w", "WaitBlock", {"value": 1, "seconds": 3600}, {})], [])
    simulation = Simulation(REGISTRY, found, wall_time_ms=1000)
    await simulation.run()
    assert simulation.status == "FAILED"
    assert simulation.detail["failure"]["code"] == "wall_time"
    assert simulation.executions()["w"][0]["status"] == "FAILED"


@pytest.mark.parametrize(
    "raw", [{"retires": 3}, {"retries": -1}, {"on_error": "shrug"}, {"timeout_s": "soon"}, 7]
)
def test_a_policy_that_is_not_understood_names_the_node(raw: Any) -> None:
    found = one("FlakyBlock", {})
    nodes = [n.model_copy(update={"metadata": {"policy": raw}}) for n in found.nodes]
    with pytest.raises(GraphInvalidError, match="'n'"):
        Simulation(REGISTRY, found.model_copy(update={"nodes": nodes}))


async def test_a_cached_node_runs_once_for_the_same_input() -> None:
    policy = {"cache_s": 60, "retries": 3, "backoff_s": 0}
    first = await ran(one("FlakyBlock", policy))
    assert len(CALLS) == 3
    second = Simulation(REGISTRY, one("FlakyBlock", policy), cache=first.cache)
    await second.run()
    assert second.outputs() == {"result": [1]}
    assert len(CALLS) == 3
    third = Simulation(REGISTRY, one("FlakyBlock", policy, value=2), cache=first.cache)
    await third.run()
    assert len(CALLS) == 4


async def test_a_dry_run_calls_no_block_and_makes_outputs_up() -> None:
    found = one("FlakyBlock", {})
    simulation = await ran(found, dry_run=True)
    assert CALLS == []
    assert simulation.outputs() == {"result": [1]}


# --- people ---


REVIEW = graph(
    [
        ("h", "HumanInTheLoopBlock", {"data": {"a": 1}, "name": "check"}, {}),
        ("yes", OUT, {"name": "yes"}, {}),
        ("no", OUT, {"name": "no"}, {}),
        ("m", OUT, {"name": "message"}, {}),
    ],
    ["h.approved_data -> yes.value", "h.rejected_data -> no.value", "h.review_message -> m.value"],
)


def answer(simulation: Simulation, node: str, *, approved: bool, data: Any = None) -> Answer:
    return Answer(
        execution_id=simulation.execution_id,
        node_execution_id=derived(simulation.execution_id, node, 0),
        approved=approved,
        data=None if data is None else inline(data),
        message="as I see it",
        by="reviewer",
    )


async def test_a_review_waits_without_a_worker_and_goes_on_with_the_edited_data() -> None:
    simulation = await ran(REVIEW)
    assert simulation.status == "REVIEW"
    assert simulation.executions()["h"][0]["status"] == "REVIEW"
    first = answer(simulation, "h", approved=True, data={"a": 2})
    second = answer(simulation, "h", approved=False)
    simulation.inbox += [(simulation.execution_id, first), (simulation.execution_id, second)]
    await simulation.run()
    assert simulation.status == "COMPLETED"
    assert simulation.outputs() == {"yes": [{"a": 2}], "message": ["as I see it"]}


async def test_a_rejected_review_takes_the_other_branch() -> None:
    simulation = await ran(REVIEW)
    simulation.inbox.append((simulation.execution_id, answer(simulation, "h", approved=False, data={"a": 1})))
    await simulation.run()
    assert simulation.outputs() == {"no": [{"a": 1}], "message": ["as I see it"]}


async def test_a_review_that_nobody_answers_takes_the_default_branch() -> None:
    nodes = [n.model_copy(update={"metadata": {"policy": {"review_timeout_s": 60}}}) for n in REVIEW.nodes]
    simulation = await ran(REVIEW.model_copy(update={"nodes": nodes}))
    assert simulation.status == "COMPLETED"
    assert "no" in simulation.outputs()
    assert simulation.now >= 1_060_000


async def test_a_sensitive_block_runs_only_when_approved() -> None:
    simulation = await ran(one("DelicateBlock", {}), sensitive_action_safe_mode=True)
    assert simulation.status == "REVIEW"
    simulation.inbox.append(
        (simulation.execution_id, answer(simulation, "n", approved=True, data={"value": 4}))
    )
    await simulation.run()
    assert simulation.outputs() == {"result": [40]}
    refused = await ran(one("DelicateBlock", {}), sensitive_action_safe_mode=True)
    refused.inbox.append((refused.execution_id, answer(refused, "n", approved=False)))
    await refused.run()
    assert refused.outputs() == {"error": ["as I see it"]}
    assert refused.detail["verdict"]["result"] == "errors"
    assert (await ran(one("DelicateBlock", {}))).outputs() == {"result": [10]}


# --- stops ---


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


# --- sub-graphs ---


def family(child_nodes: list[NodeRow], child_links: list[str]) -> Graph:
    child = graph(child_nodes, child_links).model_dump(mode="json")
    child["id"] = "11111111-1111-4111-8111-111111111111"
    schema = {"type": "object", "properties": {"x": {}}, "required": ["x"]}
    agent = {
        "graph_id": child["id"],
        "graph_version": 1,
        "user_id": "u",
        "inputs": {},
        "input_schema": schema,
        "output_schema": {"type": "object", "properties": {"y": {}}},
    }
    nodes: list[NodeRow] = [
        ("v", "StoreValueBlock", {"input": 5}, {}),
        ("agent", "AgentExecutorBlock", agent, {}),
        ("o", OUT, {"name": "out"}, {}),
    ]
    return graph(nodes, ["v.output -> agent.x", "agent.y -> o.value"], sub_graphs=[child])


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
    child = derived(simulation.execution_id, "agent", 0, "child")
    assert load(child, simulation.rows) is not None
    simulation.inbox.append((simulation.execution_id, Stop(execution_id=simulation.execution_id, by="me")))
    await simulation.run()
    ended = load(child, simulation.rows)
    assert ended is not None
    assert isinstance(ended.head, End)
    assert ended.head.status == "TERMINATED"


# --- runs and leases ---


def finished(task: Run, run: int, value: Any, worker: str = "w") -> Finished:
    return Finished(
        execution_id=task.execution_id,
        node=task.node,
        k=task.k,
        run_id=derived(b"run", run),
        attempt=task.attempt,
        worker=f"{worker}{run}",
        at=0,
        elapsed_ms=0,
        outputs=[EmitMessage(pin="result", value=inline(value))],
    )


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
