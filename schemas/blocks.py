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


ALWAYS = "always"
"""Of `BlockSpec.calls`: whatever its constants are."""


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often a run is tried again when it fails of what may pass; nodes may say otherwise (`metadata.policy`)."""

    retries: int = 2
    """Tries after the first, 0 to 20."""
    backoff_s: float = 1.0
    """Wait before the first of them; doubled each time."""
    jitter: float = 0.2

    def __post_init__(self) -> None:
        """Errors: ValueError."""
        if not (0 <= self.retries <= 20 and 0 <= self.backoff_s <= 300 and 0 <= self.jitter <= 1):
            raise ValueError("retries are 0 to 20, backoff_s 0 to 300, jitter 0 to 1")


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a block will cost, for people who decide whether to use it; `Context.spend` says what it did cost."""

    microusd: int
    """Millionths of a US dollar."""
    per: str = "call"
    """`call`, `second`, or a unit of the block's own: `page`, `1,000 tokens`."""
    note: str = ""
    """When this price holds: `model gpt-5`."""

    def __post_init__(self) -> None:
        """Errors: ValueError."""
        if self.microusd < 0 or not self.per:
            raise ValueError("a cost is 0 millionths of a US dollar or more, per something")


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
    calls: str = ""
    """It has nodes run that are linked from its tool pins: `always`, or when the constant of this name is set."""
    retry: Retry | None = None
    """The policy of nodes that have none of their own."""
    costs: tuple[Cost, ...] = ()
    aliases: tuple[str, ...] = ()
    """Former ids; whoever asks for one gets this block."""
    renamed_pins: dict[str, str] = {}
    """Former name of a pin to its present one."""
    revision: str = ""
    """Of a block of a watched folder: which text of it this is."""

    @property
    def edition(self) -> str:
        """What tells apart two states of a block: its version, and which text of it this is."""
        return f"{self.version}+{self.revision}" if self.revision else self.version

    def tool(self) -> dict[str, Any]:
        """Return it as a function that a language model can call, in OpenAI's form; see `tools`."""
        from millstream.schemas.tools import tool_of

        return tool_of(self)
