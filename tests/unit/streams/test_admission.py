"""Admission against a small world: two logs, an engine, and crashes between effects, state and acknowledgement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.schemas.ids import derived
from millstream.schemas.messages import Feed, Request, Withdraw
from millstream.streams.admission import SHARE_LEAST, SHARE_MOST, Desk, Grant, Head, Limits, admit, share_of
from millstream.streams.state import MemoryRows

USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"
LIMITS = Limits(executions=3, nodes=64)


def id_of(number: int) -> bytes:
    return derived(b"admission", number)


def asked(number: int) -> Request:
    return Request(user_id=USER, execution_id=id_of(number), start=b"start %d" % number)


def heard(number: int, status: str, *, active: bool = True, child: bool = False) -> Feed:
    return Feed(
        user_id=USER,
        execution_id=id_of(number),
        graph_id="g",
        graph_version=1,
        status=status,  # type: ignore[arg-type]
        sequence=0,
        at=0,
        active=active,
        child=child,
    )


@dataclass
class World:
    """One user's executions, and the admission that forgets at a crash what it had not written."""

    limits: Limits = LIMITS
    rows: MemoryRows = field(default_factory=MemoryRows)
    requests: list[Request | Withdraw] = field(default_factory=list)
    feed: list[Feed] = field(default_factory=list)
    requests_at: int = 0
    feed_at: int = 0
    acknowledged: tuple[int, int] = (0, 0)
    status: dict[bytes, str] = field(default_factory=dict)
    """What the engine knows: works, rests, ended."""
    begun: list[bytes] = field(default_factory=list)
    stopped: set[bytes] = field(default_factory=set)

    def take(self, count: int, *, of_feed: bool) -> list[Grant]:
        """Decide a burst; returns its effects, not sent yet."""
        desk, grants = self.desk(), list[Grant]()
        self._desk = desk
        for _ in range(count):
            log: list[Request | Withdraw] | list[Feed] = self.feed if of_feed else self.requests
            at = self.feed_at if of_feed else self.requests_at
            if at == len(log):
                break
            before = desk.head.flying
            message = log[at]
            _, granted = admit(desk, message, offset=at, limits=self.limits)
            if granted and not isinstance(message, Withdraw):
                assert desk.head.flying <= max(self.limits.executions, before)
            grants += granted
            if of_feed:
                self.feed_at += 1
            else:
                self.requests_at += 1
        return grants

    def send(self, grants: list[Grant]) -> None:
        """The engine gets the Starts."""
        for grant in grants:
            assert SHARE_LEAST <= grant.share <= SHARE_MOST
            known = self.status.get(grant.execution_id)
            if known is not None:
                said = {"works": "RUNNING", "rests": "REVIEW", "ended": "COMPLETED"}[known]
                self._tell(grant.execution_id, said, active=known == "works")
                continue
            self.begun.append(grant.execution_id)
            if grant.execution_id in self.stopped:
                self.go(grant.execution_id, "ended")
            else:
                self.go(grant.execution_id, "works")

    def go(self, execution_id: bytes, status: Literal["works", "rests", "ended"]) -> None:
        """An execution changes, and says so."""
        self.status[execution_id] = status
        said = {"works": "RUNNING", "rests": "REVIEW", "ended": "COMPLETED"}[status]
        self._tell(execution_id, said, active=status == "works")

    def _tell(self, execution_id: bytes, status: str, *, active: bool) -> None:
        feed = heard(0, status, active=active)
        self.feed.append(
            Feed(
                user_id=USER,
                execution_id=execution_id,
                graph_id=feed.graph_id,
                graph_version=1,
                status=feed.status,
                sequence=0,
                at=0,
                active=active,
            )
        )

    def write(self) -> None:
        self.rows.write(self._desk.flush())

    def acknowledge(self) -> None:
        self.acknowledged = (self.requests_at, self.feed_at)

    def crash(self) -> None:
        """What was not acknowledged comes again."""
        self.requests_at, self.feed_at = self.acknowledged

    def desk(self) -> Desk:
        return Desk(USER, self.rows)

    def settle(self) -> None:
        """Everything is delivered, and everything that runs ends."""
        for _ in range(1000):
            busy = [i for i, status in self.status.items() if status != "ended"]
            if busy:
                self.go(busy[0], "ended")
            if self.requests_at == len(self.requests) and self.feed_at == len(self.feed) and not busy:
                return
            for of_feed in (True, False):
                grants = self.take(100, of_feed=of_feed)
                self.write()
                self.send(grants)
                self.acknowledge()
        raise AssertionError("it does not settle")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 12)),
        st.tuples(st.just("withdraw"), st.integers(0, 12)),
        st.tuples(st.just("requests"), st.integers(1, 6)),
        st.tuples(st.just("feed"), st.integers(1, 6)),
        st.tuples(st.just("requests, lost state"), st.integers(1, 6)),
        st.tuples(st.just("feed, lost state"), st.integers(1, 6)),
        st.tuples(st.just("requests, lost acknowledgement"), st.integers(1, 6)),
        st.tuples(st.just("feed, lost acknowledgement"), st.integers(1, 6)),
        st.tuples(st.just("end"), st.integers(0, 12)),
        st.tuples(st.just("rest"), st.integers(0, 12)),
        st.tuples(st.just("wake"), st.integers(0, 12)),
        st.tuples(st.just("say again"), st.integers(1, 4)),
    ),
    max_size=60,
)


def burst(world: World, what: str, count: int) -> None:
    """Take some records, and perhaps die before the state is written, or before the offsets are."""
    world.send(world.take(count, of_feed=what.startswith("feed")))
    if "lost state" not in what:
        world.write()
    if "lost" in what:
        world.crash()
    else:
        world.acknowledge()


def play(world: World, steps: list[tuple[str, int]], *, rests: bool) -> None:
    for what, number in steps:
        id_ = id_of(number)
        if what == "ask":
            world.requests.append(asked(number))
        elif what == "withdraw":
            world.stopped.add(id_)
            if world.status.get(id_, "ended") != "ended":
                world.go(id_, "ended")
            world.requests.append(Withdraw(user_id=USER, execution_id=id_))
        elif what in ("end", "rest", "wake"):
            if world.status.get(id_, "ended") != "ended" and (rests or what == "end"):
                world.go(id_, {"end": "ended", "rest": "rests", "wake": "works"}[what])  # type: ignore[arg-type]
        elif what == "say again" and world.feed:  # a step of the engine that was interrupted, told once more
            last = world.feed[-1].execution_id
            world.feed += [f for f in world.feed if f.execution_id == last][-number:]
        elif what != "say again":
            burst(world, what, number)
        if not rests:
            assert sum(status == "works" for status in world.status.values()) <= world.limits.executions


def check_end(world: World) -> None:
    """Everybody began exactly once, in order, and nothing is kept of anybody."""
    world.settle()
    wanted = list(dict.fromkeys(r.execution_id for r in world.requests if isinstance(r, Request)))
    assert sorted(world.begun) == sorted(wanted)
    calm = [i for i in wanted if i not in world.stopped]
    assert [i for i in world.begun if i not in world.stopped] == calm
    head = world.desk().head
    assert (head.flying, head.waiting, head.reserved) == (0, 0, 0)
    assert len(world.rows.rows) <= 1


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(1, 4))
def test_each_begins_once_and_in_order_whatever_is_repeated_or_interrupted(
    steps: list[tuple[str, int]], most: int
) -> None:
    world = World(limits=Limits(executions=most, nodes=64))
    play(world, steps, rests=True)
    check_end(world)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(1, 4))
def test_never_more_work_at_once_than_may(steps: list[tuple[str, int]], most: int) -> None:
    world = World(limits=Limits(executions=most, nodes=64))
    play(world, steps, rests=False)
    check_end(world)


def test_open_reviews_and_long_waits_block_nobody() -> None:
    world = World()
    for number in range(6):
        world.requests.append(asked(number))
    world.send(world.take(6, of_feed=False))
    world.write()
    for number in range(3):
        world.go(id_of(number), "rests")
    world.send(world.take(9, of_feed=True))
    world.write()
    assert len(world.begun) == 6
    for number in range(3):  # answered: they go on, past the limit
        world.go(id_of(number), "works")
    world.send(world.take(9, of_feed=True))
    assert world._desk.head.flying == 6


def test_children_do_not_count() -> None:
    desk = Desk(USER, MemoryRows())
    assert admit(desk, heard(1, "RUNNING", child=True), offset=0, limits=LIMITS) == (False, [])
    assert desk.head == Head()


def test_a_stopped_one_passes_the_queue() -> None:
    world = World()
    world.requests += [asked(number) for number in range(5)]
    world.send(world.take(5, of_feed=False))
    world.write()
    world.stopped.add(id_of(4))
    world.requests.append(Withdraw(user_id=USER, execution_id=id_of(4)))
    [grant] = world.take(1, of_feed=False)
    assert (grant.execution_id, grant.start) == (id_of(4), b"start 4")
    assert (world._desk.head.flying, world._desk.head.waiting) == (3, 1)


def test_a_step_writes_a_few_small_rows_however_long_the_queue_is() -> None:
    rows = MemoryRows()
    for number in range(300):
        desk = Desk(USER, rows)
        admit(desk, asked(number), offset=number, limits=LIMITS)
        written = desk.flush()
        assert len(written) <= 3
        assert sum(len(key) + len(value or b"") for key, value in written) < 300
        rows.write(written)


def test_shares_are_large_when_alone_and_even_in_a_crowd() -> None:
    limits = Limits()
    assert share_of(Head(), limits) == 256
    assert share_of(Head(flying=1, reserved=256), limits) == 128
    assert share_of(Head(flying=31, waiting=500, reserved=300), limits) == 16
    assert share_of(Head(flying=31, waiting=500, reserved=700), limits) == SHARE_LEAST
