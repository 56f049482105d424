"""Ids of graphs, nodes and links: all new when a graph is created, kept if known when it is updated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from millstream.schemas.graph import AGENT_BLOCK_ID, Graph, Link, Node, SubGraph, fresh_id

PartT = TypeVar("PartT", bound=SubGraph)

PICKED: Final = "_credentials_id"
"""Key of values that a picker made (a file of a drive, with the credential that opens it)."""


def create(graph: Graph, *, user_id: str) -> Graph:
    """Return `graph` as a new graph of `user_id`: graphs, nodes and links get new ids, the ends follow.

    Agent nodes run as `user_id` and point to the new ids of the graphs that travel along. Values of pickers
    become null: their credentials belong to whoever made the file. Ends that name no node are left for
    validation to find.
    """
    graph_ids = {part.id: fresh_id() for part in graph.all_graphs}
    subs = [
        _with_new_ids(sub, graph_ids, user_id)
        for sub in graph.sub_graphs
        if sub.id != graph.id  # an agent that runs itself may carry itself; its agent nodes point to `graph`
    ]
    return _with_new_ids(graph, graph_ids, user_id).model_copy(update={"sub_graphs": subs})


def updated(graph: Graph, *, graph_id: str, version: int, user_id: str, previous: Graph) -> Graph:
    """Return `graph` as the next version of `previous`.

    Ids of nodes and links that `previous` has are kept, others are replaced. (AutoGPT replaces all; stable
    ones let versions be compared and masks, schedules and pinned data stay valid.) Values of pickers stay:
    they are the user's own. `sub_graphs` are those of `previous`: they are saved through their own id, never
    through a parent.
    """
    kept = {node.id for node in previous.nodes}
    kept_links = {link.id for link in previous.links}
    node_ids = {node.id: node.id if node.id in kept else fresh_id() for node in graph.nodes}
    nodes = [
        node.model_copy(update={"id": node_ids[node.id], "input_default": _owned(node, {}, user_id)})
        for node in graph.nodes
    ]
    links = [_moved(link, node_ids, link.id if link.id in kept_links else fresh_id()) for link in graph.links]
    return graph.model_copy(
        update={
            "id": graph_id,
            "version": version,
            "nodes": nodes,
            "links": links,
            "sub_graphs": previous.sub_graphs,
        }
    )


def _with_new_ids(graph: PartT, graph_ids: Mapping[str, str], user_id: str) -> PartT:
    node_ids = {node.id: fresh_id() for node in graph.nodes}
    nodes = [
        node.model_copy(
            update={"id": node_ids[node.id], "input_default": _unpicked(_owned(node, graph_ids, user_id))}
        )
        for node in graph.nodes
    ]
    links = [_moved(link, node_ids, fresh_id()) for link in graph.links]
    return graph.model_copy(update={"id": graph_ids[graph.id], "nodes": nodes, "links": links})


def _moved(link: Link, node_ids: Mapping[str, str], link_id: str) -> Link:
    source, sink = (node_ids.get(end, end) for end in (link.source_id, link.sink_id))
    return link.model_copy(update={"id": link_id, "source_id": source, "sink_id": sink})


def _owned(node: Node, graph_ids: Mapping[str, str], user_id: str) -> dict[str, Any]:
    """Constants of a node; an agent node's get the caller, the new id of its graph, and `inputs`."""
    if node.block_id != AGENT_BLOCK_ID:
        return node.input_default
    graph_id = node.input_default.get("graph_id")
    values = {"inputs": {}, **node.input_default, "user_id": user_id}
    if isinstance(graph_id, str) and graph_id in graph_ids:
        values["graph_id"] = graph_ids[graph_id]
    return values


def _unpicked(values: dict[str, Any]) -> dict[str, Any]:
    return {
        pin: None if isinstance(value, dict) and PICKED in value else value for pin, value in values.items()
    }
