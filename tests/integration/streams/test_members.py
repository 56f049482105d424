"""Members that come, go and are killed: nothing is lost, what is repeated has a bound, and spares take over."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState

from millstream.streams.apps import EngineSettings, build
from tests.integration.streams.kit import SESSION_S, Kit, Program, wait_for

pytestmark = pytest.mark.integration

JOBS = 600
IN_FLIGHT = 120


def crowd(bench: Kit, topic: str, long: dict[str, Any]) -> list[str]:
    """Produce jobs of which each fifth is long, so that the commits of every partition hang behind."""
    return bench.work(topic, (dict(long) if n % 5 == 0 else {"s": 0.005} for n in range(JOBS)))


def in_flight(bench: Kit) -> int:
    return len(bench.ids("begin")) - len(bench.ids("end"))


def settle(bench: Kit, topic: str, ids: list[str]) -> int:
    """Wait until everything is done and committed; returns how many runs were repeated, none of them twice."""
    wait_for(lambda: set(bench.ids("end")) >= set(ids), 60, what=bench.tails())
    wait_for(lambda: bench.committed(bench.name, topic) == bench.ends(topic), what=bench.tails())
    counts = Counter(bench.ids("begin"))
    assert set(counts) == set(ids)
    assert max(counts.values()) <= 2, counts.most_common(3)
    return sum(counts.values()) - len(counts)


@pytest.mark.parametrize("wait_empty", [True, False])
@pytest.mark.parametrize("how", ["kill", "term"])
def test_nothing_is_lost_when_a_member_ends_in_mid_flight(bench: Kit, how: str, wait_empty: bool) -> None:
    topic = bench.topic("work", 4)
    conf: dict[str, Any] = {"topics": [[topic]], "slots": 200, "options": {"stream_wait_empty": wait_empty}}
    ids = crowd(bench, topic, {"s": 1.0})
    first = bench.spawn("pool", **conf)
    first.wait(lambda: in_flight(bench) >= IN_FLIGHT)
    if how == "kill":
        first.kill()
    else:
        assert first.end() == 0
    bound = len(first.notes("begin")) - sum(bench.committed(bench.name, topic).values())
    bench.spawn("pool", **conf)
    repeated = settle(bench, topic, ids)
    assert repeated <= bound, "more than what was begun and not committed"
    if how == "term" and wait_empty:
        assert repeated == 0


@pytest.mark.parametrize("wait_empty", [True, False])
def test_nothing_is_lost_when_a_member_joins_in_mid_flight(bench: Kit, wait_empty: bool) -> None:
    """With `stream_wait_empty` the group stands still until all is done, and nothing is done twice."""
    topic, gate = bench.topic("work", 4), bench.folder / "gate"
    conf: dict[str, Any] = {"topics": [[topic]], "slots": 200, "options": {"stream_wait_empty": wait_empty}}
    ids = crowd(bench, topic, {"gate": str(gate)})
    first = bench.spawn("pool", "one", **conf)
    first.wait(lambda: in_flight(bench) >= IN_FLIGHT and len(bench.ids("end")) >= len(ids) * 4 // 5)
    second = bench.spawn("pool", "two", **conf)
    if wait_empty:
        wait_for(lambda: rebalancing(bench), what=bench.tails())
        assert in_flight(bench) >= IN_FLIGHT
    else:
        wait_for(lambda: second.notes("begin"), what=bench.tails())
    bound = len(first.notes("begin")) - sum(bench.committed(bench.name, topic).values())
    gate.touch()
    repeated = settle(bench, topic, ids)
    assert repeated <= (0 if wait_empty else bound)
    assert sorted(owned(first) + owned(second)) == [0, 1, 2, 3]


def rebalancing(bench: Kit) -> bool:
    found = bench.admin.describe_consumer_groups([bench.name])[bench.name].result(20)
    return bool(found.state == ConsumerGroupState.PREPARING_REBALANCING)


def test_a_spare_member_takes_over_from_one_that_was_killed(bench: Kit) -> None:
    """Two partitions, three members: stock Faust's spare leaves the group for good after its poll interval."""
    topic = bench.topic("work", 2)
    members = {name: bench.spawn("pool", name, topics=[[topic]]) for name in ("one", "two", "three")}
    for member in members.values():
        member.wait_ready()
    wait_for(partial(both_owned, list(members.values())), what=bench.tails())
    owner = next(name for name, member in members.items() if owned(member))
    members.pop(owner).kill()
    wait_for(partial(both_owned, list(members.values())), SESSION_S + 10, what=bench.tails())
    ids = bench.work(topic, ({} for _ in range(20)), 2)
    settle(bench, topic, ids)


def both_owned(members: list[Program]) -> bool:
    return sorted(p for member in members for p in owned(member)) == [0, 1]


def owned(member: Program) -> list[int]:
    """Return the partitions that a member was assigned last."""
    notes = member.notes("assigned")
    return list(notes[-1]["partitions"]) if notes else []


def test_a_member_without_partitions_may_be_silent_for_a_month(bench: Kit) -> None:
    settings = EngineSettings(bootstrap=bench.kafka, folder=bench.folder, instance="one")
    app = build(bench.name, settings)
    assert app.conf.broker_max_poll_interval >= 30 * 86_400
    assert app.conf.broker_session_timeout == settings.session_timeout_s


@pytest.mark.parametrize("signal", ["kill", "term"])
def test_a_restart_within_the_session_is_no_business_of_the_peers(bench: Kit, signal: str) -> None:
    """Stateless members are static too: a rolling restart moves nothing."""
    topic = bench.topic("work", 4)
    session = {"topics": [[topic]], "session_s": 15.0}
    one = bench.spawn("pool", "one", **session).wait_ready()
    two = bench.spawn("pool", "two", **session).wait_ready()
    wait_for(lambda: sorted(owned(one) + owned(two)) == [0, 1, 2, 3], what=bench.tails())
    before, mine = one.notes("assigned"), owned(two)
    assert mine
    if signal == "kill":
        two.kill()
    else:
        assert two.end() == 0
    again = bench.spawn("pool", "two", **session).wait_ready()
    ids = bench.work(topic, ({} for _ in range(40)))
    settle(bench, topic, ids)
    assert owned(again) == mine
    assert one.notes("assigned") == before
    assert one.notes("revoked") == [n for n in one.notes("revoked") if n["at"] < before[-1]["at"]]
