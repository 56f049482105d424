"""Files: keep one, read one as text, read one as a table."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator

from millstream.processors import isolation
from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, Outputs
from millstream.processors.parsing import csv_rows, workbook_rows
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import FileContent, Files
from millstream.schemas.errors import BlockExecutionError, BlockInputError

EMITS_LIMIT = 10_000
HERE_CHARS = 200_000
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


async def kept(ref: str, files: Files, *, inline: bool) -> str:
    """Bring a file into the workspace and return its reference; with `inline` its content as a data: URI."""
    if ref.startswith("workspace://") and not inline:
        await files.read(ref)
        return ref
    content = await files.read(ref)
    if inline:
        return f"data:{content.media_type};base64,{base64.b64encode(content.data).decode()}"
    return await files.write(content.data, name=content.name, media_type=content.media_type)


class Kept(Outputs):
    """Pin of FileStoreBlock."""

    file_out: FileRef


@block(
    id="cbb50872-625b-42f0-8203-a2ae78242d8a",
    name="FileStoreBlock",
    categories=("BASIC", "MULTIMEDIA"),
    static_output=True,
    samples=[
        Sample({"file_in": "data:,hi"}, [("file_out", lambda ref: ref.startswith("workspace://"))]),
        Sample({"file_in": "data:,hi", "base_64": True}, [("file_out", "data:text/plain;base64,aGk=")]),
        Sample({"file_in": "/etc/passwd"}, raises="block_failed"),
        Sample({"file_in": "http://127.0.0.1:1/"}, raises="address_refused"),
    ],
)
async def file_store(
    file_in: FileRef, base_64: Advanced[bool] = False, *, files: Files
) -> AsyncIterator[Emit[Kept]]:
    """Keep a file in the workspace.

    file_in: A URL, a data: URI or a workspace reference.
    base_64: Give the content itself, as a data: URI.
    file_out: A reference to the file.
    """
    yield "file_out", await kept(file_in, files, inline=base_64)


class Content(Outputs):
    """Pin of FileReadBlock."""

    content: str


@block(
    id="3735a31f-7e18-4aca-9e90-08a7120674bc",
    name="FileReadBlock",
    categories=("DATA", "TEXT"),
    samples=[
        Sample({"file_input": "data:,one%0Atwo"}, [("content", "one\ntwo")]),
        Sample(
            {
                "file_input": "data:,one%0Atwo%0Athree%0Afour",
                "delimiter": "\n",
                "skip_rows": 1,
                "row_limit": 2,
            },
            [("content", "two"), ("content", "three")],
        ),
        Sample(
            {"file_input": "data:,abcdefg", "skip_size": 1, "size_limit": 4},
            [("content", "bcde"), ("content", "fg")],
        ),
        Sample({"file_input": "data:;base64,iVBORw0KGgoAAAAA"}, raises="block_failed"),
    ],
)
async def file_read(
    file_input: FileRef,
    delimiter: Advanced[str] = "",
    size_limit: Advanced[int] = 0,
    row_limit: Advanced[int] = 0,
    skip_size: Advanced[int] = 0,
    skip_rows: Advanced[int] = 0,
    *,
    files: Files,
) -> AsyncIterator[Emit[Content]]:
    """Read a file as text: whole, or row by row.

    file_input: The file.
    delimiter: What ends a row; without one the file is a single row.
    size_limit: Most characters at once; longer rows come in pieces. 0 for no limit.
    row_limit: Most rows. 0 for no limit.
    skip_size: Characters to skip at the beginning.
    skip_rows: Rows to skip after that.
    content: A row, or a piece of one.
    """
    text = _text(await files.read(file_input))[max(0, skip_size) :]
    rows = text.split(delimiter)[max(0, skip_rows) :] if delimiter else [text]
    if row_limit > 0:
        rows = rows[:row_limit]
    pieces = list(_pieces(rows, size_limit))
    if len(pieces) > EMITS_LIMIT:
        raise BlockExecutionError(
            f"The file has {len(pieces)} rows; at most {EMITS_LIMIT} come out. Set row_limit and skip_rows."
        )
    for piece in pieces:
        yield "content", piece


def _pieces(rows: list[str], most_chars: int) -> Iterator[str]:
    for row in rows:
        if 0 < most_chars < len(row):
            yield from (row[start : start + most_chars] for start in range(0, len(row), most_chars))
        else:
            yield row


def _text(content: FileContent) -> str:
    """Text of a file in UTF-8, UTF-16 with a mark, or Latin-1. Errors: BlockExecutionError for pictures and
    the like.
    """
    data = content.data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text or content.media_type.startswith(("image/", "audio/", "video/")):
        raise BlockExecutionError(f"The file is {content.media_type or 'binary'}, not text.")
    return text


class Table(Outputs):
    """Pins of ReadSpreadsheetBlock."""

    row: dict[str, str]
    rows: list[dict[str, str]]


@block(
    id="acf7625e-d2cb-4941-bfeb-2819fc6fc015",
    name="ReadSpreadsheetBlock",
    categories=("DATA", "TEXT"),
    lane="cpu",
    samples=[
        Sample({"contents": "a,b\n1, 2\n"}, [("rows", [{"a": "1", "b": "2"}])]),
        Sample(
            {
                "contents": "a;b\n1;'x;y'\n3;4",
                "delimiter": ";",
                "quotechar": "'",
                "produce_singular_result": True,
            },
            [("row", {"a": "1", "b": "x;y"}), ("row", {"a": "3", "b": "4"})],
        ),
        Sample(
            {"contents": "1,2\n3,4", "has_header": False, "skip_rows": 1, "skip_columns": ["0"]},
            [("rows", [{"1": "4"}])],
        ),
        Sample({"contents": ""}, raises="block_failed"),
    ],
)
async def read_spreadsheet(
    contents: str | None = None,
    file_input: FileRef | None = None,
    delimiter: Advanced[str] = ",",
    quotechar: Advanced[str] = '"',
    escapechar: Advanced[str] = "\\",
    has_header: Advanced[bool] = True,
    skip_rows: Advanced[int] = 0,
    strip: Advanced[bool] = True,
    skip_columns: Advanced[list[str]] = EMPTY,
    produce_singular_result: Advanced[bool] = False,
    *,
    files: Files,
) -> AsyncIterator[Emit[Table]]:
    """Read a table: CSV, Excel or OpenDocument. Of a workbook the first sheet counts.

    contents: CSV as text.
    file_input: A file, if there is no text.
    delimiter: What parts the cells.
    quotechar: What stands around a cell that holds the delimiter.
    escapechar: What takes a character's meaning away.
    has_header: The first row names the columns; else they are called 0, 1, 2 ...
    skip_rows: Rows to leave out below the header.
    strip: Take blanks off both ends of each cell.
    skip_columns: Columns to leave out, by name.
    produce_singular_result: Give rows one by one instead of all at once.
    row: One row, keyed by column.
    rows: All rows.
    """
    if not contents and not file_input:
        raise BlockExecutionError("Either 'contents' or 'file_input' must be provided")
    for name, char in (("delimiter", delimiter), ("quotechar", quotechar), ("escapechar", escapechar)):
        if len(char) > 1 or char in ("\r", "\n"):
            raise BlockInputError(f"{name} is {char!r}; it has to be one character of a line.")
    cells = await _cells(contents, file_input, (delimiter, quotechar, escapechar), files)
    rows = _rows(cells, has_header, skip_rows, strip, set(skip_columns))
    if not produce_singular_result:
        yield "rows", rows
        return
    if len(rows) > EMITS_LIMIT:
        raise BlockExecutionError(
            f"The table has {len(rows)} rows; at most {EMITS_LIMIT} come out one by one."
        )
    for row in rows:
        yield "row", row


async def _cells(
    text: str | None, ref: str | None, marks: tuple[str, str, str], files: Files
) -> list[list[str]]:
    if not text:
        content = await files.read(ref or "")
        if content.data.startswith(_WORKBOOKS):
            packed = base64.b64encode(content.data).decode()
            found: list[list[str]] = await isolation.call(
                workbook_rows, packed, timeout_s=30.0, what="Reading this workbook"
            )
            return found
        text = _text(content)
    if len(text) <= HERE_CHARS:
        return csv_rows(text, *marks)
    large: list[list[str]] = await isolation.call(csv_rows, text, *marks, what="Reading this table")
    return large


def _rows(
    cells: list[list[str]], has_header: bool, skip_rows: int, strip: bool, skip_columns: set[str]
) -> list[dict[str, str]]:
    if strip:
        cells = [[cell.strip() for cell in row] for row in cells]
    cells = [row for row in cells if row]
    header = cells.pop(0) if has_header and cells else []
    width = max(map(len, cells), default=0)
    names = [*header, *(str(place) for place in range(len(header), width))]
    rows: list[dict[str, str]] = []
    for row in cells[max(0, skip_rows) :]:
        rows.append({name: cell for name, cell in zip(names, row, strict=False) if name not in skip_columns})
    return rows
