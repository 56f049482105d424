"""Running one block: an execution of a plan with one node, and waiting for its end on the log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from millstream.api.credentials import confide
from millstream.api.database import statements
from millstream.api.executions import service as executions
from millstream.api.executions.service import Wanted
from millstream.api.http.answers import Raw
from millstream.api.state import Edge
from millstream.api.views import FINAL, marker
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import BlockDisabledError, BlockError, BlockUnknownError
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Delta, Events, Flags, Payload
from millstream.streams.plan import block_plan


@dataclass(slots=True, kw_only=True)
class Ran:
    """What a block has said so far."""

    id: UUID
    outputs: list[tuple[str, Payload]] = field(default_factory=list)
    failure: dict[str, Any] | None = None
    status: str = "QUEUED"
    sequence: int = -1

    @property
    def over(self) -> bool:
        """It has ended, or waits for a person."""
        return self.status in FINAL or self.status == "REVIEW"


def get_enabled(edge: Edge, block_id: str) -> BlockSpec:
    """Return a block that may be run. Errors: BlockUnknownError, BlockDisabledError."""
    spec = edge.specs.get(block_id)
    if spec is None:
        raise BlockUnknownError(f"No block has the id {block_id!r} here; GET /api/v1/blocks lists them.")
    if spec.disabled:
        raise BlockDisabledError(f"The block {spec.name!r} is disabled on this server.")
    return spec


async def run(edge: Edge, spec: BlockSpec, inputs: dict[str, Any], *, owner_id: UUID, wait_s: float) -> Ran:
    """Run a block and wait for its end, at most `wait_s`. Errors: UnavailableError, PayloadTooLargeError.

    It is listened to before it is started, so nothing that it says is missed.
    """
    digest = executions.digest_of(spec.id, inputs)
    async with statements(edge.pool) as conn:
        inputs, secrets = await confide.for_block(conn, edge.vault, spec, inputs, owner_id=owner_id)
    wanted = Wanted(
        kind="block",
        graph_id=UUID(spec.id),
        graph_version=1,
        plan=block_plan(spec),
        inputs=inputs,
        masks=None,
        flags=Flags(strict=True, human_in_the_loop_safe_mode=True),
        secrets=secrets,
    )
    ran = Ran(id=new_id())
    async with edge.hub.listen(ran.id) as records:
        await executions.start(edge, wanted, owner_id=owner_id, digest=digest, id_=ran.id)
        try:
            async with asyncio.timeout(wait_s):
                while not ran.over:
                    _take(ran, await records.get())
        except TimeoutError:
            pass
    return ran


def _take(ran: Ran, events: Events) -> None:
    for number, delta in enumerate(events.deltas, start=events.first):
        if number > ran.sequence:
            ran.sequence = number
            _take_delta(ran, delta)


def _take_delta(ran: Ran, delta: Delta) -> None:
    detail: dict[str, Any] = {} if delta.detail is None else orjson.loads(delta.detail)
    if delta.kind == "OUTPUT" and delta.pin is not None and delta.value is not None:
        ran.outputs.append((delta.pin, delta.value))
    elif delta.kind == "NODE" and delta.status == "FAILED":
        ran.failure = detail.get("failure")
        if ran.failure and ran.outputs and ran.outputs[-1][0] == "error":
            ran.outputs.pop()  # the failure itself, as the engine routes it
    elif delta.kind == "EXECUTION" and delta.status is not None:
        ran.status = delta.status
        ran.failure = ran.failure or detail.get("failure")


async def shown_outputs(edge: Edge, ran: Ran) -> list[list[Any]]:
    """Return `[[pin, value], ...]` in the order in which they were emitted, large values fetched as far as fits."""
    room = edge.settings.limits.answer_bytes
    outputs: list[list[Any]] = []
    for pin, value in ran.outputs:
        room -= value.size
        if value.inline is not None:
            outputs.append([pin, Raw(value.inline)])
        elif room >= 0 and value.ref is not None:
            outputs.append([pin, Raw(await edge.objects.get(value.ref))])
        else:
            outputs.append([pin, marker(ran.id, value)])
    return outputs


def failure_of(ran: Ran, outputs: list[list[Any]]) -> BlockError:
    """Return the error that tells how a block failed, with what it had emitted before."""
    failure = ran.failure or {
        "code": "block_failed",
        "kind": "BlockUnknownError",
        "message": f"It ended {ran.status}.",
    }
    error = BlockError(
        failure["message"],
        error_code=failure["code"],
        kind=failure["kind"],
        outputs=outputs,
        execution_id=str(ran.id),
    )
    error.code = failure["code"]  # type: ignore[misc]  # the block's own, for the caller
    return error
