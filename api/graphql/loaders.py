"""What fields load, gathered: what all things of a list ask for is one statement (no N+1). One set for each answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from strawberry.dataloader import DataLoader

from millstream.api.database import statements
from millstream.api.executions import reasons
from millstream.api.executions.many import InputRow, ManyExecutions, NodeKey, NodeOf, OutputOf
from millstream.api.executions.repository import Head, Whole
from millstream.api.executions.shown import Resolver
from millstream.api.executions.values import ValueRow
from millstream.api.graphs.many import ManyGraphs, Wanted
from millstream.api.graphs.repository import GraphHead, GraphRow, Graphs
from millstream.api.reasons import Reason
from millstream.api.state import Edge
from millstream.connectors.objects import Objects

NodePage = tuple[int, int, UUID]
"""Limit, offset, execution."""


@dataclass(slots=True)
class Purse:
    """Bytes of values that the answer may still have."""

    left: int


class SharedResolver(Resolver):
    """Fetches values for one of several executions in an answer, all out of one purse."""

    def __init__(self, objects: Objects, execution_id: UUID, purse: Purse) -> None:
        self._purse = purse
        super().__init__(objects, execution_id, purse.left)

    @property
    def _room_bytes(self) -> int:
        return self._purse.left

    @_room_bytes.setter
    def _room_bytes(self, left: int) -> None:
        self._purse.left = left


class Loaders:
    """Each loads for one owner; what others have is not there."""

    def __init__(self, edge: Edge, owner_id: UUID) -> None:
        self._edge = edge
        self._owner_id = owner_id
        self._purse = Purse(edge.settings.limits.answer_bytes)
        self.graph_heads: DataLoader[Wanted, GraphHead | None] = DataLoader(self._graph_heads)
        self.graph_rows: DataLoader[Wanted, GraphRow | None] = DataLoader(self._graph_rows)
        self.graph_versions: DataLoader[tuple[UUID, int], list[GraphHead]] = DataLoader(self._versions)
        self.executions: DataLoader[UUID, Whole | None] = DataLoader(self._executions)
        self.reasons: DataLoader[Head, Reason | None] = DataLoader(
            self._reasons, cache_key_fn=lambda row: row.id
        )
        self.nodes: DataLoader[NodePage, list[NodeOf]] = DataLoader(self._nodes)
        self.inputs: DataLoader[NodeKey, InputRow | None] = DataLoader(self._inputs)
        self.arrived: DataLoader[NodeKey, list[ValueRow]] = DataLoader(self._arrived)
        self.emitted: DataLoader[NodeKey, list[ValueRow]] = DataLoader(self._emitted)
        self.outputs: DataLoader[UUID, list[OutputOf]] = DataLoader(self._outputs)

    def resolver(self, execution_id: UUID) -> Resolver:
        """Return what fetches the large values of an execution."""
        return SharedResolver(self._edge.objects, execution_id, self._purse)

    async def _graph_heads(self, keys: list[Wanted]) -> Sequence[GraphHead | None]:
        async with statements(self._edge.pool) as conn:
            return await ManyGraphs(conn, owner_id=self._owner_id).heads(keys)

    async def _graph_rows(self, keys: list[Wanted]) -> Sequence[GraphRow | None]:
        async with statements(self._edge.pool) as conn:
            return await ManyGraphs(conn, owner_id=self._owner_id).rows(keys)

    async def _versions(self, keys: list[tuple[UUID, int]]) -> Sequence[list[GraphHead]]:
        async with statements(self._edge.pool) as conn:
            return await ManyGraphs(conn, owner_id=self._owner_id).versions(keys)

    async def _executions(self, ids: list[UUID]) -> Sequence[Whole | None]:
        async with statements(self._edge.pool) as conn:
            rows = await ManyExecutions(conn, room_bytes=0).rows(ids, owner_id=self._owner_id)
        return [rows.get(each) for each in ids]

    async def _reasons(self, rows: list[Head]) -> Sequence[Reason | None]:
        async with statements(self._edge.pool) as conn:
            found = await reasons.of_executions(conn, rows)
        return [found.get(row.id) for row in rows]

    async def _nodes(self, keys: list[NodePage]) -> Sequence[list[NodeOf]]:
        found: dict[NodePage, list[NodeOf]] = {}
        async with statements(self._edge.pool) as conn:
            many = ManyExecutions(conn, room_bytes=0)
            for (limit, offset), group in groupby(sorted(keys), key=lambda key: key[:2]):
                pages = await many.nodes([key[2] for key in group], limit=limit, offset=offset)
                found.update({(limit, offset, each): nodes for each, nodes in pages.items()})
        return [found.get(key, []) for key in keys]

    async def _inputs(self, keys: list[NodeKey]) -> Sequence[InputRow | None]:
        async with statements(self._edge.pool) as conn:
            rows = await ManyExecutions(conn, room_bytes=self._purse.left).inputs(keys)
        self._spend(row.input for row in rows.values())
        return [rows.get(node) for _, node in keys]

    async def _arrived(self, keys: list[NodeKey]) -> Sequence[list[ValueRow]]:
        async with statements(self._edge.pool) as conn:
            rows = await ManyExecutions(conn, room_bytes=self._purse.left).arrived(keys)
        return [rows.get(node, []) for _, node in keys]

    async def _emitted(self, keys: list[NodeKey]) -> Sequence[list[ValueRow]]:
        async with statements(self._edge.pool) as conn:
            rows = await ManyExecutions(conn, room_bytes=self._purse.left).emitted(keys)
        self._spend(value.value for values in rows.values() for value in values)
        return [rows.get(node, []) for _, node in keys]

    async def _outputs(self, ids: list[UUID]) -> Sequence[list[OutputOf]]:
        async with statements(self._edge.pool) as conn:
            rows = await ManyExecutions(conn, room_bytes=self._purse.left).outputs(ids)
        self._spend(value.value for values in rows.values() for value in values)
        return [rows.get(each, []) for each in ids]

    def _spend(self, texts: Iterable[str | None]) -> None:
        self._purse.left -= sum(len(text) for text in texts if text is not None)


class LoadedGraphs(Graphs):
    """Graphs for `graphs.service`, so that the graphs within many graphs are loaded together, level by level."""

    def __init__(self, loaders: Loaders) -> None:  # no connection: `find` alone is used
        self._loaders = loaders

    async def find(self, graph_id: UUID, *, owner_id: UUID, version: int | None = None) -> GraphRow | None:
        """Read a version. `owner_id` is the loaders' own."""
        return await self._loaders.graph_rows.load((graph_id, version))
