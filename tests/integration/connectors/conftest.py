from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from millstream.connectors.database import migrate
from millstream.connectors.sink import Options, Sink
from millstream.schemas.codec import decode, encode
from millstream.schemas.messages import DeadLetter, Events
from millstream.topics.clients import admin, consumer, producer

PARTITIONS = 4
PROCESS = """
import json, os, pathlib, sys
from millstream.connectors.sink import Options
from millstream.connectors.sink_process import main
ready = pathlib.Path(sys.argv[3]).touch
options = Options(**json.loads(sys.argv[2]))
sys.exit(main(json.loads(sys.argv[1]), os.environ["SINK_DSN"], options=options, on_ready=ready))
"""


@dataclass
class Bench:
    """A sink's surroundings: topics and a database of one test alone."""

    conf: dict[str, Any]
    dsn: str
    options: Options
    producer: Producer
    folder: Path
    sinks: list[tuple[threading.Thread, threading.Event, Sink]] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    ready: dict[int, Path] = field(default_factory=dict)

    def send(self, records: list[Events]) -> None:
        """Write records, keyed as the coordinator does, and wait until Kafka has them."""
        for record in records:
            self.send_raw(record.execution_id, encode(record))
        assert self.producer.flush(30) == 0

    def send_raw(self, key: bytes | None, value: bytes | None) -> None:
        self.producer.produce(self.options.topic, key=key, value=value)
        self.producer.poll(0)

    def start(self) -> Sink:
        """Start a sink in a thread and wait until it is ready."""
        ready, stop = threading.Event(), threading.Event()
        sink = Sink(self.conf, self.dsn, options=self.options, on_ready=ready.set)
        thread = threading.Thread(target=sink.run, args=[stop])
        thread.start()
        self.sinks.append((thread, stop, sink))
        assert ready.wait(30), "the sink got no partitions"
        return sink

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start a sink as a process of its own; `is_ready` tells when it has partitions."""
        ready = self.folder / uuid.uuid4().hex
        arguments = [json.dumps(self.conf), json.dumps(asdict(self.options)), str(ready)]
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, *arguments], env=os.environ | {"SINK_DSN": self.dsn}
        )
        self.ready[process.pid] = ready
        return process

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Tell whether a spawned sink is at work: one that is still being imported ends by SIGTERM itself."""
        return self.ready[process.pid].exists()

    def letters(self) -> list[tuple[DeadLetter, dict[str, bytes]]]:
        """Read all dead letters with their headers."""
        client = consumer(
            self.conf, "letters", **{"enable.partition.eof": True, "auto.offset.reset": "earliest"}
        )
        client.assign([TopicPartition(self.options.dead_letters, 0, 0)])
        found: list[tuple[DeadLetter, dict[str, bytes]]] = []
        while True:
            message = client.poll(10)
            assert message is not None
            if message.error() is not None:
                assert message.error().code() == KafkaError._PARTITION_EOF
                client.close()
                return found
            letter = decode(message.value())
            assert isinstance(letter, DeadLetter)
            found.append((letter, dict(message.headers() or [])))

    def stop(self) -> None:
        """Stop all that is left; a process that a failed test left behind is killed."""
        for process in self.processes:
            process.kill()
            process.wait(10)
        for _, stop, _ in self.sinks:
            stop.set()
        for thread, _, _ in self.sinks:
            thread.join(30)
            assert not thread.is_alive()
        self.sinks.clear()


def wait_for(check: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until `check` holds."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


@pytest.fixture
def bench(kafka: str, dsn: str, tmp_path: Path) -> Iterator[Bench]:
    """Fresh topics for events and dead letters, a migrated database, a producer."""
    name = uuid.uuid4().hex[:8]
    conf = {"bootstrap.servers": kafka}
    options = Options(topic=f"events-{name}", group=f"sink-{name}", dead_letters=f"dead-{name}")
    client = admin(conf)
    topics = [NewTopic(options.topic, PARTITIONS, 1), NewTopic(options.dead_letters, 1, 1)]
    for future in client.create_topics(topics).values():
        future.result(20)
    migrate(dsn)
    made = Bench(conf, dsn, options, producer(conf, **{"linger.ms": 5}), tmp_path)
    try:
        yield made
    finally:
        with contextlib.suppress(AssertionError):
            made.stop()
        for future in client.delete_topics([options.topic, options.dead_letters]).values():
            future.result(20)
