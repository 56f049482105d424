"""Several lists together: join, flatten, interleave, zip, subtract, intersect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Hashable
from itertools import chain, zip_longest
from typing import Any

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, PayloadTooLargeError

CELLS_LIMIT = 2_000_000
"""Cells of a zipped list: padding one long list against many short ones multiplies."""


def identity(value: Any) -> Hashable:
    """Something hashable that is equal for equal JSON values; `1` and `1.0` are equal, `1` and `true` are
    not.
    """
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, dict | list):
        return ("json", json.dumps(value, sort_keys=True))
    plain: Hashable = value
    return plain


class Joined(Outputs):
    """Pins of ConcatenateListsBlock."""

    concatenated_list: list[Any]
    length: int


@block(
    id="3cf9298b-5817-4141-9d80-7c2cc5199c8e",
    name="ConcatenateListsBlock",
    categories=("BASIC",),
    samples=[
        Sample({"lists": [[1, 2], [3]]}, [("concatenated_list", [1, 2, 3]), ("length", 3)]),
        Sample(
            {"lists": [[1, None, {"a": 1}], [1.0, True, {"a": 1}]], "deduplicate": True, "remove_none": True},
            [("concatenated_list", [1, {"a": 1}, True]), ("length", 3)],
        ),
        Sample({"lists": [[1], "x"]}, raises="block_input_invalid"),
    ],
)
async def concatenate_lists(
    lists: list[list[Any]], deduplicate: Advanced[bool] = False, remove_none: Advanced[bool] = False
) -> AsyncIterator[Emit[Joined]]:
    """Join lists into one.

    lists: The lists, in order.
    deduplicate: Keep only the first of equal items.
    remove_none: Leave null out.
    concatenated_list: All items.
    length: How many.
    """
    items = list(chain.from_iterable(lists))
    if remove_none:
        items = [item for item in items if item is not None]
    if deduplicate:
        items = _first_of_each(items)
    yield "concatenated_list", items
    yield "length", len(items)


def _first_of_each(items: list[Any]) -> list[Any]:
    seen: set[Hashable] = set()
    kept = []
    for item in items:
        key = identity(item)
        if key not in seen:
            seen.add(key)
            kept.append(item)
    return kept


class Flat(Outputs):
    """Pins of FlattenListBlock."""

    flattened_list: list[Any]
    length: int
    original_depth: int


@block(
    id="cc45bb0f-d035-4756-96a7-fe3e36254b4d",
    name="FlattenListBlock",
    categories=("BASIC",),
    samples=[
        Sample(
            {"nested_list": [1, [2, [3, []]]]},
            [("flattened_list", [1, 2, 3]), ("length", 3), ("original_depth", 4)],
        ),
        Sample(
            {"nested_list": [1, [2, [3]]], "max_depth": 1},
            [("flattened_list", [1, 2, [3]]), ("length", 3), ("original_depth", 3)],
        ),
        Sample({"nested_list": [1], "max_depth": -2}, raises="block_failed"),
    ],
)
async def flatten_list(nested_list: list[Any], max_depth: Advanced[int] = -1) -> AsyncIterator[Emit[Flat]]:
    """Take lists out of lists.

    nested_list: A list that holds lists.
    max_depth: How many levels to open; -1 for all, 0 for none.
    flattened_list: The items.
    length: How many.
    original_depth: How deep the lists were nested; 1 for a flat list.
    """
    if max_depth < -1:
        raise BlockExecutionError(f"max_depth is {max_depth}; give -1 for all levels, or 0 and more.")
    items = _flattened(nested_list, max_depth)
    yield "flattened_list", items
    yield "length", len(items)
    yield "original_depth", _depth(nested_list)


def _flattened(items: list[Any], levels: int) -> list[Any]:
    """Open `levels` levels of lists, all for -1. One level at a time, so that nothing is too deep."""
    while levels != 0 and any(isinstance(item, list) for item in items):
        items = list(chain.from_iterable(item if isinstance(item, list) else (item,) for item in items))
        levels -= 1
    return list(items)


def _depth(items: list[Any]) -> int:
    depth = 1
    while inner := [item for item in items if isinstance(item, list)]:
        items = list(chain.from_iterable(inner))
        depth += 1
    return depth


class Mixed(Outputs):
    """Pins of InterleaveListsBlock."""

    interleaved_list: list[Any]
    length: int


_GAP = object()


@block(
    id="9f616084-1d9f-4f8e-bc00-5b9d2a75cd75",
    name="InterleaveListsBlock",
    categories=("BASIC",),
    samples=[Sample({"lists": [[1, 2, 3], ["a"]]}, [("interleaved_list", [1, "a", 2, 3]), ("length", 4)])],
)
async def interleave_lists(lists: list[list[Any]]) -> AsyncIterator[Emit[Mixed]]:
    """Take one item of each list in turn, until all are used up.

    lists: The lists.
    interleaved_list: Their items, mixed.
    length: How many.
    """
    items = [item for round_ in zip_longest(*lists, fillvalue=_GAP) for item in round_ if item is not _GAP]
    yield "interleaved_list", items
    yield "length", len(items)


class Zipped(Outputs):
    """Pins of ZipListsBlock."""

    zipped_list: list[list[Any]]
    length: int


@block(
    id="0d0e684f-5cb9-4c4b-b8d1-47a0860e0c07",
    name="ZipListsBlock",
    categories=("BASIC",),
    samples=[
        Sample({"lists": [[1, 2], [3]]}, [("zipped_list", [[1, 3]]), ("length", 1)]),
        Sample(
            {"lists": [[1, 2], [3]], "pad_to_longest": True, "fill_value": 0},
            [("zipped_list", [[1, 3], [2, 0]]), ("length", 2)],
        ),
    ],
)
async def zip_lists(
    lists: list[list[Any]], pad_to_longest: Advanced[bool] = False, fill_value: Advanced[Any] = None
) -> AsyncIterator[Emit[Zipped]]:
    """Make a list of the first items, one of the second ones, and so on.

    lists: The lists.
    pad_to_longest: Fill up short lists; else the shortest one ends it.
    fill_value: What to fill with.
    zipped_list: One list a place.
    length: How many.
    """
    longest = max(map(len, lists), default=0)
    if pad_to_longest and longest * len(lists) > CELLS_LIMIT:
        raise PayloadTooLargeError(
            f"The result would have {longest * len(lists)} cells; at most {CELLS_LIMIT} are made."
        )
    rows = zip_longest(*lists, fillvalue=fill_value) if pad_to_longest else zip(*lists, strict=False)
    zipped = [list(row) for row in rows]
    yield "zipped_list", zipped
    yield "length", len(zipped)


class Difference(Outputs):
    """Pins of ListDifferenceBlock."""

    difference: list[Any]
    length: int


@block(
    id="05309873-9d61-447e-96b5-b804e2511829",
    name="ListDifferenceBlock",
    categories=("BASIC",),
    samples=[
        Sample(
            {"list_a": [1, 1, 2, {"a": 1}], "list_b": [2, {"a": 1}]}, [("difference", [1, 1]), ("length", 2)]
        ),
        Sample(
            {"list_a": [1, 2], "list_b": [2, 3], "symmetric": True}, [("difference", [1, 3]), ("length", 2)]
        ),
    ],
)
async def list_difference(
    list_a: list[Any], list_b: list[Any], symmetric: Advanced[bool] = False
) -> AsyncIterator[Emit[Difference]]:
    """Take away from one list what is in another.

    list_a: The list to take from.
    list_b: What to take away.
    symmetric: Add what only the second list has.
    difference: What is left, in order, repeats included.
    length: How many.
    """
    left = _without(list_a, list_b)
    if symmetric:
        left += _without(list_b, list_a)
    yield "difference", left
    yield "length", len(left)


def _without(items: list[Any], others: list[Any]) -> list[Any]:
    gone = {identity(item) for item in others}
    return [item for item in items if identity(item) not in gone]


class Intersection(Outputs):
    """Pins of ListIntersectionBlock."""

    intersection: list[Any]
    length: int


@block(
    id="b6eb08b6-dbe3-411b-b9b4-2508cb311a1f",
    name="ListIntersectionBlock",
    categories=("BASIC",),
    samples=[Sample({"list_a": [3, 1, 3, 2], "list_b": [2, 3]}, [("intersection", [3, 2]), ("length", 2)])],
)
async def list_intersection(list_a: list[Any], list_b: list[Any]) -> AsyncIterator[Emit[Intersection]]:
    """Keep what two lists have in common, each item once.

    list_a: The list that gives the order.
    list_b: The other list.
    intersection: The common items.
    length: How many.
    """
    common = {identity(item) for item in list_b}
    both = [item for item in _first_of_each(list_a) if identity(item) in common]
    yield "intersection", both
    yield "length", len(both)
