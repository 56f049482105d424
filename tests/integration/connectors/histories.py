"""Random histories of executions, as the coordinator would write them, and what the tables must say in the end.

The model applies one delta after the other to dictionaries, in the plainest way: it shares no code with the sink.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from millstream.schemas.messages import Delta, Events, Payload, Slot

USER = UUID("00000000-0000-7000-8000-00000000000a")
GRAPH = UUID("00000000-0000-7000-8000-00000000000b")
VALUES = [
    "text",
    7,
    None,
    {"z": 1, "a": "\0"},
    [],
    "ü" * 300,
    {"nested": [1, {"b": "\u2028"}]},
    1.5,
    True,
    "",
]
BEGAN_MS = 1_795_000_000_000


def uuid_from(rng: random.Random) -> bytes:
    return rng.randbytes(16)


def payload(value: Any) -> Payload:
    data = json.dumps(value).encode()
    return Payload(inline=data, type="object" if isinstance(value, dict) else "string", size=len(data))


def reference(rng: random.Random) -> Payload:
    digest = rng.randbytes(32)
    return Payload(ref=f"values/u/{digest.hex()}", type="string", size=99_999, length=99_997, sha256=digest)


def ref_json(value: Payload) -> dict[str, Any]:
    return {
        "key": value.ref,
        "type": value.type,
        "size": value.size,
        "length": value.length,
        "sha256": value.sha256.hex() if value.sha256 else None,
        "key_id": value.key_id,
    }


@dataclass
class Story:
    """Deltas of one execution, in order, cut into records."""

    rng: random.Random
    execution_id: bytes
    deltas: list[Delta] = field(default_factory=list)
    now: int = BEGAN_MS

    def add(self, **fields: Any) -> None:
        self.now += self.rng.randint(0, 50)
        self.deltas.append(Delta(at=self.now, **fields))

    def records(self) -> list[Events]:
        found, first = [], 0
        while first < len(self.deltas):
            count = self.rng.randint(1, 5)
            found.append(self.record(first, self.deltas[first : first + count]))
            first += count
        return found

    def record(self, first: int, deltas: list[Delta]) -> Events:
        return Events(
            execution_id=self.execution_id,
            user_id=str(USER),
            graph_id=str(GRAPH),
            graph_version=3,
            first=first,
            deltas=deltas,
            at=BEGAN_MS,
        )


def story(rng: random.Random, nodes: int = 4) -> Story:
    """Tell one execution of `nodes` node executions, whose deltas are mixed."""
    told = Story(rng, uuid_from(rng))
    detail = {"inputs": {"b": 1, "a": "\ud83d\ude00"}, "plan": "00ff", "kind": "graph", "parent": None}
    told.add(kind="EXECUTION", status="QUEUED", detail=json.dumps(detail).encode())
    told.add(kind="EXECUTION", status="RUNNING")
    open_ = [_node(rng, number) for number in range(nodes)]
    while open_:
        lane = rng.choice(open_)
        told.add(**lane.pop(0))
        if not lane:
            open_.remove(lane)
    end: dict[str, Any] = {"stats": {"nodes": nodes}, "verdict": {"ok": True}}
    status = rng.choice(["COMPLETED", "FAILED", "TERMINATED"])
    if status == "FAILED":
        end["failure"] = {"code": "block_failed", "kind": "X", "message": "no", "retryable": False}
    told.add(kind="EXECUTION", status=status, detail=json.dumps(end).encode())
    return told


def _node(rng: random.Random, number: int) -> list[dict[str, Any]]:
    names = {
        "node_execution_id": uuid_from(rng),
        "node_id": f"node-{number}",
        "block_id": f"block-{number % 3}",
    }
    deltas: list[dict[str, Any]] = [
        {
            "kind": "INCOMPLETE",
            **names,
            "status": "INCOMPLETE",
            "pin": f"in{i}",
            "value": payload(rng.choice(VALUES)),
        }
        for i in range(rng.randint(0, 2))
    ]
    merged = {"value": rng.choice(VALUES), "other": rng.choice(VALUES)}
    queued: dict[str, Any] = {"kind": "QUEUED", **names, "status": "QUEUED"}
    if rng.random() < 0.3:
        queued["slots"] = [Slot(path="/value", value=reference(rng))]
        merged["value"] = None
    if rng.random() < 0.3:
        queued["pin"] = f"output-{number}"
    deltas.append(queued | {"value": payload(merged)})
    if rng.random() < 0.9:
        deltas.append({"kind": "RUNNING", **names, "status": "RUNNING"})
    for _ in range(rng.randint(0, 3)):
        value = reference(rng) if rng.random() < 0.2 else payload(rng.choice(VALUES))
        deltas.append({"kind": "OUTPUT", **names, "pin": rng.choice(["a", "b"]), "value": value})
    status = rng.choice(["COMPLETED", "COMPLETED", "FAILED", "TERMINATED"])
    detail: dict[str, Any] = {"stats": {"elapsed_ms": 3}, "started_at": BEGAN_MS + 5}
    if status == "FAILED":
        detail["failure"] = {"code": "internal", "kind": "Y", "message": "oh", "retryable": True}
    deltas.append({"kind": "NODE", **names, "status": status, "detail": json.dumps(detail).encode()})
    return deltas


# --- what must be in the tables ---------------------------------------------------------------------------------------


def _inline(value: Payload | None) -> Any:
    return json.loads(value.inline) if value is not None and value.inline is not None else None


def stories(rng: random.Random, count: int) -> tuple[list[Events], Model]:
    """Tell `count` executions side by side; return their records, mixed, and the outcome."""
    model, queues, records = Model(), [], []
    for _ in range(count):
        told = story(rng)
        model.tell(told)
        queues.append(told.records())
    while queues:
        queue = rng.choice(queues)
        records.append(queue.pop(0))
        if not queue:
            queues.remove(queue)
    return records, model


@dataclass
class Model:
    """The tables as dictionaries."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    inputs: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)
    outputs: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)
    execution_outputs: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)

    def tell(self, told: Story, *, until: int | None = None) -> None:
        """Apply the deltas of a story, all or the first `until`."""
        execution = str(UUID(bytes=told.execution_id))
        for sequence, delta in enumerate(told.deltas[:until]):
            self._apply(execution, sequence, delta)

    def _apply(self, execution: str, sequence: int, delta: Delta) -> None:
        detail = json.loads(delta.detail) if delta.detail else {}
        row = self.executions.setdefault(
            execution, {"request": None, "started": None, "ended": None, "end": {}}
        )
        row["sequence"] = sequence
        if delta.kind == "EXECUTION":
            row["status"] = delta.status
            if sequence == 0:
                row["request"] = {"inputs": detail["inputs"], "plan": detail["plan"]}
            elif delta.status == "RUNNING":
                row["started"] = delta.at
            else:
                row["ended"], row["end"] = delta.at, detail
            return
        id_ = str(UUID(bytes=delta.node_execution_id or b""))
        value, ref = _inline(delta.value), ref_json(delta.value) if delta.value and delta.value.ref else None
        if delta.kind == "OUTPUT":
            self.outputs[execution, sequence] = (id_, delta.pin, value, ref)
            return
        node = self.nodes.setdefault(
            id_, {"node_id": delta.node_id, "block_id": delta.block_id, "created": sequence}
        )
        node |= {"status": delta.status, "sequence": sequence, "execution": execution}
        if delta.kind == "INCOMPLETE":
            node.setdefault("added", delta.at)
            self.inputs[execution, sequence] = (id_, delta.pin, value, ref)
        elif delta.kind == "QUEUED":
            node.setdefault("added", delta.at)
            slots = [{"path": slot.path, "ref": ref_json(slot.value)} for slot in delta.slots]
            node |= {"queued": delta.at, "input": value, "slots": slots or None}
            self.inputs = {key: row for key, row in self.inputs.items() if row[0] != id_}
            if delta.pin is not None:
                large = slots[0]["ref"] if slots else None
                given = None if large else value["value"]
                self.execution_outputs[execution, sequence] = (delta.pin, given, large)
        elif delta.kind == "RUNNING":
            node["started"] = delta.at
        else:
            node["ended"] = delta.at
            node.setdefault("started", detail["started_at"])
            node |= {"failure": detail.get("failure"), "stats": detail["stats"]}


_MS = "(extract(epoch from {}) * 1000)::bigint"
_EXECUTIONS = f"""
SELECT id::text, status, sequence, request, {_MS.format("started_at")}, {_MS.format("ended_at")}, stats, verdict, failure
FROM executions"""
_NODES = f"""
SELECT id::text, execution_id::text, node_id, block_id, status, input, slots, {_MS.format("add_time")},
    {_MS.format("queue_time")}, {_MS.format("start_time")}, {_MS.format("end_time")}, failure, stats, created_seq,
    sequence
FROM node_executions"""


def expected(model: Model) -> dict[str, Any]:
    """Return the model in the form of `stored`."""
    return {
        "executions": {
            id_: (r["status"], r["sequence"], r["request"], r["started"], r["ended"])
            + tuple(r["end"].get(name) for name in ("stats", "verdict", "failure"))
            for id_, r in model.executions.items()
        },
        "nodes": {
            id_: tuple(
                n.get(name)
                for name in (
                    *("execution", "node_id", "block_id", "status", "input", "slots", "added", "queued"),
                    *("started", "ended", "failure", "stats", "created", "sequence"),
                )
            )
            for id_, n in model.nodes.items()
        },
        "inputs": model.inputs,
        "outputs": model.outputs,
        "execution_outputs": model.execution_outputs,
    }


def stored(dsn: str) -> dict[str, Any]:
    """Read all that the sink has written."""
    with psycopg.connect(dsn) as conn:

        def values(table: str, columns: str) -> dict[tuple[str, int], tuple[Any, ...]]:
            query = f"SELECT execution_id::text, sequence, {columns} FROM {table}"
            return {(row[0], row[1]): row[2:] for row in conn.execute(query.encode()).fetchall()}

        return {
            "executions": {row[0]: row[1:] for row in conn.execute(_EXECUTIONS.encode()).fetchall()},
            "nodes": {row[0]: row[1:] for row in conn.execute(_NODES.encode()).fetchall()},
            "inputs": values("node_inputs", "node_execution_id::text, pin, value, ref"),
            "outputs": values("node_outputs", "node_execution_id::text, pin, value, ref"),
            "execution_outputs": values("execution_outputs", "name, value, ref"),
        }
