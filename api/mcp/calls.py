"""Calling a tool: an execution like any other, waited for, and told as text and as JSON."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from millstream.api.auth.principal import Principal, Scope
from millstream.api.blocks import service as blocks_service
from millstream.api.database import statements
from millstream.api.executions import service, shown
from millstream.api.executions.models import ExecuteIn
from millstream.api.executions.repository import Executions
from millstream.api.executions.values import Values
from millstream.api.http.answers import dumps
from millstream.api.mcp.catalogue import CREDENTIALS
from millstream.api.state import Edge
from millstream.api.views import FINAL
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import InputInvalidError
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Events

LOOK_S = 0.05
"""How often the read model is asked for the end that the log has told."""
SINK_S = 10.0
"""How long the read model may be behind the log."""
OVER = FINAL | {"REVIEW"}
"""Nothing more happens without a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a call."""

    facts: dict[str, Any]
    failed: bool = False


async def run_graph(
    edge: Edge, user: Principal, graph_id: UUID, arguments: dict[str, Any], *, wait_s: float
) -> Told:
    """Run a graph; after `wait_s` its execution goes on and the answer names it. Errors: as those of the routes."""
    user.demand(Scope.EXECUTE_GRAPH)
    user.demand(Scope.READ_GRAPH)
    arguments = dict(arguments)
    credentials = arguments.pop(CREDENTIALS, None) or {}
    if not isinstance(credentials, dict):
        raise InputInvalidError(f"`{CREDENTIALS}` is no object of ids by name.")
    wish = ExecuteIn.model_validate({"inputs": arguments, "credentials_inputs": credentials})
    wanted = await service.prepare(edge, graph_id, wish, owner_id=user.account_id)
    digest = service.digest_of(str(graph_id), wish.model_dump(mode="json"))
    execution_id = new_id()
    async with edge.hub.listen(execution_id) as records:
        await service.start(edge, wanted, owner_id=user.account_id, digest=digest, id_=execution_id)
        status = await _until_over(records, wait_s)
    patience_s = SINK_S if status in FINAL else 0.0
    return await told(edge, user, execution_id, wait_s=patience_s)


async def run_block(
    edge: Edge, user: Principal, spec: BlockSpec, arguments: dict[str, Any], *, wait_s: float
) -> Told:
    """Run a block; the answer has the values of each pin."""
    user.demand(Scope.EXECUTE_BLOCK)
    ran = await blocks_service.run(edge, spec, arguments, owner_id=user.account_id, wait_s=wait_s)
    outputs: dict[str, list[Any]] = {}
    for pin, value in await blocks_service.shown_outputs(edge, ran):
        outputs.setdefault(pin, []).append(value)
    facts: dict[str, Any] = {"execution_id": ran.id, "status": ran.status, "outputs": outputs}
    if ran.failure is not None:
        facts["failure"] = ran.failure
    return Told(facts=_plain(facts), failed=ran.failure is not None or ran.status in ("FAILED", "TERMINATED"))


async def look(edge: Edge, user: Principal, arguments: dict[str, Any]) -> Told:
    """Tell what became of a run of the caller's. Errors: InputInvalidError, NotFoundError."""
    user.demand(Scope.READ_GRAPH)
    wait_s = arguments.get("wait_s", 0)
    try:
        execution_id = UUID(str(arguments.get("execution_id")))
        wait_s = min(60.0, max(0.0, float(wait_s)))
    except (TypeError, ValueError) as error:
        raise InputInvalidError(
            "Give `execution_id` as another tool gave it, and `wait_s` as 0 to 60."
        ) from error
    return await told(edge, user, execution_id, wait_s=wait_s)


async def told(edge: Edge, user: Principal, execution_id: UUID, *, wait_s: float) -> Told:
    """Read a run once it is over, at the latest after `wait_s`. Errors: NotFoundError."""
    room = edge.settings.limits.answer_bytes
    deadline = time.monotonic() + wait_s
    while True:
        async with statements(edge.pool) as conn:
            row = await Executions(conn).get(execution_id, owner_id=user.account_id)
            if row.status in OVER or time.monotonic() >= deadline:
                values = Values(conn, execution_id, room_bytes=room)
                resolver = shown.Resolver(edge.objects, execution_id, room)
                outputs = await shown.outputs_of(values, resolver)
                break
        await asyncio.sleep(LOOK_S)
    facts: dict[str, Any] = {"execution_id": execution_id, "status": row.status, "outputs": outputs}
    if row.verdict is not None:
        facts["verdict"] = row.verdict
    if row.failure is not None:
        facts["failure"] = row.failure
    if row.status not in FINAL:
        facts["note"] = (
            "It waits for a person to review something."
            if row.status == "REVIEW"
            else "It has not ended yet; ask get_execution with this execution_id."
        )
    is_empty = (row.verdict or {}).get("result") == "errors" and not outputs
    return Told(facts=_plain(facts), failed=is_empty or row.status in ("FAILED", "TERMINATED"))


async def _until_over(records: asyncio.Queue[Events], wait_s: float) -> str:
    status = "QUEUED"
    try:
        async with asyncio.timeout(wait_s):
            while status not in OVER:
                for delta in (await records.get()).deltas:
                    if delta.kind == "EXECUTION" and delta.status is not None:
                        status = delta.status
    except TimeoutError:
        pass
    return status


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as plain values: those that are stored JSON are parsed here."""
    found: dict[str, Any] = orjson.loads(dumps(facts))
    return found
