"""Notion: entries of databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.blocks.notion import LOGIN, NOTION, PAGE, NotionLogin, served
from millstream.processors.blocks.notion_text import title_of, values_of
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError


class Rows(Outputs):
    """Pins of NotionReadDatabaseBlock."""

    entries: list[dict[str, Any]]
    entry: dict[str, Any]
    entry_ids: list[str]
    entry_id: str
    count: int
    database_title: str


_ENTRY = {"_id": "p1", "_url": "https://notion.so/p1", "Name": "Tea"}
_BASE = {"title": [{"plain_text": "Drinks"}], "properties": {"Name": {"type": "title"}}}


@block(
    id="fcd53135-88c9-4ba3-be50-cc6936286e6c",
    name="NotionReadDatabaseBlock",
    categories=("PRODUCTIVITY",),
    samples=[
        Sample(
            {"credentials": LOGIN, "database_id": "d1", "filter_property": "Name", "filter_value": "Tea"},
            [
                ("entries", [_ENTRY]),
                ("entry", _ENTRY),
                ("entry_ids", ["p1"]),
                ("entry_id", "p1"),
                ("count", 1),
                ("database_title", "Drinks"),
            ],
            serves={"/databases/d1": served(_BASE), "/databases/d1/query": served({"results": [PAGE]})},
        ),
        Sample(
            {"credentials": LOGIN, "database_id": "d1", "filter_property": "Size", "filter_value": "L"},
            raises="block_input_invalid",
            serves={"/databases/d1": served(_BASE)},
        ),
    ],
)
async def notion_read_database(
    credentials: NotionLogin,
    database_id: str,
    filter_property: Advanced[str | None] = None,
    filter_value: Advanced[str | None] = None,
    sort_property: Advanced[str | None] = None,
    sort_direction: Advanced[str | None] = "ascending",
    limit: Advanced[Annotated[int, Field(ge=1, le=100)]] = 100,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Rows]]:
    """Read the entries of a database, their properties as plain values.

    credentials: A connected account, or the token of an integration.
    database_id: Id of the database.
    filter_property: Only entries whose property of this name has filter_value.
    filter_value: What that property is; a text contains it, a number or a choice equals it, a box is `true` or `false`.
    sort_property: The property to sort by.
    sort_direction: `ascending` or `descending`.
    limit: How many at most.
    entries: All entries: `_id`, `_url`, and the values by name of the property.
    entry: Each entry.
    entry_ids: Ids of all entries.
    entry_id: Each id.
    count: How many there are.
    database_title: The title of the database.
    """
    if sort_direction not in (None, "ascending", "descending"):
        raise BlockInputError(f"sort_direction is {sort_direction!r}; say ascending or descending.")
    path = {"id": database_id}
    base = await NOTION.call(ctx, "GET /databases/{id}", path=path)
    sorts = (
        [{"property": sort_property, "direction": sort_direction or "ascending"}] if sort_property else None
    )
    ask = {"filter": _filter(base, filter_property, filter_value), "sorts": sorts, "page_size": limit}
    rows = (await NOTION.call(ctx, "POST /databases/{id}/query", path=path, json=ask))["results"]
    entries = [
        {"_id": row["id"], "_url": row.get("url"), **values_of(row.get("properties") or {})} for row in rows
    ]
    yield "entries", entries
    for entry in entries:
        yield "entry", entry
    yield "entry_ids", [entry["_id"] for entry in entries]
    for entry in entries:
        yield "entry_id", entry["_id"]
    yield "count", len(entries)
    yield "database_title", title_of(base)


def _filter(base: dict[str, Any], name: str | None, value: str | None) -> dict[str, Any] | None:
    if not name or value is None:
        return None
    kind = ((base.get("properties") or {}).get(name) or {}).get("type")
    if kind is None:
        known = ", ".join(base.get("properties") or {})
        raise BlockInputError(
            f"The database has no property {name!r}; it has {known}.", pin="filter_property"
        )
    if kind in ("select", "status", "date"):
        rule: dict[str, Any] = {"equals": value}
    elif kind == "checkbox":
        rule = {"equals": value.strip().lower() in ("true", "1", "yes")}
    elif kind == "number":
        try:
            rule = {"equals": float(value)}
        except ValueError as error:
            raise BlockInputError(f"{name!r} is a number, {value!r} is none.", pin="filter_value") from error
    else:
        rule = {"contains": value}
    return {"property": name, kind: rule}
