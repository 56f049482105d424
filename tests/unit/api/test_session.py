from __future__ import annotations

import asyncio

from millstream.api.events import NOTE_EVENT, Frame
from millstream.api.metrics import Metrics
from millstream.api.settings import EdgeLimits
from millstream.api.ws.session import Outbox, Subscription


async def drained(outbox: Outbox) -> list[bytes]:
    frames = []
    while outbox._frames:
        frame = await outbox.take()
        assert frame is not None
        frames.append(frame)
    return frames


async def test_frames_come_out_in_order_and_a_reader_waits_for_them() -> None:
    outbox = Outbox(EdgeLimits())
    reading = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put(b"1")
    outbox.put(b"2")
    assert [await reading, await outbox.take()] == [b"1", b"2"]


async def test_a_reader_who_lets_frames_pile_up_is_given_up() -> None:
    for limits in (EdgeLimits(queue_frames=3), EdgeLimits(queue_bytes=3)):
        outbox = Outbox(limits)
        for _ in range(3):
            outbox.put(b"x")
        assert await outbox.take() == b"x"
        for _ in range(2):
            outbox.put(b"x")
        assert await outbox.take() is None
        assert outbox.overrun


async def test_one_frame_longer_than_the_queue_passes() -> None:
    outbox = Outbox(EdgeLimits(queue_bytes=3))
    outbox.put(b"longer")
    assert await outbox.take() == b"longer"


async def test_the_past_waits_for_room() -> None:
    outbox = Outbox(EdgeLimits(queue_frames=10))
    subscription = Subscription(outbox, "c", Metrics(), since=-1)
    telling = asyncio.create_task(subscription.tell_past([Frame("m", b"1", i) for i in range(40)]))
    seen = 0
    while seen < 40:
        await asyncio.sleep(0)
        seen += len(await drained(outbox))
    await telling
    assert not outbox.overrun


async def test_events_that_the_client_has_are_left_out() -> None:
    outbox = Outbox(EdgeLimits())
    subscription = Subscription(outbox, "c", Metrics(), since=5)
    subscription.tell(
        [Frame("m", b'"early"'), Frame("m", b"5", 5), Frame("m", b'"new"'), Frame("m", b"6", 6)]
    )
    subscription.tell([Frame("m", b"6", 6), Frame("m", b"7", 7)])
    data = [frame.split(b'"data":')[1].split(b",")[0] for frame in await drained(outbox)]
    assert data == [b'"new"', b"6", b"7"]


async def test_notes_are_for_clients_that_count() -> None:
    for since, expected in ((None, 0), (-1, 1)):
        outbox = Outbox(EdgeLimits())
        Subscription(outbox, "c", Metrics(), since=since).tell([Frame(NOTE_EVENT, b"{}", 0)])
        assert len(await drained(outbox)) == expected
