"""Names of dynamic pins: `list_$_0`, `dict_#_key`, `object_@_attribute`, and the pins of tools."""

from __future__ import annotations

from typing import Final

INDEX: Final = "_$_"
KEY: Final = "_#_"
ATTRIBUTE: Final = "_@_"
DELIMITERS: Final = (INDEX, KEY, ATTRIBUTE)

TOOLS: Final = "tools"
TOOL_PREFIX: Final = "tools_^_"


def is_tool_pin(pin: str) -> bool:
    """Tell whether a model's call of a tool travels on `pin`: `tools`, or `tools_^_...`."""
    return pin == TOOLS or pin.startswith(TOOL_PREFIX)


def base_name(pin: str) -> str:
    """Return the field of the block that `pin` reads or writes: what stands before the first delimiter."""
    if is_tool_pin(pin):
        return TOOLS
    ends = [end for end in map(pin.find, DELIMITERS) if end >= 0]
    return pin[: min(ends)] if ends else pin
