"""Running something again: a whole execution, from one node on, or one node alone. Always a new execution with a parent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from pydantic import Field

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.credentials import confide
from millstream.api.executions import service
from millstream.api.executions.models import Ask, ExecutionHead
from millstream.api.executions.repository import Executions, Whole
from millstream.api.executions.router import IdempotencyKey, accepted
from millstream.api.executions.shown import Resolver
from millstream.api.executions.values import NodeRow, ValueRow, Values
from millstream.api.graphs import service as graphs_service
from millstream.api.graphs.repository import Graphs
from millstream.api.http.answers import dumps
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.state import Edge, EdgeDep
from millstream.schemas.errors import (
    ConflictError,
    InputInvalidError,
    NotFoundError,
    PayloadTooLargeError,
    QueueFullError,
    UnavailableError,
)
from millstream.schemas.graph import Graph
from millstream.schemas.graph_problems import refuse
from millstream.schemas.messages import Flags
from millstream.schemas.pins import is_tool_pin
from millstream.schemas.sizes import MIB
from millstream.streams.plan import block_plan, compile_plan

router = APIRouter(prefix="/api/v1", tags=["executions"], route_class=EdgeRoute)

NODES_MOST = 10_000
RECORDED_BYTES = 512 * 1024
"""Outputs of the nodes before the one to start from; they travel in the Start."""


class AgainIn(Ask):
    """What to run again."""

    from_node: str | None = Field(
        None,
        description="Start here: nodes that do not follow from it emit what they emitted then, and are not run.",
    )
    only_node: str | None = Field(None, description="Run this node alone, with the input that it had last.")


@router.post(
    "/executions/{execution_id}/retry",
    status_code=202,
    response_model=ExecutionHead,
    responses=documented(
        NotFoundError,
        InputInvalidError,
        ConflictError,
        PayloadTooLargeError,
        QueueFullError,
        UnavailableError,
    ),
)
@require(Scope.EXECUTE_GRAPH)
async def retry_execution(
    execution_id: UUID,
    body: AgainIn,
    user: CurrentUser,
    edge: EdgeDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Run an execution again, with the same graph version and inputs. The new one has this one as its parent."""
    digest = service.digest_of(f"retry {execution_id}", body.model_dump(mode="json"))
    started = await service.find_repeated(edge, idempotency_key, digest, owner_id=user.id)
    if started is None:
        wanted = await _wanted(edge, execution_id, body, user.id)
        started = await service.start(edge, wanted, owner_id=user.id, digest=digest, key=idempotency_key)
    return accepted(started, user.id, kind="graph", dry_run=False)


async def _wanted(edge: Edge, execution_id: UUID, body: AgainIn, owner_id: UUID) -> service.Wanted:
    if body.from_node is not None and body.only_node is not None:
        raise InputInvalidError("Give `from_node` or `only_node`, not both.")
    resolver = Resolver(edge.objects, execution_id, edge.settings.limits.answer_bytes)
    async with edge.pool.connection() as conn:
        row = await Executions(conn).get(execution_id, owner_id=owner_id)
        if row.kind != "graph" or row.graph_id is None or row.graph_version is None:
            raise InputInvalidError(
                "Only a run of a graph can be run again; a single block is run at its own route."
            )
        graphs = Graphs(conn)
        stored = await graphs.get(row.graph_id, owner_id=owner_id, version=row.graph_version)
        graph = edge.specs.upgraded(await graphs_service.with_sub_graphs(graphs, stored))
        values = Values(conn, execution_id, room_bytes=64 * MIB)
        nodes = [n for n in await values.nodes(limit=NODES_MOST, offset=0) if n.queue_time is not None]
        emitted = await values.outputs([n.id for n in nodes]) if body.from_node else []
    if body.only_node is not None:
        return await _only(edge, row, nodes, body.only_node, resolver)
    request = row.request or {}
    given = dict(request.get("inputs") or {})
    for name, ref in (request.get("refs") or {}).items():
        given[name] = await _plain(resolver, None, ref)
    async with edge.pool.connection() as conn:
        run = await confide.for_run(
            conn,
            edge.vault,
            graph,
            edge.specs,
            inputs=given,
            masks=request.get("masks"),
            given=request.get("credentials") or {},
            owner_id=owner_id,
        )
    refuse(service.problems_of(edge, run.graph, run.inputs, run.masks or {}), doing="run")
    recorded = None
    if body.from_node is not None:
        recorded = await _recorded(graph, nodes, emitted, body.from_node, resolver)
    return service.Wanted(
        kind="graph",
        graph_id=row.graph_id,
        graph_version=row.graph_version,
        plan=compile_plan(run.graph, edge.specs),
        inputs=run.inputs,
        masks=run.masks,
        flags=service.flags_of(request),
        parent_id=execution_id,
        recorded=recorded,
        credentials=run.credentials,
        secrets=run.secrets,
    )


async def _only(
    edge: Edge, row: Whole, nodes: list[NodeRow], node_id: str, resolver: Resolver
) -> service.Wanted:
    runs = [node for node in nodes if node.node_id == node_id]
    if not runs:
        raise NotFoundError(
            f"The node {node_id!r} was not run in execution {row.id}, so it has no input to run with."
        )
    last = runs[-1]
    document = await resolver.document(last.input, last.slots)
    spec = edge.specs.get(last.block_id)
    if spec is None:
        raise InputInvalidError(f"The block {last.block_id!r} of node {node_id!r} is not installed here.")
    async with edge.pool.connection() as conn:
        inputs, secrets = await confide.for_block(
            conn, edge.vault, spec, orjson.loads(dumps(document)), owner_id=row.user_id
        )
    assert row.graph_id is not None
    assert row.graph_version is not None
    return service.Wanted(
        kind="block",
        graph_id=row.graph_id,
        graph_version=row.graph_version,
        plan=block_plan(spec),
        inputs=inputs,
        masks=None,
        flags=Flags(strict=True),
        parent_id=row.id,
        secrets=secrets,
    )


async def _recorded(
    graph: Graph, nodes: list[NodeRow], emitted: list[ValueRow], from_node: str, resolver: Resolver
) -> bytes:
    """Return what the nodes emitted that do not follow from `from_node`, run by run."""
    known = {node.id for node in graph.nodes}
    if from_node not in known:
        raise NotFoundError(f"The graph of this execution has no node {from_node!r}.")
    by_run: dict[UUID, list[list[Any]]] = {node.id: [] for node in nodes}
    spoke = {value.node_execution_id for value in emitted if is_tool_pin(value.pin)}
    again = runs_again(graph, from_node, decided={node.node_id for node in nodes if node.id in spoke})
    for value in emitted:
        by_run[value.node_execution_id].append([value.pin, await _plain(resolver, value.value, value.ref)])
    runs: dict[str, list[list[list[Any]]]] = {node: [] for node in known - again}
    for node in nodes:
        if node.node_id in runs:
            runs[node.node_id].append(by_run[node.id])
    data = orjson.dumps({node: found for node, found in runs.items() if found})
    if len(data) > RECORDED_BYTES:
        raise PayloadTooLargeError(
            f"What the nodes before {from_node!r} emitted has {len(data):,} bytes, the limit is {RECORDED_BYTES:,}; "
            "run the whole execution again instead.",
            size=len(data),
        )
    return data


def runs_again(graph: Graph, start: str, *, decided: set[str]) -> set[str]:
    """Return the nodes that run again from `start` on: what follows from it, and who calls any of that.

    A node that was called runs only when it is called again; so does its caller, if what the called one emitted leads there.
    `decided`: nodes that emitted on their tool pins instead of calling.
    """
    sinks: dict[str, set[str]] = {}
    for link in graph.links:
        sinks.setdefault(link.source_id, set()).add(link.sink_id)
    calls = [
        (link.source_id, link.sink_id)
        for link in graph.links
        if is_tool_pin(link.source_name) and link.source_id not in decided
    ]
    found: set[str] = set()
    todo = {start}
    while todo:
        found |= todo
        following = {sink for node in todo for sink in sinks.get(node, ())}
        callers = {caller for caller, called in calls if called in found or sinks.get(called, set()) & found}
        todo = (following | callers) - found
    return found


async def _plain(resolver: Resolver, text: str | None, ref: dict[str, Any] | None) -> Any:
    value = await resolver.value(text, ref)
    if isinstance(value, dict) and ("$ref" in value or "$unstorable" in value):
        raise PayloadTooLargeError("The values of this execution are too large to be given to another one.")
    return orjson.loads(dumps(value))
