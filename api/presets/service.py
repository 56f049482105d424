"""What is decided about presets: whose graph one may be of, and what runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from millstream.api.credentials import confide
from millstream.api.database import Connection
from millstream.api.executions import service as executions
from millstream.api.executions.models import ExecuteIn
from millstream.api.graphs.repository import Graphs
from millstream.api.graphs.service import with_sub_graphs
from millstream.api.presets.repository import Preset, Presets, Saved
from millstream.api.state import Edge
from millstream.schemas.errors import ConflictError


async def add(edge: Edge, conn: Connection, saved: Saved, *, owner_id: UUID) -> Preset:
    """Save a preset, its secrets sealed. Errors: NotFoundError: there is no such graph, or version; InputInvalidError."""
    saved = await _sealed(edge, conn, saved, owner_id=owner_id)
    return await Presets(conn).add(saved, owner_id=owner_id)


async def change(
    edge: Edge, conn: Connection, preset_id: UUID, changes: dict[str, Any], *, owner_id: UUID
) -> Preset:
    """Change what is named. Errors: NotFoundError: no such preset, or no such version of its graph; InputInvalidError."""
    presets = Presets(conn)
    row = await presets.get(preset_id, owner_id=owner_id, lock=True)
    now = Saved(**{name: getattr(row, name) for name in Saved.__slots__})
    wanted = replace(now, **changes)
    if wanted.graph_version is not None or {"inputs", "nodes_input_masks"} & changes.keys():
        wanted = await _sealed(edge, conn, wanted, owner_id=owner_id)
    return await presets.update(preset_id, wanted, owner_id=owner_id)


async def _sealed(edge: Edge, conn: Connection, saved: Saved, *, owner_id: UUID) -> Saved:
    """Return it with references in the places of secrets. Errors: NotFoundError: there is no such graph, or version."""
    graphs = Graphs(conn)
    row = await graphs.get(saved.graph_id, owner_id=owner_id, version=saved.graph_version)
    graph = await with_sub_graphs(graphs, row)
    inputs, masks = await confide.for_preset(
        conn,
        edge.vault,
        graph,
        edge.specs,
        inputs=saved.inputs,
        masks=saved.nodes_input_masks,
        owner_id=owner_id,
    )
    return replace(saved, inputs=inputs, nodes_input_masks=masks)


async def run(
    edge: Edge,
    preset_id: UUID,
    overrides: dict[str, Any],
    *,
    owner_id: UUID,
    key: str | None = None,
) -> tuple[executions.Started, Preset]:
    """Start the graph of a preset; inputs and credentials in `overrides` go over the saved ones, name by name.

    Errors: as starting a graph; ConflictError: the preset is switched off.
    """
    async with edge.pool.connection() as conn:
        row = await Presets(conn).get(preset_id, owner_id=owner_id)
    digest = executions.digest_of(f"preset {preset_id}", overrides)
    started = await executions.find_repeated(edge, key, digest, owner_id=owner_id)
    if started is not None:
        return started, row
    if not row.is_active:
        raise ConflictError(f"The preset {row.name!r} is switched off.")
    body = {
        "version": row.graph_version,
        "nodes_input_masks": row.nodes_input_masks,
        **overrides,
        "inputs": row.inputs | overrides.get("inputs", {}),
        "credentials_inputs": row.credentials_inputs | overrides.get("credentials_inputs", {}),
    }
    wish = ExecuteIn.model_validate(body)
    wanted = await executions.prepare(edge, row.graph_id, wish, owner_id=owner_id)
    wanted = replace(wanted, preset_id=preset_id)
    return await executions.start(edge, wanted, owner_id=owner_id, digest=digest, key=key), row
