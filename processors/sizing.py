"""How large a value is, found out cheaply, to decide where work on it is done."""

from __future__ import annotations

from typing import Any


def weight(value: Any, limit: int) -> int:
    """Characters of all texts plus one for every other part; stops counting soon after `limit`."""
    total = 0
    stack = [value]
    while stack:
        one = stack.pop()
        kind = type(one)
        if kind is str:
            total += len(one) + 1
        elif kind is dict:
            total += len(one)
            if total > limit:
                return total
            stack.extend(one)
            stack.extend(one.values())
        elif kind is list or kind is tuple:
            total += 1
            if total + len(one) > limit:
                return total + len(one)
            stack.extend(one)
        else:
            total += 1
        if total > limit:
            return total
    return total
