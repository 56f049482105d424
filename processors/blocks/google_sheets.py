"""Google Sheets: read, write and append cells. The spreadsheet is what a picker gives, or just `{"id": ...}`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Literal

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.blocks.google import LOGIN, SHEETS, Cells, served
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

_ID = re.compile(r"[\w-]{5,200}")
_URL = re.compile(r"/spreadsheets/d/([\w-]{5,200})")
_SHEET = {"id": "sheet-1", "name": "Drinks"}
_ASK = {"credentials": LOGIN, "spreadsheet": _SHEET, "range": "A1:B2"}
_ROWS = [["Name", "Price"], ["Tea", "2"]]


def _id(spreadsheet: dict[str, Any]) -> dict[str, str]:
    """The id of a spreadsheet, also out of its address. Errors: BlockInputError."""
    for key in ("id", "url"):
        text = str(spreadsheet.get(key) or "").strip()
        found = _URL.search(text)
        if found or _ID.fullmatch(text):
            return {"id": found[1] if found else text}
    raise BlockInputError('Say which spreadsheet: {"id": "..."} or {"url": "..."}.', pin="spreadsheet")


class Read(Outputs):
    """Pins of GoogleSheetsReadBlock."""

    result: list[list[str]]
    spreadsheet: dict[str, Any]


@block(
    id="5724e902-3635-47e9-a108-aaa0263a4988",
    name="GoogleSheetsReadBlock",
    categories=("DATA",),
    samples=[
        Sample(
            _ASK,
            [("result", _ROWS), ("spreadsheet", _SHEET)],
            serves={"/spreadsheets/sheet-1/values/A1%3AB2": served({"values": _ROWS})},
        ),
        Sample({**_ASK, "spreadsheet": {"id": "../x"}}, raises="block_input_invalid"),
    ],
)
async def google_sheets_read(
    credentials: Cells, spreadsheet: dict[str, Any], range_: str, *, ctx: Context
) -> AsyncIterator[Emit[Read]]:
    """Read a range of cells, as texts.

    credentials: A connected Google account.
    spreadsheet: Which one: its `id`, or its `url`.
    range: Which cells, such as `Sheet1!A1:C10`.
    result: The rows; empty cells at the end of a row are left out.
    spreadsheet: The spreadsheet, for the next block.
    """
    path = {**_id(spreadsheet), "range": range_}
    found = await SHEETS.call(ctx, "GET /spreadsheets/{id}/values/{range}", path=path)
    yield "result", [[str(cell) for cell in row] for row in found.get("values") or []]
    yield "spreadsheet", spreadsheet


class Written(Outputs):
    """What became of a change."""

    result: dict[str, Any]
    spreadsheet: dict[str, Any]


@block(
    id="d9291e87-301d-47a8-91fe-907fb55460e5",
    name="GoogleSheetsWriteBlock",
    categories=("DATA",),
    samples=[
        Sample(
            {**_ASK, "values": _ROWS},
            [("result", {"updatedCells": 4}), ("spreadsheet", _SHEET)],
            serves={"/spreadsheets/sheet-1/values/A1%3AB2": served({"updatedCells": 4})},
        )
    ],
)
async def google_sheets_write(
    credentials: Cells, spreadsheet: dict[str, Any], range_: str, values: list[list[str]], *, ctx: Context
) -> AsyncIterator[Emit[Written]]:
    """Write cells, as if somebody had typed them.

    credentials: A connected Google account.
    spreadsheet: Which one: its `id`, or its `url`.
    range: Where, such as `Sheet1!A1`.
    values: The rows.
    result: What Google says about it.
    spreadsheet: The spreadsheet, for the next block.
    """
    path = {**_id(spreadsheet), "range": range_}
    query = {"valueInputOption": "USER_ENTERED"}
    request = "PUT /spreadsheets/{id}/values/{range}"
    yield "result", await SHEETS.call(ctx, request, path=path, query=query, json={"values": values})
    yield "spreadsheet", spreadsheet


@block(
    id="531d50c0-d6b9-4cf9-a013-7bf783d313c7",
    name="GoogleSheetsAppendRowBlock",
    categories=("DATA",),
    repeatable=False,
    samples=[
        Sample(
            {"credentials": LOGIN, "spreadsheet": _SHEET, "row": ["Coffee", "3"]},
            [("result", {"updates": {}}), ("spreadsheet", _SHEET)],
            serves={"/spreadsheets/sheet-1/values/A1:append": served({"updates": {}})},
        ),
        Sample({"credentials": LOGIN, "spreadsheet": _SHEET, "row": []}, raises="block_input_invalid"),
    ],
)
async def google_sheets_append_row(
    credentials: Cells,
    spreadsheet: dict[str, Any],
    row: list[str],
    sheet_name: Advanced[str] = "",
    value_input_option: Advanced[Literal["RAW", "USER_ENTERED"]] = "USER_ENTERED",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Written]]:
    """Add a row below the last one of a table. It is not added again after a crash.

    credentials: A connected Google account.
    spreadsheet: Which one: its `id`, or its `url`.
    row: The cells.
    sheet_name: Which sheet; empty is the first.
    value_input_option: RAW takes texts as they are, USER_ENTERED as if they were typed.
    result: What Google says about it.
    spreadsheet: The spreadsheet, for the next block.
    """
    if not row:
        raise BlockInputError("The row has no cells.", pin="row")
    quoted = sheet_name.replace("'", "''")
    path = {**_id(spreadsheet), "range": f"'{quoted}'!A1" if sheet_name else "A1"}
    query = {"valueInputOption": value_input_option, "insertDataOption": "INSERT_ROWS"}
    request = "POST /spreadsheets/{id}/values/{range}:append"
    yield "result", await SHEETS.call(ctx, request, path=path, query=query, json={"values": [row]})
    yield "spreadsheet", spreadsheet
