"""Back-pressure: one backlog does not starve the neighbours, and full buffers do not slow the work down."""

from __future__ import annotations

from pathlib import Path

import pytest

from millstream.streams.apps import EngineSettings, build
from millstream.streams.coordinator import build_coordinator
from millstream.streams.worker import build_lane
from tests.integration.streams.kit import Kit

pytestmark = pytest.mark.integration

RATIO = 0.2
"""Of a stream's buffer that one poll may fill: it is paused at 0.8, and what is fetched is still pushed in."""


class Unused:
    """Stands where nothing is called: apps are only built here."""

    def attach(self, app: object, lane: str, slots: int) -> None:
        """Do nothing."""


@pytest.mark.parametrize("slots", [1, 10, 100, 250, 251, 500, 1_000, 5_000])
def test_one_poll_fills_a_fifth_of_a_buffer_at_most(tmp_path: Path, slots: int) -> None:
    settings = EngineSettings(bootstrap="127.0.0.1:1", folder=tmp_path, instance="one", slots=slots)
    unused: object = Unused()
    apps = [
        build("plain", settings),
        build_lane(settings, "io", unused),  # type: ignore[arg-type]
        build_coordinator(settings, unused, unused, unused).app,  # type: ignore[arg-type]
    ]
    for app in apps:
        assert app.conf.broker_max_poll_records <= RATIO * app.conf.stream_buffer_maxsize, app.conf.id


@pytest.mark.parametrize("together", [True, False])
def test_a_backlog_does_not_starve_a_neighbour_in_the_same_process(bench: Kit, together: bool) -> None:
    """`together`: two agents of one app, else two apps. All of the small topic is done in the first part of the big one."""
    big, small = bench.topic("big", 2), bench.topic("small", 2)
    backlog = 4000
    bench.work(big, ({"s": 0.05, "id": f"big-{n}"} for n in range(backlog)), 2)
    options = {"stream_buffer_maxsize": 500, "broker_max_poll_records": 100}
    topics = [[big, small]] if together else [[big], [small]]
    program = bench.spawn("pool", topics=topics, slots=20, options=options)
    program.wait(lambda: len(bench.ids("begin")) > 200)
    begun = len(bench.ids("begin"))
    quick = set(bench.work(small, ({"id": f"small-{n}"} for n in range(60)), 2))
    program.wait(lambda: quick <= set(bench.ids("end")), 20)
    during = len(bench.ids("begin")) - begun - len(quick)
    # Twenty slots of 50 ms do 400 a second: the neighbour waited less than the half of a buffer.
    assert during < backlog / 4


def test_full_buffers_cost_little(bench: Kit) -> None:
    """64 at once, 20 ms each, all partitions under back-pressure, against the same jobs without Kafka in the same minute."""
    jobs, slots, seconds = 4000, 64, 0.02
    topic = bench.topic("work", 4)
    ids = bench.work(topic, ({"s": seconds} for _ in range(jobs)))
    options = {"stream_buffer_maxsize": 200, "broker_max_poll_records": 40}
    program = bench.spawn("pool", topics=[[topic]], slots=slots, options=options)
    program.wait(lambda: len(set(bench.ids("end"))) == len(ids), 60)
    took = program.notes("end")[-1]["at"] - program.notes("begin")[0]["at"]
    program.kill()
    reference = bench.spawn("ideal", slots=slots, s=seconds, jobs=jobs)
    assert reference.process.wait(60) == 0, reference.tail()
    best = reference.notes("ideal")[0]["seconds"]
    print(f"took {took:.2f} s, ideal {best:.2f} s")  # noqa: T201 - shown when it fails
    assert took < 2 * best
