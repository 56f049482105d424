"""What the account of a caller offers as tools: its graphs, the blocks of this installation, and a look at a run.

The name of a graph's tool ends with the graph's id, so a call needs no list; that of a block is the block's own in snake case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from millstream.api.auth.principal import Principal, Scope
from millstream.api.database import Connection
from millstream.api.graphs.repository import GraphHead, Graphs
from millstream.api.graphs.service import Specs
from millstream.api.http.paging import Cursor
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import InputInvalidError
from millstream.schemas.graph import Graph
from millstream.schemas.graph_credentials import credentials_schema
from millstream.schemas.graph_io import input_schema
from millstream.schemas.tools import tool_name

GRAPHS_A_PAGE: Final = 50
BLOCKS_A_PAGE: Final = 200
NAME_CHARS: Final = 64
DESCRIPTION_CHARS: Final = 1_024
CREDENTIALS: Final = "credentials_inputs"
"""Argument of a graph's tool for the credentials that the graph does not hold itself."""
LOOK: Final = "get_execution"
"""Tool that tells what became of a run."""
_NO_TOOLS: Final = frozenset({"Input", "Output", "Note", "Agent", "Webhook", "Webhook (manual)"})
"""Kinds that mean something in a graph only."""
_GRAPH_NAME = re.compile(r"(?:.*_)?([0-9a-f]{32})")
_BLOCKS: Final = "blocks:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A tool, whatever is behind it."""

    name: str
    title: str
    description: str
    schema: dict[str, Any]
    reads_only: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some offers, and where the next begin."""

    offers: list[Offer]
    cursor: str | None


class Blocks:
    """Blocks by the names of their tools."""

    def __init__(self, specs: Iterable[BlockSpec]) -> None:
        self._specs = [spec for spec in specs if not spec.disabled and spec.kind not in _NO_TOOLS]

    @cached_property
    def by_name(self) -> Mapping[str, BlockSpec]:
        """Blocks in the order of their names; of two with one name the second has its id behind it."""
        found: dict[str, BlockSpec] = {}
        for spec in sorted(self._specs, key=lambda spec: (spec.name, spec.id)):
            name = tool_name(spec.name)
            if name in found or name == LOOK:
                name = f"{name[:55]}_{spec.id[:8]}"
            found[name] = spec
        return found


def look() -> Offer:
    """Return the tool that tells what became of a run."""
    return Offer(
        name=LOOK,
        title="Look at a run",
        description="Tell the status and the outputs of a run that another tool has started, by its execution_id. "
        "Waits for its end for up to wait_s seconds.",
        schema={
            "type": "object",
            "properties": {
                "execution_id": {"type": "string", "format": "uuid", "description": "As the tool gave it."},
                "wait_s": {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
            },
            "required": ["execution_id"],
        },
        reads_only=True,
    )


async def page(
    conn: Connection, blocks: Blocks, specs: Specs, user: Principal, *, cursor: str | None, only: str
) -> Page:
    """Return a page of what `user` may call. `only`: `graphs`, `blocks`, or all if empty. Errors: InputInvalidError."""
    with_graphs = only != "blocks" and user.may(Scope.EXECUTE_GRAPH) and user.may(Scope.READ_GRAPH)
    with_blocks = only != "graphs" and user.may(Scope.EXECUTE_BLOCK)
    offers = [look()] if cursor is None and user.may(Scope.READ_GRAPH) else []
    if cursor is not None and cursor.startswith(_BLOCKS):
        return _page_of_blocks(blocks, [], cursor.removeprefix(_BLOCKS)) if with_blocks else Page([], None)
    after = None
    if with_graphs:
        found, after = await _graphs(conn, specs, user.account_id, cursor)
        offers += found
    if after is not None:
        return Page(offers, after)
    return _page_of_blocks(blocks, offers, "") if with_blocks else Page(offers, None)


def _page_of_blocks(blocks: Blocks, offers: list[Offer], after: str) -> Page:
    waiting = [(name, spec) for name, spec in blocks.by_name.items() if spec.name >= after]
    offers = [*offers, *(of_block(name, spec) for name, spec in waiting[:BLOCKS_A_PAGE])]
    more = waiting[BLOCKS_A_PAGE:]
    return Page(offers, f"{_BLOCKS}{more[0][1].name}" if more else None)


async def _graphs(
    conn: Connection, specs: Specs, owner_id: UUID, cursor: str | None
) -> tuple[list[Offer], str | None]:
    graphs = Graphs(conn)
    heads = await graphs.list_(owner_id=owner_id, cursor=Cursor.parse(cursor), limit=GRAPHS_A_PAGE + 1)
    shown = heads[:GRAPHS_A_PAGE]
    ready = [(head.id, head.version) for head in shown if not head.draft]
    rows = {row.id: row for row in await graphs.find_many(ready, owner_id=owner_id)} if ready else {}
    offers = [
        of_graph(head, Graph.model_validate({**rows[head.id].body, "is_active": head.is_active}), specs)
        for head in shown
        if head.id in rows
    ]
    last = shown[-1] if len(heads) > GRAPHS_A_PAGE else None
    return offers, None if last is None else Cursor(last.created_at, last.id).text


def of_graph(head: GraphHead, graph: Graph, specs: Specs) -> Offer:
    """Return a graph as a tool: its inputs are the arguments."""
    schema = input_schema(graph, specs)
    needed = credentials_schema(graph, specs)
    if needed.get("properties") and CREDENTIALS not in schema["properties"]:
        names = ", ".join(needed["properties"])
        schema["properties"][CREDENTIALS] = {
            "type": "object",
            "description": f"Ids of credentials of the account, by name: {names}.",
            "additionalProperties": {"type": "string"},
        }
        if needed.get("required"):
            schema["required"].append(CREDENTIALS)
    about = f"Run the agent {head.name!r}. {head.description}".strip()
    return Offer(
        name=graph_tool(head.name, head.id),
        title=head.name[:100] or "Agent",
        description=about[:DESCRIPTION_CHARS],
        schema=schema,
    )


def of_block(name: str, spec: BlockSpec) -> Offer:
    """Return a block as a tool: its pins are the arguments."""
    pins = spec.input_schema.get("properties", {})
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {pin: field for pin, field in pins.items() if not field.get("hidden")},
        "required": list(spec.input_schema.get("required", ())),
    }
    if "$defs" in spec.input_schema:
        schema["$defs"] = spec.input_schema["$defs"]
    title = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", spec.name.removesuffix("Block"))
    return Offer(name=name, title=title, description=spec.description[:DESCRIPTION_CHARS], schema=schema)


def graph_tool(name: str, graph_id: UUID) -> str:
    """Return `weather_report_<id>`."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[: NAME_CHARS - 33].strip("_") or "agent"
    return f"{slug}_{graph_id.hex}"


def graph_of(name: str) -> UUID | None:
    """Return the graph that a tool's name ends with, None if it is the name of something else."""
    found = _GRAPH_NAME.fullmatch(name)
    return UUID(found[1]) if found else None


def only_of(text: str) -> str:
    """Read what `?tools=` says. Errors: InputInvalidError."""
    if text not in ("", "all", "graphs", "blocks"):
        raise InputInvalidError(f"`tools` is {text[:40]!r}; say graphs, blocks or all.")
    return "" if text == "all" else text
