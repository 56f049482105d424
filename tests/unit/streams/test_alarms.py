from __future__ import annotations

import time

import pytest

from millstream.streams.alarms import Alarms, BrokerClock


def test_alarms_come_due_in_order_of_time_and_once() -> None:
    kept = Alarms()
    kept.add(300, b"c", 3, 1)
    kept.add(100, b"a", 1, 0)
    kept.add(200, b"b", 2, 0)
    assert kept.due(99) == []
    assert kept.due(200) == [(b"a", 1, 0), (b"b", 2, 0)]
    assert kept.due(200) == []
    assert len(kept) == 1


def test_a_crowd_that_is_due_at_once_comes_in_parts() -> None:
    kept = Alarms()
    for number in range(2_500):
        kept.add(number, number.to_bytes(16, "big"), 0, 0)
    parts = [kept.due(10_000), kept.due(10_000), kept.due(10_000)]
    assert [len(part) for part in parts] == [1000, 1000, 500]
    assert [eid for part in parts for eid, _, _ in part] == [n.to_bytes(16, "big") for n in range(2_500)]


@pytest.mark.parametrize(
    ("at", "wait_s"), [(None, 1.0), (900, 0.0), (1_000, 0.0), (1_250, 0.25), (9_000, 1.0)]
)
def test_the_wait_ends_with_the_next_alarm_and_is_never_over_a_second(at: int | None, wait_s: float) -> None:
    kept = Alarms()
    if at is not None:
        kept.add(at, b"a", 1, 0)
    assert kept.wait_s(1_000) == wait_s


def test_cleared_alarms_are_gone() -> None:
    kept = Alarms()
    kept.add(1, b"a", 1, 0)
    kept.clear()
    assert kept.due(10) == []
    assert len(kept) == 0


def test_the_clock_is_the_brokers_and_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    clock = BrokerClock()
    clock.saw(1_000_000)  # far behind this machine's clock: the broker is right
    assert clock.now_ms() == 1_000_000
    now = 51.5
    assert clock.now_ms() == 1_001_500
    clock.saw(1_000_900)  # appended earlier, read late
    assert clock.now_ms() == 1_001_500
    clock.saw(1_009_000)
    assert clock.now_ms() == 1_009_000


def test_before_the_first_record_the_clock_is_this_machines() -> None:
    assert abs(BrokerClock().now_ms() - time.time() * 1000) < 1_000
