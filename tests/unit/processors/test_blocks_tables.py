"""Tables: SQL is shut in, and what is done without SQL agrees with it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from millstream.processors import isolation
from millstream.processors.blocks import table_sums, tables
from millstream.processors.sql_rows import select
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError, BlockTimeoutError
from millstream.testing import emits, run


async def asked(sql: str, **more: Any) -> list[dict[str, Any]]:
    return list(dict(await emits(tables.sql_over_rows, {"sql": sql, **more}))["rows"])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_csv('http://127.0.0.1:1/')",
        "SELECT * FROM read_parquet('s3://bucket/x')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT getenv('PATH')",
        "SELECT * FROM cells",  # a variable of the Python function that calls the engine
        "COPY rows TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA enable_profiling",
        "SELECT 1; DROP TABLE rows",
        "DELETE FROM rows RETURNING *",
        "SELECT * FROM query('COPY rows TO ''/tmp/x''')",
        "CREATE MACRO f(x) AS x",
        "",
        "-- nothing",
    ],
)
async def test_a04_sql_reaches_nothing_but_the_rows(sql: str) -> None:
    with pytest.raises(BlockError) as caught:
        await asked(sql, rows=[{"cells": 1}])
    assert caught.value.code in ("block_input_invalid", "block_failed")
    assert "root:" not in str(caught.value)


async def test_a04_settings_are_locked_when_the_sql_runs() -> None:
    settings = await asked("SELECT name, value FROM duckdb_settings()")
    found = {row["name"]: row["value"] for row in settings}
    assert (found["lock_configuration"], found["enable_external_access"]) == ("true", "false")
    assert (found["threads"], found["autoload_known_extensions"]) == ("1", "false")


async def test_sql_that_needs_too_much_memory_or_time_ends_and_the_next_works() -> None:
    with pytest.raises(BlockExecutionError, match="memory"):
        await asked("SELECT repeat('a', 2000000000) AS x")
    with pytest.raises(BlockError, match="memory"):
        await asked("SELECT range(100000000) AS x")
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 7"
    with pytest.raises(BlockTimeoutError):
        await isolation.call(select, endless, {}, {}, 10, timeout_s=1.0)
    assert await asked("SELECT 1 AS a") == [{"a": 1}]


async def test_values_of_strangers_are_bound_not_written_into_the_sql() -> None:
    rows = [{"name": "a"}, {"name": "' OR 1=1 --"}]
    [row] = await asked("SELECT name FROM rows WHERE name = $n", rows=rows, parameters={"n": rows[1]["name"]})
    assert row == rows[1]
    with pytest.raises(BlockInputError, match=r"\$n"):
        await asked("SELECT $n", rows=rows)


async def test_all_kinds_of_cells_go_in_and_come_out() -> None:
    rows = [
        {"i": 2**63 - 1, "f": 1.5, "t": 'é"; \0', "b": True, "n": None, "l": [1, {"a": None}], "mixed": 1},
        {"i": None, "f": 2, "t": None, "b": None, "l": {"x": 1}, "mixed": "a"},
    ]
    got = await asked("SELECT * FROM rows", rows=rows)
    assert got[0] == {
        "i": 2**63 - 1, "f": 1.5, "t": 'é"; \ufffd', "b": True, "n": None, "l": '[1, {"a": null}]', "mixed": "1",
    }  # fmt: skip
    assert got[1]["mixed"] == "a"
    odd = 'a "quoted" column; DROP'
    assert await asked("SELECT * FROM rows", rows=[{odd: 1}]) == [{odd: 1}]
    [special] = await asked(
        "SELECT 'nan'::DOUBLE AS n, DATE '2026-01-02' AS d, 'a'::BLOB AS b, INTERVAL 90 SECOND AS i"
    )
    assert special == {"n": None, "d": "2026-01-02", "b": "YQ==", "i": 90.0}


async def test_more_rows_than_wanted_are_cut_and_said_so() -> None:
    got = dict(await emits(tables.sql_over_rows, {"sql": "SELECT * FROM range(50)", "most_rows": 10}))
    assert (got["count"], got["truncated"]) == (10, True)


def _table(chance: random.Random, columns: str, rows: int) -> list[dict[str, Any]]:
    return [{name: chance.choice([None, 1, 2, 3]) for name in columns} for _ in range(rows)]


def _set(rows: list[dict[str, Any]]) -> list[list[tuple[str, Any]]]:
    return sorted(sorted((name, value) for name, value in row.items()) for row in _filled(rows))


def _filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: -1 if value is None else value for name, value in row.items()} for row in rows]


@pytest.mark.parametrize(
    ("how", "sql"),
    [
        ("inner", "SELECT l.k, l.a, r.b FROM l JOIN r ON l.k = r.k"),
        ("left", "SELECT l.k, l.a, r.b FROM l LEFT JOIN r ON l.k = r.k"),
        ("full", "SELECT coalesce(l.k, r.k) AS k, l.a, r.b FROM l FULL JOIN r ON l.k = r.k"),
        ("without", "SELECT l.k, l.a FROM l ANTI JOIN r ON l.k = r.k"),
    ],
)
def test_joins_agree_with_sql(how: Any, sql: str) -> None:
    chance = random.Random(how)
    for _ in range(5):
        left, right = _table(chance, "ka", 6), _table(chance, "kb", 6)
        expected, _, _ = select(sql, {"l": left, "r": right}, {}, 1000)
        assert _set(table_sums.join_rows.fn(left, right, ["k"], [], how)) == _set(expected)


def test_groups_agree_with_sql() -> None:
    rows = _table(random.Random(3), "gv", 60)
    sql = (
        "SELECT g, count(*) AS rows, coalesce(sum(v), 0) AS sum_v, avg(v) AS mean_v, median(v) AS median_v, "
        "count(DISTINCT v) AS distinct_v FROM r GROUP BY g"
    )
    expected, _, _ = select(sql, {"r": rows}, {}, 100)
    got = table_sums.group_rows.fn(rows, ["g"], "v", ["sum", "mean", "median", "distinct"])
    assert _set(got) == _set(expected)


def test_sorting_agrees_with_sql() -> None:
    rows = [{"place": place, **row} for place, row in enumerate(_table(random.Random(4), "ab", 60))]
    sql = "SELECT * FROM r ORDER BY a ASC NULLS LAST, b DESC NULLS LAST, place"
    expected, _, _ = select(sql, {"r": rows}, {}, 100)
    assert tables.sort_rows.fn(rows, ["a", "-b"]) == expected


@pytest.mark.parametrize(
    ("operator", "value", "kept"),
    [
        ("==", 1, [1, "1", 1.0]),
        ("!=", 1, [None, "abc", True, [1]]),
        (">", 0, [1, "1", 1.0]),
        ("<=", "abc", ["1", "abc"]),
        ("contains", 1, [1, "1", 1.0, [1]]),
        ("starts with", "AB", ["abc"]),
        ("is empty", None, [None]),
    ],
)
def test_filters_on_mixed_cells(operator: Any, value: Any, kept: list[Any]) -> None:
    rows = [{"x": cell} for cell in (None, 1, "1", 1.0, "abc", True, [1])]
    got = [row["x"] for row in tables.filter_rows.fn(rows, "x", operator, value).rows]
    assert [repr(one) for one in got] == [repr(one) for one in kept]


async def test_a_join_of_everything_with_everything_is_refused() -> None:
    same = [{"k": 1, "n": n} for n in range(600)]
    with pytest.raises(BlockExecutionError, match="more columns"):
        await run(table_sums.join_rows, left=same, right=same, on=["k"])
