"""What can be asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson
import strawberry

from millstream.api.blocks import router as block_routes
from millstream.api.database import statements
from millstream.api.executions import router as execution_routes
from millstream.api.executions.repository import Executions, Head, Wish
from millstream.api.files import router as file_routes
from millstream.api.files.repository import FileRow, FileTable
from millstream.api.graphql.context import Info
from millstream.api.graphql.execution_types import Execution, execution_of
from millstream.api.graphql.fields import like, shows
from millstream.api.graphql.graph_types import Block, File, Graph, find_block, graph_of
from millstream.api.graphql.pages import Connection, checked, connection, time_cursor
from millstream.api.graphs import router as graph_routes
from millstream.api.graphs.repository import GraphHead, Graphs
from millstream.api.http.paging import LIMIT_DEFAULT, Cursor
from millstream.api.me import router as me_routes
from millstream.schemas.errors import BlockUnknownError, InputInvalidError, NotFoundError

BLOCKS_LENGTH = 100
LIST_COST = 5


@strawberry.type(description="Who calls, for which account, and what this login may do.")
class Me:
    id: UUID
    email: str | None
    name: str
    timezone: str
    role: str
    account_id: UUID
    org_role: str | None
    kind: str
    scopes: list[str] | None
    """Null: all that the roles allow."""


@strawberry.input(description="Which executions; what is left out may be anything.")
class ExecutionFilter:
    graph_id: UUID | None = None
    kind: str | None = strawberry.field(
        default="graph", description="`graph`, or `block`: single blocks that were run."
    )
    statuses: list[str] | None = None
    verdict: str | None = strawberry.field(
        default=None, description="What became of it, as its `verdict.result` says."
    )
    created_after: datetime | None = None
    created_before: datetime | None = None


@strawberry.type
class Query:
    @shows(metadata=like(me_routes.get_me, cost=LIST_COST))
    async def me(self, info: Info) -> Me:
        async with statements(info.context.edge.pool) as conn:
            answer = await me_routes.get_me(info.context.principal, conn)
        found = orjson.loads(answer.body)
        names = ("email", "name", "timezone", "role", "org_role", "kind", "scopes")
        shown = {name: found[name] for name in names}
        return Me(id=UUID(found["id"]), account_id=UUID(found["account_id"]), **shown)

    @shows(
        description="Newest first, each in the version that runs by default.",
        metadata=like(graph_routes.list_graphs, cost=LIST_COST),
    )
    async def graphs(
        self, info: Info, first: int = LIMIT_DEFAULT, after: str | None = None
    ) -> Connection[Graph]:
        cursor, limit = Cursor.parse(after), checked(first)
        async with statements(info.context.edge.pool) as conn:
            rows = await Graphs(conn).list_(owner_id=info.context.owner_id, cursor=cursor, limit=limit + 1)
        return connection(rows, limit, cursor=time_cursor, node=_graph)

    @shows(
        description="A graph, by default its newest version.",
        metadata=like(graph_routes.get_graph, cost=LIST_COST),
    )
    async def graph(self, info: Info, id: UUID, version: int | None = None) -> Graph:
        found = await graph_of(info, id, version)
        if found is None:
            which = "" if version is None else f" in version {version}"
            raise NotFoundError(f"There is no graph {id}{which}.")
        return found

    @shows(description="Newest first.", metadata=like(execution_routes.list_executions, cost=LIST_COST))
    async def executions(
        self,
        info: Info,
        filter: ExecutionFilter | None = None,
        first: int = LIMIT_DEFAULT,
        after: str | None = None,
    ) -> Connection[Execution]:
        cursor, limit = Cursor.parse(after), checked(first)
        wish = _wish(filter or ExecutionFilter())
        async with statements(info.context.edge.pool) as conn:
            rows = await Executions(conn).list_(
                wish, owner_id=info.context.owner_id, cursor=cursor, limit=limit + 1
            )
        return connection(rows, limit, cursor=time_cursor, node=_execution)

    @shows(metadata=like(execution_routes.get_execution, cost=LIST_COST))
    async def execution(self, info: Info, id: UUID) -> Execution:
        return await execution_of(info, id)

    @shows(
        description="All blocks that can be used here, by name.",
        metadata=like(block_routes.list_blocks, length=BLOCKS_LENGTH),
    )
    def blocks(self, info: Info) -> list[Block]:
        return [Block(spec=spec) for spec in info.context.edge.specs.values() if not spec.disabled]

    @shows(metadata=like(block_routes.get_block))
    def block(self, info: Info, id: UUID) -> Block:
        found = find_block(info, str(id))
        if found is None:
            raise BlockUnknownError(f"No block has the id {str(id)!r} here.")
        return found

    @shows(description="Newest first.", metadata=like(file_routes.list_files, cost=LIST_COST))
    async def files(
        self, info: Info, first: int = LIMIT_DEFAULT, after: str | None = None
    ) -> Connection[File]:
        cursor, limit = Cursor.parse(after), checked(first)
        async with statements(info.context.edge.pool) as conn:
            rows = await FileTable(conn).list_(owner_id=info.context.owner_id, cursor=cursor, limit=limit + 1)
        return connection(rows, limit, cursor=time_cursor, node=_file)


def _graph(head: GraphHead) -> Graph:
    return Graph(head=head)


def _execution(row: Head) -> Execution:
    return Execution(row=row)


def _file(row: FileRow) -> File:
    return File(row=row)


def _wish(given: ExecutionFilter) -> Wish:
    times = (given.created_after, given.created_before)
    if any(at is not None and at.tzinfo is None for at in times):
        raise InputInvalidError("A time needs a zone, such as 2026-01-31T12:00:00Z.", path="filter")
    return Wish(
        kind=given.kind,
        graph_id=given.graph_id,
        statuses=given.statuses,
        verdict=given.verdict,
        created_after=given.created_after,
        created_before=given.created_before,
    )
