"""Services for which blocks take credentials, as the blocks' own schemas say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph_links import properties


@dataclass(slots=True)
class Used:
    """How one service is used here."""

    kinds: set[str] = field(default_factory=set)
    blocks: set[str] = field(default_factory=set)
    """Ids."""


def providers_of(specs: Iterable[BlockSpec]) -> dict[str, Used]:
    """Return each service by name, of the blocks that can be used."""
    found: dict[str, Used] = {}
    for spec in specs:
        if spec.disabled:
            continue
        for pin in properties(spec.input_schema).values():
            for name in pin.get("credentials_provider", ()):
                used = found.setdefault(name, Used())
                used.kinds.update(pin.get("credentials_types", ()))
                used.blocks.add(spec.id)
    return found
