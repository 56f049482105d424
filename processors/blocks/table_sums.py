"""Tables as lists of rows: group, join, pivot, describe, show."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced
from millstream.processors.ordering import number, order_key, same_key
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.sql_rows import ROWS_LIMIT
from millstream.schemas.errors import BlockInputError

Row = dict[str, Any]
Sum = Literal["sum", "mean", "median", "min", "max", "count", "distinct", "first", "last", "list", "join"]

SALES = [
    {"shop": "A", "item": "tea", "sum": 2},
    {"shop": "B", "item": "tea", "sum": 5},
    {"shop": "A", "item": "jam", "sum": 4.5},
]


def numbers(cells: Iterable[Any]) -> list[float | int]:
    """The numbers among cells; what is none is left out."""
    return [found for cell in cells if (found := number(cell)) is not None]


def _median(cells: list[Any]) -> Any:
    found = sorted(numbers(cells))
    middle = len(found) // 2
    if not found:
        return None
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2


def _total(cells: list[Any]) -> Any:
    found = numbers(cells)
    return sum(found) if all(isinstance(one, int) for one in found) else math.fsum(found)


def _mean(cells: list[Any]) -> Any:
    found = numbers(cells)
    return math.fsum(found) / len(found) if found else None


def _joined(cells: list[Any]) -> str:
    return ", ".join(dict.fromkeys(str(cell) for cell in cells))


_SUMS: dict[str, Callable[[list[Any]], Any]] = {
    "sum": _total,
    "mean": _mean,
    "median": _median,
    "min": lambda cells: min(cells, key=order_key, default=None),
    "max": lambda cells: max(cells, key=order_key, default=None),
    "count": len,
    "distinct": lambda cells: len({same_key(cell) for cell in cells}),
    "first": lambda cells: cells[0] if cells else None,
    "last": lambda cells: cells[-1] if cells else None,
    "list": list,
    "join": _joined,
}


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": SALES, "by": ["shop"], "column": "sum", "sums": ["sum", "max"]},
            [
                (
                    "result",
                    [
                        {"shop": "A", "rows": 2, "sum_sum": 6.5, "max_sum": 4.5},
                        {"shop": "B", "rows": 1, "sum_sum": 5, "max_sum": 5},
                    ],
                )
            ],
        ),
        Sample(
            {"rows": SALES, "column": "item", "sums": ["distinct", "join"]},
            [("result", [{"rows": 3, "distinct_item": 2, "join_item": "tea, jam"}])],
        ),
        Sample({"rows": [], "by": ["a"]}, [("result", [])]),
        Sample({"rows": [], "sums": ["sum"]}, raises="block_input_invalid"),
    ],
)
def group_rows(
    rows: list[Row], by: list[str] = EMPTY, column: str = "", sums: list[Sum] = EMPTY
) -> list[Row]:
    """Group rows and sum a column up. `SqlOverRowsBlock` does several columns at once.

    rows: The rows.
    by: Columns that make a group; without any all rows are one.
    column: The column to sum up; cells without a value do not count.
    sums: How: `sum`, `mean` and `median` take numbers only, `join` lists each text once.
    result: A row a group, in the order in which they came: its columns, `rows`, and `sum_amount` and the like.
    """
    if sums and not column:
        raise BlockInputError("Name the `column` to sum up.")
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(same_key(row.get(name)) for name in by), []).append(row)
    made = []
    for members in groups.values():
        cells = [row[column] for row in members if row.get(column) is not None] if column else []
        made.append(
            {name: members[0].get(name) for name in by}
            | {"rows": len(members)}
            | {f"{sum_}_{column}": _SUMS[sum_](cells) for sum_ in sums}
        )
    return made


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"left": SALES[:2], "right": [{"shop": "A", "town": "Bonn"}], "on": ["shop"]},
            [("result", [{"shop": "A", "item": "tea", "sum": 2, "town": "Bonn"}])],
        ),
        Sample(
            {
                "left": [{"a": 1}, {"a": 2}],
                "right": [{"b": 2, "a": "x"}],
                "on": ["a"],
                "right_on": ["b"],
                "how": "left",
            },
            [("result", [{"a": 1, "b": None, "a_right": None}, {"a": 2, "b": 2, "a_right": "x"}])],
        ),
        Sample(
            {"left": [{"a": 1}, {"a": 2}], "right": [{"a": 2}], "on": ["a"], "how": "without"},
            [("result", [{"a": 1}])],
        ),
        Sample(
            {"left": [{"a": 1}], "right": [{"a": 2, "c": 3}], "on": ["a"], "how": "full"},
            [("result", [{"a": 1, "c": None}, {"a": 2, "c": 3}])],
        ),
        Sample({"left": [], "right": [], "on": ["a"], "right_on": ["b", "c"]}, raises="block_input_invalid"),
    ],
)
def join_rows(
    left: list[Row],
    right: list[Row],
    on: Annotated[list[str], Field(min_length=1, max_length=20)],
    right_on: Advanced[list[str]] = EMPTY,
    how: Literal["inner", "left", "full", "without"] = "inner",
) -> list[Row]:
    """Put rows of two tables together where they agree.

    left: One table.
    right: The other.
    on: Columns that have to be equal; null agrees with nothing.
    right_on: Their names in the right table, if they are others.
    how: `inner`: pairs only. `left`: also left rows alone. `full`: also right rows alone. `without`: left rows
        that have no partner.
    result: The rows; a column that both have is called `..._right` the second time.
    """
    theirs = right_on or on
    if len(theirs) != len(on):
        raise BlockInputError(f"`on` names {len(on)} columns and `right_on` {len(theirs)}.")
    index: dict[Any, list[int]] = {}
    for place, row in enumerate(right):
        if (key := _key(row, theirs)) is not None:
            index.setdefault(key, []).append(place)
    if how == "without":
        return [row for row in left if _key(row, on) not in index]
    shared = {mine for mine, other in zip(on, theirs, strict=True) if mine == other}
    mine = {name for row in left for name in row}
    names = {
        name: f"{name}_right" if name in mine and name not in shared else name
        for name in dict.fromkeys(name for row in right for name in row)
    }
    made: list[Row] = []
    used: set[int] = set()
    for row in left:
        places = index.get(_key(row, on), [])
        used.update(places)
        made.extend(_pair(row, right[place], names, shared) for place in places)
        if not places and how != "inner":
            made.append(row | {new: None for old, new in names.items() if old not in shared})
        if len(made) > ROWS_LIMIT:
            raise ValueError(f"The join has more than {ROWS_LIMIT} rows; join on more columns.")
    if how == "full":
        empty = dict.fromkeys(name for row in left for name in row)
        alone = (row for place, row in enumerate(right) if place not in used)
        made.extend(empty | {names[old]: value for old, value in row.items()} for row in alone)
    return made


def _key(row: Row, columns: list[str]) -> tuple[Any, ...] | None:
    cells = [row.get(name) for name in columns]
    return None if any(cell is None for cell in cells) else tuple(map(same_key, cells))


def _pair(row: Row, other: Row, names: dict[str, str], shared: set[str]) -> Row:
    return row | {new: other.get(old) for old, new in names.items() if old not in shared}


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": SALES, "row": "shop", "column": "item", "value": "sum"},
            [("result", [{"shop": "A", "tea": 2, "jam": 4.5}, {"shop": "B", "tea": 5, "jam": None}])],
        ),
        Sample(
            {"rows": SALES, "row": "item", "column": "shop", "value": "sum", "combine": "count"},
            [("result", [{"item": "tea", "A": 1, "B": 1}, {"item": "jam", "A": 1, "B": None}])],
        ),
    ],
)
def pivot_rows(rows: list[Row], row: str, column: str, value: str, combine: Sum = "sum") -> list[Row]:
    """Turn the values of one column into columns.

    rows: The rows.
    row: The column whose values make the rows.
    column: The column whose values become names of columns (at most 1000).
    value: The column whose values go into the cells.
    combine: What becomes of several values of one cell.
    result: A row a value of `row`; cells without any value are null.
    """
    names = list(dict.fromkeys(str(one.get(column)) for one in rows))
    if len(names) > 1000:
        raise BlockInputError(f"{column!r} has {len(names)} values; at most 1000 can become columns.")
    labels: dict[Any, Any] = {}
    cells: dict[tuple[Any, str], list[Any]] = {}
    for one in rows:
        key = same_key(one.get(row))
        labels.setdefault(key, one.get(row))
        cell = cells.setdefault((key, str(one.get(column))), [])
        if one.get(value) is not None:
            cell.append(one[value])
    return [
        {row: label}
        | {name: _SUMS[combine](found) if (found := cells.get((key, name))) else None for name in names}
        for key, label in labels.items()
    ]


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": [{"a": 1, "b": "x"}, {"a": 3, "b": None}, {"a": "5", "b": "x"}]},
            [
                (
                    "result",
                    [
                        {
                            "column": "a",
                            "filled": 3,
                            "missing": 0,
                            "distinct": 3,
                            "kinds": ["integer", "text"],
                            "min": 1,
                            "max": "5",
                            "mean": 3.0,
                            "example": 1,
                        },
                        {
                            "column": "b",
                            "filled": 1 + 1,
                            "missing": 1,
                            "distinct": 1,
                            "kinds": ["text"],
                            "min": "x",
                            "max": "x",
                            "mean": None,
                            "example": "x",
                        },
                    ],
                )
            ],
        ),
        Sample({"rows": []}, [("result", [])]),
    ],
)
def describe_rows(rows: list[Row]) -> list[Row]:
    """Tell what is in a table: a line a column, such as for a model that is to write SQL for it.

    rows: The rows.
    result: A row a column: how many cells are filled and missing, kinds of values, smallest, largest, mean of
        the numbers, an example.
    """
    made = []
    for column in dict.fromkeys(name for row in rows for name in row):
        cells = [row[column] for row in rows if row.get(column) is not None]
        made.append(
            {
                "column": column,
                "filled": len(cells),
                "missing": len(rows) - len(cells),
                "distinct": len({same_key(cell) for cell in cells}),
                "kinds": sorted({_kind(cell) for cell in cells}),
                "min": min(cells, key=order_key, default=None),
                "max": max(cells, key=order_key, default=None),
                "mean": _mean(cells),
                "example": cells[0] if cells else None,
            }
        )
    return made


def _kind(cell: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "text", list: "list"}
    return kinds.get(type(cell), "object")


@dataclass
class Shown:
    """Pins of RowsToTextBlock."""

    text: str
    shown: int


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": [{"a": 1, "b": "x|y"}, {"a": None, "b": "line\nend"}]},
            [("text", "| a | b |\n| --- | --- |\n| 1 | x\\|y |\n|  | line end |"), ("shown", 2)],
        ),
        Sample(
            {"rows": [{"a": "<b>"}], "form": "HTML"},
            [("text", "<table>\n<tr><th>a</th></tr>\n<tr><td>&lt;b&gt;</td></tr>\n</table>"), ("shown", 1)],
        ),
        Sample(
            {"rows": [{"a": 1}, {"a": 2}], "form": "lines", "most_rows": 1}, [("text", "a: 1"), ("shown", 1)]
        ),
    ],
)
def rows_to_text(
    rows: list[Row],
    form: Literal["Markdown", "HTML", "lines"] = "Markdown",
    columns: Advanced[list[str]] = EMPTY,
    most_rows: Annotated[int, Field(ge=1, le=ROWS_LIMIT)] = 1000,
) -> Shown:
    """Write rows as a table that people or models can read.

    rows: The rows.
    form: How: `lines` writes `name: value` with an empty line between rows.
    columns: Which columns; without any all of them.
    most_rows: How many rows at most.
    text: The table; markup in cells is escaped.
    shown: How many rows it has.
    """
    names = columns or list(dict.fromkeys(name for row in rows for name in row))
    some = [[_cell(row.get(name)) for name in names] for row in rows[:most_rows]]
    if form == "lines":
        blocks = ("\n".join(f"{n}: {c}" for n, c in zip(names, row, strict=True)) for row in some)
        return Shown("\n\n".join(blocks), len(some))
    if form == "HTML":
        lines = [_tags("th", names), *(_tags("td", row) for row in some)]
        return Shown("<table>\n" + "\n".join(lines) + "\n</table>", len(some))
    lines = [_pipes(names), _pipes(["---"] * len(names)), *map(_pipes, some)]
    return Shown("\n".join(lines) if names else "", len(some))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tags(tag: str, cells: list[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _pipes(cells: list[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|") if cell != "---" else cell for cell in cells)
    return "| " + " | ".join(" ".join(cell.split()) for cell in escaped) + " |"
