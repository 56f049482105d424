"""An order of all JSON values, and a key by which equal ones are found: rows of users mix types."""

from __future__ import annotations

import json
from typing import Any


def order_key(value: Any) -> tuple[int, Any]:
    """Key for sorting: null, false, true, numbers, texts, then lists and objects by their JSON."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool):
        return (1, value)
    if isinstance(value, int | float):
        return (2, value)
    if isinstance(value, str):
        return (3, value)
    return (4, json.dumps(value, sort_keys=True, ensure_ascii=False))


def same_key(value: Any) -> Any:
    """Key for finding equal values: 1 and 1.0 are equal, 1 and true are not."""
    kind, inner = order_key(value)
    return (kind, float(inner) if kind == 2 and -(2**53) <= inner <= 2**53 else inner)


def number(value: Any) -> float | int | None:
    """The number that a cell holds, also as text with a point; None if it holds none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            found = float(value)
        except ValueError:
            return None
        return found if found - found == 0 else None
    return None
