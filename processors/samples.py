"""Examples that a block declares: they run as tests and show in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs, and what must come of them."""

    inputs: Mapping[str, Any]
    emits: tuple[tuple[str, Any], ...] | list[tuple[str, Any]] = ()
    """All outputs in order. In place of a value stands a type, or a function that tells whether a value is
    right.
    """
    raises: str = ""
    """Code of the error that ends the run, like `block_input_invalid`."""
    serves: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Pages of a local web server for the run: path to (media type, text). `{server}` in inputs is its
    address.
    """
    context: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the context that differ from the test's own."""
    review: Mapping[str, Any] | None = None
    """What the person decides, if the block asks one: {"status", "data", "message"}."""
