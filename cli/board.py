"""What `run` shows of an execution: a line a node, kept up to date by the frames of the socket. Pure but for rich."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from millstream.cli.words import mark_of, reason_text, verdict_text

PREVIEW_CHARS = 60
FINAL = ("COMPLETED", "FAILED", "TERMINATED")
STYLE = {
    "COMPLETED": "green",
    "FAILED": "bold red",
    "TERMINATED": "yellow",
    "RUNNING": "cyan",
    "REVIEW": "magenta",
    "QUEUED": "blue",
    "INCOMPLETE": "dim",
}
ORDER = ("FAILED", "REVIEW", "RUNNING", "QUEUED", "INCOMPLETE", "TERMINATED", "COMPLETED")
"""Of a node's executions, the state that matters most comes first."""


def preview(value: Any, limit: int = PREVIEW_CHARS) -> str:
    """Return a value on one line, cut at `limit` characters; control characters are shown, never obeyed."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(char if char.isprintable() else " " for char in text.replace("\n", " "))
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(slots=True)
class Line:
    """All executions of one node."""

    name: str
    states: dict[str, str] = field(default_factory=dict)
    """By node execution."""
    seconds: dict[str, float] = field(default_factory=dict)
    last: str = ""
    """The newest output, or the error."""
    why: str = ""
    """Why the node execution that was told of last is not done yet."""

    @property
    def state(self) -> str:
        """The state that matters most, empty before the first execution."""
        there = set(self.states.values())
        return next((state for state in ORDER if state in there), "")

    @property
    def count(self) -> str:
        """`3`, or `2/3` while some have not ended."""
        counts = Counter(state in FINAL for state in self.states.values())
        if not self.states:
            return ""
        return str(counts[True]) if not counts[False] else f"{counts[True]}/{len(self.states)}"


class Board:
    """The lines, in the order of the graph's nodes."""

    def __init__(self, graph: Mapping[str, Any], block_names: Mapping[str, str]) -> None:
        self.title = str(graph.get("name") or "graph")
        self.lines = {
            node["id"]: Line(node_name(node, block_names))
            for node in graph["nodes"]
            if block_names.get(node["block_id"]) != "NoteBlock"
        }
        self.blocks = block_names
        self.status = "QUEUED"
        self.why = ""
        self.execution: dict[str, Any] = {}
        """Data of the last event of the execution as a whole that had outputs."""

    @property
    def ended(self) -> bool:
        """The execution has ended."""
        return self.status in FINAL

    @property
    def failed_nodes(self) -> int:
        """Node executions that failed."""
        return sum(state == "FAILED" for line in self.lines.values() for state in line.states.values())

    def take(self, frame: Mapping[str, Any]) -> Line | None:
        """Take in a frame. Returns the line of a node execution that ended with it, or waits for a person."""
        data = frame["data"]
        if frame["method"] == "graph_execution_event":
            self.status = data["status"]
            self.why = reason_text(data.get("reason"))
            if "sequence" in frame:  # the others are statistics, without outputs
                self.execution = data
            return None
        if frame["method"] != "node_execution_event":
            return None
        line = self.lines.setdefault(data["node_id"], Line(data["node_id"][:8]))
        before = line.states.get(data["node_exec_id"])
        line.states[data["node_exec_id"]] = data["status"]
        line.seconds[data["node_exec_id"]] = _seconds(data)
        outputs = data["output_data"]
        line.why = "" if data["status"] in FINAL else reason_text(data.get("reason"))
        if outputs:
            line.last = preview((outputs.get("error") or next(iter(outputs.values())))[-1])
        over = data["status"] in (*FINAL, "REVIEW")
        return line if over and before != data["status"] else None

    def table(self, elapsed_s: float) -> Table:
        """Return what is shown on a terminal."""
        table = Table(title=self._title(elapsed_s), title_justify="left", expand=True)
        table.add_column("node", no_wrap=True, min_width=12, max_width=32)
        table.add_column("state", no_wrap=True, min_width=10)
        table.add_column("runs", no_wrap=True, min_width=4, justify="right")
        table.add_column("time", no_wrap=True, min_width=7, justify="right")
        table.add_column("output", no_wrap=True, ratio=1)
        for line in self.lines.values():
            state = line.state
            seconds = f"{max(line.seconds.values()):.2f} s" if line.seconds else ""
            table.add_row(
                Text(line.name),
                Text(state.lower(), STYLE.get(state, "dim")),
                line.count,
                seconds,
                Text(f"({line.why}) {line.last}" if line.why else line.last),
            )
        return table

    def _title(self, elapsed_s: float) -> Text:
        title = Text(f"{self.title}  ")
        if self.ended:
            execution = self.execution or {"status": self.status}
            icon, style = mark_of(execution)
            title.append(f"{icon} {verdict_text(execution, {}).splitlines()[0]}", style)
        else:
            title.append(self.status.lower(), STYLE.get(self.status, "dim"))
            title.append(f" ({self.why})" if self.why else "")
        return title.append(f"  {elapsed_s:.1f} s")


def node_name(node: Mapping[str, Any], block_names: Mapping[str, str]) -> str:
    """Return what people call a node: its own name, an input's or output's, else its block's."""
    defaults = node.get("input_default") or {}
    own = (node.get("metadata") or {}).get("customized_name")
    block = block_names.get(node["block_id"], "unknown block").removesuffix("Block")
    named = defaults.get("name") if block.startswith("Agent") else None
    return preview(str(own or named or block), 32)


def _seconds(data: Mapping[str, Any]) -> float:
    if not (data["start_time"] and data["end_time"]):
        return 0.0
    began, ended = datetime.fromisoformat(data["start_time"]), datetime.fromisoformat(data["end_time"])
    return max(0.0, (ended - began).total_seconds())
