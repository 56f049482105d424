"""Graphs, blocks and files in the schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from millstream.api.blocks import router as blocks
from millstream.api.files.repository import FileRow
from millstream.api.graphql.context import Info
from millstream.api.graphql.fields import like, shows
from millstream.api.graphql.loaders import LoadedGraphs
from millstream.api.graphql.pages import checked
from millstream.api.graphs import router as graphs
from millstream.api.graphs import service
from millstream.api.graphs.repository import GraphHead, GraphRow
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import NotFoundError

VERSIONS_MOST = 50
BODY_COST = 10
"""Loading and checking a graph."""


@strawberry.type(description="A block of this installation, in AutoGPT's form.")
class Block:
    spec: strawberry.Private[BlockSpec]

    @strawberry.field
    def id(self) -> UUID:
        return UUID(self.spec.id)

    @strawberry.field
    def name(self) -> str:
        return self.spec.name

    @strawberry.field
    def description(self) -> str:
        return self.spec.description

    @shows(metadata=like(length=5))
    def categories(self) -> list[str]:
        return list(self.spec.categories)

    @strawberry.field
    def input_schema(self) -> JSON:
        return JSON(self.spec.input_schema)

    @strawberry.field
    def output_schema(self) -> JSON:
        return JSON(self.spec.output_schema)

    @strawberry.field
    def static_output(self) -> bool:
        return self.spec.static_output

    @shows(description="AutoGPT's `uiType`.")
    def kind(self) -> str:
        return self.spec.kind

    @shows(description="Workers of which lane run it.")
    def lane(self) -> str:
        return self.spec.lane

    @shows(description="What it does outside cannot be taken back.")
    def sensitive(self) -> bool:
        return self.spec.sensitive


def find_block(info: Info, block_id: str) -> Block | None:
    """Return a block, None if it is not installed."""
    spec = info.context.edge.specs.get(block_id)
    return None if spec is None else Block(spec=spec)


@strawberry.type(description="A node of a graph.")
class Node:
    id: str
    block_id: str
    input_default: JSON
    metadata: JSON

    @shows(description="Its block; null if it is not installed here.", metadata=like(blocks.get_block))
    def block(self, info: Info) -> Block | None:
        return find_block(info, self.block_id)


@strawberry.type(description="A way of a value from a pin of one node to a pin of another.")
class Link:
    id: str
    source_id: str
    source_name: str
    sink_id: str
    sink_name: str
    is_static: bool


@strawberry.type(description="What is wrong with a graph, and where.")
class GraphProblem:
    code: str
    reason: str
    severity: str
    node: str | None
    pin: str | None
    graph: str | None
    path: str | None


@strawberry.type(description="A version of a graph. Versions never change.")
class Graph:
    head: strawberry.Private[GraphHead]

    @strawberry.field
    def id(self) -> UUID:
        return self.head.id

    @strawberry.field
    def version(self) -> int:
        return self.head.version

    @strawberry.field
    def name(self) -> str:
        return self.head.name

    @strawberry.field
    def description(self) -> str:
        return self.head.description

    @shows(description="It runs when no version is asked for.")
    def is_active(self) -> bool:
        return self.head.is_active

    @shows(description="It names blocks that are not here: it is kept, but not run.")
    def draft(self) -> bool:
        return self.head.draft

    @strawberry.field
    def created_at(self) -> datetime:
        return self.head.created_at

    @shows(description="Its newest versions, newest first.", metadata=like(graphs.list_versions, cost=2))
    async def versions(self, info: Info, first: int = 10) -> list[Graph]:
        heads = await info.context.loaders.graph_versions.load((self.head.id, checked(first, VERSIONS_MOST)))
        return [Graph(head=head) for head in heads]

    @shows(metadata=like(graphs.get_graph, cost=BODY_COST))
    async def nodes(self, info: Info) -> list[Node]:
        row = await self._row(info)
        return [
            Node(
                id=node["id"],
                block_id=node["block_id"],
                input_default=JSON(node.get("input_default", {})),
                metadata=JSON(node.get("metadata", {})),
            )
            for node in row.body.get("nodes", [])
        ]

    @shows(metadata=like(graphs.get_graph, cost=BODY_COST))
    async def links(self, info: Info) -> list[Link]:
        row = await self._row(info)
        names = ("id", "source_id", "source_name", "sink_id", "sink_name", "is_static")
        return [Link(**{name: link[name] for name in names}) for link in row.body.get("links", [])]

    @shows(
        description="As `GET /api/v1/graphs/{id}` answers: with its sub-graphs and schemas.",
        metadata=like(graphs.get_graph, cost=5 * BODY_COST),
    )
    async def body(self, info: Info) -> JSON:
        return JSON(await self._shown(info))

    @shows(description="JSON Schema of its inputs.", metadata=like(graphs.get_graph, cost=5 * BODY_COST))
    async def input_schema(self, info: Info) -> JSON:
        return JSON((await self._shown(info))["input_schema"])

    @shows(description="JSON Schema of its outputs.", metadata=like(graphs.get_graph, cost=5 * BODY_COST))
    async def output_schema(self, info: Info) -> JSON:
        return JSON((await self._shown(info))["output_schema"])

    @shows(description="Why it is a draft.", metadata=like(graphs.get_graph, cost=5 * BODY_COST, length=5))
    async def problems(self, info: Info) -> list[GraphProblem]:
        return [GraphProblem(**problem) for problem in (await self._shown(info))["problems"]]

    async def _row(self, info: Info) -> GraphRow:
        row = await info.context.loaders.graph_rows.load((self.head.id, self.head.version))
        if row is None:  # deleted meanwhile
            raise NotFoundError(f"There is no graph {self.head.id} in version {self.head.version}.")
        return row

    async def _shown(self, info: Info) -> dict[str, Any]:
        row = await self._row(info)
        graph = await service.with_sub_graphs(LoadedGraphs(info.context.loaders), row)
        return service.shown(row, graph, info.context.edge.specs)


async def graph_of(info: Info, graph_id: UUID, version: int | None) -> Graph | None:
    """Return a version of a graph, by default the newest; None if there is none."""
    head = await info.context.loaders.graph_heads.load((graph_id, version))
    return None if head is None else Graph(head=head)


@strawberry.type(description="A file. `uri` is what a file input of a graph takes.")
class File:
    row: strawberry.Private[FileRow]

    @strawberry.field
    def id(self) -> UUID:
        return self.row.id

    @strawberry.field
    def uri(self) -> str:
        return f"workspace://{self.row.id}"

    @strawberry.field
    def name(self) -> str:
        return self.row.name

    @strawberry.field
    def size(self) -> int:
        return self.row.size

    @strawberry.field
    def media_type(self) -> str:
        return self.row.type

    @strawberry.field
    def sha256(self) -> str:
        return self.row.sha256.hex()

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at
