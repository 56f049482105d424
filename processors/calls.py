"""Calling other nodes: a run ends with `Park(None, state, calls=Calls([...]))`, they run, and the block is called again.

```python
@block(calls="always")
async def ask_all(question: str, *, ctx: Context) -> AsyncIterator[Emit[Answers]]:
    if ctx.resumed is None:
        yield Park(None, {}, calls=Calls([Call(tool, {"question": question}) for tool in ctx.tools], parallel=4))
        return
    for result in ctx.results:
        yield "answer", result.last() if result.ok else result.error
```

The nodes are those that the author linked from the block's pin `tools`; each call is a node execution of its own (an agent
node's, a child execution), with its policy, costs and reviews.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A node that may be called."""

    node: str
    """Id of the node."""
    name: str
    """At most 64 letters, digits, `_`; different for each tool of the block."""
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of the object that a model gives."""
    pins: Mapping[str, str]
    """The pin of each parameter."""

    def function(self) -> dict[str, Any]:
        """Return it as a function tool in OpenAI's form."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}

    def inputs(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments by pin; nulls are left out. Errors: ValueError naming what is no parameter."""
        strange = sorted(arguments.keys() - self.pins.keys())
        if strange:
            known = ", ".join(self.pins) or "none"
            raise ValueError(f"{self.name} has no parameter {strange[0]!r}; it has: {known}")
        return {self.pins[name]: value for name, value in arguments.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Call:
    """Run `tool` with `inputs`, by pin. Pins that are linked from elsewhere have their newest value."""

    tool: Tool
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """What a run ends with, in `Park`: 1 to 1,000 calls; they begin in this order."""

    calls: Sequence[Call]
    parallel: int = 1
    """How many may be under way at once, up to 256."""
    stop_on_error: bool = False
    """Begin no further one once one has failed; those are SKIPPED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a call gave."""

    status: str
    """COMPLETED, FAILED, or SKIPPED."""
    outputs: Sequence[tuple[str, Any]] = field(default=())
    """(pin, value) in order; also what came before a failure."""
    error: str = ""
    code: str = ""
    """Code of the failure."""

    @property
    def ok(self) -> bool:
        """It completed."""
        return self.status == "COMPLETED"

    def by_pin(self) -> dict[str, list[Any]]:
        """Return all values of each pin."""
        found: dict[str, list[Any]] = {}
        for pin, value in self.outputs:
            found.setdefault(pin, []).append(value)
        return found

    def plain(self) -> Any:
        """Return the value if one pin spoke once, a list if it spoke often; of several pins an object of these."""
        pins = {pin: values[0] if len(values) == 1 else values for pin, values in self.by_pin().items()}
        return next(iter(pins.values())) if len(pins) == 1 else pins

    def last(self, pin: str = "") -> Any:
        """Return the last value, of `pin` if it is named; None if there is none."""
        return next((value for name, value in reversed(self.outputs) if pin in ("", name)), None)
