"""`Flag`: what an annotation adds to the schema of a pin. Apart, because what contexts hold needs it too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class Flag:
    """Marks a pin; `extra` goes into its JSON Schema."""

    def __init__(self, **extra: Any) -> None:
        self.extra: Mapping[str, Any] = MappingProxyType(extra)
