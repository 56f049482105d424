"""Charts by Matplotlib and QR codes by Segno, as plain functions for a process of their own."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from millstream.processors.ordering import number
from millstream.schemas.errors import BlockExecutionError, BlockInputError

POINTS_LIMIT: Final = 20_000
SLICES_LIMIT: Final = 50


def chart(
    rows: Sequence[Mapping[str, Any]],
    kind: str,
    x: str,
    y: list[str],
    labels: Mapping[str, str],
    size: list[int],
) -> dict[str, Any]:
    """A chart as PNG. Errors: BlockInputError for columns that are not there or hold no numbers."""
    # Each thread of the linear algebra would take addresses that this process does not have.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"text.usetex": False, "text.parse_math": False, "axes.unicode_minus": False})
    from matplotlib.figure import Figure

    values, series = _series(rows, kind, x, y)
    figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, layout="constrained")
    axes = figure.subplots()
    _draw(axes, kind, values, series)
    if kind != "pie":
        axes.set_xlabel(labels.get("x") or x)
        axes.set_ylabel(labels.get("y") or (y[0] if len(y) == 1 else ""))
        axes.grid(alpha=0.3)
        if len(series) > 1:
            axes.legend()
    if labels.get("title"):
        axes.set_title(labels["title"])
    out = io.BytesIO()
    try:
        figure.savefig(out, format="png", metadata={"Software": None})
    except (ValueError, OverflowError, MemoryError) as error:
        raise BlockExecutionError(f"The chart cannot be drawn: {str(error)[:200]}.") from error
    return {"data": base64.b64encode(out.getvalue()).decode(), "points": len(values) * len(series)}


def _series(
    rows: Sequence[Mapping[str, Any]], kind: str, x: str, y: list[str]
) -> tuple[list[Any], dict[str, list[float]]]:
    if not rows or len(rows) * len(y) > POINTS_LIMIT:
        raise BlockInputError(f"A chart has 1 to {POINTS_LIMIT} points; there are {len(rows) * len(y)}.")
    missing = [name for name in (x, *y) if not any(name in row for row in rows)]
    if missing:
        known = ", ".join(dict.fromkeys(name for row in rows for name in row))
        raise BlockInputError(f"There is no column {missing[0][:80]!r}; the rows have {known[:300]}.")
    cells = [row.get(x) for row in rows]
    values: list[Any] = [number(cell) for cell in cells]
    if kind in ("bar", "bars across", "pie") or any(value is None for value in values):
        if kind in ("scatter", "histogram"):
            raise BlockInputError(f"The column {x[:80]!r} has to hold numbers for this kind of chart.")
        values = ["" if cell is None else str(cell)[:60] for cell in cells]
    nothing = float("nan")
    series = {
        name: [nothing if (n := number(row.get(name))) is None else float(n) for row in rows] for name in y
    }
    for name, points in series.items():
        if all(point != point for point in points):
            raise BlockInputError(f"The column {name[:80]!r} holds no numbers.")
    return values, series


def _draw(axes: Any, kind: str, values: list[Any], series: dict[str, list[float]]) -> None:
    if kind == "pie":
        [(name, points)] = list(series.items())[:1]
        if len(points) > SLICES_LIMIT or any(not point >= 0 for point in points) or not sum(points) > 0:
            raise BlockInputError(f"A pie has 1 to {SLICES_LIMIT} numbers from 0; look at {name[:80]!r}.")
        axes.pie(points, labels=values, autopct="%1.0f%%")
        return
    if kind == "histogram":
        axes.hist(values, bins="auto" if len(values) < 2000 else 50)
        return
    if kind in ("bar", "bars across"):
        _bars(axes, kind, values, series)
        return
    for name, points in series.items():
        if kind == "scatter":
            axes.scatter(values, points, label=name, s=16)
        else:
            axes.plot(values, points, label=name, marker="o" if len(points) < 50 else None)
            if kind == "area":
                axes.fill_between(
                    range(len(values)) if isinstance(values[0], str) else values, points, alpha=0.3
                )
    if isinstance(values[0], str):
        axes.tick_params(axis="x", rotation=45 if len(values) > 6 else 0)


def _bars(axes: Any, kind: str, values: list[Any], series: dict[str, list[float]]) -> None:
    places = range(len(values))
    width = 0.8 / len(series)
    for number_, (name, points) in enumerate(series.items()):
        at = [place + width * (number_ - (len(series) - 1) / 2) for place in places]
        draw = axes.bar if kind == "bar" else axes.barh
        draw(at, points, width, label=name)
    if kind == "bar":
        axes.set_xticks(places, values, rotation=45 if len(values) > 6 else 0)
    else:
        axes.set_yticks(places, values)
        axes.invert_yaxis()


def qr(text: str, scale: int, dark: str, light: str, error: str, kind: str) -> dict[str, Any]:
    """A QR code. Errors: BlockInputError if the text is too long or a colour is none."""
    import segno

    out = io.BytesIO()
    try:
        code = segno.make(text, error=error, micro=False)
        code.save(out, kind=kind.lower(), scale=scale, dark=dark, light=light or None)
    except segno.DataOverflowError as overflow:
        raise BlockInputError(
            f"A QR code cannot hold {len(text)} characters; shorten the text."
        ) from overflow
    except ValueError as wrong:
        raise BlockInputError(f"The code cannot be made: {str(wrong)[:200]}.") from wrong
    return {"data": base64.b64encode(out.getvalue()).decode(), "version": int(code.version)}
