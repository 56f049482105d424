"""What runs decide among themselves (`ctx.shared`): who is first, how many there were, whose turn it is.

Each question names its asker, the node execution: asked again, after a crash or by a second run of the same task, the answer
is the same. So blocks that ask may be repeated.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from millstream.schemas.errors import UnavailableError


class Shared(Protocol):
    """Atomic, per user; forgotten after `keep_s` without use. Errors of all: UnavailableError."""

    async def first(self, key: str, asker: str, *, keep_s: float) -> str:
        """Return who asked for `key` first: this asker, or the one before."""
        ...

    async def add(self, key: str, asker: str, amount: int, *, keep_s: float) -> int:
        """Add to a number that begins with 0, once for each asker; return it as it was after that."""
        ...

    async def total(self, key: str) -> int:
        """Return such a number as it is now."""
        ...

    async def turn(self, key: str, asker: str, *, limit: int, per_s: float) -> float:
        """Take a place in a queue that lets `limit` through in `per_s`; return the seconds until it is this asker's turn."""
        ...


class _NotShared:
    """Of a process without Redis."""

    def __getattr__(self, name: str) -> Any:
        """Refuse. Errors: UnavailableError."""
        raise UnavailableError("This process has no Redis, in which runs decide among themselves.")


NOT_SHARED = cast(Shared, _NotShared())
