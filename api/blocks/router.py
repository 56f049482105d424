"""`/api/v1/blocks`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.blocks import service
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.state import EdgeDep
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import (
    BlockDisabledError,
    BlockError,
    BlockUnknownError,
    QueueFullError,
    UnavailableError,
)

router = APIRouter(prefix="/api/v1/blocks", tags=["blocks"], route_class=EdgeRoute)


class BlockOut(BaseModel):
    """A block in AutoGPT's form."""

    id: str
    name: str
    description: str
    categories: list[dict[str, str]]
    inputSchema: dict[str, Any]
    outputSchema: dict[str, Any]
    staticOutput: bool
    uiType: str
    contributors: list[dict[str, str]]
    costs: list[dict[str, Any]]
    lane: str
    sensitive: bool
    version: str
    revision: str


class RunIn(BaseModel):
    """Inputs of a block, by pin."""

    model_config = ConfigDict(extra="forbid")

    inputs: dict[str, Any] = Field(default_factory=dict)


class RanOut(BaseModel):
    """What a block emitted, in order: `[pin, value]` pairs."""

    id: UUID
    status: str
    outputs: list[tuple[str, Any]]


def shown(spec: BlockSpec) -> dict[str, Any]:
    """Return a block as clients see it."""
    return {
        "id": spec.id,
        "name": spec.name,
        "description": spec.description,
        "categories": [{"category": name, "description": ""} for name in spec.categories],
        "inputSchema": spec.input_schema,
        "outputSchema": spec.output_schema,
        "staticOutput": spec.static_output,
        "uiType": spec.kind,
        "contributors": [],
        "costs": [msgspec.structs.asdict(cost) for cost in spec.costs],
        "lane": spec.lane,
        "sensitive": spec.sensitive,
        "version": spec.version,
        "revision": spec.revision,
    }


@router.get(
    "", response_model=list[BlockOut], responses={304: {"description": "They are those of `If-None-Match`."}}
)
@require(Scope.READ_BLOCK)
async def list_blocks(
    _: CurrentUser, edge: EdgeDep, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Return all blocks that can be used here, by name."""
    headers = {"ETag": f'"{edge.specs.etag}"', "Cache-Control": "private, no-cache"}
    if if_none_match is not None and edge.specs.etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return JsonAnswer([shown(spec) for spec in edge.specs.values() if not spec.disabled], headers=headers)


@router.get("/{block_id}", response_model=BlockOut, responses=documented(BlockUnknownError))
@require(Scope.READ_BLOCK)
async def get_block(block_id: str, _: CurrentUser, edge: EdgeDep) -> Response:
    """Return one block."""
    spec = edge.specs.get(block_id)
    if spec is None:
        raise BlockUnknownError(f"No block has the id {block_id!r} here; GET /api/v1/blocks lists them.")
    return JsonAnswer(shown(spec))


@router.post(
    "/{block_id}/execute",
    response_model=RanOut,
    responses={
        **documented(BlockError, BlockUnknownError, BlockDisabledError, QueueFullError, UnavailableError),
        202: {"model": RanOut, "description": "It still runs, or waits for a person; GET the execution."},
    },
)
@require(Scope.EXECUTE_BLOCK)
async def execute_block(
    block_id: str,
    body: RunIn,
    user: CurrentUser,
    edge: EdgeDep,
    wait_s: Annotated[float | None, Query(ge=0, le=600, description="Longest wait; default 60 s.")] = None,
) -> Response:
    """Run one block and return what it emitted. Inputs are taken as they are, without conversion."""
    spec = service.get_enabled(edge, block_id)
    longest = edge.settings.limits.block_wait_s if wait_s is None else wait_s
    ran = await service.run(edge, spec, body.inputs, owner_id=user.account_id, wait_s=longest)
    outputs = await service.shown_outputs(edge, ran)
    if ran.failure is not None or ran.status in ("FAILED", "TERMINATED"):
        raise service.failure_of(ran, outputs)
    answer = {"id": ran.id, "status": ran.status, "outputs": outputs}
    where = {"Location": f"/api/v1/executions/{ran.id}"}
    return JsonAnswer(answer, 200 if ran.status == "COMPLETED" else 202, headers=where)
