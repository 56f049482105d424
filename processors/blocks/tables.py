"""Tables as lists of rows: SQL, and what needs none: filter, sort, choose columns, no repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, LongText
from millstream.processors.ordering import number, order_key, same_key
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.sql_rows import ROWS_LIMIT, select
from millstream.schemas.errors import BlockInputError

Row = dict[str, Any]

PEOPLE = [
    {"name": "Ann", "age": 41, "city": "Bonn"},
    {"name": "Bob", "age": 7, "city": "Kiel"},
    {"name": "Cid", "age": None, "city": "Bonn"},
]


@dataclass
class Answer:
    """Pins of SqlOverRowsBlock."""

    rows: list[Row]
    first: Row | None
    columns: list[str]
    count: int
    truncated: bool


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": PEOPLE, "sql": "SELECT city, count(*) AS n FROM rows GROUP BY city ORDER BY n DESC"},
            [
                ("rows", [{"city": "Bonn", "n": 2}, {"city": "Kiel", "n": 1}]),
                ("first", {"city": "Bonn", "n": 2}),
                ("columns", ["city", "n"]),
                ("count", 2),
                ("truncated", False),
            ],
        ),
        Sample(
            {
                "rows": [{"id": 1}],
                "tables": {"orders": [{"of": 1, "sum": 2.5}]},
                "sql": "SELECT sum FROM rows JOIN orders ON id = of WHERE sum > $least",
                "parameters": {"least": 1},
            },
            [
                ("rows", [{"sum": 2.5}]),
                ("first", {"sum": 2.5}),
                ("columns", ["sum"]),
                ("count", 1),
                ("truncated", False),
            ],
        ),
        Sample({"rows": [], "sql": "SELECT * FROM read_text('/etc/passwd')"}, raises="block_failed"),
        Sample({"rows": [], "sql": "COPY rows TO '/tmp/x'"}, raises="block_input_invalid"),
    ],
)
def sql_over_rows(
    sql: LongText,
    rows: list[Row] = EMPTY,
    tables: Advanced[dict[str, list[Row]]] = EMPTY,
    parameters: Advanced[dict[str, Any]] = EMPTY,
    most_rows: Advanced[Annotated[int, Field(ge=1, le=ROWS_LIMIT)]] = 10_000,
) -> Answer:
    """Ask rows a question in SQL (DuckDB's). It sees the given rows only: no database, no files, no network.

    sql: One SELECT. The rows are the table `rows`. Never put values of strangers into it: use `parameters`.
    rows: The rows to ask, with JSON text for what is nested in them; going out, the rows of the answer.
    tables: More tables by name, to join.
    parameters: Values for `$name` in the SQL.
    most_rows: How many rows at most.
    first: Its first row; nothing if there is none.
    columns: Names of its columns.
    count: How many rows it has.
    truncated: Whether there were more than `most_rows`.
    """
    if "rows" in tables:
        raise BlockInputError("`rows` is the name of the input; give the other table another name.")
    found, columns, more = select(sql, {"rows": rows, **tables}, parameters, most_rows)
    return Answer(found, found[0] if found else None, columns, len(found), more)


Operator = Literal[
    "==", "!=", ">", ">=", "<", "<=", "contains", "starts with", "ends with", "in", "is empty", "is not empty"
]


def _text(value: Any) -> str:
    return "" if value is None else str(value).casefold()


def _order(value: Any, other: Any) -> int | None:
    """Less than, equal or more than 0; None if the two cannot be compared."""
    left, right = number(value), number(other)
    if left is None or right is None:
        if type(value) is not type(other) or value is None:
            return None
        left, right = order_key(value), order_key(other)  # type: ignore[assignment]
    return (left > right) - (left < right)  # type: ignore[operator]


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda cell, value: same_key(cell) == same_key(value) or _order(cell, value) == 0,
    "!=": lambda cell, value: not (same_key(cell) == same_key(value) or _order(cell, value) == 0),
    ">": lambda cell, value: (_order(cell, value) or 0) > 0,
    ">=": lambda cell, value: (found := _order(cell, value)) is not None and found >= 0,
    "<": lambda cell, value: (_order(cell, value) or 0) < 0,
    "<=": lambda cell, value: (found := _order(cell, value)) is not None and found <= 0,
    "contains": lambda cell, value: (
        any(same_key(item) == same_key(value) for item in cell)
        if isinstance(cell, list)
        else cell is not None and _text(value) in _text(cell)
    ),
    "starts with": lambda cell, value: _text(cell).startswith(_text(value)),
    "ends with": lambda cell, value: _text(cell).endswith(_text(value)),
    "is empty": lambda cell, value: cell in (None, "", [], {}),
    "is not empty": lambda cell, value: cell not in (None, "", [], {}),
}


@dataclass
class Filtered:
    """Pins of FilterRowsBlock."""

    rows: list[Row]
    others: list[Row]
    count: int


@block(
    categories=("DATA", "LOGIC"),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": PEOPLE, "column": "age", "operator": ">=", "value": "7"},
            [("rows", PEOPLE[:2]), ("others", PEOPLE[2:]), ("count", 2)],
        ),
        Sample(
            {"rows": PEOPLE, "column": "city", "operator": "in", "value": ["Kiel"]},
            [("rows", PEOPLE[1:2]), ("others", [PEOPLE[0], PEOPLE[2]]), ("count", 1)],
        ),
        Sample(
            {"rows": PEOPLE, "column": "age", "operator": "is empty"},
            [("rows", PEOPLE[2:]), ("others", PEOPLE[:2]), ("count", 1)],
        ),
        Sample({"rows": [], "column": "a", "operator": "in", "value": 3}, raises="block_input_invalid"),
    ],
)
def filter_rows(rows: list[Row], column: str, operator: Operator = "==", value: Any = None) -> Filtered:
    """Part rows by one column. Numbers in text count as numbers, texts are compared without their case in
    `contains`, `starts with` and `ends with`.

    rows: The rows; going out, those that fit.
    column: Which column decides; a row without it has nothing there.
    operator: How it is compared.
    value: With what; a list for `in`, nothing for `is empty`.
    others: The rows that do not.
    count: How many fit.
    """
    if operator == "in":
        if not isinstance(value, list):
            raise BlockInputError("`in` needs a list as `value`.")
        wanted = {same_key(item) for item in value}

        def fits(cell: Any) -> bool:
            return same_key(cell) in wanted
    else:

        def fits(cell: Any) -> bool:
            return _TESTS[operator](cell, value)

    kept: list[Row] = []
    others: list[Row] = []
    for row in rows:
        (kept if fits(row.get(column)) else others).append(row)
    return Filtered(kept, others, len(kept))


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample({"rows": PEOPLE, "by": ["city", "-age"]}, [("result", [PEOPLE[0], PEOPLE[2], PEOPLE[1]])]),
        Sample(
            {"rows": [{"a": "10"}, {"a": "9"}], "by": ["a"], "numbers_in_text": True},
            [("result", [{"a": "9"}, {"a": "10"}])],
        ),
        Sample({"rows": [{"a": 1}], "by": []}, raises="block_input_invalid"),
    ],
)
def sort_rows(
    rows: list[Row],
    by: Annotated[list[str], Field(min_length=1, max_length=50)],
    numbers_in_text: Advanced[bool] = False,
    ignore_case: Advanced[bool] = True,
) -> list[Row]:
    """Sort rows by columns. Rows that are equal keep their order; those without a value come last.

    rows: The rows.
    by: Columns, the most important first; `-` before a name turns the order round.
    numbers_in_text: Sort texts such as "10" as numbers.
    ignore_case: Capitals do not matter.
    result: The rows in order.
    """

    def key(cell: Any) -> tuple[int, Any]:
        if numbers_in_text and (found := number(cell)) is not None:
            return (2, found)
        return order_key(cell.casefold() if ignore_case and isinstance(cell, str) else cell)

    known = {name for row in rows for name in row}
    ordered = list(rows)
    for name in reversed(by):
        descends = name.startswith("-") and name not in known
        column = name[1:] if descends else name
        filled = [row for row in ordered if row.get(column) is not None]
        filled.sort(key=lambda row, column=column: key(row[column]), reverse=descends)  # type: ignore[misc]
        ordered = filled + [row for row in ordered if row.get(column) is None]
    return ordered


@dataclass
class Unique:
    """Pins of DeduplicateRowsBlock."""

    rows: list[Row]
    repeats: list[Row]
    removed: int


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": PEOPLE, "by": ["city"]},
            [("rows", PEOPLE[:2]), ("repeats", PEOPLE[2:]), ("removed", 1)],
        ),
        Sample(
            {"rows": PEOPLE, "by": ["city"], "keep": "last"},
            [("rows", PEOPLE[1:]), ("repeats", PEOPLE[:1]), ("removed", 1)],
        ),
        Sample(
            {"rows": [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}, {"a": True, "b": 2}]},
            [
                ("rows", [{"a": 1, "b": 2}, {"a": True, "b": 2}]),
                ("repeats", [{"b": 2.0, "a": 1}]),
                ("removed", 1),
            ],
        ),
    ],
)
def deduplicate_rows(
    rows: list[Row], by: list[str] = EMPTY, keep: Advanced[Literal["first", "last"]] = "first"
) -> Unique:
    """Keep one of the rows that are equal.

    rows: The rows; going out, in their order without repeats.
    by: Columns that decide; without any all do.
    keep: Which one stays.
    repeats: The rows that were taken out.
    removed: How many were.
    """
    seen: set[Any] = set()
    kept: list[Row] = []
    repeats: list[Row] = []
    for row in rows if keep == "first" else reversed(rows):
        key = tuple((name, same_key(row.get(name))) for name in by or sorted(row))
        (repeats if key in seen else kept).append(row)
        seen.add(key)
    if keep == "last":
        kept.reverse()
        repeats.reverse()
    return Unique(kept, repeats, len(repeats))


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": PEOPLE[:1], "columns": ["city", "name"], "rename": {"name": "who"}},
            [("result", [{"city": "Bonn", "who": "Ann"}])],
        ),
        Sample(
            {"rows": PEOPLE[:1], "drop": ["age"], "fill": {"land": "DE"}},
            [("result", [{"name": "Ann", "city": "Bonn", "land": "DE"}])],
        ),
        Sample({"rows": PEOPLE, "rename": {"name": "city"}}, raises="block_input_invalid"),
    ],
)
def choose_columns(
    rows: list[Row],
    columns: list[str] = EMPTY,
    drop: list[str] = EMPTY,
    rename: dict[str, str] = EMPTY,
    fill: Advanced[Row] = EMPTY,
) -> list[Row]:
    """Choose, order, rename and fill columns.

    rows: The rows.
    columns: Columns to keep, in this order; without any all stay.
    drop: Columns to leave out.
    rename: New names by old ones.
    fill: Values for cells that are missing or null, by (new) name.
    result: The rows, changed.
    """
    made = []
    for row in rows:
        names = [name for name in (columns or row) if name not in drop]
        new = {rename.get(name, name): row.get(name) for name in names}
        if len(new) < len(set(names)):
            raise BlockInputError(f"After renaming two columns have the same name: {sorted(new)!r:.200}.")
        for name, value in fill.items():
            if new.get(name) is None:
                new[name] = value
        made.append(new)
    return made
