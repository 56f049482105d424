"""Workbooks and text files in the workspace: read, write, tell what a file is."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field

from millstream.processors import workbooks
from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, LongText, Outputs
from millstream.processors.file_work import opened, packed, renamed, unpacked, worked
from millstream.processors.guards.sniffing import is_textual, media_type_of
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import Files
from millstream.schemas.errors import BlockInputError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WORKBOOKS = (
    "application/zip",
    "application/vnd.openxmlformats",
    "application/vnd.oasis",
    "application/vnd.ms-",
    "application/x-ole-storage",
)


def is_file(value: object) -> bool:
    """Tell whether a value is a reference to a file; for samples."""
    return isinstance(value, str) and value.startswith("workspace://")


class Sheet(Outputs):
    """Pins of ReadWorkbookBlock."""

    rows: list[dict[str, Any]]
    columns: list[str]
    sheets: list[str]
    count: int
    truncated: bool


@block(
    categories=("DATA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample({"file": "data:,a%2Cb"}, raises="block_input_invalid"),
        Sample({"file": "data:;base64,UEsDBAAAAAAAAA=="}, raises="block_failed"),
    ],
)
async def read_workbook(
    file: FileRef,
    sheet: str = "",
    has_header: bool = True,
    skip_rows: Advanced[Annotated[int, Field(ge=0)]] = 0,
    most_rows: Advanced[Annotated[int, Field(ge=1, le=200_000)]] = 50_000,
    *,
    files: Files,
) -> AsyncIterator[Emit[Sheet]]:
    """Read a sheet of an Excel or OpenDocument workbook with the types of its cells.

    file: The workbook (xlsx, xlsb, xls, ods).
    sheet: Its name, or its number from 1; the first without one.
    has_header: The first row names the columns; else they are called 0, 1, 2 ...
    skip_rows: Rows above the table to leave out.
    most_rows: How many rows at most.
    rows: The rows: numbers as numbers, dates as text in ISO 8601, empty cells as null.
    columns: Names of the columns.
    sheets: Names of all sheets.
    count: How many rows came out.
    truncated: Whether there are more.
    """
    content = await opened(files, file, _WORKBOOKS, "a workbook; for CSV use ReadSpreadsheetBlock")
    found = await worked(
        workbooks.read,
        packed(content),
        sheet,
        has_header,
        skip_rows,
        most_rows,
        what="Reading this workbook",
    )
    for pin in ("rows", "columns", "sheets"):
        yield pin, found[pin]
    yield "count", len(found["rows"])
    yield "truncated", found["truncated"]


class Written(Outputs):
    """Pins of blocks that write a file."""

    file: FileRef
    size: int


@block(
    categories=("DATA", "OUTPUT"),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample({"rows": [{"a": 1, "b": "=1+1"}]}, [("file", is_file), ("size", int)]),
        Sample({"rows": [], "sheet": "a/b"}, raises="block_input_invalid"),
    ],
)
async def write_workbook(
    rows: list[dict[str, Any]] = EMPTY,
    name: str = "table.xlsx",
    sheet: str = "Sheet1",
    more_sheets: Advanced[dict[str, list[dict[str, Any]]]] = EMPTY,
    *,
    files: Files,
) -> AsyncIterator[Emit[Written]]:
    """Write rows as an Excel workbook. Texts stay texts: none becomes a formula or a link.

    rows: The rows of the first sheet.
    name: Name of the file.
    sheet: Name of the first sheet.
    more_sheets: Rows of more sheets by name.
    file: The workbook.
    size: Its bytes.
    """
    if sheet in more_sheets:
        raise BlockInputError(f"There are two sheets with the name {sheet!r}.")
    made = await worked(workbooks.write, {sheet: rows, **more_sheets}, what="Writing this workbook")
    data = unpacked(made["data"])
    yield "file", await files.write(data, name=renamed(name, "xlsx", "table"), media_type=XLSX)
    yield "size", len(data)


@block(
    categories=("DATA", "OUTPUT"),
    samples=[
        Sample({"text": "é", "name": "a.txt"}, [("file", is_file), ("size", 2)]),
        Sample({"text": "a,b", "name": "t.csv", "media_type": "image/png"}, raises="block_input_invalid"),
    ],
)
async def write_text_file(
    text: LongText, name: str = "text.txt", media_type: Advanced[str] = "text/plain", *, files: Files
) -> AsyncIterator[Emit[Written]]:
    """Keep a text as a file (in UTF-8) in the workspace.

    text: The text.
    name: Name of the file; shown to people, never used as a path.
    media_type: What it is, such as `text/csv`, `application/json` or `text/html`.
    file: The file.
    size: Its bytes.
    """
    if not is_textual(media_type.partition(";")[0].strip().lower()):
        raise BlockInputError(
            f"{media_type[:100]!r} is no type of text, such as text/csv or application/json."
        )
    data = text.encode()
    yield "file", await files.write(data, name=name, media_type=media_type)
    yield "size", len(data)


class Known(Outputs):
    """Pins of FileInfoBlock."""

    name: str
    media_type: str
    size: int
    sha256: str
    is_text: bool
    file: FileRef


@block(
    categories=("DATA",),
    samples=[
        Sample(
            {"file": "data:image/png;base64,R0lGODlhAQABAAAAACw="},
            [
                ("name", ""),
                ("media_type", "image/gif"),
                ("size", 14),
                ("sha256", lambda digest: len(digest) == 64),
                ("is_text", False),
                ("file", str),
            ],
        ),
        Sample({"file": "/etc/passwd"}, raises="block_failed"),
    ],
)
async def file_info(file: FileRef, *, files: Files) -> AsyncIterator[Emit[Known]]:
    """Tell what a file is, by its content.

    file: The file; it goes out again as it came.
    name: Its name, empty if it has none.
    media_type: Its type, whatever its name or its sender says.
    size: Its bytes.
    sha256: Its fingerprint.
    is_text: Whether it can be read as text.
    """
    content = await files.read(file)
    found = media_type_of(content.data, content.media_type)
    yield "name", content.name
    yield "media_type", found
    yield "size", len(content.data)
    yield "sha256", hashlib.sha256(content.data).hexdigest()
    yield "is_text", is_textual(found)
    yield "file", file
