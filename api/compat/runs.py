"""AutoGPT's forms of executions, made of ours."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from millstream.api.auth.principal import Principal
from millstream.api.database import Connection
from millstream.api.executions import shown
from millstream.api.executions.repository import Executions, Head, Whole
from millstream.api.executions.service import Started
from millstream.api.executions.values import Values
from millstream.api.shares import links
from millstream.api.shares.repository import Shares
from millstream.api.state import Edge
from millstream.schemas.errors import NotFoundError

NODES_MOST = 1000
_NODE = (
    "user_id",
    "graph_id",
    "graph_version",
    "graph_exec_id",
    "node_exec_id",
    "node_id",
    "block_id",
    "status",
    "input_data",
    "output_data",
    "add_time",
    "queue_time",
    "start_time",
    "end_time",
)


async def of_graph(conn: Connection, graph_id: UUID, execution_id: UUID, user: Principal) -> Whole:
    """Read a run of a graph. Errors: NotFoundError, also if it is another graph's."""
    row = await Executions(conn).get(execution_id, owner_id=user.account_id)
    if row.graph_id != graph_id:
        raise NotFoundError(f"There is no execution {execution_id} of graph {graph_id}.")
    return row


def meta(row: Head, *, token: str | None = None) -> dict[str, Any]:
    """Return AutoGPT's GraphExecutionMeta, without inputs."""
    stats = shown.head(row, None)["stats"]
    return {
        "id": row.id,
        "user_id": row.user_id,
        "graph_id": row.graph_id,
        "graph_version": row.graph_version,
        "inputs": None,
        "credential_inputs": None,
        "nodes_input_masks": None,
        "preset_id": row.preset_id,
        "status": row.status,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "is_shared": token is not None,
        "share_token": token,
        "is_dry_run": row.is_dry_run,
        "stats": {name: value for name, value in stats.items() if name != "cost_microusd"},
    }


def begun(started: Started, user: Principal, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the meta of a run that was just accepted."""
    return {
        "id": started.id,
        "user_id": user.account_id,
        "graph_id": started.graph_id,
        "graph_version": started.graph_version,
        "inputs": inputs,
        "credential_inputs": None,
        "nodes_input_masks": None,
        "preset_id": None,
        "status": started.status,
        "started_at": None,
        "ended_at": None,
        "is_shared": False,
        "share_token": None,
        "is_dry_run": False,
        "stats": None,
        **more,
    }


async def whole(conn: Connection, edge: Edge, row: Whole) -> dict[str, Any]:
    """Return AutoGPT's GraphExecutionWithNodes, with at most 1,000 nodes."""
    room = edge.settings.limits.answer_bytes
    found = await shown.whole(
        row,
        Values(conn, row.id, room_bytes=room),
        shown.Resolver(edge.objects, row.id, room),
        limit=NODES_MOST,
        offset=0,
        place=None,
    )
    share = await Shares(conn).find_of(row.id)
    return {
        **meta(row, token=None if share is None else links.token_of(edge.auth.root, share)),
        "inputs": found["inputs"],
        "credential_inputs": found["credential_inputs"],
        "nodes_input_masks": found["nodes_input_masks"],
        "outputs": found["outputs"],
        "node_executions": [{name: node[name] for name in _NODE} for node in found["node_executions"]],
    }
