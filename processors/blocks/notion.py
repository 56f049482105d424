"""Notion: search, pages and databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.blocks.notion_text import (
    BLOCKS_MOST,
    blocks_of,
    markdown_of,
    rich,
    title_of,
)
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

NOTION = Service(
    provider="notion",
    title="Notion",
    url="https://api.notion.com/v1",
    headers={"Notion-Version": "2022-06-28"},
)
NotionLogin = Annotated[Credentials, NOTION.takes("oauth2", "api_key")]
PAGE_BLOCKS_MOST: Final = 1_000
"""Blocks of one page that are read."""
DEPTH_MOST: Final = 3
LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "notion", "type": "api_key"}
_TITLE = {"type": "title", "title": [{"plain_text": "Tea"}]}
PAGE = {"id": "p1", "object": "page", "url": "https://notion.so/p1", "properties": {"Name": _TITLE}}
_FOUND = {
    "id": "p1",
    "type": "page",
    "title": "Tea",
    "url": "https://notion.so/p1",
    "created_time": None,
    "last_edited_time": None,
    "parent_type": None,
    "parent_id": None,
    "icon": None,
    "is_inline": None,
}


def served(value: Any) -> tuple[str, str]:
    """Return a page for a sample."""
    return "application/json", json.dumps(value)


class Found(TypedDict):
    """A page or a database."""

    id: str
    type: str
    title: str
    url: str
    created_time: str | None
    last_edited_time: str | None
    parent_type: str | None
    parent_id: str | None
    icon: str | None
    is_inline: bool | None


class Search(Outputs):
    """Pins of NotionSearchBlock."""

    results: list[Found]
    result: Found
    result_ids: list[str]
    count: int


@block(
    id="313515dd-9848-46ea-9cd6-3c627c892c56",
    name="NotionSearchBlock",
    categories=("PRODUCTIVITY", "SEARCH"),
    samples=[
        Sample(
            {"credentials": LOGIN, "query": "tea"},
            [("results", [_FOUND]), ("result", _FOUND), ("result_ids", ["p1"]), ("count", 1)],
            serves={"/search": served({"results": [PAGE]})},
        ),
        Sample({"credentials": LOGIN, "filter_type": "song"}, raises="block_input_invalid"),
    ],
)
async def notion_search(
    credentials: NotionLogin,
    query: Advanced[str] = "",
    filter_type: Advanced[str | None] = None,
    limit: Advanced[Annotated[int, Field(ge=1, le=100)]] = 20,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Search]]:
    """Find pages and databases that are shared with the integration.

    credentials: A connected account, or the token of an integration.
    query: Words of the title; empty finds all.
    filter_type: `page` or `database`, to find only those.
    limit: How many at most.
    results: What was found.
    result: Each result.
    result_ids: Their ids.
    count: How many there are.
    """
    if filter_type not in (None, "", "page", "database"):
        raise BlockInputError(f"filter_type is {filter_type!r}; say page or database.", pin="filter_type")
    only = {"property": "object", "value": filter_type} if filter_type else None
    ask = {"query": query, "page_size": limit, "filter": only}
    rows = (await NOTION.call(ctx, "POST /search", json=ask))["results"]
    results = [_found(row) for row in rows]
    yield "results", results
    for result in results:
        yield "result", result
    yield "result_ids", [result["id"] for result in results]
    yield "count", len(results)


def _found(row: dict[str, Any]) -> Found:
    parent, icon = row.get("parent") or {}, row.get("icon") or {}
    kind = parent.get("type")
    parent_id = parent.get(kind) if kind else None
    return Found(
        id=row["id"],
        type=row.get("object", "page"),
        title=title_of(row),
        url=row.get("url") or "",
        created_time=row.get("created_time"),
        last_edited_time=row.get("last_edited_time"),
        parent_type=kind,
        parent_id=parent_id if isinstance(parent_id, str) else None,
        icon=icon.get("emoji"),
        is_inline=row.get("is_inline"),
    )


class Page(Outputs):
    """Pins of NotionReadPageBlock."""

    page: dict[str, Any]


@block(
    id="5246cc1d-34b7-452b-8fc5-3fb25fd8f542",
    name="NotionReadPageBlock",
    categories=("PRODUCTIVITY",),
    samples=[
        Sample(
            {"credentials": LOGIN, "page_id": "p1"},
            [("page", PAGE)],
            serves={"/pages/p1": served(PAGE)},
        ),
        Sample({"credentials": LOGIN, "page_id": ".."}, raises="block_input_invalid"),
    ],
)
async def notion_read_page(
    credentials: NotionLogin, page_id: str, *, ctx: Context
) -> AsyncIterator[Emit[Page]]:
    """Read a page as Notion has it, with its properties, without its text.

    credentials: A connected account, or the token of an integration.
    page_id: Id of the page.
    page: The page.
    """
    yield "page", await NOTION.call(ctx, "GET /pages/{id}", path={"id": page_id})


class Markdown(Outputs):
    """Pins of NotionReadPageMarkdownBlock."""

    markdown: str
    title: str


_LINES = [
    {"id": "b1", "type": "heading_1", "heading_1": {"rich_text": [{"plain_text": "Kinds"}]}},
    {"id": "b2", "type": "to_do", "to_do": {"rich_text": [{"plain_text": "buy"}], "checked": True}},
]


@block(
    id="d1312c4d-fae2-4e70-893d-f4d07cce1d4e",
    name="NotionReadPageMarkdownBlock",
    categories=("PRODUCTIVITY",),
    samples=[
        Sample(
            {"credentials": LOGIN, "page_id": "p1"},
            [("markdown", "# Tea\n\n# Kinds\n\n- [x] buy"), ("title", "Tea")],
            serves={
                "/pages/p1": served(PAGE),
                "/blocks/p1/children": served({"results": _LINES, "has_more": False}),
            },
        )
    ],
)
async def notion_read_page_markdown(
    credentials: NotionLogin, page_id: str, include_title: Advanced[bool] = True, *, ctx: Context
) -> AsyncIterator[Emit[Markdown]]:
    """Read a page as Markdown, up to a thousand of its blocks.

    credentials: A connected account, or the token of an integration.
    page_id: Id of the page.
    include_title: Begin with the title as a heading.
    markdown: The text.
    title: The title.
    """
    title = title_of(await NOTION.call(ctx, "GET /pages/{id}", path={"id": page_id}))
    lines = [f"# {title}"] if include_title and title else []
    lines += await _text(ctx, page_id)
    yield "markdown", "\n\n".join(lines)
    yield "title", title


async def _text(ctx: Context, page_id: str) -> list[str]:
    """The blocks of a page in their order, those inside of others below them."""
    lines: list[str] = []
    waiting: list[tuple[str, str | None, int, list[dict[str, Any]]]] = [(page_id, None, 0, [])]
    read = 0
    while waiting and read < PAGE_BLOCKS_MOST:
        parent, cursor, depth, rows = waiting.pop()
        if not rows:
            query = {"page_size": 100, "start_cursor": cursor}
            got = await NOTION.call(ctx, "GET /blocks/{id}/children", path={"id": parent}, query=query)
            rows = list(got["results"])
            if got.get("has_more"):
                waiting.append((parent, got["next_cursor"], depth, []))
        for number, row in enumerate(rows):
            read += 1
            if line := markdown_of(row, depth):
                lines.append(line)
            if row.get("has_children") and depth < DEPTH_MOST and row.get("type") != "child_page":
                if rest := rows[number + 1 :]:
                    waiting.append((parent, None, depth, rest))
                waiting.append((row["id"], None, depth + 1, []))
                break
    return lines


class Created(Outputs):
    """Pins of NotionCreatePageBlock."""

    page_id: str
    page_url: str


@block(
    id="c15febe0-66ce-4c6f-aebd-5ab351653804",
    name="NotionCreatePageBlock",
    categories=("PRODUCTIVITY",),
    repeatable=False,
    samples=[
        Sample(
            {"credentials": LOGIN, "parent_page_id": "p0", "title": "Tea", "content": "# Kinds\n- green"},
            [("page_id", "p1"), ("page_url", "https://notion.so/p1")],
            serves={"/pages": served(PAGE)},
        ),
        Sample({"credentials": LOGIN, "title": "Tea"}, raises="block_input_invalid"),
    ],
)
async def notion_create_page(
    credentials: NotionLogin,
    title: str,
    parent_page_id: Advanced[str | None] = None,
    parent_database_id: Advanced[str | None] = None,
    content: Advanced[str | None] = None,
    properties: Advanced[dict[str, Any] | None] = None,
    icon_emoji: Advanced[str | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Created]]:
    """Make a page below another page, or in a database.

    credentials: A connected account, or the token of an integration.
    title: The title.
    parent_page_id: Id of the page that it goes below.
    parent_database_id: Id of the database that it goes into; give one of the two.
    content: The text, in Markdown.
    properties: Properties of a page in a database, as Notion's API has them.
    icon_emoji: An emoji as its icon.
    page_id: Id of the page.
    page_url: Address of the page.
    """
    if bool(parent_page_id) == bool(parent_database_id):
        raise BlockInputError("Give either parent_page_id or parent_database_id.", pin="parent_page_id")
    name, parent = "title", {"page_id": parent_page_id}
    if parent_database_id:
        parent = {"database_id": parent_database_id}
        schema = await NOTION.call(ctx, "GET /databases/{id}", path={"id": parent_database_id})
        kinds = {key: each.get("type") for key, each in schema.get("properties", {}).items()}
        name = next((key for key, kind in kinds.items() if kind == "title"), "Name")
    children = blocks_of(content or "")
    ask = {
        "parent": parent,
        "properties": {**(properties or {}), name: {"title": rich(title)}},
        "children": children[:BLOCKS_MOST] or None,
        "icon": {"type": "emoji", "emoji": icon_emoji} if icon_emoji else None,
    }
    made = await NOTION.call(ctx, "POST /pages", json=ask)
    for at in range(BLOCKS_MOST, len(children), BLOCKS_MOST):
        more = {"children": children[at : at + BLOCKS_MOST]}
        await NOTION.call(ctx, "PATCH /blocks/{id}/children", path={"id": made["id"]}, json=more)
    yield "page_id", made["id"]
    yield "page_url", made.get("url") or ""
