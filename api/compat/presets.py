"""`/api/library/presets`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import models, runs
from millstream.api.compat.executions import invalid
from millstream.api.compat.paging import PageDep
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.database import Connection, ReadConnection, WriteConnection
from millstream.api.executions.repository import Executions
from millstream.api.graphs.repository import Graphs
from millstream.api.http.answers import JsonAnswer
from millstream.api.presets import service
from millstream.api.presets.repository import Preset, Presets, Saved
from millstream.api.state import EdgeDep
from millstream.schemas.errors import GraphInvalidError, InputInvalidError

router = APIRouter(
    prefix="/api/library/presets", tags=["AutoGPT: presets"], route_class=CompatRoute, responses=REFUSALS
)


async def _shown(conn: Connection, row: Preset) -> dict[str, Any]:
    version = row.graph_version
    if version is None:
        version = (await Graphs(conn).get_active(row.graph_id, owner_id=row.account_id)).version
    return {
        "graph_id": row.graph_id,
        "graph_version": version,
        "inputs": row.inputs,
        "credentials": row.credentials_inputs,
        "name": row.name,
        "description": row.description,
        "is_active": row.is_active,
        "webhook_id": None,
        "id": row.id,
        "user_id": row.account_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "webhook": None,
    }


@router.get("", response_model=models.PagedPresets)
@require(Scope.READ_GRAPH)
async def autogpt_list_presets(
    graph_id: UUID, user: CurrentUser, conn: ReadConnection, page: PageDep
) -> Response:
    """Return the presets of a graph, newest first."""
    await Graphs(conn).get(graph_id, owner_id=user.account_id)
    presets = Presets(conn)
    rows = await presets.list_(
        owner_id=user.account_id, graph_id=graph_id, cursor=None, limit=page.size, offset=page.offset
    )
    total = await presets.count(graph_id, owner_id=user.account_id)
    return JsonAnswer({"presets": [await _shown(conn, row) for row in rows], "pagination": page.of(total)})


@router.post("", response_model=models.Preset)
@require(Scope.WRITE_GRAPH)
async def autogpt_create_preset(
    body: models.PresetRequest, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Save inputs of a graph, or (`graph_execution_id`) those of a run."""
    graph_id, version, inputs, masks = body.graph_id, body.graph_version, body.inputs, None
    if body.graph_execution_id is not None:
        row = await Executions(conn).get(body.graph_execution_id, owner_id=user.account_id)
        request = row.request or {}
        if request.get("refs"):
            raise InputInvalidError("An input of this run is too large for a preset; give it as a file.")
        graph_id, version, inputs, masks = (
            row.graph_id,
            row.graph_version,
            request.get("inputs") or {},
            request.get("masks"),
        )
    if graph_id is None:
        raise InputInvalidError("Give `graph_id` and `graph_version`, or `graph_execution_id`.")
    saved = Saved(
        graph_id=graph_id,
        graph_version=version,
        name=body.name,
        description=body.description,
        inputs=inputs,
        nodes_input_masks=masks,
        credentials_inputs=body.credentials,
        is_active=body.is_active,
    )
    made = await service.add(edge, conn, saved, owner_id=user.account_id)
    return JsonAnswer(await _shown(conn, made))


@router.get("/{preset_id}", response_model=models.Preset)
@require(Scope.READ_GRAPH)
async def autogpt_get_preset(preset_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return one preset."""
    return JsonAnswer(await _shown(conn, await Presets(conn).get(preset_id, owner_id=user.account_id)))


@router.patch("/{preset_id}", response_model=models.Preset)
@require(Scope.WRITE_GRAPH)
async def autogpt_update_preset(
    preset_id: UUID, body: models.PresetUpdate, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Change what is given of a preset."""
    changes = body.model_dump(exclude_none=True)
    if "credentials" in changes:
        changes["credentials_inputs"] = changes.pop("credentials")
    row = await service.change(edge, conn, preset_id, changes, owner_id=user.account_id)
    return JsonAnswer(await _shown(conn, row))


@router.delete("/{preset_id}", status_code=204)
@require(Scope.WRITE_GRAPH)
async def autogpt_delete_preset(preset_id: UUID, user: CurrentUser, conn: WriteConnection) -> Response:
    """Remove a preset."""
    await Presets(conn).delete(preset_id, owner_id=user.account_id)
    return Response(status_code=204)


@router.post("/{preset_id}/execute", response_model=models.RunMeta)
@require(Scope.EXECUTE_GRAPH)
async def autogpt_execute_preset(
    preset_id: UUID, user: CurrentUser, edge: EdgeDep, body: models.PresetRunRequest | None = None
) -> Response:
    """Run a preset; inputs given here go over its own."""
    given = body or models.PresetRunRequest()
    overrides = {"inputs": given.inputs, "credentials_inputs": given.credential_inputs}
    try:
        started, row = await service.run(edge, preset_id, overrides, owner_id=user.account_id)
    except GraphInvalidError as error:
        return JsonAnswer({"detail": invalid(error)}, 400)
    inputs = row.inputs | given.inputs
    return JsonAnswer(runs.begun(started, user, inputs, preset_id=preset_id))
