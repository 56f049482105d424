from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic
from typer.testing import CliRunner

from millstream.cli.topics import app
from millstream.schemas.codec import encode
from millstream.schemas.errors import NotFoundError
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Feed
from millstream.topics import tail
from millstream.topics.admin import lag
from millstream.topics.clients import admin, producer

pytestmark = pytest.mark.integration
KEYS = [uuid.UUID(int=number).bytes for number in range(1, 9)]


@pytest.fixture(scope="module")
def conf(kafka: str) -> dict[str, Any]:
    return {"bootstrap.servers": kafka}


@pytest.fixture(scope="module")
def topic(conf: dict[str, Any]) -> Iterator[str]:
    """A topic with 80 numbered records, whose timestamps go up by one."""
    name = f"tail-{uuid.uuid4().hex[:8]}"
    client = admin(conf)
    client.create_topics([NewTopic(name, 4, 1)])[name].result(20)
    sender = producer(conf)
    now = int(time.time() * 1000)
    for number in range(80):
        sender.produce(name, key=KEYS[number % 8], value=str(number).encode(), timestamp=now - 1000 + number)
    assert sender.flush(20) == 0
    yield name
    client.delete_topics([name])[name].result(20)


def numbers(records: Iterator[tail.Record]) -> list[int]:
    return [int(record.value or b"") for record in records]


def test_the_last_records_of_all_partitions_in_order_of_time(conf: dict[str, Any], topic: str) -> None:
    assert numbers(tail.last(conf, [topic], 5)) == [75, 76, 77, 78, 79]
    assert numbers(tail.last(conf, [topic], 0)) == []
    assert numbers(tail.last(conf, [topic], 1000)) == list(range(80))


def test_records_of_one_key(conf: dict[str, Any], topic: str) -> None:
    assert numbers(tail.last(conf, [topic], 3, key=KEYS[2])) == [58, 66, 74]
    assert numbers(tail.read(conf, [topic], key=KEYS[2])) == list(range(2, 80, 8))
    assert numbers(tail.read(conf, [topic], key=b"nobody")) == []


def test_a_part_by_partition_and_by_time(conf: dict[str, Any], topic: str) -> None:
    parts = [numbers(tail.last(conf, [topic], 100, part=tail.Part(partition=p))) for p in range(4)]
    assert sorted(number for part in parts for number in part) == list(range(80))
    at = next(r.timestamp_ms for r in tail.last(conf, [topic], 100) if r.value == b"70")
    assert numbers(tail.last(conf, [topic], 100, part=tail.Part(since_ms=at))) == list(range(70, 80))
    assert numbers(tail.last(conf, [topic], 100, part=tail.Part(since_ms=at + 60_000))) == []
    assert numbers(tail.last(conf, [topic], 100, part=tail.Part(key=KEYS[2], since_ms=at))) == [74]
    with pytest.raises(NotFoundError):
        list(tail.last(conf, [topic], 1, part=tail.Part(partition=9)))


def test_all_records_from_the_beginning(conf: dict[str, Any], topic: str) -> None:
    records = list(tail.read(conf, [topic]))
    assert sorted(int(record.value or b"") for record in records) == list(range(80))
    for partition in range(4):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == sorted(offsets)


def test_following_has_no_gap_behind_the_last_records(conf: dict[str, Any], topic: str) -> None:
    name = f"{topic}-follow"
    client, sender = admin(conf), producer(conf)
    client.create_topics([NewTopic(name, 2, 1)])[name].result(20)
    stop, begun = threading.Event(), threading.Event()

    def send() -> None:
        for number in itertools.count():
            sender.produce(name, key=KEYS[0], value=str(number).encode())
            sender.poll(0)
            if number == 10 and sender.flush(20) == 0:
                begun.set()
            if stop.wait(0.002):
                break
        sender.flush(20)

    thread = threading.Thread(target=send)
    thread.start()
    assert begun.wait(30)
    found: list[int] = []
    for record in tail.last(conf, [name], 3, follow=True):
        found.append(int(record.value or b""))
        if len(found) == 60:
            break
    stop.set()
    thread.join()
    assert found == list(range(found[0], found[0] + 60))
    client.delete_topics([name])[name].result(20)


def test_a_topic_that_is_not_there_is_named(conf: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError, match="no-such-topic"):
        list(tail.last(conf, ["no-such-topic"], 3))


def test_the_command_prints_decoded_records(
    kafka: str, conf: dict[str, Any], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = new_id()
    feed = Feed(
        user_id="me",
        execution_id=execution.bytes,
        graph_id="g",
        graph_version=1,
        status="QUEUED",
        sequence=0,
        at=1,
    )
    sender = producer(conf)
    sender.produce(topic, key=execution.bytes, value=encode(feed))
    assert sender.flush(20) == 0
    monkeypatch.setenv("MILLSTREAM_KAFKA", kafka)
    result = CliRunner().invoke(app, ["tail", "--topic", topic, "--key", str(execution)])
    assert result.exit_code == 0, result.output
    [line] = result.output.splitlines()
    assert f" {execution} Feed " in line
    assert json.loads(line.partition(" Feed ")[2])["execution_id"] == str(execution)
    result = CliRunner().invoke(app, ["tail", "--topic", topic, "--from", "beginning", "-n", "2"])
    assert len(result.output.splitlines()) == 2
    assert "undecodable" in result.output


def test_the_commands_agree_with_the_cluster(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_KAFKA", kafka)
    runner = CliRunner()
    assert runner.invoke(app, ["apply"]).exit_code == 0
    assert runner.invoke(app, ["plan"]).output == "topics: as the catalogue says\n"
    listed = json.loads(runner.invoke(app, ["list", "--json"]).output)
    assert "executions.inbox" in {topic["name"] for topic in listed}
    assert runner.invoke(app, ["lag", "nobody"]).output == "nobody: has committed nothing\n"


def test_the_example_consumer_reads_with_a_group_of_its_own(conf: dict[str, Any], kafka: str) -> None:
    name = f"public-{uuid.uuid4().hex[:8]}"
    client = admin(conf)
    client.create_topics([NewTopic(name, 1, 1)])[name].result(20)
    id_ = new_id()
    feed = Feed(
        user_id="u", execution_id=id_.bytes, graph_id="g", graph_version=1, status="QUEUED", sequence=0, at=1
    )
    sender = producer(conf)
    for _ in range(2):
        sender.produce(name, key=b"u", value=encode(feed))
    assert sender.flush(20) == 0
    script = Path(__file__).parents[3] / "examples" / "consume_events.py"
    group = f"reports-{uuid.uuid4().hex[:8]}"
    asked = ["--bootstrap", kafka, "--group", group, "--topic", name, "--count", "1"]
    for _ in range(2):  # the second goes on where the first committed
        done = subprocess.run(
            [sys.executable, str(script), *asked], capture_output=True, text=True, timeout=60, check=True
        )
        assert json.loads(done.stdout)["execution_id"] == id_.hex
    assert [row.records for row in lag(conf, group)] == [0]
    client.delete_topics([name])[name].result(20)
