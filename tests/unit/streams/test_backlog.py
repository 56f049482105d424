"""The bounded stretch before the coordinator's pump: who waits for whom, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from millstream.streams.backlog import Backlog


def event(size: int = 1) -> Any:
    return SimpleNamespace(message=SimpleNamespace(value=b"x" * size))


async def test_the_reader_waits_while_it_is_full_and_goes_on_when_one_is_taken() -> None:
    backlog, events = Backlog(records=3, bytes_=1000), [event() for _ in range(6)]

    async def read() -> None:
        for each in events:
            await backlog.put(each)

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    assert len(backlog) == 3
    assert backlog.take() is events[0]
    await asyncio.sleep(0.01)
    assert len(backlog) == 3
    taken = []
    while not reader.done() or backlog:
        await asyncio.sleep(0)
        while backlog:
            taken.append(backlog.take())
    assert taken == events[1:]


async def test_large_records_fill_it_sooner_but_one_always_has_room() -> None:
    backlog = Backlog(records=100, bytes_=1000)
    await backlog.put(event(5000))
    late = asyncio.create_task(backlog.put(event(1)))
    await asyncio.sleep(0.01)
    assert not late.done()
    backlog.take()
    await late
    assert len(backlog) == 1


async def test_a_reader_that_is_stopped_while_it_waits_leaves_the_rest_as_it_is() -> None:
    backlog, first = Backlog(records=1), event()
    await backlog.put(first)
    waiting = asyncio.create_task(backlog.put(event()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert backlog.take() is first
    assert not backlog


async def test_the_pump_is_woken_by_what_is_put_and_by_hand() -> None:
    backlog = Backlog()
    waiting = asyncio.create_task(backlog.wait())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await backlog.put(event())
    await waiting
    backlog.wake()
    await asyncio.wait_for(backlog.wait(), 1)
