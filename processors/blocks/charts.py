"""Charts of rows, and QR codes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors import drawings
from millstream.processors.annotations import Advanced, Emit, FileRef, Outputs
from millstream.processors.blocks.spreadsheets import is_file
from millstream.processors.file_work import unpacked, worked
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import Files

Side = Advanced[Annotated[int, Field(ge=100, le=4000)]]
_ROWS = [{"month": "Jan", "sales": 3, "cost": 2}, {"month": "Feb", "sales": "5", "cost": None}]


class Drawn(Outputs):
    """Pins of ChartBlock."""

    image: FileRef
    points: int


@block(
    categories=("DATA", "MULTIMEDIA"),
    lane="cpu",
    timeout_s=120,
    name="ChartBlock",
    samples=[
        Sample(
            {"rows": _ROWS, "x": "month", "y": ["sales", "cost"], "kind": kind},
            [("image", is_file), ("points", 4)],
        )
        for kind in ("line", "bar", "bars across", "area")
    ]
    + [
        Sample(
            {"rows": _ROWS, "x": "month", "y": ["sales"], "kind": "pie"}, [("image", is_file), ("points", 2)]
        ),
        Sample(
            {"rows": _ROWS, "x": "cost", "y": ["sales"], "kind": "histogram"}, raises="block_input_invalid"
        ),
        Sample({"rows": _ROWS, "x": "month", "y": ["nothing"]}, raises="block_input_invalid"),
        Sample({"rows": [], "x": "month", "y": ["sales"]}, raises="block_input_invalid"),
    ],
)
async def draw_chart(
    rows: list[dict[str, Any]],
    x: str,
    y: Annotated[list[str], Field(min_length=1, max_length=20)],
    kind: Literal["line", "bar", "bars across", "area", "scatter", "pie", "histogram"] = "line",
    title: str = "",
    x_label: Advanced[str] = "",
    y_label: Advanced[str] = "",
    width: Side = 800,
    height: Side = 500,
    *,
    files: Files,
) -> AsyncIterator[Emit[Drawn]]:
    """Draw a chart of rows as a PNG picture.

    rows: The rows.
    x: The column along the lower edge; of a pie the names, of a histogram the numbers.
    y: The columns to draw; of a pie the first counts. Cells without a number are gaps.
    kind: What kind of chart.
    title: What stands above it.
    x_label: What stands at the lower edge; the name of the column without it.
    y_label: What stands at the left edge.
    width: Pixels across.
    height: Pixels down.
    image: The chart.
    points: How many points it has.
    """
    labels = {"title": title[:200], "x": x_label[:200], "y": y_label[:200]}
    made = await worked(drawings.chart, rows, kind, x, y, labels, [width, height], what="Drawing this chart")
    yield "image", await files.write(unpacked(made["data"]), name="chart.png", media_type="image/png")
    yield "points", made["points"]


class Code(Outputs):
    """Pins of MakeQrCodeBlock."""

    image: FileRef
    version: int


@block(
    categories=("MULTIMEDIA",),
    lane="cpu",
    timeout_s=30,
    samples=[
        Sample({"text": "https://example.org"}, [("image", is_file), ("version", 2)]),
        Sample({"text": "x", "kind": "SVG", "light": ""}, [("image", is_file), ("version", 1)]),
        Sample({"text": "x", "dark": "ink"}, raises="block_input_invalid"),
        Sample({"text": "x" * 3000}, raises="block_input_invalid"),
    ],
)
async def make_qr_code(
    text: Annotated[str, Field(min_length=1, max_length=8000)],
    scale: Annotated[int, Field(ge=1, le=50)] = 8,
    dark: Advanced[str] = "black",
    light: Advanced[str] = "white",
    error: Advanced[Literal["L", "M", "Q", "H"]] = "M",
    kind: Literal["PNG", "SVG"] = "PNG",
    *,
    files: Files,
) -> AsyncIterator[Emit[Code]]:
    """Make a QR code of a text, such as an address of the web.

    text: The text.
    scale: Pixels of a square.
    dark: Colour of the squares.
    light: Colour behind them; transparent without one.
    error: How much of it may be spoilt: L 7 %, M 15 %, Q 25 %, H 30 %.
    kind: What kind of picture.
    image: The code.
    version: Its size, from 1 to 40.
    """
    made = await worked(drawings.qr, text, scale, dark, light, error, kind, what="Making this code")
    data = unpacked(made["data"])
    media_type = "image/png" if kind == "PNG" else "image/svg+xml"
    yield "image", await files.write(data, name=f"code.{kind.lower()}", media_type=media_type)
    yield "version", made["version"]
