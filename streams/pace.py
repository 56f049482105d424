"""Under load, a little waiting has records travel together: a produce request costs the client and the broker about as much
for one record as for twenty. When it is quiet nobody waits."""

from __future__ import annotations

EACH_S = 0.0002
"""Wait this long for each record of the group before: a fraction of what it takes to handle one."""
LIMIT_S = 0.01
QUIET = 8
"""A group of so few is followed at once."""


class Pace:
    """How long to gather, told by the size of the last group."""

    def __init__(self) -> None:
        self._last = 0

    def left(self, count: int) -> None:
        """A group of `count` records was taken."""
        self._last = count

    def wait_s(self) -> float:
        """Seconds to gather before the next group is taken."""
        return 0.0 if self._last <= QUIET else min(LIMIT_S, self._last * EACH_S)
