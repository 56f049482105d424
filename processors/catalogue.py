"""`Catalogue`: what is known of all blocks as data, by present and former ids, and how graphs of former versions of them are
brought up to date. The edge holds one; a folder that is watched exchanges what is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from millstream.processors.runnable import Migrate
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import GraphInvalidError
from millstream.schemas.graph import Graph, Link, Node, SubGraph
from millstream.schemas.pins import base_name

VERSION_KEY = "block_version"
"""In the metadata of a node whose block migrates: for which version its constants are."""
G = TypeVar("G", bound=SubGraph)
T = TypeVar("T")


class Catalogue(Mapping[str, BlockSpec]):
    """Specs by id, in the order of their names. Iterating gives present ids alone."""

    def __init__(
        self, specs: Iterable[BlockSpec] = (), migrations: Mapping[str, Migrate] | None = None
    ) -> None:
        """`migrations`: by block id."""
        self.fill({spec.id: spec for spec in specs}, migrations or {})

    @classmethod
    def of(cls, specs: Iterable[BlockSpec] | Catalogue) -> Catalogue:
        """Return a catalogue of these; itself if it is one."""
        return specs if isinstance(specs, Catalogue) else cls(specs)

    def fill(self, specs: dict[str, BlockSpec], migrations: Mapping[str, Migrate]) -> None:
        """Exchange all that is in it."""
        former = {alias: spec for spec in specs.values() for alias in spec.aliases}
        self._every = {**former, **specs}
        self._specs = specs
        self.migrations = dict(migrations)
        self.etag = _digest(specs)
        self._outdated = {
            id_ for id_, spec in self._every.items() if spec.renamed_pins or spec.id in self.migrations
        } | former.keys()

    def take(self, other: Catalogue) -> bool:
        """Become like `other`. Returns False if that changes nothing that a client can see."""
        changed = self.etag != other.etag
        self.fill(other._specs, other.migrations)
        return changed

    def __getitem__(self, key: str) -> BlockSpec:
        return self._every[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, key: object) -> bool:
        return key in self._every

    def upgraded(self, graph: G) -> G:
        """Return a graph with the ids, pins and constants of today; itself if there was nothing to do.

        Errors: GraphInvalidError: the migration of a block failed.
        """
        parts = {"nodes": self._nodes(graph), "links": self._links(graph)}
        update: dict[str, Any] = {name: new for name, new in parts.items() if new is not getattr(graph, name)}
        if isinstance(graph, Graph):
            subs = [self.upgraded(sub) for sub in graph.sub_graphs]
            if any(new is not old for new, old in zip(subs, graph.sub_graphs, strict=True)):
                update["sub_graphs"] = subs
        return graph.model_copy(update=update) if update else graph

    def _nodes(self, graph: SubGraph) -> list[Node]:
        if not any(node.block_id in self._outdated for node in graph.nodes):
            return graph.nodes
        nodes = [self._node(node) if node.block_id in self._outdated else node for node in graph.nodes]
        return _same_or(graph.nodes, nodes)

    def _node(self, node: Node) -> Node:
        spec = self._every[node.block_id]
        constants, metadata = node.input_default, node.metadata
        if spec.renamed_pins:
            constants = {_renamed(spec, pin): value for pin, value in constants.items()}
        migrate = self.migrations.get(spec.id)
        if migrate is not None and metadata.get(VERSION_KEY) != spec.version:
            constants = _migrated(migrate, spec, node.id, constants, metadata.get(VERSION_KEY))
            metadata = {**metadata, VERSION_KEY: spec.version}
        if (spec.id, constants, metadata) == (node.block_id, node.input_default, node.metadata):
            return node
        return node.model_copy(update={"block_id": spec.id, "input_default": constants, "metadata": metadata})

    def _links(self, graph: SubGraph) -> list[Link]:
        renaming = {
            node.id: spec
            for node in graph.nodes
            if node.block_id in self._outdated and (spec := self._every[node.block_id]).renamed_pins
        }
        if not renaming:
            return graph.links
        links = []
        for link in graph.links:
            source, sink = renaming.get(link.source_id), renaming.get(link.sink_id)
            names = {
                "source_name": _renamed(source, link.source_name),
                "sink_name": _renamed(sink, link.sink_name),
            }
            same = names == {"source_name": link.source_name, "sink_name": link.sink_name}
            links.append(link if same else link.model_copy(update=names))
        return _same_or(graph.links, links)


def upgraded(graph: G, specs: Mapping[str, BlockSpec]) -> G:
    """`Catalogue.upgraded`, where `specs` is one. Errors: GraphInvalidError."""
    return specs.upgraded(graph) if isinstance(specs, Catalogue) else graph


def _renamed(spec: BlockSpec | None, pin: str) -> str:
    """`items_$_0` of `list_$_0`, where `list` became `items`."""
    base = base_name(pin)
    new = None if spec is None else spec.renamed_pins.get(base)
    return pin if new is None else new + pin[len(base) :]


def _migrated(
    migrate: Migrate, spec: BlockSpec, node_id: str, constants: dict[str, Any], version: Any
) -> dict[str, Any]:
    try:
        return dict(migrate(dict(constants), version if isinstance(version, str) else None))
    except Exception as error:  # an author's code; whoever saves the graph must see which
        reason = f"{spec.name} could not bring its constants to version {spec.version}: {error}"
        problem = {"node": node_id, "pin": None, "code": "migration_failed", "reason": reason}
        raise GraphInvalidError(f"node {node_id!r}: {reason}", problems=[problem]) from error


def _same_or(old: list[T], new: list[T]) -> list[T]:
    return old if all(a is b for a, b in zip(old, new, strict=True)) else new


def _digest(specs: Mapping[str, BlockSpec]) -> str:
    return hashlib.sha256(msgspec.json.encode(list(specs.values()))).hexdigest()[:32]
