"""What was measured: one row a figure, printed and written as one table, as markdown and as JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from millstream.schemas.errors import ConfigurationError

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
"""Around the table in a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row."""

    name: str
    what: str
    value: float
    unit: str
    goal: str
    """What it should be, for people; empty: no goal was set."""

    @property
    def shown(self) -> str:
        """The value with three digits that matter, and its unit."""
        digits = 0 if abs(self.value) >= 100 else 1 if abs(self.value) >= 10 else 2
        return f"{self.value:,.{digits}f} {self.unit}".strip()


class Figures:
    """All figures of one run, in the order in which they were measured."""

    def __init__(self) -> None:
        self._rows: dict[str, Figure] = {}
        self.notes: list[str] = []
        """What could not be measured, and why."""

    def add(self, name: str, what: str, value: float, unit: str = "", *, goal: str = "") -> None:
        """Add a row. A name is given once."""
        assert name not in self._rows, name
        self._rows[name] = Figure(name=name, what=what, value=value, unit=unit, goal=goal)

    def value(self, name: str) -> float | None:
        """Return a figure, None if it was not measured."""
        row = self._rows.get(name)
        return None if row is None else row.value

    def ratio(self, name: str, what: str, *, of: tuple[str, str], goal: str = "", times: float = 1.0) -> None:
        """Add `times * of[0] / of[1]`, if both were measured."""
        upper, lower = self.value(of[0]), self.value(of[1])
        if upper is not None and lower:
            self.add(name, what, times * upper / lower, goal=goal)

    def __iter__(self) -> Iterator[Figure]:
        return iter(self._rows.values())

    def markdown(self, *, quick: bool) -> str:
        """Return the table, with where and when it was measured."""
        head = f"Measured with `python -m bench{' --quick' if quick else ''}` on {_where()}:"
        return "\n".join([head, "", *_table(self), *(f"\nNot measured: {note}" for note in self.notes)])

    def earlier(self, found: dict[str, Any]) -> str:
        """Return a table of what an earlier run, in the form of `json`, has besides these rows."""
        rows = [Figure(**row) for name, row in found["figures"].items() if name not in self._rows]
        how = f"`python -m bench{' --quick' if found['quick'] else ''}`"
        where = f"{found['machine']['cores']} {found['machine']['arch']} cores, {found['at']}"
        head = f"From an earlier run of {how}, on {where} (ratios are of figures of that run):"
        return "\n".join([head, "", *_table(rows)])

    def json(self, *, quick: bool) -> str:
        """Return everything, for programs."""
        found: dict[str, Any] = {
            "quick": quick,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "figures": {row.name: asdict(row) for row in self},
            "notes": self.notes,
        }
        return json.dumps(found, indent=2) + "\n"


def _table(rows: Iterable[Figure]) -> list[str]:
    lines = [f"| {row.what} | {row.shown} | {row.goal} |" for row in rows]
    return ["| what | figure | goal |", "| --- | ---: | ---: |", *lines]


def machine() -> dict[str, Any]:
    """Return on what it was measured."""
    return {
        "arch": platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _where() -> str:
    found = machine()
    return (
        f"{found['cores']} {found['arch']} cores, {found['memory_gb']} GB, Python {found['python']}, "
        f"everything (clients too) on the same cores, on {datetime.now(UTC).date()}"
    )


def write_into(document: Path, table: str) -> None:
    """Replace the marked block of a document. Errors: ConfigurationError if it has none."""
    text = document.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ConfigurationError(f"{str(document)!r} has no block between {BEGIN!r} and {END!r}.")
    document.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")
