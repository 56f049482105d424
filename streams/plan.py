"""A plan: a graph made ready to run. Self-contained (pins, types and lanes of its blocks included), so that a
coordinator needs no registry, and that a run keeps its version whatever is installed meanwhile. Pure."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec
import orjson

from millstream.processors.convert import compile_converter
from millstream.schemas.blocks import ALWAYS, BlockSpec, Retry
from millstream.schemas.errors import GraphInvalidError
from millstream.schemas.pins import base_name, is_tool_pin
from millstream.streams.policy import Policy, read_policy
from millstream.streams.toolbox import toolboxes

if TYPE_CHECKING:
    from millstream.schemas.graph import Graph, SubGraph


class PlanBlock(msgspec.Struct, array_like=True, frozen=True):
    """What running needs of a block."""

    id: str
    kind: str
    lane: str
    schema: bytes
    """JSON Schema of the inputs."""
    sensitive: bool
    timeout_ms: int | None
    known: bool = True
    static: bool = False
    """Its outputs are kept for whoever comes later."""
    join: bool = False
    """Runs with what has arrived when nothing more can come."""
    calls: str = ""
    """It calls nodes that are linked from its tool pins: `always`, or when this constant of the node is set."""


class PlanNode(msgspec.Struct, array_like=True, frozen=True):
    """One node."""

    id: str
    block: int
    defaults: bytes
    """JSON object."""
    policy: Policy = Policy()
    child: int = -1
    """Index into `Plan.children` of an agent node."""
    tools: bytes = b""
    """JSON list of what is linked from its tool pins; see `toolbox`."""


class PlanLink(msgspec.Struct, array_like=True, frozen=True):
    """One link, ends by index."""

    source: int
    source_name: str
    sink: int
    sink_name: str
    static: bool


class PlanData(msgspec.Struct, array_like=True, frozen=True):
    """The wire form."""

    blocks: list[PlanBlock]
    nodes: list[PlanNode]
    links: list[PlanLink]
    graph_id: str = ""
    graph_version: int = 1
    children: list[bytes] = []
    """Compressed plans of sub-graphs."""


class CompiledPlan(msgspec.Struct, frozen=True):
    """A plan as it travels. `hash` is the SHA-256 of the uncompressed data."""

    hash: bytes
    data: bytes
    graph_id: str
    graph_version: int


class RunNode:
    """A node with everything precomputed that a delivery needs."""

    __slots__ = (
        "_defaults",
        "block",
        "callable",
        "called",
        "child",
        "convert",
        "dynamic",
        "id",
        "index",
        "kept",
        "linked",
        "name",
        "out",
        "policy",
        "required",
        "selectors",
        "static_pins",
        "toolbox",
        "validator",
    )

    def __init__(self, index: int, node: PlanNode, block: PlanBlock) -> None:
        self.index = index
        self.id = node.id
        self.block = block
        self.policy = node.policy
        self.child = node.child
        self._defaults = node.defaults if block.kind != "Agent" else _constants(node.defaults)
        self.out: list[PlanLink] = []
        self.linked: dict[str, int] = {}
        self.static_pins: frozenset[str] = frozenset()
        self.selectors: list[str] = []
        self.toolbox = node.tools
        self.callable: dict[str, tuple[int, frozenset[str]]] = {}
        """By node id what it may call: index, and the pins that may be given."""
        self.called: frozenset[str] = frozenset()
        """Pins that nodes fill which call it."""
        self.kept: frozenset[str] = frozenset()
        """Its other linked pins, if it is called: the newest value is in each call."""
        defaults: dict[str, Any] = orjson.loads(node.defaults)
        self.dynamic = any(base_name(pin) != pin for pin in defaults)
        name = defaults.get("name")
        self.name: str = name if isinstance(name, str) else node.id
        schema = _input_schema(block, defaults)
        self.required = frozenset(schema.get("required", ()))
        self.convert: Callable[[dict[str, Any]], dict[str, Any]] = _converter(schema)
        self.validator: Any = jsonschema_rs.validator_for(schema)

    def defaults(self) -> dict[str, Any]:
        """Return a fresh copy of the default inputs."""
        values: dict[str, Any] = orjson.loads(self._defaults)
        return values


def _constants(defaults: bytes) -> bytes:
    """An agent node's own inputs are those of its graph: the constants under `inputs`."""
    return orjson.dumps(orjson.loads(defaults).get("inputs") or {})


def _input_schema(block: PlanBlock, defaults: dict[str, Any]) -> dict[str, Any]:
    if block.kind == "Agent" and isinstance(defaults.get("input_schema"), dict):
        child: dict[str, Any] = defaults["input_schema"]
        return {
            "type": "object",
            "properties": child.get("properties", {}),
            "required": child.get("required", []),
        }
    schema: dict[str, Any] = orjson.loads(block.schema)
    return schema


def _converter(schema: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    convert: Callable[[dict[str, Any]], dict[str, Any]] = compile_converter(schema)
    return convert


class Plan:
    """A decoded plan. Nodes are prepared at first use: a run touches few nodes of a large graph at once."""

    def __init__(self, hash_: bytes, data: PlanData) -> None:
        self.hash = hash_
        self.data = data
        self._nodes: dict[int, RunNode] = {}
        self._by_source: dict[int, list[PlanLink]] = {}
        self._by_sink: dict[int, list[PlanLink]] = {}
        self._joins: list[int] | None = None
        for link in data.links:
            self._by_source.setdefault(link.source, []).append(link)
            self._by_sink.setdefault(link.sink, []).append(link)

    @classmethod
    def empty(cls, hash_: bytes) -> Plan:
        """Return a plan without nodes, for an execution whose plan is lost."""
        return cls(hash_, PlanData([], [], []))

    def node(self, index: int) -> RunNode:
        """Return a node. Errors: IndexError."""
        node = self._nodes.get(index)
        if node is None:
            plain = self.data.nodes[index]
            node = self._nodes[index] = RunNode(index, plain, self.data.blocks[plain.block])
            node.out = self._by_source.get(index, [])
            into = self._by_sink.get(index, [])
            for link in into:
                node.linked.setdefault(link.sink_name, len(node.linked))
            node.static_pins = frozenset(link.sink_name for link in into if link.static)
            node.selectors = sorted(
                {ln.source_name for ln in node.out if base_name(ln.source_name) != ln.source_name}
            )
            node.dynamic = node.dynamic or any(base_name(pin) != pin for pin in node.linked)
            self._link_calls(node, into)
        return node

    def _link_calls(self, node: RunNode, into: list[PlanLink]) -> None:
        pins: dict[int, set[str]] = {}
        for link in node.out:
            if is_tool_pin(link.source_name):
                pins.setdefault(link.sink, set()).add(link.sink_name)
        node.callable = {self.data.nodes[sink].id: (sink, frozenset(found)) for sink, found in pins.items()}
        calling = [link for link in into if is_tool_pin(link.source_name) and self._calls(link.source)]
        if calling:
            node.called = frozenset(link.sink_name for link in calling)
            node.kept = frozenset(link.sink_name for link in into if link not in calling)
            node.static_pins = frozenset()

    def _calls(self, index: int) -> bool:
        node = self.data.nodes[index]
        calls = self.data.blocks[node.block].calls
        return calls == ALWAYS or bool(calls and orjson.loads(node.defaults).get(calls))

    def joins(self) -> list[int]:
        """Return the joins in the order in which they are released: that of the plan, but what leads to one goes first."""
        if self._joins is None:
            there = any(block.join for block in self.data.blocks)
            ordered = self._upstream_first() if there else []
            self._joins = [i for i in ordered if self.data.blocks[self.data.nodes[i].block].join]
        return self._joins

    def _upstream_first(self) -> list[int]:
        """Walk against the links, depth first and without recursion; a link that closes a cycle is passed over."""
        seen: set[int] = set()
        ordered: list[int] = []
        for root in range(len(self.data.nodes)):
            todo = [(root, False)]
            while todo:
                index, done = todo.pop()
                if done:
                    ordered.append(index)
                elif index not in seen:
                    seen.add(index)
                    todo.append((index, True))
                    todo += [(link.source, False) for link in reversed(self._by_sink.get(index, []))]
        return ordered

    def starting(self) -> Iterable[int]:
        """Return the nodes to start with: those without incoming links and every input node; notes are left out."""
        for index, node in enumerate(self.data.nodes):
            kind = self.data.blocks[node.block].kind
            if kind != "Note" and (kind == "Input" or index not in self._by_sink):
                yield index


def decode_plan(hash_: bytes, data: bytes) -> Plan:
    """Return the plan. Errors: GraphInvalidError when the bytes are not the plan that the hash names."""
    try:
        raw = zlib.decompress(data)
        if hashlib.sha256(raw).digest() != hash_:
            raise ValueError("the hash does not fit")
        return Plan(hash_, msgspec.msgpack.decode(raw, type=PlanData))
    except (zlib.error, ValueError, msgspec.MsgspecError) as error:
        raise GraphInvalidError(f"the plan {hash_.hex()[:16]} cannot be read: {error}") from error


def _pack(data: PlanData) -> CompiledPlan:
    raw = msgspec.msgpack.encode(data)
    return CompiledPlan(
        hashlib.sha256(raw).digest(), zlib.compress(raw, 3), data.graph_id, data.graph_version
    )


def _block(spec: BlockSpec | None, block_id: str) -> PlanBlock:
    if spec is None:
        return PlanBlock(block_id, "Standard", "io", b"{}", False, None, known=False)
    timeout_ms = None if spec.timeout_s is None else int(spec.timeout_s * 1000)
    schema = orjson.dumps(spec.input_schema)
    return PlanBlock(
        spec.id,
        spec.kind,
        spec.lane,
        schema,
        spec.sensitive,
        timeout_ms,
        static=spec.static_output,
        join=spec.join,
        calls=spec.calls,
    )


def _retry(spec: BlockSpec | None) -> Retry | None:
    return None if spec is None else spec.retry


def compile_plan(graph: Graph, specs: Mapping[str, BlockSpec]) -> CompiledPlan:
    """Compile a valid graph, its sub-graphs included. Blocks that `specs` lacks fail when they run."""
    subs = {sub.id: sub for sub in graph.sub_graphs}
    return _compile(graph, specs, subs, ())


def _compile(
    graph: SubGraph, specs: Mapping[str, BlockSpec], subs: Mapping[str, SubGraph], path: tuple[str, ...]
) -> CompiledPlan:
    block_ids = list(dict.fromkeys(node.block_id for node in graph.nodes))
    blocks = [_block(specs.get(block_id), block_id) for block_id in block_ids]
    block_index = {block_id: i for i, block_id in enumerate(block_ids)}
    children: list[bytes] = []
    nodes: list[PlanNode] = []
    tools = toolboxes(graph, specs, subs)
    for node in graph.nodes:
        child = -1
        is_agent = blocks[block_index[node.block_id]].kind == "Agent"
        sub = subs.get(str(node.input_default.get("graph_id"))) if is_agent else None
        if sub is not None and sub.id not in path:
            child = len(children)
            children.append(_compile(sub, specs, subs, (*path, graph.id)).data)
        nodes.append(
            PlanNode(
                node.id,
                block_index[node.block_id],
                orjson.dumps(node.input_default),
                policy=read_policy(node.id, node.metadata.get("policy"), _retry(specs.get(node.block_id))),
                child=child,
                tools=tools.get(node.id, b""),
            )
        )
    index = {node.id: i for i, node in enumerate(graph.nodes)}
    links = [
        PlanLink(index[link.source_id], link.source_name, index[link.sink_id], link.sink_name, link.is_static)
        for link in graph.links
    ]
    return _pack(PlanData(blocks, nodes, links, graph.id, graph.version, children))


def block_plan(spec: BlockSpec) -> CompiledPlan:
    """Return the plan that runs one block once: one node, named like the block."""
    return _pack(PlanData([_block(spec, spec.id)], [PlanNode(spec.id, 0, b"{}")], [], spec.id))


def child_plan(data: bytes) -> CompiledPlan:
    """Return a sub-graph's compressed plan with its hash."""
    raw = zlib.decompress(data)
    plain = msgspec.msgpack.decode(raw, type=PlanData)
    return CompiledPlan(hashlib.sha256(raw).digest(), data, plain.graph_id, plain.graph_version)
