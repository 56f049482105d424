"""A block whose node brings a schema of its own: links may lead to the arguments of the tool that was chosen for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millstream.processors import signature
from millstream.processors.convert import compile_converter
from millstream.processors.sdk import Block


class ToolBlock(Block):
    """Puts what arrives on pins that the block does not have into `tool_arguments`, over what stands there."""

    __slots__ = ()

    @classmethod
    def of(cls, made: Block) -> ToolBlock:
        """Return a block as one of these."""
        shape = signature.read(made.fn)
        return cls(made.fn, made.spec, shape, made.samples, made.migrate, made.no_samples)

    def arguments(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Gather the tool's arguments, then check as ever. Errors: BlockInputError."""
        own = self.spec.input_schema["properties"]
        linked = {pin: value for pin, value in inputs.items() if pin not in own and value is not None}
        given = {pin: value for pin, value in inputs.items() if pin in own}
        if not given.get("credentials"):  # an export has an empty one where somebody chose his own
            given.pop("credentials", None)
        if linked:
            constants = given.get("tool_arguments") or {}
            if isinstance(constants, dict):
                given["tool_arguments"] = constants | _as_wanted(linked, given.get("tool_input_schema"))
        return super().arguments(given)


def _as_wanted(values: dict[str, Any], schema: Any) -> dict[str, Any]:
    """Convert values as a link would; by a schema that is none they stay as they are, and the tool judges them."""
    if not isinstance(schema, Mapping):
        return values
    try:
        converted: dict[str, Any] = compile_converter(schema)(values)
    except (AttributeError, KeyError, TypeError, RecursionError):
        return values
    return converted if isinstance(converted, dict) else values
