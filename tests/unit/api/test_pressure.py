"""When the edge refuses, when it accepts again, and what it knows of tasks that wait. Without Kafka."""

from __future__ import annotations

from millstream.api.pressure.gate import RETRY_UNKNOWN_S, Gate
from millstream.api.pressure.readings import Past, Place, Reading


def reading(at: float, **places: list[tuple[int, int]]) -> Reading:
    return Reading(
        at=at, places={topic: [Place(*place) for place in found] for topic, found in places.items()}
    )


def test_it_refuses_over_the_limit_and_accepts_again_well_below_it() -> None:
    gate = Gate({"inbox": 100})
    lags = [100, 101, 90, 76, 75, 90, 101]
    assert [bool(gate.see(reading(n, inbox=[(0, lag)]))) for n, lag in enumerate(lags)] == [
        False, True, True, True, False, False, True,
    ]  # fmt: skip


def test_a_limit_of_nothing_is_none_and_a_topic_that_is_not_known_is_not_behind() -> None:
    gate = Gate({"inbox": 0, "elsewhere": 1})
    assert gate.see(reading(0, inbox=[(0, 10**9)])) == []


def test_partitions_are_added_up_and_the_worst_topic_comes_first() -> None:
    gate = Gate({"inbox": 100, "lane": 10})
    found = gate.see(reading(0, inbox=[(0, 60), (5, 65)], lane=[(0, 50)]))
    assert [(b.topic, b.lag) for b in found] == [("lane", 50), ("inbox", 120)]


def test_it_says_to_come_back_when_the_lag_will_be_small_enough() -> None:
    gate = Gate({"inbox": 1000})
    [unknown] = gate.see(reading(0, inbox=[(0, 2000)]))
    assert unknown.retry_after_s == RETRY_UNKNOWN_S
    [stuck] = gate.see(reading(1, inbox=[(0, 2000)]))
    assert stuck.retry_after_s == RETRY_UNKNOWN_S
    [working] = gate.see(reading(2, inbox=[(100, 2100)]))
    assert working.retry_after_s == 12  # 1,250 too many at 100 a second
    [soon] = gate.see(reading(3, inbox=[(1000, 2100)]))
    assert soon.retry_after_s == 2
    [late] = gate.see(reading(4, inbox=[(1001, 9000)]))
    assert late.retry_after_s == 60


def test_what_was_appended_before_the_group_s_place_has_been_taken() -> None:
    past = Past()
    past.add(reading(0, lane=[(0, 10), (0, 5)]))
    past.add(reading(10, lane=[(9, 20), (5, 6)]))
    assert past.taken_age_s("lane", 12) is None
    past.add(reading(20, lane=[(10, 30), (5, 6)]))
    assert past.taken_age_s("lane", 21) == 21
    past.add(reading(30, lane=[(25, 31), (6, 6)]))
    assert past.taken_age_s("lane", 30) == 20
    past.add(reading(40, lane=[(31, 31), (6, 6)]))
    assert past.taken_age_s("lane", 40.5) == 0.5
    assert past.taken_age_s("other", 40.5) is None
