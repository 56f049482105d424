"""Messages that the tests of lane and coordinator send, and how their answers are read."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

import orjson

from millstream.schemas.codec import decode, encode
from millstream.schemas.errors import RecordInvalidError
from millstream.schemas.graph import parse_graph
from millstream.schemas.messages import DeadLetter, Events, Run, Start
from millstream.streams.plan import compile_plan
from millstream.topics.catalogue import DEAD_LETTERS, EVENTS, INBOX, PARTITIONS, tasks
from tests.integration.streams.engine import REGISTRY, broken, gated, paid
from tests.integration.streams.kit import Kit

USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"
BLOCKS = {"gated": gated.spec.id, "paid": paid.spec.id, "broken": broken.spec.id}


def lane_of(bench: Kit) -> str:
    """Make the task topic of a lane of this test alone; returns the lane."""
    bench.make(tasks(bench.name).name, PARTITIONS)
    return bench.name


def task(value: str, *, gate: str = "", block: str = "gated") -> Run:
    return Run(
        execution_id=uuid.uuid4().bytes,
        node_execution_id=uuid.uuid4().bytes,
        node=0,
        k=0,
        user_id=USER,
        graph_id=USER,
        graph_version=1,
        node_id="n",
        block_id=BLOCKS.get(block, block),
        input=orjson.dumps(
            {"value": value, "gate": gate} if block in ("gated", "paid") else {"value": value}
        ),
    )


def give(bench: Kit, lane: str, runs: list[Run], partitions: int = PARTITIONS) -> None:
    """Produce tasks, in turn over the partitions."""
    for number, run in enumerate(runs):
        bench.put(tasks(lane).name, encode(run), run.node_execution_id, number % partitions)
    bench.flush()


def start(value: str = "x") -> Start:
    """A Start of a run with one gated node."""
    node = {"id": "n", "block_id": gated.spec.id, "input_default": {"value": value, "gate": ""}}
    graph = parse_graph({"name": "g", "description": "", "nodes": [node], "links": []})
    plan = compile_plan(graph, {spec.id: spec for spec in REGISTRY.specs()})
    return Start(
        execution_id=uuid.uuid4().bytes,
        user_id=USER,
        graph_id=USER,
        graph_version=1,
        plan_hash=plan.hash,
        plan=plan.data,
    )


def tell(bench: Kit, *messages: Any) -> None:
    """Produce messages to the inbox."""
    for message in messages:
        bench.put(INBOX.name, encode(message), message.execution_id)
    bench.flush()


def said(bench: Kit, topic: str, kind: type, execution_ids: set[bytes]) -> list[Any]:
    """Return the messages of a kind about these executions."""
    found = []
    for record in bench.read(topic):
        with contextlib.suppress(RecordInvalidError):  # poison of other tests
            message = decode(record.value())
            if isinstance(message, kind) and message.execution_id in execution_ids:  # type: ignore[attr-defined]
                found.append(message)
    return found


def statuses(bench: Kit, execution_id: bytes) -> list[str]:
    """Return the statuses of an execution, in order."""
    events = [e for e in said(bench, EVENTS.name, Events, {execution_id})]
    return [d.status for e in events for d in e.deltas if d.kind == "EXECUTION" and d.status]


def letters(bench: Kit, topic: str) -> list[DeadLetter]:
    """Return the dead letters about records of a topic."""
    found = [decode(record.value()) for record in bench.read(DEAD_LETTERS.name)]
    return [letter for letter in found if isinstance(letter, DeadLetter) and letter.topic == topic]
