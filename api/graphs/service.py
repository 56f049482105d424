"""What is decided about graphs: when one may be saved, what it carries along, how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from millstream.api.graphs.repository import GraphRow, Graphs
from millstream.processors.catalogue import upgraded
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import PreconditionError
from millstream.schemas.graph import AGENT_BLOCK_ID, Graph, SubGraph
from millstream.schemas.graph_credentials import credentials_schema
from millstream.schemas.graph_ids import create, updated
from millstream.schemas.graph_io import input_schema, output_schema
from millstream.schemas.graph_links import link_static
from millstream.schemas.graph_problems import Problem, is_draft, refuse
from millstream.schemas.graph_validation import save_problems
from millstream.schemas.sizes import SUB_GRAPHS_LIMIT

Specs = Mapping[str, BlockSpec]


async def save_new(graphs: Graphs, graph: Graph, specs: Specs, *, owner_id: UUID) -> dict[str, Any]:
    """Save a graph and those that travel with it, with new ids. Errors: GraphInvalidError."""
    refuse(save_problems(graph, specs))  # before ids change: problems name the nodes as the caller knows them
    mine = link_static(create(graph, user_id=str(owner_id)), specs)
    problems = save_problems(mine, specs)
    for sub in mine.sub_graphs:
        await graphs.add(sub, _body(sub), owner_id=owner_id, draft=is_draft(_problems_of(sub, problems)))
    await graphs.add(mine, _body(mine), owner_id=owner_id, draft=is_draft(_problems_of(mine, problems)))
    return await load_shown(graphs, UUID(mine.id), specs, owner_id=owner_id, version=mine.version)


async def save_version(
    graphs: Graphs, graph: Graph, specs: Specs, *, graph_id: UUID, owner_id: UUID, if_match: str | None
) -> dict[str, Any]:
    """Save the next version of a graph. Errors: NotFoundError, PreconditionError, GraphInvalidError."""
    newest = await graphs.lock_newest(graph_id, owner_id=owner_id)
    if if_match is not None and if_match.strip() not in ("*", etag(newest)):
        raise PreconditionError(
            f"The graph is at version {newest}, not at {if_match}; read it again and repeat your change.",
            version=newest,
        )
    previous = await load(graphs, graph_id, owner_id=owner_id, version=newest)
    refuse(save_problems(graph, specs))
    mine = updated(
        graph, graph_id=str(graph_id), version=newest + 1, user_id=str(owner_id), previous=previous
    )
    mine = link_static(mine, specs)
    draft = is_draft(_problems_of(mine, save_problems(mine, specs)))
    if draft and (await graphs.get_active(graph_id, owner_id=owner_id)).is_active:
        mine = mine.model_copy(
            update={"is_active": False}
        )  # what cannot run never takes the place of what can
    if mine.is_active:
        await graphs.deactivate(graph_id, owner_id=owner_id)
    await graphs.add(mine, _body(mine), owner_id=owner_id, draft=draft)
    return await load_shown(graphs, graph_id, specs, owner_id=owner_id, version=mine.version)


async def publish(
    graphs: Graphs, specs: Specs, *, graph_id: UUID, owner_id: UUID, version: int | None
) -> dict[str, Any]:
    """Make a version, by default the newest, the one that runs. Errors: NotFoundError, GraphInvalidError: it cannot run."""
    newest = await graphs.lock_newest(graph_id, owner_id=owner_id)
    graph = upgraded(await load(graphs, graph_id, owner_id=owner_id, version=version or newest), specs)
    blocking = [replace(each, severity="error") for each in save_problems(graph, specs)]
    refuse(blocking, doing="published")
    await graphs.deactivate(graph_id, owner_id=owner_id)
    await graphs.activate(graph_id, owner_id=owner_id, version=graph.version)
    return await load_shown(graphs, graph_id, specs, owner_id=owner_id, version=graph.version)


def etag(version: int) -> str:
    """Return the strong entity tag of a graph's newest version."""
    return f'"{version}"'


def _body(graph: SubGraph) -> str:
    return graph.model_dump_json(exclude={"sub_graphs"})


def _problems_of(graph: SubGraph, problems: list[Problem]) -> list[Problem]:
    sub_id = None if isinstance(graph, Graph) else graph.id
    return [problem for problem in problems if problem.graph == sub_id]


async def load(graphs: Graphs, graph_id: UUID, *, owner_id: UUID, version: int | None = None) -> Graph:
    """Return a graph with all graphs that its agents run. Errors: NotFoundError."""
    return await with_sub_graphs(graphs, await graphs.get(graph_id, owner_id=owner_id, version=version))


async def with_sub_graphs(graphs: Graphs, row: GraphRow) -> Graph:
    """Gather every graph of the same owner that is reached through agent nodes: a query for each level."""
    graph = Graph.model_validate({**row.body, "is_active": row.is_active})
    found: dict[str, SubGraph] = {}
    waiting = agents_of(graph)
    while waiting and len(found) < SUB_GRAPHS_LIMIT:
        wanted: dict[UUID, int | None] = {}
        for graph_id, version in waiting:
            if str(graph_id) not in found and str(graph_id) != graph.id:
                wanted.setdefault(graph_id, version)
        level = list(wanted.items())[: SUB_GRAPHS_LIMIT - len(found)]
        waiting = []
        for sub_row in await graphs.find_many(level, owner_id=row.user_id) if level else ():
            sub = SubGraph.model_validate({**sub_row.body, "is_active": sub_row.is_active})
            found[sub.id] = sub
            waiting += agents_of(sub)
    return graph.model_copy(update={"sub_graphs": list(found.values())})


def agents_of(graph: SubGraph) -> list[tuple[UUID, int | None]]:
    """Return the graphs that the agent nodes of a graph run; without a version, the newest."""
    wanted = []
    for node in graph.nodes:
        if node.block_id != AGENT_BLOCK_ID:
            continue
        version = node.input_default.get("graph_version")
        try:
            graph_id = UUID(str(node.input_default.get("graph_id")))
        except ValueError:
            continue
        wanted.append((graph_id, version if isinstance(version, int) else None))
    return wanted


def missing_agents(graph: Graph) -> list[Problem]:
    """Find agent nodes whose graph is gone, or somebody else's: they could not be run."""
    there = {part.id for part in graph.all_graphs}
    problems = []
    for part in graph.all_graphs:
        for node in part.nodes:
            wanted = node.input_default.get("graph_id")
            if node.block_id == AGENT_BLOCK_ID and wanted not in there:
                reason = f"The agent's graph {wanted!r} is not there; import it and choose it again."
                sub_id = None if part is graph else part.id
                problems.append(
                    Problem(
                        node=node.id, pin="graph_id", code="agent_graph_missing", reason=reason, graph=sub_id
                    )
                )
    return problems


async def load_shown(
    graphs: Graphs, graph_id: UUID, specs: Specs, *, owner_id: UUID, version: int | None
) -> dict[str, Any]:
    """Return a graph as clients see it. Errors: NotFoundError."""
    row = await graphs.get(graph_id, owner_id=owner_id, version=version)
    return shown(row, await with_sub_graphs(graphs, row), specs)


def shown(row: GraphRow, graph: Graph, specs: Specs) -> dict[str, Any]:
    """Return AutoGPT's GraphModel, and ours: whether it is a draft, and why. Its blocks are those of today."""
    graph = upgraded(graph, specs)
    problems = [problem for problem in save_problems(graph, specs) if problem.severity == "draft"]
    kinds = [spec for node in graph.nodes if (spec := specs.get(node.block_id))]
    part = graph.model_dump(mode="json", exclude={"nodes", "sub_graphs"})
    return {
        **part,
        "user_id": str(row.user_id),
        "created_at": row.created_at,
        "nodes": _nodes(graph),
        "sub_graphs": [{**sub.model_dump(mode="json"), "nodes": _nodes(sub)} for sub in graph.sub_graphs],
        "input_schema": input_schema(graph, specs),
        "output_schema": output_schema(graph, specs),
        "credentials_input_schema": credentials_schema(graph, specs),
        "has_external_trigger": any(spec.kind in ("Webhook", "Webhook (manual)") for spec in kinds),
        "has_human_in_the_loop": any(spec.kind == "Human In The Loop" for spec in kinds),
        "has_sensitive_action": any(spec.sensitive for spec in kinds),
        "trigger_setup_info": None,
        "draft": bool(problems),
        "problems": [problem.as_dict() for problem in problems],
    }


def _nodes(graph: SubGraph) -> list[dict[str, Any]]:
    """Nodes with the copies of their links that AutoGPT's clients look for."""
    into: dict[str, list[dict[str, Any]]] = {}
    out_of: dict[str, list[dict[str, Any]]] = {}
    for link in graph.links:
        data = link.model_dump()
        out_of.setdefault(link.source_id, []).append(data)
        into.setdefault(link.sink_id, []).append(data)
    return [
        {
            **node.model_dump(mode="json"),
            "input_links": into.get(node.id, []),
            "output_links": out_of.get(node.id, []),
            "graph_id": graph.id,
            "graph_version": graph.version,
            "webhook_id": None,
        }
        for node in graph.nodes
    ]
