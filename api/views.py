"""What clients see of an execution and of its nodes, in AutoGPT's shapes; values stay the JSON bytes that they came as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from millstream.api import reasons
from millstream.api.http.answers import Raw, dumps
from millstream.api.reasons import FINAL
from millstream.schemas.messages import Delta, Payload, Slot

__all__ = ["FINAL", "ExecutionView", "NodeView"]

MICROUSD_IN_A_CREDIT = 10_000
"""AutoGPT counts credits: a cent each."""


def iso(at_ms: int | None) -> str | None:
    """Return Unix milliseconds as ISO 8601 in UTC."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def value_path(execution_id: UUID, ref: str) -> str:
    """Return where a client can download a value that travels by reference."""
    return f"/api/v1/executions/{execution_id}/values/{ref}"


def marker(execution_id: UUID, value: Payload) -> dict[str, Any]:
    """Return what stands for a value that is not in the answer."""
    assert value.ref is not None
    return {"$ref": value_path(execution_id, value.ref), "type": value.type, "size": value.size}


def plain(execution_id: UUID, value: Payload) -> bytes:
    """Return a value's JSON, or its marker's."""
    return value.inline if value.inline is not None else dumps(marker(execution_id, value))


def filled(execution_id: UUID, data: bytes, slots: Iterable[Slot]) -> bytes:
    """Return a document with markers in the places of its large values."""
    places = {slot.path: marker(execution_id, slot.value) for slot in slots}
    return put(data, places) if places else data


def put(data: bytes, places: Mapping[str, Any]) -> bytes:
    """Return a JSON document with values put at RFC 6901 pointers. Places that are not there are passed over."""
    document = orjson.loads(data)
    for path, value in places.items():
        *parents, last = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
        holder = document
        try:
            for step in parents:
                holder = holder[int(step) if isinstance(holder, list) else step]
            holder[int(last) if isinstance(holder, list) else last] = value
        except (KeyError, IndexError, ValueError, TypeError):
            continue
    return dumps(document)


def shortened(values: list[bytes], limit_bytes: int) -> list[Any]:
    """Return values for a frame: whole if they fit, else cut from the middle, each value and then the list."""
    if sum(map(len, values)) <= limit_bytes:
        return [Raw(value) for value in values]
    piece = max(256, limit_bytes // 8)
    short = [value if len(value) <= piece else dumps(_cut(value, piece)) for value in values]
    head: list[bytes] = []
    tail: list[bytes] = []
    room = limit_bytes
    for turn in range(len(short)):
        end, value = (head, short[turn // 2]) if turn % 2 == 0 else (tail, short[-1 - turn // 2])
        room -= len(value)
        if room < 0:
            break
        end.append(value)
    left_out = len(short) - len(head) - len(tail)
    gap = [f"... {left_out} values left out; GET the execution for all ..."] if left_out else []
    return [*map(Raw, head), *gap, *map(Raw, reversed(tail))]


def _cut(value: bytes, limit_bytes: int) -> str:
    half = limit_bytes // 2
    left_out = len(value) - 2 * half
    return f"{value[:half].decode(errors='ignore')}... {left_out} bytes left out ...{value[-half:].decode(errors='ignore')}"


@dataclass(slots=True, kw_only=True)
class NodeView:
    """One node execution."""

    execution_id: UUID
    node_execution_id: UUID
    node_id: str
    block_id: str = ""
    status: str = "INCOMPLETE"
    inputs: dict[str, bytes] = field(default_factory=dict)
    """Values by pin while it waits."""
    input: bytes | None = None
    """The whole input, once it is queued."""
    outputs: dict[str, list[bytes]] = field(default_factory=dict)
    add_time: int | None = None
    queue_time: int | None = None
    start_time: int | None = None
    end_time: int | None = None
    reason: dict[str, Any] | None = None
    """As the last event that could have one gave it."""
    failure: dict[str, Any] | None = None

    def why(self, now: int) -> dict[str, Any] | None:
        """Return why it is not done yet."""
        times = {"queued_at": self.queue_time, "started_at": self.start_time}
        return reasons.of_node(self.status, self.reason, now=now, **times)

    def arrived(self, pin: str, value: Payload) -> None:
        """Take in a value of a node execution that waits for more."""
        self.inputs[pin] = plain(self.execution_id, value)

    def queued(self, delta: Delta, at: int) -> None:
        """Take in the whole input."""
        self.status, self.queue_time = "QUEUED", at
        self.inputs = {}
        if delta.value is not None:
            data = plain(self.execution_id, delta.value)
            self.input = filled(self.execution_id, data, delta.slots)

    def running(self, at: int) -> None:
        """It runs: for the first time, or again."""
        self.status = "RUNNING"
        self.start_time = self.start_time or at

    def emitted(self, pin: str, value: Payload) -> None:
        """Take in an output."""
        self.outputs.setdefault(pin, []).append(plain(self.execution_id, value))

    def shown(self, now: int, limit_bytes: int) -> dict[str, Any]:
        """Return AutoGPT's node execution, without what is the same for all nodes of the execution."""
        half = limit_bytes // 2
        share = half // max(1, len(self.outputs))
        if self.input is not None:
            [input_data] = shortened([self.input], half)
            if len(self.input) > half:
                input_data = {"shortened": input_data}
        else:
            share_in = half // max(1, len(self.inputs))
            input_data = {pin: shortened([value], share_in)[0] for pin, value in self.inputs.items()}
        return {
            "node_exec_id": str(self.node_execution_id),
            "node_id": self.node_id,
            "block_id": self.block_id,
            "status": self.status,
            "input_data": input_data,
            "output_data": {pin: shortened(values, share) for pin, values in self.outputs.items()},
            "add_time": iso(self.add_time),
            "queue_time": iso(self.queue_time),
            "start_time": iso(self.start_time),
            "end_time": iso(self.end_time),
            "error": (self.failure or {}).get("message"),
            "failure": self.failure,
            "reason": self.why(now),
        }


@dataclass(slots=True, kw_only=True)
class ExecutionView:
    """One execution."""

    id: UUID
    user_id: str
    graph_id: str
    graph_version: int
    status: str = "QUEUED"
    started_at: int | None = None
    ended_at: int | None = None
    inputs: Any = field(default_factory=dict)
    outputs: dict[str, list[bytes]] = field(default_factory=dict)
    masks: Any = None
    dry_run: bool = False
    node_count: int = 0
    error_count: int = 0
    node_time_ms: int = 0
    cost_microusd: int = 0
    error: str | None = None
    verdict: dict[str, Any] | None = None
    reason: dict[str, Any] | None = None

    def on_status(self, delta: Delta, at: int) -> None:
        """Take in an event of the execution itself."""
        detail: dict[str, Any] = {} if delta.detail is None else orjson.loads(delta.detail)
        self.status = delta.status or self.status
        self.reason = detail.get("reason")
        if "inputs" in detail:
            self.inputs = {name: self._linked(value) for name, value in detail["inputs"].items()}
        if self.status == "RUNNING":
            self.started_at = self.started_at or at
        if self.status in FINAL:
            self.ended_at = at
            self.verdict = detail.get("verdict")
            self.error = (detail.get("failure") or {}).get("message")
            self.node_count = detail.get("stats", {}).get("node_count", self.node_count)
            self.cost_microusd = detail.get("stats", {}).get("cost_microusd", 0)

    def _linked(self, value: Any) -> Any:
        """Events name a large input by its key in the object store; clients get a path."""
        key = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(key, str) or not key.startswith(f"values/{self.user_id}/"):
            return value
        return {**value, "$ref": value_path(self.id, key)}

    def on_node_ended(self, detail: Mapping[str, Any], *, failed: bool) -> None:
        """Count a node execution that has ended."""
        self.node_count += 1
        self.error_count += failed
        self.node_time_ms += int((detail.get("stats") or {}).get("elapsed_ms") or 0)

    def stats(self, now: int) -> dict[str, Any]:
        """Return AutoGPT's statistics, as far as we have them."""
        node_time_s = self.node_time_ms / 1000
        duration_s = max(0, (self.ended_at or now) - self.started_at) / 1000 if self.started_at else 0.0
        return {
            "cost": self.cost_microusd // MICROUSD_IN_A_CREDIT,
            "duration": duration_s,
            "duration_cpu_only": 0.0,
            "node_exec_time": node_time_s,
            "node_exec_time_cpu_only": 0.0,
            "node_exec_count": self.node_count,
            "node_error_count": self.error_count,
            "error": self.error,
            "activity_status": None,
            "correctness_score": None,
        }

    def shown(
        self, now: int, limit_bytes: int, *, whole: bool, nodes: Iterable[NodeView] = ()
    ) -> dict[str, Any]:
        """Return AutoGPT's graph execution; `whole`: with inputs and outputs, which the many small updates lack.

        `nodes`: open node executions, for the reason.
        """
        whys = [node.why(now) for node in nodes]
        share = limit_bytes // 2 // max(1, len(self.outputs))
        inputs = Raw(dumps(self.inputs)) if whole else {}
        outputs = {name: shortened(values, share) for name, values in self.outputs.items()} if whole else {}
        return {
            "id": str(self.id),
            "user_id": self.user_id,
            "graph_id": self.graph_id,
            "graph_version": self.graph_version,
            "inputs": inputs,
            "credential_inputs": None,
            "nodes_input_masks": self.masks,
            "preset_id": None,
            "status": self.status,
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "is_shared": False,
            "share_token": None,
            "is_dry_run": self.dry_run,
            "stats": self.stats(now),
            "outputs": outputs,
            "verdict": self.verdict,
            "reason": reasons.of_execution(self.status, self.reason, whys, started_at=self.started_at),
        }
