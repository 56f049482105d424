from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic

from millstream.schemas.errors import ConfigurationError, UnavailableError
from millstream.topics import admin
from millstream.topics.catalogue import catalogue, tasks
from millstream.topics.clients import admin as admin_client
from millstream.topics.clients import consumer, producer
from millstream.topics.tail import partition_of

pytestmark = pytest.mark.integration


@pytest.fixture
def conf(kafka: str) -> dict[str, Any]:
    return {"bootstrap.servers": kafka}


@pytest.fixture
def lane(conf: dict[str, Any]) -> Iterator[str]:
    """A lane of its own: its topic is there for nobody else."""
    name = f"test{uuid.uuid4().hex[:8]}"
    yield name
    client = admin_client(conf)
    if tasks(name).name in client.list_topics(timeout=10).topics:
        client.delete_topics([tasks(name).name])[tasks(name).name].result(20)


def test_apply_makes_all_topics_and_a_second_time_nothing(conf: dict[str, Any], lane: str) -> None:
    lanes = ("io", "cpu", "llm", lane)
    assert tasks(lane).name in {change.topic for change in admin.plan(conf, lanes=lanes)}
    assert tasks(lane).name in {change.topic for change in admin.apply(conf, lanes=lanes)}
    assert admin.plan(conf, lanes=lanes) == admin.apply(conf, lanes=lanes) == []
    admin.verify(conf, lanes=lanes)
    found = admin_client(conf).list_topics(timeout=10).topics
    for topic in catalogue(lanes):
        partitions = found[topic.name].partitions.values()
        assert len(partitions) == topic.partitions
        assert all(partition.leader >= 0 for partition in partitions)


def test_configuration_that_differs_is_set_and_other_settings_are_left(
    conf: dict[str, Any], lane: str
) -> None:
    other = {"retention.ms": "1000", "cleanup.policy": "compact", "segment.bytes": "2000000"}
    new = NewTopic(tasks(lane).name, num_partitions=16, replication_factor=1, config=other)
    client = admin_client(conf)  # by name: a client that is collected forgets what it was asked
    client.create_topics([new])[tasks(lane).name].result(20)
    admin.apply(conf)
    deadline = time.monotonic() + 20  # a broker hears of a topic a little later than the controller
    while "configure" not in {c.action for c in admin.plan(conf, lanes=("io", "cpu", "llm", lane))}:
        assert time.monotonic() < deadline
    [change] = admin.plan(conf, lanes=("io", "cpu", "llm", lane))
    assert (change.action, change.topic) == ("configure", tasks(lane).name)
    assert change.values["retention.ms"] == ("1000", "604800000")
    assert change.values["cleanup.policy"] == ("compact", "delete")
    assert "segment.bytes" not in change.values
    with pytest.raises(ConfigurationError, match="millstream topics apply"):
        admin.verify(conf, lanes=("io", "cpu", "llm", lane))
    admin.apply(conf, lanes=("io", "cpu", "llm", lane))
    admin.verify(conf, lanes=("io", "cpu", "llm", lane))


def test_another_number_of_partitions_is_refused_and_nothing_is_touched(
    conf: dict[str, Any], lane: str
) -> None:
    admin.apply(conf, lanes=("io", "cpu", "llm", lane))
    name = tasks(lane).name
    client = admin_client(conf)
    client.create_partitions([NewPartitions(name, 17)])[name].result(20)
    other = f"{lane}x"
    lanes = ("io", "cpu", "llm", lane, other)
    deadline = time.monotonic() + 20
    while not (refused := [c for c in admin.plan(conf, lanes=lanes) if c.action == "refuse"]):
        assert time.monotonic() < deadline
    assert refused[0].values == {"partitions": ("17", "16")}
    with pytest.raises(ConfigurationError, match=r"17 -> 16.*new generation of topics"):
        admin.apply(conf, lanes=lanes)
    assert tasks(other).name not in client.list_topics(timeout=10).topics


def test_a_broker_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{port} does not answer"):
        admin.plan({"bootstrap.servers": f"127.0.0.1:{port}"})
    assert time.monotonic() - began < 25


def test_replicas_that_the_cluster_cannot_have_are_a_matter_of_configuration(
    conf: dict[str, Any], lane: str
) -> None:
    with pytest.raises(ConfigurationError, match="refused"):
        admin.apply(conf, replication=5, lanes=("io", "cpu", "llm", lane))


def test_lag_counts_what_a_group_has_not_committed(conf: dict[str, Any], lane: str) -> None:
    admin.apply(conf, lanes=("io", "cpu", "llm", lane))
    topic, group = tasks(lane).name, f"group-{lane}"
    sender = producer(conf)
    for _ in range(7):
        sender.produce(topic, value=b"x", partition=3)
    assert sender.flush(20) == 0
    assert admin.lag(conf, f"{group}-unknown") == []
    member = consumer(conf, group)
    member.assign([TopicPartition(topic, 3, 0)])
    member.commit(offsets=[TopicPartition(topic, 3, 2)], asynchronous=False)
    member.close()
    [row] = admin.lag(conf, group)
    assert (row.topic, row.partition, row.committed, row.end, row.records) == (topic, 3, 2, 7, 5)


async def test_all_our_clients_put_a_key_into_the_same_partition(conf: dict[str, Any], lane: str) -> None:
    from aiokafka import AIOKafkaProducer

    admin.apply(conf, lanes=("io", "cpu", "llm", lane))
    topic = tasks(lane).name
    keys = [uuid.uuid4().bytes for _ in range(50)]
    landed: dict[bytes, set[int]] = {key: set() for key in keys}
    sender = producer(conf)
    for key in keys:
        sender.produce(
            topic,
            key=key,
            value=b"x",
            on_delivery=lambda error, message: landed[message.key()].add(message.partition()),
        )
    assert sender.flush(20) == 0
    other = AIOKafkaProducer(bootstrap_servers=conf["bootstrap.servers"])
    await other.start()
    for key in keys:
        landed[key].add((await other.send_and_wait(topic, key=key, value=b"x")).partition)
    await other.stop()
    assert landed == {key: {partition_of(key, 16)} for key in keys}
