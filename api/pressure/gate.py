"""When to refuse, and for how long: a limit a topic, with hysteresis. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from millstream.api.pressure.readings import Reading

AGAIN = 0.75
"""Share of a limit at which work is accepted again, so that the edge does not flap around it."""
RETRY_LEAST_S, RETRY_MOST_S = 2, 60
RETRY_UNKNOWN_S = 10
"""Nobody works: nobody knows when it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A topic whose group is too far behind."""

    topic: str
    lag: int
    limit: int
    retry_after_s: int
    """When the lag will be small enough, as fast as it shrinks now."""


class Gate:
    """Remembers which topics are over their limits."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        """`limits`: records a topic; 0 is none."""
        self._limits = limits
        self._over: set[str] = set()
        self._before: Reading | None = None

    def see(self, reading: Reading) -> list[Behind]:
        """Return what is too far behind now, worst first."""
        found = []
        for topic, limit in self._limits.items():
            lag = reading.lag(topic)
            if limit and lag > (limit * AGAIN if topic in self._over else limit):
                self._over.add(topic)
                wait = self._wait_s(reading, topic, lag - limit * AGAIN)
                found.append(Behind(topic=topic, lag=lag, limit=limit, retry_after_s=wait))
            else:
                self._over.discard(topic)
        self._before = reading
        return sorted(found, key=lambda behind: behind.limit / behind.lag)

    def _wait_s(self, reading: Reading, topic: str, excess: float) -> int:
        before = self._before
        if before is None or reading.at <= before.at:
            return RETRY_UNKNOWN_S
        rate = (reading.done(topic) - before.done(topic)) / (reading.at - before.at)
        if rate <= 0:
            return RETRY_UNKNOWN_S
        return max(RETRY_LEAST_S, min(RETRY_MOST_S, round(excess / rate)))
