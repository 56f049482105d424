"""Single lists: make, add, find, get, remove, replace. No block changes the list that it is given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError

CHARS_PER_TOKEN = 4
"""A rule of thumb for English and code: no model's vocabulary is at hand here."""


class Made(Outputs):
    """Pin of CreateListBlock."""

    list_: list[Any]


@block(
    id="a912d5c7-6e00-4542-b2a9-8034136930e4",
    name="CreateListBlock",
    categories=("DATA",),
    samples=[
        Sample({"values": [1, 2]}, [("list", [1, 2])]),
        Sample({"values": [1, 2, 3], "max_size": 2}, [("list", [1, 2]), ("list", [3])]),
        Sample(
            {"values": ["aaaa", "bbbb", "cc"], "max_tokens": 2},
            [("list", ["aaaa", "bbbb"]), ("list", ["cc"])],
        ),
        Sample({"values": [], "max_size": 2}, [("list", [])]),
    ],
)
async def create_list(
    values: list[Any], max_size: Advanced[int | None] = None, max_tokens: Advanced[int | None] = None
) -> AsyncIterator[Emit[Made]]:
    """Gather values in a list, or cut them into batches.

    Tokens are estimated at four characters each. A value over the limit is a batch of its own.

    values: The values, in order.
    max_size: Most values in a batch.
    max_tokens: Most tokens in a batch.
    list: The list, or one batch after the other.
    """
    for batch in _batches(values, max_size, max_tokens):
        yield "list", batch


def _batches(values: list[Any], max_size: int | None, max_tokens: int | None) -> Iterator[list[Any]]:
    batch: list[Any] = []
    tokens = 0
    for value in values:
        cost = _tokens(value) if max_tokens else 0
        full = (max_size and len(batch) >= max_size) or (max_tokens and tokens + cost > max_tokens)
        if batch and full:
            yield batch
            batch, tokens = [], 0
        batch.append(value)
        tokens += cost
    if batch or not values:
        yield batch


def _tokens(value: Any) -> int:
    text = value if isinstance(value, str) else json.dumps(value)
    return -(-len(text) // CHARS_PER_TOKEN)


class Updated(Outputs):
    """Pin of AddToListBlock."""

    updated_list: list[Any]


@block(
    id="aeb08fc1-2fc1-4141-bc8e-f758f183a822",
    name="AddToListBlock",
    categories=("BASIC",),
    samples=[
        Sample({"list": [1], "entry": 2}, [("updated_list", [1, 2])]),
        Sample({"list": [1, 4], "entry": 3, "entries": [2], "position": 1}, [("updated_list", [1, 2, 3, 4])]),
        Sample({"entry": "x"}, [("updated_list", ["x"])]),
        Sample({"list": [1], "entry": 0, "position": -1}, [("updated_list", [0, 1])]),
    ],
)
async def add_to_list(
    list_: list[Any] = EMPTY,
    entry: Any = None,
    entries: Advanced[list[Any]] = EMPTY,
    position: Advanced[int | None] = None,
) -> AsyncIterator[Emit[Updated]]:
    """Add one value, several values, or both.

    list: The list to add to.
    entry: A value to add; null adds nothing.
    entries: Values to add before the entry.
    position: Where they go in; without it to the end.
    updated_list: A copy with what was added.
    """
    added = entries if entry is None else [*entries, entry]
    at = len(list_) if position is None else position
    yield "updated_list", [*list_[:at], *added, *list_[at:]]


class Found(Outputs):
    """Pins of FindInListBlock."""

    index: int
    found: bool
    not_found_value: Any


@block(
    id="5e2c6d0a-1e37-489f-b1d0-8e1812b23333",
    name="FindInListBlock",
    categories=("BASIC",),
    samples=[
        Sample({"list": ["a", "b"], "value": "b"}, [("index", 1), ("found", True)]),
        Sample({"list": ["a"], "value": "z"}, [("found", False), ("not_found_value", "z")]),
    ],
)
async def find_in_list(list_: list[Any], value: Any) -> AsyncIterator[Emit[Found]]:
    """Find where a value stands in a list.

    list: The list to look in.
    value: The value to look for.
    index: The place of the first one, counted from 0.
    found: Whether it is there.
    not_found_value: The value, if it is not.
    """
    try:
        index = list_.index(value)
    except ValueError:
        yield "found", False
        yield "not_found_value", value
        return
    yield "index", index
    yield "found", True


class Item(Outputs):
    """Pin of GetListItemBlock."""

    item: Any


@block(
    id="262ca24c-1025-43cf-a578-534e23234e97",
    name="GetListItemBlock",
    categories=("BASIC",),
    samples=[
        Sample({"list": [1, 2, 3], "index": 1}, [("item", 2)]),
        Sample({"list": [1, 2, 3], "index": -1}, [("item", 3)]),
        Sample({"list": [1], "index": 1}, raises="block_failed"),
    ],
)
async def get_list_item(list_: list[Any], index: int) -> AsyncIterator[Emit[Item]]:
    """Take one item of a list.

    list: The list.
    index: Its place, counted from 0; negative numbers count from the end.
    item: The item.
    """
    yield "item", list_[_place(list_, index)]


class Removed(Outputs):
    """Pins of RemoveFromListBlock."""

    updated_list: list[Any]
    removed_item: Any


@block(
    id="d93c5a93-ac7e-41c1-ae5c-ef67e6e9b826",
    name="RemoveFromListBlock",
    categories=("BASIC",),
    samples=[
        Sample(
            {"list": [1, 2, 3], "index": 1, "return_item": True},
            [("updated_list", [1, 3]), ("removed_item", 2)],
        ),
        Sample({"list": ["a", "b", "a"], "value": "a"}, [("updated_list", ["b", "a"])]),
        Sample({"list": ["a"], "value": "z"}, raises="block_failed"),
        Sample({"list": ["a"]}, raises="block_failed"),
    ],
)
async def remove_from_list(
    list_: list[Any],
    value: Advanced[Any] = None,
    index: Advanced[int | None] = None,
    return_item: Advanced[bool] = False,
) -> AsyncIterator[Emit[Removed]]:
    """Take an item out of a list, by place or by value; it has to be there.

    list: The list to take from.
    value: The value to take out, if there is no index; the first equal one goes.
    index: The place to take from.
    return_item: Give the item taken out, too.
    updated_list: A copy without the item.
    removed_item: The item.
    """
    if index is not None:
        at = _place(list_, index)
    elif value is None:
        raise BlockExecutionError("Give an index or a value to remove.")
    elif value in list_:
        at = list_.index(value)
    else:
        raise BlockExecutionError("The list does not hold this value.")
    yield "updated_list", [*list_[:at], *list_[at + 1 :]]
    if return_item:
        yield "removed_item", list_[at]


class Replaced(Outputs):
    """Pins of ReplaceListItemBlock."""

    updated_list: list[Any]
    old_item: Any


@block(
    id="fbf62922-bea1-4a3d-8bac-23587f810b38",
    name="ReplaceListItemBlock",
    categories=("BASIC",),
    samples=[
        Sample({"list": [1, 2], "index": -1, "value": 9}, [("updated_list", [1, 9]), ("old_item", 2)]),
        Sample({"list": [], "index": 0, "value": 9}, raises="block_failed"),
    ],
)
async def replace_list_item(list_: list[Any], index: int, value: Any) -> AsyncIterator[Emit[Replaced]]:
    """Change one item of a list.

    list: The list to change.
    index: Its place, counted from 0; negative numbers count from the end.
    value: The new item.
    updated_list: A copy with the new item.
    old_item: The item that was there.
    """
    at = _place(list_, index)
    yield "updated_list", [*list_[:at], value, *list_[at + 1 :]]
    yield "old_item", list_[at]


def _place(items: list[Any], index: int) -> int:
    """The index from the front. Errors: BlockExecutionError if there is no such item."""
    index = int(index)
    at = index + len(items) if index < 0 else index
    if not 0 <= at < len(items):
        raise BlockExecutionError("Index out of range")
    return at


class Emptiness(Outputs):
    """Pin of ListIsEmptyBlock."""

    is_empty: bool


@block(
    id="896ed73b-27d0-41be-813c-c1c1dc856c03",
    name="ListIsEmptyBlock",
    categories=("BASIC",),
    samples=[Sample({"list": []}, [("is_empty", True)]), Sample({"list": [None]}, [("is_empty", False)])],
)
async def list_is_empty(list_: list[Any]) -> AsyncIterator[Emit[Emptiness]]:
    """Tell whether a list has no items.

    list: The list.
    is_empty: Whether it is empty.
    """
    yield "is_empty", not list_
