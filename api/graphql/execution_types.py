"""Executions and their parts in the schema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from millstream.api.blocks import router as blocks
from millstream.api.executions import router as executions
from millstream.api.executions import shown
from millstream.api.executions.many import NodeKey, NodeOf
from millstream.api.executions.reasons import of_node
from millstream.api.executions.repository import Head, Whole
from millstream.api.executions.values import OutputRow, ValueRow
from millstream.api.graphql.context import Info
from millstream.api.graphql.fields import like, shows
from millstream.api.graphql.graph_types import Block, Graph, find_block, graph_of
from millstream.api.graphql.pages import Connection, checked, connection, offset_of
from millstream.api.graphs import router as graphs
from millstream.api.http.answers import Raw, dumps
from millstream.schemas.errors import NotFoundError

VALUES_COST = 5
"""Loading values, some perhaps from the object store."""
NODES_MOST = 1000


@strawberry.type(description="The values of one output or pin, in the order in which they came.")
class Output:
    name: str
    values: JSON
    """A value that is too large for the answer is `{"$ref": path to download}`."""


@strawberry.type(description="One execution of a node.")
class NodeExecution:
    row: strawberry.Private[NodeOf]

    @strawberry.field
    def id(self) -> UUID:
        return self.row.id

    @strawberry.field
    def node_id(self) -> str:
        return self.row.node_id

    @strawberry.field
    def block_id(self) -> str:
        return self.row.block_id

    @shows(description="Its block; null if it is not installed here.", metadata=like(blocks.get_block))
    def block(self, info: Info) -> Block | None:
        return find_block(info, self.row.block_id)

    @strawberry.field
    def status(self) -> str:
        return self.row.status

    @strawberry.field
    def add_time(self) -> datetime | None:
        return self.row.add_time

    @strawberry.field
    def queue_time(self) -> datetime | None:
        return self.row.queue_time

    @strawberry.field
    def start_time(self) -> datetime | None:
        return self.row.start_time

    @strawberry.field
    def end_time(self) -> datetime | None:
        return self.row.end_time

    @strawberry.field
    def failure(self) -> JSON | None:
        return _json(self.row.failure)

    @strawberry.field
    def stats(self) -> JSON | None:
        return _json(self.row.stats)

    @shows(description="Why it is where it is; of a review: what is asked.")
    def reason(self) -> JSON | None:
        return _json(of_node(self.row))

    @shows(description="Values by pin.", metadata=like(executions.get_execution, cost=VALUES_COST))
    async def inputs(self, info: Info) -> JSON:
        loaders = info.context.loaders
        resolver = loaders.resolver(self.row.execution_id)
        row = await loaders.inputs.load(self._key)
        if row is not None and row.left_out is not None:
            return JSON({"$left_out": row.left_out})
        if row is not None and row.input is not None:
            return JSON(await resolver.document(row.input, row.slots))
        arrived = await loaders.arrived.load(self._key)
        return JSON({each.pin: await resolver.value(each.value, each.ref, each.left_out) for each in arrived})

    @shows(metadata=like(executions.get_execution, cost=VALUES_COST, length=3))
    async def outputs(self, info: Info) -> list[Output]:
        rows = await info.context.loaders.emitted.load(self._key)
        return await _outputs(info, self.row.execution_id, [(row.pin, row) for row in rows])

    @property
    def _key(self) -> NodeKey:
        return self.row.execution_id, self.row.id


@strawberry.type(description="A run of a graph, or of a single block.")
class Execution:
    row: strawberry.Private[Head]

    @strawberry.field
    def id(self) -> UUID:
        return self.row.id

    @strawberry.field
    def graph_id(self) -> UUID | None:
        return self.row.graph_id

    @strawberry.field
    def graph_version(self) -> int | None:
        return self.row.graph_version

    @shows(description="`graph` or `block`.")
    def kind(self) -> str:
        return self.row.kind

    @strawberry.field
    def status(self) -> str:
        return self.row.status

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def started_at(self) -> datetime | None:
        return self.row.started_at

    @strawberry.field
    def ended_at(self) -> datetime | None:
        return self.row.ended_at

    @strawberry.field
    def is_dry_run(self) -> bool:
        return self.row.is_dry_run

    @shows(description="What became of it.")
    def verdict(self) -> JSON | None:
        return _json(self.row.verdict)

    @strawberry.field
    def failure(self) -> JSON | None:
        return _json(self.row.failure)

    @strawberry.field
    def stats(self) -> JSON:
        return JSON(shown.head(self.row, None)["stats"])

    @shows(description="Why it has not ended.", metadata=like(executions.list_executions, cost=2))
    async def reason(self, info: Info) -> JSON | None:
        return _json(await info.context.loaders.reasons.load(self.row))

    @shows(
        description="The version that it runs; null once it is deleted, and for blocks.",
        metadata=like(graphs.get_graph, cost=2),
    )
    async def graph(self, info: Info) -> Graph | None:
        if self.row.kind != "graph" or self.row.graph_id is None:
            return None
        return await graph_of(info, self.row.graph_id, self.row.graph_version)

    @shows(
        description="The execution that it was made from.", metadata=like(executions.get_execution, cost=2)
    )
    async def parent(self, info: Info) -> Execution | None:
        if self.row.parent_execution_id is None:
            return None
        row = await info.context.loaders.executions.load(self.row.parent_execution_id)
        return None if row is None else Execution(row=row)

    @shows(description="Values by name.", metadata=like(executions.get_execution, cost=VALUES_COST))
    async def inputs(self, info: Info) -> JSON:
        row = self.row
        whole = row if isinstance(row, Whole) else await info.context.loaders.executions.load(row.id)
        request = (whole.request if whole else None) or {}
        resolver = info.context.loaders.resolver(row.id)
        given: dict[str, Any] = dict(request.get("inputs") or {})
        for name, ref in (request.get("refs") or {}).items():
            given[name] = await resolver.value(None, ref)
        return JSON(given)

    @shows(metadata=like(executions.get_execution, cost=VALUES_COST, length=3))
    async def outputs(self, info: Info) -> list[Output]:
        rows = await info.context.loaders.outputs.load(self.row.id)
        return await _outputs(info, self.row.id, [(row.name, row) for row in rows])

    @shows(
        description="In the order in which they were queued; those that wait come last.",
        metadata=like(executions.get_execution, cost=VALUES_COST),
    )
    async def node_executions(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[NodeExecution]:
        offset, limit = offset_of(after), checked(first, NODES_MOST)
        rows = await info.context.loaders.nodes.load((limit + 1, offset, self.row.id))
        return connection(
            rows,
            limit,
            cursor=lambda number, _: str(offset + number),
            node=lambda row: NodeExecution(row=row),
        )


async def execution_of(info: Info, execution_id: UUID) -> Execution:
    """Return an execution. Errors: NotFoundError, also if another owner has it."""
    row = await info.context.loaders.executions.load(execution_id)
    if row is None:
        raise NotFoundError(f"There is no execution {execution_id}.")
    return Execution(row=row)


async def _outputs(
    info: Info, execution_id: UUID, rows: Sequence[tuple[str, ValueRow | OutputRow]]
) -> list[Output]:
    resolver = info.context.loaders.resolver(execution_id)
    found: dict[str, list[Any]] = {}
    for name, row in rows:
        found.setdefault(name, []).append(await resolver.value(row.value, row.ref, row.left_out))
    return [Output(name=name, values=JSON(Raw(dumps(values)))) for name, values in found.items()]


def _json(value: object) -> JSON | None:
    return None if value is None else JSON(value)
