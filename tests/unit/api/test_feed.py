"""A followed execution that begins from a snapshot: what its listeners hear is what they would have heard anyway."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from millstream.api.events import Frame, Projection
from millstream.api.settings import EdgeLimits
from millstream.api.watch.feed import Feed
from millstream.schemas.errors import MillstreamError
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Delta, Events

KEY = new_id().bytes
FRAME_BYTES = 1 << 20


def record(number: int) -> Events:
    status = "RUNNING" if number else "QUEUED"
    return Events(
        execution_id=KEY,
        user_id="u",
        graph_id="g",
        graph_version=1,
        first=number,
        deltas=[Delta(kind="EXECUTION", status=status)],
        at=1000 + number,
    )


LOG = [(10 + number, record(number)) for number in range(30)]
"""Offsets and records."""


class Log:
    """What `History` reads, from memory; notes from where."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []

    async def read(
        self, partition: int, start: int | None, stop: int, key: bytes
    ) -> AsyncGenerator[list[tuple[int, Events]]]:
        self.asked.append(start)
        yield [(offset, events) for offset, events in LOG if (start or 0) <= offset < stop]


class Ears:
    def __init__(self) -> None:
        self.heard: list[int] = []

    def tell(self, frames: list[Frame]) -> None:
        self.heard += [frame.sequence for frame in frames if frame.sequence is not None]

    async def tell_past(self, frames: list[Frame]) -> None:
        self.tell(frames)

    def tell_failed(self, error: MillstreamError) -> None:
        raise error


def snapshot(events: int) -> tuple[Projection, int]:
    projection = Projection.of(LOG[0][1], frame_bytes=FRAME_BYTES)
    for _, each in LOG[:events]:
        projection.apply(each, quiet=True)
    return projection, LOG[events - 1][0] + 1


@pytest.mark.parametrize("until", [20, 25, 30])
async def test_the_log_is_read_from_the_snapshot_on_and_nothing_is_told_twice(until: int) -> None:
    """The snapshot may be older or newer than the place at which the live end was joined."""
    log, ears = Log(), Ears()
    feed = Feed(KEY, 0, log, EdgeLimits(kept_events=5))  # type: ignore[arg-type]
    feed.whole.add(ears)
    for offset, events in LOG[until - 10 : 25]:
        feed.take(offset, events)  # while the past is being read
    await feed.load(10, until, snapshot=snapshot(15))
    for offset, events in LOG[25:]:
        feed.take(offset, events)
    assert log.asked == [25]
    assert ears.heard == list(range(max(15, until - 10), 30))
    assert feed.projection is not None
    assert feed.projection.sequence == 29


async def test_who_wants_the_whole_past_is_told_it_from_the_log() -> None:
    log, ears = Log(), Ears()
    feed = Feed(KEY, 0, log, EdgeLimits(kept_events=5))  # type: ignore[arg-type]
    await feed.load(10, 30, snapshot=snapshot(15))
    await feed.catch_up(ears, -1)
    for offset, events in LOG[20:]:
        feed.take(offset, events)
    assert ears.heard == list(range(30))
    assert log.asked == [25, 10]
