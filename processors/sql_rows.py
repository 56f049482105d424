"""SQL over rows that a run has in hand, by DuckDB in memory.

Runs in a process of its own, which is killed at its time limit. The engine is shut in before it sees the text:
no files, no network, no extensions, no Python variables, settings locked; one SELECT, and nothing else, is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from millstream.processors.json_form import json_form
from millstream.schemas.errors import BlockExecutionError, BlockInputError

MEMORY_LIMIT: Final = "384MB"
ROWS_LIMIT: Final = 200_000
_CONFIG: Final = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": MEMORY_LIMIT,
    "threads": "1",
    "temp_directory": "",
    "max_temp_directory_size": "0B",
}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def select(
    sql: str, tables: Mapping[str, Sequence[Mapping[str, Any]]], parameters: Mapping[str, Any], most_rows: int
) -> tuple[list[dict[str, Any]], list[str], bool]:
    """Run one SELECT. Returns rows, names of columns, and whether there were more than `most_rows`.

    Errors: BlockInputError if it is no single SELECT or names what is not there; BlockExecutionError if it
    fails while it runs, such as by its memory.
    """
    import duckdb

    with duckdb.connect(":memory:", config=dict(_CONFIG)) as engine:
        for name, rows in tables.items():
            _load(engine, name, rows)
        engine.execute("SET lock_configuration = true")
        try:
            statements = engine.extract_statements(sql)
            if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
                raise BlockInputError("Give one SELECT (WITH may stand before it) and nothing else.")
            wanted = statements[0].named_parameters
            if missing := sorted(set(wanted) - set(parameters)):
                raise BlockInputError(f"The SQL asks for ${missing[0]}; give it in `parameters`.")
            cursor = engine.execute(statements[0], {name: parameters[name] for name in wanted})
            columns = _unique([column[0] for column in cursor.description or ()])
            found = cursor.fetchmany(most_rows + 1)
        except duckdb.OutOfMemoryException as error:
            raise BlockExecutionError(f"The SQL needs more than {MEMORY_LIMIT} of memory.") from error
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
            raise BlockInputError(f"The SQL is not right: {_said(error)}") from error
        except duckdb.Error as error:
            raise BlockExecutionError(f"The SQL failed: {_said(error)}") from error
    answer = [dict(zip(columns, map(json_form, row), strict=True)) for row in found[:most_rows]]
    return answer, columns, len(found) > most_rows


def _said(error: Exception) -> str:
    return str(error).strip()[:1000]


def _unique(names: list[str]) -> list[str]:
    """`a`, `a_2`: columns of a join may have the same name, keys of a row may not."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return made


def _load(engine: Any, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if not _NAME.fullmatch(name):
        raise BlockInputError(f"{name[:80]!r} is no name for a table; use letters, digits and _.")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if len(columns) > 1000:
        raise BlockInputError(
            f"The rows of {name!r} have {len(columns)} columns; at most 1000 can be queried."
        )
    if not columns:
        engine.execute(f'CREATE TABLE "{name}" (empty VARCHAR)')
        return
    lowered = [column.lower() for column in columns]
    if len(set(lowered)) < len(lowered):
        twice = next(column for column in lowered if lowered.count(column) > 1)
        raise BlockInputError(
            f"Two columns of {name!r} differ in case only: {twice!r}. SQL cannot tell them apart."
        )
    values, kinds = [], []
    for column in columns:
        kind, cells = _typed([row.get(column) for row in rows])
        kinds.append(kind)
        values.append(cells)
    parts = ", ".join(
        f"unnest(${place}::{kind}[]) AS {_quoted(column)}"
        for place, (column, kind) in enumerate(zip(columns, kinds, strict=True), 1)
    )
    engine.execute(f'CREATE TABLE "{name}" AS SELECT {parts}', values)


def _quoted(column: str) -> str:
    if "\0" in column:
        raise BlockInputError("The name of a column has the character U+0000.")
    return '"' + column.replace('"', '""') + '"'


def _typed(cells: list[Any]) -> tuple[str, list[Any]]:
    """The narrowest type that holds all cells; what is mixed or nested becomes JSON text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {bool}:
        return ("BOOLEAN" if kinds else "VARCHAR"), cells
    if kinds == {int}:
        whole = [cell for cell in cells if cell is not None]
        return ("BIGINT" if min(whole) >= -(2**63) and max(whole) < 2**63 else "HUGEINT"), cells
    if kinds <= {int, float}:
        return "DOUBLE", [None if cell is None else float(cell) for cell in cells]
    if kinds == {str}:
        return "VARCHAR", [None if cell is None else cell.replace("\0", "\ufffd") for cell in cells]
    return "VARCHAR", [
        cell if cell is None or type(cell) is str else json.dumps(cell, ensure_ascii=False) for cell in cells
    ]
