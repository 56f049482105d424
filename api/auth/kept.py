"""What a process has asked for within seconds, so that the next request need not ask again. A change removes it at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

MOST = 10_000


class Kept(Generic[KeyT, ValueT]):
    """Facts by key. What is not so (nobody, no session) is never kept."""

    def __init__(self, keep_s: float, most: int = MOST) -> None:
        self._keep_s = keep_s
        self._most = most
        self._facts: dict[KeyT, tuple[float, ValueT]] = {}
        self.changes = 0
        """How often something was forgotten: whoever asks notes it first, and gives it to `keep`."""

    def __len__(self) -> int:
        return len(self._facts)

    def find(self, key: KeyT) -> ValueT | None:
        """Return a fact that is fresh."""
        found = self._facts.get(key)
        if found is None or time.monotonic() - found[0] >= self._keep_s:
            return None
        return found[1]

    def keep(self, key: KeyT, value: ValueT, *, asked: int) -> None:
        """Keep a fact that was asked for when there had been `asked` changes: one that came meanwhile may be of it."""
        if asked != self.changes:
            return
        if len(self._facts) >= self._most:
            self._facts.clear()
        self._facts[key] = (time.monotonic(), value)

    def forget(self, is_meant: Callable[[KeyT, ValueT], bool]) -> None:
        """Remove some facts, also those that somebody is just asking for."""
        self.changes += 1
        self._facts = {key: fact for key, fact in self._facts.items() if not is_meant(key, fact[1])}
