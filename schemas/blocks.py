"""What is known of a block without its code: the form that the API shows, plans embed and remote workers announce."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal[
    "Standard",
    "Input",
    "Output",
    "Note",
    "Webhook",
    "Webhook (manual)",
    "Agent",
    "AI",
    "Ayrshare",
    "Human In The Loop",
    "MCP Tool",
]
Lane = str
"""Name of a topic family `nodes.tasks.<lane>`: io, cpu, llm, data, or a group of somebody's own workers."""


class BlockSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One block, as data. `input_schema` and `output_schema` are JSON Schema objects, one property a pin."""

    id: str
    """A UUID in text: AutoGPT's where it has one, else uuid5 of `package:name`."""
    name: str
    """Public name; AutoGPT's class name (`CalculatorBlock`) where it has one."""
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    categories: tuple[str, ...] = ()
    kind: Kind = "Standard"
    lane: Lane = "io"
    static_output: bool = False
    sensitive: bool = False
    """Waits for a person when the execution's sensitive-action safe mode is on."""
    disabled: bool = False
    repeatable: bool = True
    """May run again after a crash; one that may not is claimed first and ends `interrupted` instead."""
    timeout_s: float | None = 1800.0
    """Wall time of one run; None: no limit."""
    version: str = "1"
    join: bool = False
    """Runs with what has arrived when nothing more can come, rather than wait for ever for a branch that was not taken."""
