"""`/external-api/v1`: blocks, graphs, runs and their results, for programs with an API key (`X-API-Key`)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import blocks as compat_blocks
from millstream.api.compat import runs
from millstream.api.compat.people import shown as shown_user
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.credentials import confide
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.executions import service
from millstream.api.executions.models import ExecuteIn
from millstream.api.graphs import service as graphs
from millstream.api.graphs.models import GraphOut
from millstream.api.graphs.repository import Graphs
from millstream.api.graphs.router import GRAPH_BODY, GraphBody
from millstream.api.http.answers import JsonAnswer, dumps
from millstream.api.state import EdgeDep
from millstream.schemas.messages import ExecutionStatus

router = APIRouter(
    prefix="/external-api/v1", tags=["AutoGPT: external API"], route_class=CompatRoute, responses=REFUSALS
)

Version = Annotated[int, Path(ge=1, le=2**31 - 1)]


class KeyOwner(BaseModel):
    """Whose key it is."""

    id: UUID
    name: str
    email: str
    timezone: str


class PlainBlock(BaseModel):
    """A block, without its costs."""

    id: str
    name: str
    inputSchema: dict[str, Any]
    outputSchema: dict[str, Any]
    description: str
    categories: list[dict[str, str]]
    contributors: list[dict[str, str]]
    staticOutput: bool
    uiType: str


class NodeInputs(BaseModel):
    """Inputs of a run."""

    node_input: dict[str, Any] = Field(
        default_factory=dict, description="Values by name of the graph's inputs."
    )


class AcceptedRun(BaseModel):
    """A run that has been accepted."""

    id: UUID


class NodeResults(BaseModel):
    """What a node took (its `value`, if it has such an input) and gave."""

    node_id: str
    input: Any
    output: dict[str, list[Any]]


class RunResults(BaseModel):
    """What became of a run. `output` is null unless it is COMPLETED."""

    execution_id: UUID
    status: ExecutionStatus
    nodes: list[NodeResults]
    output: list[dict[str, Any]] | None


@router.get("/me", response_model=KeyOwner)
@require(Scope.IDENTITY)
async def external_get_me(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return whose key it is."""
    found = await shown_user(conn, user.user_id)
    return JsonAnswer({name: found[name] for name in KeyOwner.model_fields})


@router.get("/blocks", response_model=list[PlainBlock])
@require(Scope.READ_BLOCK)
async def external_list_blocks(_: CurrentUser, edge: EdgeDep) -> Response:
    """Return all blocks that can be used here."""
    blocks = compat_blocks.listed(edge)
    return JsonAnswer([{name: block[name] for name in PlainBlock.model_fields} for block in blocks])


@router.post("/blocks/{block_id}/execute", response_model=dict[str, list[Any]])
@require(Scope.EXECUTE_BLOCK)
async def external_execute_block(
    block_id: str, inputs: dict[str, Any], user: CurrentUser, edge: EdgeDep
) -> Response:
    """Run one block with the body as its inputs; the answer has the values of each pin."""
    return JsonAnswer(await compat_blocks.ran(edge, block_id, inputs, user))


@router.post("/graphs", status_code=201, response_model=GraphOut, openapi_extra=GRAPH_BODY)
@require(Scope.WRITE_GRAPH)
async def external_create_graph(
    graph: GraphBody, user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Save a new graph; all ids in it become new. Needs WRITE_LIBRARY besides."""
    user.demand(Scope.WRITE_LIBRARY)
    graph = await confide.saved(conn, edge.vault, graph, edge.specs, owner_id=user.account_id)
    return JsonAnswer(await graphs.save_new(Graphs(conn), graph, edge.specs, owner_id=user.account_id), 201)


@router.post("/graphs/{graph_id}/execute/{graph_version}", response_model=AcceptedRun)
@require(Scope.EXECUTE_GRAPH)
async def external_execute_graph(
    graph_id: UUID,
    graph_version: Version,
    user: CurrentUser,
    edge: EdgeDep,
    body: NodeInputs | None = None,
) -> Response:
    """Start a run; answers its id once the log has it."""
    wish = ExecuteIn.model_validate({"inputs": body.node_input if body else {}, "version": graph_version})
    wanted = await service.prepare(edge, graph_id, wish, owner_id=user.account_id)
    digest = service.digest_of(str(graph_id), wish.model_dump(mode="json"))
    started = await service.start(edge, wanted, owner_id=user.account_id, digest=digest)
    return JsonAnswer({"id": started.id})


@router.get("/graphs/{graph_id}/executions/{graph_exec_id}/results", response_model=RunResults)
@require(Scope.READ_GRAPH)
async def external_get_results(
    graph_id: UUID, graph_exec_id: UUID, user: CurrentUser, conn: ReadConnection, edge: EdgeDep
) -> Response:
    """Return what became of a run: per node, and (once it is COMPLETED) its outputs one by one."""
    row = await runs.of_graph(conn, graph_id, graph_exec_id, user)
    found = await runs.whole(conn, edge, row)
    nodes = [
        {
            "node_id": node["node_id"],
            "input": _value(node["input_data"]),
            "output": node["output_data"],
        }
        for node in found["node_executions"]
    ]
    output = None
    if row.status == "COMPLETED":
        output = [{name: value} for name, values in found["outputs"].items() for value in values]
    answer = {"execution_id": row.id, "status": row.status, "nodes": nodes, "output": output}
    return JsonAnswer(answer)


def _value(inputs: Any) -> Any:
    """A node's `value` if it has one. Inputs are stored JSON: they are parsed here."""
    given = orjson.loads(dumps(inputs))
    return given.get("value", given) if isinstance(given, dict) else given
