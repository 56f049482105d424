"""`/api/blocks`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.blocks import service
from millstream.api.blocks.router import shown
from millstream.api.compat import models
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.http.answers import JsonAnswer
from millstream.api.state import Edge, EdgeDep
from millstream.schemas.blocks import BlockSpec

router = APIRouter(
    prefix="/api/blocks", tags=["AutoGPT: blocks"], route_class=CompatRoute, responses=REFUSALS
)

_OURS = ("lane", "sensitive", "version", "revision")
_CREDIT_MICROUSD = 10_000
"""AutoGPT's credit is a cent."""
_COST_TYPES = {"call": "run", "second": "second", "byte": "byte"}


def listed(edge: Edge) -> list[dict[str, Any]]:
    """Return all blocks that can be used, in AutoGPT's form."""
    found = []
    for spec in edge.specs.values():
        if not spec.disabled:
            block = {name: value for name, value in shown(spec).items() if name not in _OURS}
            found.append({**block, "costs": _costs(spec)})
    return found


def _costs(spec: BlockSpec) -> list[dict[str, Any]]:
    """Return what AutoGPT has words for, in its credits, rounded up."""
    return [
        {
            "cost_amount": -(-cost.microusd // _CREDIT_MICROUSD),
            "cost_filter": {},
            "cost_type": _COST_TYPES[cost.per],
        }
        for cost in spec.costs
        if cost.per in _COST_TYPES
    ]


@router.get("", response_model=list[models.Block])
@require(Scope.READ_BLOCK)
async def autogpt_list_blocks(_: CurrentUser, edge: EdgeDep) -> Response:
    """Return all blocks that can be used here."""
    return JsonAnswer(listed(edge))


@router.post("/{block_id}/execute", response_model=dict[str, list[Any]])
@require(Scope.EXECUTE_BLOCK)
async def autogpt_execute_block(
    block_id: str, inputs: dict[str, Any], user: CurrentUser, edge: EdgeDep
) -> Response:
    """Run one block with the body as its inputs; the answer has the values of each pin."""
    return JsonAnswer(await ran(edge, block_id, inputs, user))


async def ran(edge: Edge, block_id: str, inputs: dict[str, Any], user: CurrentUser) -> dict[str, list[Any]]:
    """Run a block to its end. Errors: BlockUnknownError, BlockDisabledError, BlockError: it failed, or took too long."""
    spec = service.get_enabled(edge, block_id)
    wait_s = edge.settings.limits.block_wait_s
    done = await service.run(edge, spec, inputs, owner_id=user.account_id, wait_s=wait_s)
    outputs = await service.shown_outputs(edge, done)
    if done.failure is not None or done.status != "COMPLETED":
        raise service.failure_of(done, outputs)
    pins: dict[str, list[Any]] = {}
    for pin, value in outputs:
        pins.setdefault(pin, []).append(value)
    return pins
