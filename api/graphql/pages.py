"""Connections: pages by cursor, as the REST routes have them, in the form that GraphQL clients know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import strawberry

from millstream.api.http.paging import LIMIT_MOST, Cursor
from millstream.schemas.errors import InputInvalidError

NodeT = TypeVar("NodeT")
RowT = TypeVar("RowT")


@strawberry.type(description="Where a page ends, and whether there is another.")
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type(description="A thing on a page, and the cursor after which the next page begins.")
class Edge(Generic[NodeT]):
    node: NodeT
    cursor: str


@strawberry.type(description="A page.")
class Connection(Generic[NodeT]):
    edges: list[Edge[NodeT]]
    page_info: PageInfo


def checked(first: int, most: int = LIMIT_MOST) -> int:
    """Return the size of a page. Errors: InputInvalidError."""
    if not 1 <= first <= most:
        raise InputInvalidError(f"`first` is {first}; a page has 1 to {most} items.", path="first")
    return first


def connection(
    rows: Sequence[RowT], first: int, *, cursor: Callable[[int, RowT], str], node: Callable[[RowT], NodeT]
) -> Connection[NodeT]:
    """Return a page of at most `first` rows, asked for with one more to see whether there is a next page."""
    edges = [
        Edge(node=node(row), cursor=cursor(number, row)) for number, row in enumerate(rows[:first], start=1)
    ]
    end = edges[-1].cursor if edges else None
    return Connection(edges=edges, page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=end))


def offset_of(after: str | None) -> int:
    """Read a cursor that counts. Errors: InputInvalidError."""
    if after is None:
        return 0
    if not after.isascii() or not after.isdecimal() or len(after) > 9:
        raise InputInvalidError(f"The cursor {after[:40]!r} is none of ours; begin without one.")
    return int(after)


def time_cursor(_: int, row: object) -> str:
    """Return the cursor of a row that is ordered by time and id."""
    return Cursor(row.created_at, row.id).text  # type: ignore[attr-defined]  # all such rows have both
