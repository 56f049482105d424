"""Admission on a real Kafka: kill -9 in the middle of things, poison, and a user who floods the platform."""

from __future__ import annotations

import time
import uuid

import msgspec
import pytest
from confluent_kafka import TopicPartition

from millstream.schemas.codec import decode, encode
from millstream.schemas.graph import parse_graph
from millstream.schemas.messages import Events, Feed, Request, Start
from millstream.streams.plan import compile_plan
from millstream.topics.catalogue import EVENTS, FEED, INBOX, REQUESTS
from millstream.topics.clients import consumer
from tests.integration.streams.engine import REGISTRY, slow
from tests.integration.streams.kit import Kit, wait_for
from tests.integration.streams.messages import letters, said, start

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

END = ("COMPLETED", "FAILED", "TERMINATED")


def ask(mill: Kit, user: str, *starts: Start) -> None:
    for each in starts:
        request = Request(user_id=user, execution_id=each.execution_id, start=encode(each))
        mill.put(REQUESTS.name, encode(request), user.encode())
    mill.flush()


def starts_of(user: str, count: int) -> list[Start]:
    return [msgspec.structs.replace(start(), user_id=user) for _ in range(count)]


def feed(mill: Kit, begun: Start, status: str, *, active: bool) -> None:
    message = Feed(
        user_id=begun.user_id,
        execution_id=begun.execution_id,
        graph_id=begun.graph_id,
        graph_version=1,
        status=status,  # type: ignore[arg-type]
        sequence=0,
        at=0,
        active=active,
    )
    mill.put(FEED.name, encode(message), begun.user_id.encode())
    mill.flush()


def begun(mill: Kit, wanted: list[Start]) -> list[bytes]:
    """Return what was let begin, in order of its first Start."""
    user = wanted[0].user_id
    granted = [
        (record.timestamp()[1], message.execution_id)
        for record in mill.read(INBOX.name)
        if isinstance(message := decode(record.value()), Start) and message.user_id == user
    ]
    first: dict[bytes, int] = {}
    for at, execution_id in granted:
        first[execution_id] = min(at, first.get(execution_id, at))
    return sorted(first, key=lambda execution_id: first[execution_id])


def test_kills_lose_nobody_and_let_nobody_past(mill: Kit) -> None:
    user = str(uuid.uuid4())
    wanted = starts_of(user, 12)
    by_id = {each.execution_id: each for each in wanted}
    hold = mill.folder / "hold"
    one = mill.spawn("admission", executions=3, hold=str(hold), session_s=20.0).wait_ready()
    ask(mill, user, *wanted)
    ended: list[bytes] = []
    for turn in range(12):
        running = one.wait(lambda: [i for i in begun(mill, wanted) if i not in ended])
        if len(ended) + len(running) < 12:
            one.wait(lambda: len(begun(mill, wanted)) >= len(ended) + 3)
        assert len(begun(mill, wanted)) <= len(ended) + 3
        last = by_id[running[0]]
        killed = turn in (2, 5, 8)
        if killed:
            hold.touch()  # it has decided and sent nothing
        ended.append(last.execution_id)
        feed(mill, last, "RUNNING", active=True)
        feed(mill, last, "COMPLETED", active=False)
        if killed:
            wait_for(lambda: mill.notes("held")[-1:] and len(mill.notes("held")) > len(mill.notes("free")))
            one.kill()
            hold.unlink()
            ask(mill, user, wanted[turn])  # a sweeper that does not know better
            one = mill.spawn("admission", executions=3, hold=str(hold), session_s=20.0).wait_ready()
    assert sorted(begun(mill, wanted)) == sorted(by_id)
    for each in starts_again(
        mill, wanted
    ):  # what had ended was asked for again: the coordinator says once more that it ended
        feed(mill, each, "COMPLETED", active=False)
    more = starts_of(user, 4)
    ask(mill, user, *more)
    one.wait(lambda: len(said(mill, INBOX.name, Start, {m.execution_id for m in more})) == 3)
    assert one.end() == 0


def starts_again(mill: Kit, wanted: list[Start]) -> list[Start]:
    found = said(mill, INBOX.name, Start, {each.execution_id for each in wanted})
    seen: set[bytes] = set()
    return [each for each in found if each.execution_id in seen or seen.add(each.execution_id)]  # type: ignore[func-returns-value]


def test_poison_is_put_aside_and_the_others_go_on(mill: Kit) -> None:
    user = str(uuid.uuid4())
    good, other = starts_of(user, 2)
    before = len(letters(mill, REQUESTS.name)) + len(letters(mill, FEED.name))
    mill.put(REQUESTS.name, b"garbage", user.encode())
    mill.put(FEED.name, b"garbage", user.encode())
    mill.put(FEED.name, encode(good), user.encode())
    wrong = Request(user_id=user, execution_id=good.execution_id, start=encode(other))
    mill.put(REQUESTS.name, encode(wrong), user.encode())
    mill.put(REQUESTS.name, encode(msgspec.structs.replace(wrong, start=b"?")), user.encode())
    mill.put(REQUESTS.name, encode(msgspec.structs.replace(wrong, start=encode(good))), b"somebody")
    ask(mill, user, other)
    one = mill.spawn("admission", executions=3, session_s=20.0).wait_ready()
    one.wait(lambda: said(mill, INBOX.name, Start, {other.execution_id}))
    one.wait(lambda: len(letters(mill, REQUESTS.name)) + len(letters(mill, FEED.name)) == before + 6)
    assert said(mill, INBOX.name, Start, {good.execution_id}) == []
    assert one.end() == 0


def slow_start(user: str) -> Start:
    node = {"id": "n", "block_id": slow.spec.id, "input_default": {"value": "x", "seconds": 0.05}}
    graph = parse_graph({"name": "g", "description": "", "nodes": [node], "links": []})
    plan = compile_plan(graph, {spec.id: spec for spec in REGISTRY.specs()})
    return msgspec.structs.replace(
        start(), execution_id=uuid.uuid4().bytes, user_id=user, plan_hash=plan.hash, plan=plan.data
    )


class Follower:
    """Reads events as they come."""

    def __init__(self, mill: Kit) -> None:
        self._mill = mill
        self._client = consumer(mill.conf, f"follow-{mill.name}", **{"fetch.wait.max.ms": 5})
        self._client.assign(
            [TopicPartition(EVENTS.name, p, end) for p, end in mill.ends(EVENTS.name).items()]
        )
        self.ended_at: dict[bytes, int] = {}
        """The broker's time of the last event, in ms."""

    def wait(self, ids: set[bytes], seconds: float = 120) -> None:
        """Wait until these have ended."""
        deadline = time.monotonic() + seconds
        while not ids <= self.ended_at.keys():
            assert time.monotonic() < deadline, self._mill.tails()
            record = self._client.poll(0.1)
            if record is None or record.error() is not None:
                continue
            message = decode(record.value())
            assert isinstance(message, Events)
            if any(d.kind == "EXECUTION" and d.status in END for d in message.deltas):
                self.ended_at.setdefault(message.execution_id, record.timestamp()[1])

    def spans_ms(self, user: str, count: int) -> list[int]:
        """Run one after the other; returns what each took by the broker's clock, from request to last event, sorted."""
        wanted = [slow_start(user) for _ in range(count)]
        for each in wanted:
            ask(self._mill, user, each)
            self.wait({each.execution_id})
        ids = {each.execution_id for each in wanted}
        asked = {
            message.execution_id: record.timestamp()[1]
            for record in self._mill.read(REQUESTS.name)
            if record.key() == user.encode() and isinstance(message := decode(record.value()), Request)
        }
        return sorted(self.ended_at[id_] - asked[id_] for id_ in ids)

    def close(self) -> None:
        self._client.close()


@pytest.mark.full
def test_who_floods_the_platform_does_not_hold_up_others(mill: Kit) -> None:
    """One user runs something now and then, another one asks for 600 runs: what the first waits hardly changes."""
    mill.spawn("lane", lane=slow.spec.lane, session_s=20.0).wait_ready()
    mill.spawn("coordinator", session_s=20.0).wait_ready()
    mill.spawn("admission", executions=8, session_s=20.0).wait_ready()
    calm, flooding = str(uuid.uuid4()), str(uuid.uuid4())
    follower = Follower(mill)
    follower.spans_ms(calm, 5)  # all is warm
    alone = follower.spans_ms(calm, 20)
    flood = [slow_start(flooding) for _ in range(600)]
    ask(mill, flooding, *flood)
    beside = follower.spans_ms(calm, 20)
    left = {each.execution_id for each in flood} - follower.ended_at.keys()
    assert left, "the flood was over too early to say anything"
    follower.wait({each.execution_id for each in flood})
    follower.close()
    print(f"p50 {alone[10]} -> {beside[10]} ms, p90 {alone[17]} -> {beside[17]} ms, {len(left)} were left")  # noqa: T201
    assert beside[17] / alone[17] < 4, (alone, beside)
