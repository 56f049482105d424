"""Three brokers, three replicas, two of which must be in sync: one may die in mid-load; without two nothing is accepted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from millstream.topics.catalogue import INBOX
from tests.brokers import NODES, Brokers, three_brokers
from tests.chaos import graph
from tests.chaos.checks import check_runs
from tests.chaos.effects import Effects
from tests.chaos.graph import Saved
from tests.chaos.load import Load
from tests.platform import Platform, running

pytestmark = [pytest.mark.integration, pytest.mark.full, pytest.mark.timeout(600)]
PER_S = 20


@pytest.fixture(scope="module")
def brokers() -> Iterator[Brokers]:
    with three_brokers() as found:
        yield found


@pytest.fixture(scope="module")
def mill(brokers: Brokers, effects: Effects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home: Path = tmp_path_factory.mktemp("three")
    outside = {"MILLSTREAM_KAFKA": brokers.bootstrap, "MILLSTREAM_REPLICATION": "3"}
    outside["MILLSTREAM_HTTP_ALLOW"] = effects.address
    outside["MILLSTREAM_USER_EXECUTIONS"] = "100000"
    with running(home, workers=1, **outside) as platform:
        yield platform


@pytest.fixture(scope="module")
def saved(mill: Platform, effects: Effects) -> Saved:
    return graph.save(mill, effects.url)


def test_a_leader_killed_in_mid_load_loses_nothing_and_the_platform_goes_on(
    mill: Platform, saved: Saved, brokers: Brokers, effects: Effects
) -> None:
    """The leader of an inbox partition; it stays away while runs go on, and comes back."""
    with Load(mill, saved.id, per_s=PER_S) as load:
        time.sleep(2)
        victim = brokers.leader(INBOX.name)
        brokers.kill(victim)
        before = len(load.accepted)
        deadline = time.monotonic() + 90
        while len(load.accepted) < before + 30:  # with two of three
            assert time.monotonic() < deadline, mill.tails()
            time.sleep(0.2)
        assert brokers.leader(INBOX.name) != victim
        brokers.restart(victim)
        time.sleep(2)
    mill.wait_ready(90)
    assert not check_runs(mill, saved, load.accepted, effects).problems


def test_without_two_replicas_nothing_is_accepted_and_nothing_accepted_is_lost(
    mill: Platform, saved: Saved, brokers: Brokers, effects: Effects
) -> None:
    survivor = brokers.leader(INBOX.name)
    others = [node for node in NODES if node != survivor]
    with Load(mill, saved.id, per_s=PER_S) as load:
        time.sleep(2)
        brokers.kill(*others)
        refused = _refusal(mill, saved.id)
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["content-type"].startswith("application/problem+json")
        time.sleep(5)
        brokers.restart(*others)
        before = len(load.accepted)
        deadline = time.monotonic() + 120
        while len(load.accepted) < before + 20:
            assert time.monotonic() < deadline, mill.tails()
            time.sleep(0.2)
    mill.wait_ready(120)
    assert not check_runs(mill, saved, load.accepted, effects).problems


def _refusal(mill: Platform, graph: str, seconds: float = 90) -> httpx.Response:
    """Ask for runs until one is refused with 503."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = mill.client.post(f"/api/v1/graphs/{graph}/execute", json={"inputs": {}}, timeout=60)
        if answer.status_code == 503:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"still {answer.status_code}")
