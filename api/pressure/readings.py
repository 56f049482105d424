"""What is known of lags at one time, and since when everything that is older has been taken. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

STEP_S = 2.0
KEPT = 1800
"""An hour of steps: a task that waits longer than that in a lane is simply waiting."""


class Place(NamedTuple):
    """A group on one partition."""

    done: int
    """Offset up to which it has committed."""
    end: int
    """Offset of the next record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All partitions of the topics that are followed."""

    at: float
    """`time.monotonic()` before the ends were asked for."""
    places: Mapping[str, Sequence[Place]]
    """By topic."""

    def lag(self, topic: str) -> int:
        """Return the records that the topic's group has not committed."""
        return sum(max(0, end - done) for done, end in self.places.get(topic, ()))

    def done(self, topic: str) -> int:
        """Return the records that it has, since the log began."""
        return sum(done for done, _ in self.places.get(topic, ()))


class Past:
    """Where topics ended at earlier times."""

    def __init__(self) -> None:
        self._steps: deque[Reading] = deque(maxlen=KEPT)
        self.last: Reading | None = None

    def add(self, reading: Reading) -> None:
        """Note a reading; of those that follow closely one is kept."""
        self.last = reading
        if not self._steps or reading.at - self._steps[-1].at >= STEP_S:
            self._steps.append(reading)

    def taken_age_s(self, topic: str, now: float) -> float | None:
        """Return the age beyond which no record of the topic waits for its group; None if that is not known."""
        if self.last is None or topic not in self.last.places:
            return None
        done = [place.done for place in self.last.places[topic]]
        for reading in [self.last, *reversed(self._steps)]:
            ends = [place.end for place in reading.places.get(topic, ())]
            if len(ends) == len(done) and all(d >= end for d, end in zip(done, ends, strict=True)):
                return now - reading.at
        return None
