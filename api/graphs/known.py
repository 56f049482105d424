"""Graphs that were started lately, read, checked and compiled: the same version is not done again for each start.

A version never changes, so nothing here grows old by itself. What can change is which version runs, whether it is still
there and still its owner's, and which graphs its agents without a version mean. PostgreSQL is asked for that at each start, in
one statement without bodies (two with agents): what is right never hangs on a message. One (`api/changes.py`) only says what
need not be kept any longer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from millstream.api.graphs.repository import Graphs
from millstream.api.graphs.service import Specs, agents_of, with_sub_graphs
from millstream.schemas.graph import Graph
from millstream.schemas.graph_problems import Problem
from millstream.schemas.graph_secrets import is_plain
from millstream.schemas.graph_validation import graph_problems
from millstream.streams.plan import CompiledPlan, compile_plan

NODES_KEPT = 20_000
"""Of all graphs together; a node with its plan is about 5 KB."""


@dataclass(slots=True)
class KnownGraph:
    """A version of a graph with its sub-graphs."""

    graph: Graph
    version: int
    is_active: bool
    agents: list[tuple[UUID, int | None]]
    """Graphs that its agents want, and theirs."""
    versions: list[int | None]
    """What they got."""
    _problems: tuple[Problem, ...] | None = field(default=None)
    _plan: CompiledPlan | None = field(default=None)
    _plain: bool | None = field(default=None)

    @property
    def nodes(self) -> int:
        """How many nodes it has, in all its graphs."""
        return sum(len(part.nodes) for part in self.graph.all_graphs)

    def problems(self, specs: Specs) -> tuple[Problem, ...]:
        """Return what keeps it from being run with any inputs."""
        if self._problems is None:
            self._problems = tuple(graph_problems(self.graph, specs, {}))
        return self._problems

    def is_plain(self, specs: Specs) -> bool:
        """Tell whether it has nothing to do with secrets."""
        if self._plain is None:
            self._plain = is_plain(self.graph, specs)
        return self._plain

    def plan(self, specs: Specs) -> CompiledPlan:
        """Return its plan."""
        if self._plan is None:
            self._plan = compile_plan(self.graph, specs)
        return self._plan


class KnownGraphs:
    """The latest that were asked for, as many as have so many nodes together."""

    def __init__(self, nodes: int = NODES_KEPT) -> None:
        self._limit = nodes
        self._nodes = 0
        self._graphs: OrderedDict[tuple[UUID, UUID, int], KnownGraph] = OrderedDict()
        self.hits = 0
        self.upgrade: Callable[[Graph], Graph] = lambda graph: graph
        """Brings its blocks up to date."""

    def __len__(self) -> int:
        return len(self._graphs)

    async def load(
        self, graphs: Graphs, graph_id: UUID, *, owner_id: UUID, version: int | None = None
    ) -> KnownGraph:
        """Return a version of a graph, by default the one that runs. Errors: NotFoundError, also if another owner has it."""
        version, is_active = await graphs.get_head(graph_id, owner_id=owner_id, version=version)
        key = (owner_id, graph_id, version)
        known = self._graphs.get(key)
        if known is not None and known.is_active == is_active:
            now = await graphs.find_versions(known.agents, owner_id=owner_id) if known.agents else []
            if now == known.versions:
                self._graphs.move_to_end(key)
                self.hits += 1
                return known
        row = await graphs.get(graph_id, owner_id=owner_id, version=version)
        graph = self.upgrade(await with_sub_graphs(graphs, row))
        agents = _agents(graph)
        there = {sub.id: sub.version for sub in graph.sub_graphs}
        known = KnownGraph(graph, version, is_active, agents, [there.get(str(id_)) for id_, _ in agents])
        self._keep(key, known)
        return known

    def forget(self, graph_id: str | None = None) -> None:
        """Drop a graph and all that run it as an agent; without an id all graphs."""
        for key, known in list(self._graphs.items()):
            parts = (key[1], *(agent for agent, _ in known.agents))
            if graph_id is None or graph_id in map(str, parts):
                self._nodes -= self._graphs.pop(key).nodes

    def _keep(self, key: tuple[UUID, UUID, int], known: KnownGraph) -> None:
        if (old := self._graphs.pop(key, None)) is not None:
            self._nodes -= old.nodes
        self._graphs[key] = known
        self._nodes += known.nodes
        while self._nodes > self._limit and len(self._graphs) > 1:
            _, gone = self._graphs.popitem(last=False)
            self._nodes -= gone.nodes


def _agents(graph: Graph) -> list[tuple[UUID, int | None]]:
    """Each graph once, as `with_sub_graphs` asks for them; the graph itself is not asked for."""
    found: dict[UUID, int | None] = {}
    for part in graph.all_graphs:
        for graph_id, version in agents_of(part):
            if str(graph_id) != graph.id:
                found.setdefault(graph_id, version)
    return list(found.items())
