"""Too much work and lost work, through the whole platform: what is refused is told so, what was lost is found."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from millstream.topics.catalogue import tasks
from millstream.topics.clients import admin, consumer
from millstream.topics.offsets import committed
from tests.platform import Platform, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LIMIT = 40
SILENT_S = 4


@pytest.fixture(scope="module")
def small() -> Iterator[Platform]:
    """A platform that is soon behind, and soon wonders."""
    with tempfile.TemporaryDirectory(prefix="millstream-test-") as folder:
        limits = {"MILLSTREAM_INBOX_LAG": str(LIMIT), "MILLSTREAM_SILENT_S": str(SILENT_S)}
        with running(Path(folder) / "home", workers=1, **limits) as platform:
            yield platform


@pytest.fixture(scope="module")
def graph(small: Platform) -> str:
    ids = {b["name"]: b["id"] for b in small.client.get("/api/v1/blocks").json()}
    nodes = [
        {"id": "v", "block_id": ids["StoreValueBlock"], "input_default": {"input": 7}},
        {"id": "o", "block_id": ids["AgentOutputBlock"], "input_default": {"name": "out"}},
    ]
    link = {"source_id": "v", "source_name": "output", "sink_id": "o", "sink_name": "value"}
    return small.save({"name": "g", "description": "", "nodes": nodes, "links": [link]})


def until(check: Callable[[], Any], seconds: float = 60, what: str = "") -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return found


def start(platform: Platform, graph: str) -> httpx.Response:
    return platform.client.post(f"/api/v1/graphs/{graph}/execute", json={})


def metric(platform: Platform, name: str) -> float:
    """Return the sum of a metric's values."""
    lines = platform.client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_while_the_coordinator_stands_still_the_edge_refuses_and_then_accepts_again(
    small: Platform, graph: str
) -> None:
    pid = small.pid("coordinator-0")
    os.kill(pid, signal.SIGSTOP)
    accepted: list[str] = []
    try:
        refused = None
        for _ in range(40 * LIMIT):
            answer = start(small, graph)
            if answer.status_code == 503:
                refused = answer
                break
            accepted.append(answer.json()["id"])
            time.sleep(0.02)
        assert refused is not None, "it accepted everything"
        body = refused.json()
        assert body["code"] == "overloaded"
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert body["behind"][0]["lag"] > LIMIT
        ready = small.client.get("/readyz").json()
        assert ready["accepting"] is False
        assert ready["behind"][0]["limit"] == LIMIT
        assert small.client.get("/api/v1/executions").status_code == 200, "reading goes on"
        assert metric(small, "millstream_edge_executions_refused_total") >= 1
        assert metric(small, "millstream_lag_records") > LIMIT
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: start(small, graph).status_code == 202, what="accepted again")
    for id_ in accepted:
        assert small.wait(id_, 120)["status"] == "COMPLETED"
    assert until(lambda: small.client.get("/readyz").json().get("accepting"))


def advance(platform: Platform, group: str, topic: str) -> None:
    """Commit the ends of a topic for a group that nobody is in, as if it had done everything."""
    conf = {"bootstrap.servers": platform.status()["kafka"]}
    client = admin(conf)
    count = len(client.list_topics(topic, timeout=10).topics[topic].partitions)
    asked = {TopicPartition(topic, p): OffsetSpec.latest() for p in range(count)}
    ends = [
        TopicPartition(t.topic, t.partition, f.result(10).offset)
        for t, f in client.list_offsets(asked).items()
    ]

    def settled() -> bool:
        one = consumer(conf, group)
        try:
            one.commit(offsets=ends, asynchronous=False)
        except KafkaException:
            return False  # its member's session lasts still
        finally:
            one.close()
        return True

    until(settled, 60, "the group is empty")
    assert committed(conf, group, [(topic, p.partition) for p in ends]) == {
        (topic, p.partition): p.offset for p in ends
    }


def test_a_task_that_its_worker_lost_is_given_again_and_the_run_ends(small: Platform, graph: str) -> None:
    lane = "io"
    pid = small.pid("worker-0")
    os.kill(pid, signal.SIGSTOP)
    id_ = small.execute(graph)
    until(lambda: small.execution(id_)["node_executions"], what="the task was given")
    reason = until(
        lambda: r if (r := small.execution(id_)["reason"]) and r.get("lag") else None, 60, "the lane is told"
    )
    assert (reason["kind"], reason["lane"]) == ("lane", lane)
    assert reason["lag"] >= 1
    advance(small, f"millstream-worker-{lane}", tasks(lane).name)
    small.kill("worker-0")
    found = small.wait(id_, 120)
    assert found["status"] == "COMPLETED"
    assert found["outputs"] == {"out": [7]}
    assert metric(small, "millstream_edge_executions_nudged_total") >= 1
    events = small.client.get(f"/api/v1/executions/{id_}/events").json()["items"]
    reasons = [e["detail"]["reason"]["kind"] for e in events if (e["detail"] or {}).get("reason")]
    assert "reissued" in reasons
