"""Excel and OpenDocument workbooks, as plain functions for a process of their own."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

from millstream.processors.json_form import json_form
from millstream.schemas.errors import BlockExecutionError, BlockInputError

UNPACKED_LIMIT_BYTES: Final = 300_000_000
CELLS_LIMIT: Final = 5_000_000
COLUMNS_LIMIT: Final = 16_384
ROWS_LIMIT: Final = 1_048_575
CELL_LIMIT_CHARS: Final = 32_767
_BAD_SHEET_NAME: Final = re.compile(r"[\[\]:*?/\\]")


def read(data: str, sheet: str, has_header: bool, skip_rows: int, most_rows: int) -> dict[str, Any]:
    """Rows of one sheet (by name, by number from 1, or the first), with typed cells.

    Errors: BlockExecutionError if it is no workbook; BlockInputError for a sheet that it does not have.
    """
    import python_calamine

    raw = base64.b64decode(data)
    _refuse_bombs(raw)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = list(book.sheet_names)
        cells = book.get_sheet_by_name(_sheet(sheet, names)).to_python(skip_empty_area=True)
    except (python_calamine.CalamineError, ValueError, IndexError) as error:
        raise BlockExecutionError(f"The file cannot be read as a workbook: {error}.") from error
    cells = [row for row in cells[skip_rows:] if any(cell != "" for cell in row)]
    header = _header(cells.pop(0)) if has_header and cells else []
    width = max(map(len, cells), default=0)
    columns = header + [str(place) for place in range(len(header), width)]
    rows = [
        {name: _cell(cell) for name, cell in zip(columns, row, strict=False)} for row in cells[:most_rows]
    ]
    return {"rows": rows, "columns": columns, "sheets": names, "truncated": len(cells) > most_rows}


def _refuse_bombs(raw: bytes) -> None:
    if raw.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                size = sum(info.file_size for info in archive.infolist())
        except (zipfile.BadZipFile, ValueError) as error:
            raise BlockExecutionError(f"The file cannot be read as a workbook: {error}.") from error
        if size > UNPACKED_LIMIT_BYTES:
            raise BlockExecutionError(
                f"The workbook unpacks to {size} bytes; at most {UNPACKED_LIMIT_BYTES} are read."
            )


def _sheet(wanted: str, names: list[str]) -> str:
    if not names:
        raise BlockExecutionError("The workbook has no sheets.")
    if not wanted:
        return names[0]
    if wanted in names:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise BlockInputError(f"There is no sheet {wanted[:100]!r}; the workbook has {names!r:.500}.")


def _header(cells: Sequence[Any]) -> list[str]:
    """Names of columns: empty ones get their number, repeated ones a number behind."""
    made: list[str] = []
    for place, cell in enumerate(cells):
        name = str(_cell(cell)).strip() if cell != "" else str(place)
        number = 2
        while name in made:
            name = f"{str(_cell(cell)).strip()}_{number}"
            number += 1
        made.append(name)
    return made


def _cell(value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return json_form(value)


def write(sheets: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """An Excel file with a sheet for each list of rows. No text ever becomes a formula or a link.

    Errors: BlockInputError for names or sizes that Excel does not have.
    """
    import xlsxwriter  # type: ignore[import-untyped]
    from xlsxwriter.exceptions import XlsxWriterException  # type: ignore[import-untyped]

    if sum(len(rows) * max((len(row) for row in rows), default=0) for rows in sheets.values()) > CELLS_LIMIT:
        raise BlockInputError(f"The sheets have too many cells; at most {CELLS_LIMIT}.")
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    try:
        with xlsxwriter.Workbook(out, options) as book:
            bold = book.add_format({"bold": True})
            for name, rows in sheets.items():
                _write_sheet(book.add_worksheet(_sheet_name(name)), rows, bold)
    except XlsxWriterException as error:
        raise BlockInputError(f"Excel does not have that: {error}.") from error
    return {"data": base64.b64encode(out.getvalue()).decode(), "rows": sum(map(len, sheets.values()))}


def _sheet_name(name: str) -> str:
    if not 0 < len(name) <= 31 or _BAD_SHEET_NAME.search(name) or name.strip("'") != name:
        raise BlockInputError(f"{name[:60]!r} is no name for a sheet: 1 to 31 characters, none of []:*?/\\.")
    return name


def _write_sheet(sheet: Any, rows: Sequence[Mapping[str, Any]], bold: Any) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if len(columns) > COLUMNS_LIMIT or len(rows) > ROWS_LIMIT:
        raise BlockInputError(f"A sheet has at most {COLUMNS_LIMIT} columns and {ROWS_LIMIT} rows.")
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column[:CELL_LIMIT_CHARS], bold)
    for number, row in enumerate(rows, 1):
        for place, column in enumerate(columns):
            _write_cell(sheet, number, place, row.get(column))
    if columns:
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float) and abs(value) < 10**15:
        sheet.write_number(row, column, value)
    else:
        # Excel keeps 15 digits of a number: longer ones stay whole as text.
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(text) > CELL_LIMIT_CHARS:
            raise BlockInputError(f"A cell has {len(text)} characters; Excel holds {CELL_LIMIT_CHARS}.")
        sheet.write_string(row, column, text)
