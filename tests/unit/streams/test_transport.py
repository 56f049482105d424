"""The fence's clock. What the transport commits is shown on a real broker, in tests/integration/streams/."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from millstream.streams.transport import ConsumerThread


class Coordinator:
    """A group coordinator's two calls; `answer` is what a heartbeat brings, once `arrived`."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.answer = True

    async def _do_heartbeat(self) -> bool:
        await self.arrived.wait()
        return self.answer

    async def _on_join_complete(self, *_: Any) -> str:
        return "joined"


def listening() -> tuple[Any, Coordinator]:
    thread, coordinator = object.__new__(ConsumerThread), Coordinator()
    thread.listen(coordinator)
    return thread, coordinator


async def test_a_heartbeat_counts_from_when_it_was_asked_for() -> None:
    """An answer may lie in the socket while the process sleeps: by then somebody else may own the partitions."""
    thread, coordinator = listening()
    assert thread.last_heartbeat == math.inf
    asked = time.monotonic()
    beat = asyncio.create_task(coordinator._do_heartbeat())
    await asyncio.sleep(0.2)
    coordinator.arrived.set()
    assert await beat
    assert asked <= thread.last_heartbeat < asked + 0.1


async def test_a_refused_heartbeat_does_not_count() -> None:
    thread, coordinator = listening()
    coordinator.answer = False
    coordinator.arrived.set()
    assert not await coordinator._do_heartbeat()
    assert thread.last_heartbeat == math.inf


async def test_a_join_counts() -> None:
    thread, coordinator = listening()
    before = time.monotonic()
    assert await coordinator._on_join_complete(1, "member", "protocol", b"") == "joined"
    assert before <= thread.last_heartbeat <= time.monotonic()


def test_a_consumer_without_a_group_has_no_heartbeats() -> None:
    thread = object.__new__(ConsumerThread)
    thread.listen(object())
    assert thread.last_heartbeat == math.inf
