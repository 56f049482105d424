"""Executions as clients see them: rows of the read model in AutoGPT's form, with large values fetched or linked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from millstream.api.executions.reasons import of_execution, of_node
from millstream.api.executions.repository import Head, Whole
from millstream.api.executions.values import NodeRow, ValueRow, Values
from millstream.api.http.answers import Raw, dumps
from millstream.api.reasons import Reason
from millstream.api.views import MICROUSD_IN_A_CREDIT, put, value_path
from millstream.connectors.objects import Objects


class Resolver:
    """Fetches values by reference until the answer is long enough; then it gives links."""

    def __init__(self, objects: Objects, execution_id: UUID, room_bytes: int) -> None:
        self._objects = objects
        self._execution_id = execution_id
        self._room_bytes = room_bytes

    async def value(self, text: str | None, ref: dict[str, Any] | None, left_out: int | None = None) -> Any:
        """Return a value for the answer."""
        if left_out is not None:
            return {"$left_out": left_out}
        if ref is None:
            return Raw(b"null" if text is None else text.encode())
        if "unstorable" in ref:
            return {"$unstorable": ref["unstorable"]}
        size = int(ref.get("size") or 0)
        if size > self._room_bytes:
            path = value_path(self._execution_id, ref["key"])
            return {"$ref": path, "type": ref.get("type"), "size": size}
        self._room_bytes -= size
        return Raw(await self._objects.get(ref["key"]))

    async def document(self, text: str | None, slots: Iterable[dict[str, Any]] | None) -> Any:
        """Return an input with the large values in their places."""
        if text is None:
            return {}
        if not slots:
            return Raw(text.encode())
        places = {slot["path"]: await self.value(None, slot["ref"]) for slot in slots}
        return places[""] if "" in places else Raw(put(text.encode(), places))


def head(row: Head, reason: Reason | None, *, counted: int = 0) -> dict[str, Any]:
    """Return an execution without its values. `reason`: why it has not ended."""
    return {
        "id": row.id,
        "user_id": row.user_id,
        "graph_id": row.graph_id,
        "graph_version": row.graph_version,
        "kind": row.kind,
        "status": row.status,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "is_dry_run": row.is_dry_run,
        "parent_execution_id": row.parent_execution_id,
        "preset_id": row.preset_id,
        "stats": _stats(row, counted),
        "verdict": row.verdict,
        "failure": row.failure,
        "reason": reason,
    }


def _stats(row: Head, counted: int) -> dict[str, Any]:
    """AutoGPT's names, as far as we have the numbers. `counted`: node executions seen, while it still runs."""
    stats = row.stats or {}
    until = row.ended_at or datetime.now(UTC)
    duration = (until - row.started_at).total_seconds() if row.started_at else 0.0
    if "duration_ms" in stats:
        duration = stats["duration_ms"] / 1000
    return {
        "cost": stats.get("cost_microusd", 0) // MICROUSD_IN_A_CREDIT,
        "cost_microusd": stats.get("cost_microusd", 0),
        "duration": max(0.0, round(duration, 3)),
        "node_exec_count": stats.get("node_count", counted),
        "node_error_count": stats.get("node_error_count", 0),
        "error": (row.failure or {}).get("message"),
    }


async def outputs_of(values: Values, resolver: Resolver) -> dict[str, list[Any]]:
    """Return the values of an execution's outputs, by name."""
    outputs: dict[str, list[Any]] = {}
    for output in await values.execution_outputs():
        outputs.setdefault(output.name, []).append(
            await resolver.value(output.value, output.ref, output.left_out)
        )
    return outputs


async def whole(
    row: Whole, values: Values, resolver: Resolver, *, limit: int, offset: int, place: int | None
) -> dict[str, Any]:
    """Return an execution with its values and a page of its node executions. `place`: in the queue, if it is in it."""
    outputs = await outputs_of(values, resolver)
    nodes = await values.nodes(limit=limit + 1, offset=offset)
    more, nodes = len(nodes) > limit, nodes[:limit]
    ids = [node.id for node in nodes]
    waiting = _by_node(await values.inputs([node.id for node in nodes if node.input is None]))
    emitted = _by_node(await values.outputs(ids))
    request = row.request or {}
    return {
        **head(row, of_execution(row, nodes), counted=offset + len(nodes)),
        "inputs": await _inputs(request, resolver),
        "credential_inputs": request.get("credentials") or None,
        "nodes_input_masks": request.get("masks"),
        "outputs": outputs,
        "node_executions": [
            await _node(row, node, waiting.get(node.id, []), emitted.get(node.id, []), resolver)
            for node in nodes
        ],
        "next_node_offset": offset + limit if more else None,
        "sequence": row.sequence,
        **({} if place is None else {"reason": {"kind": "admission", "place": place}}),
    }


async def _inputs(request: dict[str, Any], resolver: Resolver) -> dict[str, Any]:
    given = dict(request.get("inputs") or {})
    for name, ref in (request.get("refs") or {}).items():
        given[name] = await resolver.value(None, ref)
    return {name: value if isinstance(value, Raw) else Raw(dumps(value)) for name, value in given.items()}


def _by_node(rows: list[ValueRow]) -> dict[UUID, list[ValueRow]]:
    found: dict[UUID, list[ValueRow]] = {}
    for row in rows:
        found.setdefault(row.node_execution_id, []).append(row)
    return found


async def _node(
    row: Head, node: NodeRow, waiting: list[ValueRow], emitted: list[ValueRow], resolver: Resolver
) -> dict[str, Any]:
    outputs: dict[str, list[Any]] = {}
    for each in emitted:
        outputs.setdefault(each.pin, []).append(await resolver.value(each.value, each.ref, each.left_out))
    inputs: Any = {each.pin: await resolver.value(each.value, each.ref, each.left_out) for each in waiting}
    if node.input_left_out is not None:
        inputs = {"$left_out": node.input_left_out}
    elif node.input is not None:
        inputs = await resolver.document(node.input, node.slots)
    return {
        "id": node.id,
        "node_exec_id": node.id,
        "node_id": node.node_id,
        "block_id": node.block_id,
        "user_id": row.user_id,
        "graph_id": row.graph_id,
        "graph_version": row.graph_version,
        "graph_exec_id": row.id,
        "status": node.status,
        "input_data": inputs,
        "output_data": outputs,
        "add_time": node.add_time,
        "queue_time": node.queue_time,
        "start_time": node.start_time,
        "end_time": node.end_time,
        "error": (node.failure or {}).get("message"),
        "failure": node.failure,
        "stats": node.stats,
        "reason": of_node(node),
    }
