"""`/api/v1/presets`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.executions.models import Ask, Chosen, ExecutionHead
from millstream.api.executions.router import IdempotencyKey, accepted
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.paging import LIMIT_DEFAULT, Cursor, CursorText, Limit, page
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.presets import service
from millstream.api.presets.repository import Preset, Presets, Saved
from millstream.api.state import EdgeDep
from millstream.schemas.errors import (
    ConflictError,
    GraphInvalidError,
    InputInvalidError,
    NotFoundError,
    QueueFullError,
    UnavailableError,
)

router = APIRouter(prefix="/api/v1/presets", tags=["presets"], route_class=EdgeRoute)

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["weekly report"])]
Text = Annotated[str, Field(max_length=10_000)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Inputs = Annotated[dict[str, Any], Field(description="Values by name of the graph's inputs.")]
Masks = Annotated[
    dict[str, dict[str, Any]], Field(description="Values by node id and pin, laid over what arrives there.")
]
Credentials = Annotated[Chosen, Field(description="Credentials by name of the graph's inputs for them.")]


class PresetIn(Ask):
    """A preset to be saved."""

    graph_id: UUID
    graph_version: Version | None = Field(
        None, description="Default: the version that is active when it is run."
    )
    name: Name
    description: Text = ""
    inputs: Inputs = Field(default_factory=dict)
    nodes_input_masks: Masks | None = None
    credentials_inputs: Credentials = Field(default_factory=dict)
    is_active: bool = True


class PresetChange(Ask):
    """What is changed of a preset. What is left out stays."""

    graph_version: Version | None = None
    name: Name = ""
    description: Text = ""
    inputs: Inputs = Field(default_factory=dict)
    nodes_input_masks: Masks | None = None
    credentials_inputs: Credentials = Field(default_factory=dict)
    is_active: bool = True


class RunPresetIn(Ask):
    """What this one run has otherwise than the preset."""

    inputs: Inputs = Field(default_factory=dict)
    credentials_inputs: Credentials = Field(default_factory=dict)
    dry_run: bool = False


class PresetOut(BaseModel):
    """A preset."""

    id: UUID
    user_id: UUID
    graph_id: UUID
    graph_version: int | None
    name: str
    description: str
    inputs: dict[str, Any]
    nodes_input_masks: dict[str, Any] | None
    credentials_inputs: dict[str, Any]
    is_active: bool
    created_at: datetime
    updated_at: datetime


class PresetPage(BaseModel):
    """A page of presets."""

    items: list[PresetOut]
    next_cursor: str | None


def shown(row: Preset) -> dict[str, Any]:
    """Return a preset as clients see it."""
    found = asdict(row)
    found["user_id"] = found.pop("account_id")
    return found


@router.post("", status_code=201, response_model=PresetOut, responses=documented(NotFoundError))
@require(Scope.WRITE_GRAPH)
async def create_preset(body: PresetIn, user: CurrentUser, conn: WriteConnection, edge: EdgeDep) -> Response:
    """Save inputs of a graph under a name."""
    saved = Saved(**body.model_dump())
    row = await service.add(edge, conn, saved, owner_id=user.account_id)
    return JsonAnswer(shown(row), 201, headers={"Location": f"/api/v1/presets/{row.id}"})


@router.get("", response_model=PresetPage)
@require(Scope.READ_GRAPH)
async def list_presets(
    user: CurrentUser,
    conn: ReadConnection,
    graph_id: UUID | None = None,
    cursor: CursorText = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """Return the caller's presets, newest first."""
    rows = await Presets(conn).list_(
        owner_id=user.account_id, graph_id=graph_id, cursor=Cursor.parse(cursor), limit=limit + 1
    )
    return JsonAnswer(
        page([shown(row) for row in rows], [Cursor(row.created_at, row.id) for row in rows], limit)
    )


@router.get("/{preset_id}", response_model=PresetOut, responses=documented(NotFoundError))
@require(Scope.READ_GRAPH)
async def get_preset(preset_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return one preset."""
    return JsonAnswer(shown(await Presets(conn).get(preset_id, owner_id=user.account_id)))


@router.patch("/{preset_id}", response_model=PresetOut, responses=documented(NotFoundError))
@require(Scope.WRITE_GRAPH)
async def update_preset(
    preset_id: UUID, body: PresetChange, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Change what is named of a preset; the rest stays."""
    changes = body.model_dump(exclude_unset=True)
    row = await service.change(edge, conn, preset_id, changes, owner_id=user.account_id)
    return JsonAnswer(shown(row))


@router.delete("/{preset_id}", status_code=204, responses=documented(NotFoundError))
@require(Scope.WRITE_GRAPH)
async def delete_preset(preset_id: UUID, user: CurrentUser, conn: WriteConnection) -> Response:
    """Remove a preset. Runs that were started with it stay."""
    await Presets(conn).delete(preset_id, owner_id=user.account_id)
    return Response(status_code=204)


@router.post(
    "/{preset_id}/execute",
    status_code=202,
    response_model=ExecutionHead,
    responses=documented(
        NotFoundError, GraphInvalidError, InputInvalidError, ConflictError, QueueFullError, UnavailableError
    ),
)
@require(Scope.EXECUTE_GRAPH)
async def execute_preset(
    preset_id: UUID,
    user: CurrentUser,
    edge: EdgeDep,
    body: RunPresetIn | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Run the graph of a preset. Inputs given here go over the saved ones, name by name."""
    given = body.model_dump(exclude_unset=True) if body else {}
    started, _ = await service.run(edge, preset_id, given, owner_id=user.account_id, key=idempotency_key)
    dry_run = body.dry_run if body else False
    return accepted(started, user.account_id, kind="graph", dry_run=dry_run, preset_id=preset_id)
