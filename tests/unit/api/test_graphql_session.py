from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.api.graphql import protocol
from millstream.api.graphql.backlog import Backlog
from millstream.api.graphql.protocol import Closing
from millstream.api.graphql.running import Ask
from millstream.api.graphql.session import Session, SessionLimits
from millstream.schemas.errors import NotFoundError

LIMITS = SessionLimits(subscriptions=4, operations=50)
SUBSCRIBE = {"type": "subscribe", "payload": {"query": "subscription { x }"}}


class Wire:
    """A session without a socket: subscriptions say their own name, and how often they have said it."""

    def __init__(self, limits: SessionLimits = LIMITS) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gates: dict[str, asyncio.Queue[bool]] = {}
        self.entered_with: list[dict[str, Any]] = []
        self.running = 0
        self.slow = 0
        self.session = Session(self._enter, self._run, self._send, limits)

    async def _enter(self, payload: dict[str, Any]) -> None:
        if payload.get("token") == "bad":
            raise Closing(protocol.FORBIDDEN, "Forbidden")
        self.entered_with.append(payload)

    async def _run(self, ask: Ask) -> AsyncIterator[dict[str, Any]]:
        name = ask.variables["name"]
        if name == "missing":
            raise NotFoundError("There is no such thing.")
        gate = self.gates.setdefault(name, asyncio.Queue())
        self.running += 1
        try:
            number = 0
            while await gate.get():
                yield {"data": {"of": name, "number": number}}
                number += 1
        finally:
            self.running -= 1

    async def _send(self, data: bytes) -> None:
        for _ in range(self.slow):
            await asyncio.sleep(0)
        self.sent.append(orjson.loads(data))

    async def take(self, **message: Any) -> None:
        await self.session.take(orjson.dumps(message))

    async def init(self) -> None:
        await self.take(type="connection_init")

    async def subscribe(self, id_: str, name: str | None = None) -> None:
        payload = {"query": "subscription { x }", "variables": {"name": name or id_}}
        await self.take(type="subscribe", id=id_, payload=payload)

    def feed(self, name: str, *, more: bool = True) -> None:
        self.gates.setdefault(name, asyncio.Queue()).put_nowait(more)


@contextlib.asynccontextmanager
async def wired(limits: SessionLimits = LIMITS) -> AsyncIterator[Wire]:
    wire = Wire(limits)
    writing = asyncio.create_task(wire.session.write_all())
    try:
        yield wire
    finally:
        await wire.session.close()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def settled() -> None:
    for _ in range(40):
        await asyncio.sleep(0)


async def test_a_subscription_is_told_until_it_is_over() -> None:
    async with wired() as wire:
        await wire.init()
        await wire.subscribe("1")
        wire.feed("1")
        wire.feed("1", more=False)
        await settled()
        assert wire.sent == [
            {"type": "connection_ack"},
            {"type": "next", "id": "1", "payload": {"data": {"of": "1", "number": 0}}},
            {"type": "complete", "id": "1"},
        ]


async def test_nothing_runs_before_the_client_has_said_who_it_is() -> None:
    async with wired() as wire:
        await wire.take(type="ping")
        with pytest.raises(Closing) as closing:
            await wire.subscribe("1")
        assert closing.value.code == protocol.NOBODY
        await settled()
        assert wire.running == 0
        assert wire.sent == [{"type": "pong"}]


async def test_who_may_not_come_in_is_not_told_that_he_has() -> None:
    async with wired() as wire:
        with pytest.raises(Closing) as closing:
            await wire.take(type="connection_init", payload={"token": "bad"})
        assert closing.value.code == protocol.FORBIDDEN
        with pytest.raises(Closing):
            await wire.subscribe("1")
        await settled()
        assert wire.sent == []


async def test_it_says_so_once() -> None:
    async with wired() as wire:
        await wire.init()
        with pytest.raises(Closing) as closing:
            await wire.init()
        assert closing.value.code == protocol.TOO_MANY


@pytest.mark.parametrize("first_is_over", [False, True])
async def test_an_id_is_used_once(first_is_over: bool) -> None:
    async with wired() as wire:
        await wire.init()
        await wire.subscribe("1")
        if first_is_over:
            await wire.take(type="complete", id="1")
            await settled()
        with pytest.raises(Closing) as closing:
            await wire.subscribe("1", "other")
        assert closing.value.code == protocol.ID_TAKEN
        await settled()
        assert "other" not in wire.gates


async def test_one_subscription_too_many_is_refused_and_the_others_go_on() -> None:
    async with wired() as wire:
        await wire.init()
        for number in range(5):
            await wire.subscribe(str(number))
        wire.feed("0")
        await settled()
        assert wire.running == 4
        kinds = [(message["type"], message.get("id")) for message in wire.sent[1:]]
        assert kinds == [("error", "4"), ("next", "0")]
        assert wire.sent[1]["payload"][0]["extensions"]["code"] == "conflict"
        await wire.take(type="complete", id="0")
        await wire.subscribe("5")
        await settled()
        assert wire.running == 4


async def test_a_socket_that_has_had_all_its_subscriptions_is_closed() -> None:
    async with wired(SessionLimits(subscriptions=4, operations=2)) as wire:
        await wire.init()
        await wire.subscribe("1")
        await wire.subscribe("2")
        with pytest.raises(Closing) as closing:
            await wire.subscribe("3")
        assert closing.value.code == protocol.TOO_MANY


async def test_what_cannot_begin_ends_in_an_error_with_a_code() -> None:
    async with wired() as wire:
        await wire.init()
        await wire.subscribe("1", "missing")
        await settled()
        [error] = wire.sent[1]["payload"]
        assert wire.sent[1]["type"] == "error"
        assert (error["extensions"]["code"], error["extensions"]["status"]) == ("not_found", 404)
        assert len(wire.sent) == 2


async def test_closing_ends_all() -> None:
    async with wired() as wire:
        await wire.init()
        for name in "abc":
            await wire.subscribe(name)
        await settled()
        assert wire.running == 3
    assert wire.running == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"type": "next", "id": "1"}',
        '{"type": "start", "id": "1", "payload": {"query": "{ me { id } }"}}',
        '{"type": "connection_init", "payload": 1}',
        '{"type": "subscribe", "payload": {"query": "x"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "x"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "x"}}',
        '{"type": "subscribe", "id": "%s", "payload": {"query": "x"}}' % ("x" * 129),
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "x", "variables": []}}',
        '{"type": "complete"}',
        "x" * (protocol.MESSAGE_LIMIT_CHARS + 1),
    ],
)
async def test_odd_messages_close_the_socket(text: str) -> None:
    async with wired() as wire:
        await wire.init()
        with pytest.raises(Closing) as closing:
            await wire.session.take(text)
        assert closing.value.code == protocol.BAD_MESSAGE


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("subscribe"), st.integers(0, 9)),
        st.tuples(st.just("complete"), st.integers(0, 9)),
        st.tuples(st.just("feed"), st.integers(0, 9)),
        st.tuples(st.just("end"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.integers(1, 8)),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(steps=STEPS, slow=st.integers(0, 6))
def test_no_interleaving_gives_a_subscription_what_is_anothers(
    steps: list[tuple[str, int]], slow: int
) -> None:
    """A52: whatever is begun, ended and told in whatever order, each id hears its own, in order, and nothing after its end."""
    asyncio.run(_interleaved(steps, slow))


async def _interleaved(steps: list[tuple[str, int]], slow: int) -> None:
    cut_at: dict[str, int] = {}  # by the client, while it went on
    over_at: dict[str, int] = {}  # ended by itself, before the client said that he wants no more
    async with wired(SessionLimits(subscriptions=100, operations=100)) as wire:
        wire.slow = slow
        await wire.init()
        begun: set[str] = set()
        for kind, number in steps:
            id_ = str(number)
            if kind == "subscribe" and id_ not in begun:
                await wire.subscribe(id_, f"name-{id_}")
                begun.add(id_)
            elif kind == "complete":
                places = cut_at if id_ in wire.session._operations else over_at
                await wire.take(type="complete", id=id_)
                if id_ in begun and id_ not in cut_at:
                    places.setdefault(id_, len(wire.sent))
            elif kind in ("feed", "end"):
                wire.feed(f"name-{id_}", more=kind == "feed")
            else:
                for _ in range(number):
                    await asyncio.sleep(0)
        for _ in range(60 * (slow + 1)):
            await asyncio.sleep(0)
        _check(wire.sent[1:], begun)
        for id_, place in cut_at.items():  # one message may be half-way out when the end comes in
            assert sum(message.get("id") == id_ for message in wire.sent[place:]) <= 1
        for id_ in over_at:  # what had ended by itself is told to its end
            assert [message for message in wire.sent if message.get("id") == id_][-1]["type"] != "next"
    assert wire.running == 0


def _check(sent: list[dict[str, Any]], begun: set[str]) -> None:
    heard: dict[str, list[int]] = {}
    over: set[str] = set()
    for message in sent:
        id_ = message["id"]
        assert id_ in begun
        assert id_ not in over
        if message["type"] == "next":
            assert message["payload"]["data"]["of"] == f"name-{id_}"
            heard.setdefault(id_, []).append(message["payload"]["data"]["number"])
        else:
            over.add(id_)
    assert all(numbers == list(range(len(numbers))) for numbers in heard.values())


async def test_a_backlog_gives_up_a_reader_who_lets_it_grow() -> None:
    backlog = Backlog(frames=3, bytes_=1000)
    assert all(backlog.put(1) for _ in range(3))
    assert not backlog.overrun.is_set()
    assert not backlog.put(1)
    assert backlog.overrun.is_set()


async def test_one_frame_longer_than_the_backlog_passes_and_the_past_waits_for_room() -> None:
    backlog = Backlog(frames=10, bytes_=3)
    assert backlog.put(100)
    waiting = asyncio.create_task(backlog.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    backlog.take(100)
    await asyncio.wait_for(waiting, 5)
