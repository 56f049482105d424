"""Processes that join a running platform from a machine of their own, here from a home of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from millstream.local import keys, ports, redis
from millstream.local.home import Home
from millstream.schemas.codec import decode
from millstream.schemas.messages import Finished
from millstream.topics.catalogue import INBOX, PARTITIONS
from millstream.topics.clients import consumer
from tests.platform import Platform

pytestmark = pytest.mark.integration

STORE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"


def joined(platform: Platform, home: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start one process that knows where Kafka, Redis and the object store are, and nothing else."""
    there = Home(platform.home)
    secrets = keys.find(there)
    assert secrets is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
    remembered = ports.remembered(there)
    given = {
        "MILLSTREAM_HOME": str(home),
        "MILLSTREAM_KAFKA": f"127.0.0.1:{remembered['kafka']}",
        "MILLSTREAM_REDIS": redis.url(secrets, remembered["redis"]),
        "MILLSTREAM_OBJECTS_URL": f"file://{platform.home}/objects",
        "MILLSTREAM_SIGNING_KEY": secrets.signing_key,
    }
    with (home / "log").open("wb") as log:
        argv = [sys.executable, "-P", "-m", "millstream.cli.main", *words]
        return subprocess.Popen(argv, env=kept | given, stdout=log, stderr=log)


def wait_there(file: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def workers(platform: Platform, execution_ids: list[str]) -> set[str]:
    """Return the instances that ran nodes of these executions."""
    kafka = f"127.0.0.1:{ports.remembered(Home(platform.home))['kafka']}"
    client = consumer({"bootstrap.servers": kafka}, "test-roles")
    client.assign([TopicPartition(INBOX.name, p, 0) for p in range(PARTITIONS)])
    wanted = {execution_id.replace("-", "") for execution_id in execution_ids}
    keys = {bytes.fromhex(each) for each in wanted}
    found: set[str] = set()
    ended: set[str] = set()
    deadline = time.monotonic() + 30
    while ended != wanted and time.monotonic() < deadline:
        record = client.poll(1)
        if record is None or record.error() or record.key() not in keys:
            continue  # other tests of this platform put garbage on the topic
        message = decode(record.value())
        if isinstance(message, Finished) and message.execution_id.hex() in wanted:
            found.add(message.worker)
            ended.add(message.execution_id.hex())
    client.close()
    return found


def test_a_worker_joins_without_a_database_and_leaves(platform: Platform, tmp_path: Path) -> None:
    ready, log = tmp_path / "ready", tmp_path / "log"
    words = ("--lanes", "io,cpu", "--slots", "20", "--instance", "far-1", "--ready-file", str(ready))
    worker = joined(platform, tmp_path, "worker", *words)
    try:
        wait_there(ready, worker, log)
        node = {"id": "n", "block_id": STORE, "input_default": {"input": "x"}}
        graph = platform.save({"name": "g", "description": "", "nodes": [node], "links": []})
        begun = [platform.execute(graph) for _ in range(60)]
        assert {platform.wait(one)["status"] for one in begun} == {"COMPLETED"}
        assert workers(platform, begun) == {"worker-0", "far-1"}
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(40) == 0, log.read_text()
        assert not ready.exists()
        assert platform.wait(platform.execute(graph))["status"] == "COMPLETED"
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait(10)
    assert "Traceback" not in log.read_text()


def test_a_coordinator_joins_with_a_standby_and_takes_half(platform: Platform, tmp_path: Path) -> None:
    ready, log = tmp_path / "ready", tmp_path / "log"
    words = ("--instance", "far-c", "--ready-file", str(ready), "--standbys", "1")
    coordinator = joined(platform, tmp_path, "coordinator", *words)
    try:
        wait_there(ready, coordinator, log)
        node = {"id": "n", "block_id": STORE, "input_default": {"input": "x"}}
        graph = platform.save({"name": "g", "description": "", "nodes": [node], "links": []})
        begun = [platform.execute(graph) for _ in range(40)]
        assert {platform.wait(one)["status"] for one in begun} == {"COMPLETED"}
        coordinator.kill()
        coordinator.wait(10)
        begun = [platform.execute(graph) for _ in range(20)]
        assert {platform.wait(one)["status"] for one in begun} == {"COMPLETED"}
    finally:
        if coordinator.poll() is None:
            coordinator.kill()
            coordinator.wait(10)
