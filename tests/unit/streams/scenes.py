"""Blocks, graphs and messages for tests of what happens to an execution."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from millstream import Context, Emit, Outputs, block
from millstream.processors.registry import Registry, load_registry
from millstream.processors.sdk import Block
from millstream.schemas.errors import UpstreamError
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.ids import derived
from millstream.schemas.messages import (
    Answer,
    Finished,
    Flags,
    Run,
)
from millstream.schemas.messages import (
    Emit as EmitMessage,
)
from millstream.streams.readiness import inline
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


async def ran(found: Graph, inputs: dict[str, Any] | None = None, **flags: Any) -> Simulation:
    simulation = Simulation(REGISTRY, found, inputs or {}, flags=Flags(**flags))
    await simulation.run()
    return simulation


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
