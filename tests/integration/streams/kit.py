"""What the tests of the streams share: topics of one test alone, small Faust programs as processes, and what they noted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec

from millstream.topics.clients import admin, consumer, producer
from millstream.topics.offsets import committed

ROOT = Path(__file__).parents[3]
SESSION_S = 6.0
"""The shortest session that a broker allows by default: takeovers cost it."""


def wait_for(check: Callable[[], Any], seconds: float = 30.0, what: str = "") -> Any:
    """Wait until `check` gives something true; returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@dataclass
class Program:
    """A process of `programs.py`. What it notes is a list of events: `at` (monotonic, of this machine), `what`, more."""

    name: str
    process: subprocess.Popen[bytes]
    trace: Path
    ready: Path
    log: Path

    def notes(self, what: str | None = None) -> list[dict[str, Any]]:
        """Return what was noted so far; a line that is being written is left out."""
        text = self.trace.read_text() if self.trace.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        found = [json.loads(line) for line in lines]
        return [note for note in found if what is None or note["what"] == what]

    def tail(self) -> str:
        """Return the end of its log, for a failure's message."""
        return f"{self.name} (code {self.process.poll()}): {self.log.read_text(errors='replace')[-3000:]}"

    def wait(self, check: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Wait for `check`; a process that ended meanwhile is a failure."""
        deadline = time.monotonic() + seconds
        while not (found := check()):
            assert self.process.poll() is None, self.tail()
            assert time.monotonic() < deadline, f"not within {seconds} s; {self.tail()}"
            time.sleep(0.02)
        return found

    def wait_ready(self, seconds: float = 40.0) -> Program:
        """Wait until it has its partitions."""
        self.wait(self.ready.exists, seconds)
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def end(self, seconds: float = 30.0) -> int:
        """Ask it to stop; returns its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)


@dataclass
class Kit:
    """Topics, groups, files and processes of one test."""

    kafka: str
    folder: Path
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:8]}")
    programs: list[Program] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conf = {"bootstrap.servers": self.kafka}
        self.admin = admin(self.conf)
        self.producer = producer(self.conf, **{"linger.ms": 2})

    # --- topics ---

    def topic(self, name: str, partitions: int = 4, **config: str) -> str:
        """Make a topic `<this test>-<name>`; returns its name."""
        full = f"{self.name}-{name}"
        self.make(full, partitions, **config)
        return full

    def make(self, name: str, partitions: int, **config: str) -> None:
        """Make a topic of that very name, and wait until it can be written and read."""
        new = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config)
        self.admin.create_topics([new])[name].result(20)
        self.topics.append(name)
        wait_for(lambda: self._led(name) == partitions, what=f"leaders of {name}")

    def _led(self, name: str) -> int:
        found = self.admin.list_topics(timeout=10).topics.get(name)
        return 0 if found is None else sum(p.leader >= 0 for p in found.partitions.values())

    def put(self, topic: str, value: bytes | None, key: bytes | None = None, partition: int = -1) -> None:
        """Produce one record; `flush` waits for all."""
        self.producer.produce(topic, key=key, value=value, partition=partition)
        self.producer.poll(0)

    def flush(self) -> None:
        assert self.producer.flush(30) == 0

    def work(self, topic: str, jobs: Iterable[dict[str, Any]], partitions: int = 4) -> list[str]:
        """Produce jobs for the program `pool`, in turn over the partitions; returns their ids."""
        ids = []
        for number, job in enumerate(jobs):
            ids.append(job.setdefault("id", f"{number:06d}"))
            self.put(topic, json.dumps(job).encode(), job["id"].encode(), number % partitions)
        self.flush()
        return ids

    def read(self, topic: str) -> list[Any]:
        """Return all records of a topic as they are now."""
        count = len(self.admin.list_topics(topic, timeout=10).topics[topic].partitions)
        client = consumer(self.conf, f"read-{self.name}", **{"enable.partition.eof": True})
        client.assign([TopicPartition(topic, p, 0) for p in range(count)])
        found: list[Any] = []
        left = count
        while left:
            message = client.poll(10)
            assert message is not None, f"{topic} does not answer"
            if message.error() is None:
                found.append(message)
            else:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                left -= 1
        client.close()
        return found

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return partition -> committed offset, of those that have one."""
        count = len(self.admin.list_topics(topic, timeout=10).topics[topic].partitions)
        found = committed(self.conf, group, [(topic, p) for p in range(count)])
        return {partition: offset for (_, partition), offset in found.items()}

    def commit(self, group: str, topic: str, offsets: dict[int, int]) -> None:
        """Commit for a group that nobody is in."""
        client = consumer(self.conf, group)
        client.assign([TopicPartition(topic, p, o) for p, o in offsets.items()])
        client.commit(offsets=[TopicPartition(topic, p, o) for p, o in offsets.items()], asynchronous=False)
        client.close()

    def ends(self, topic: str) -> dict[int, int]:
        """Return partition -> end offset."""
        count = len(self.admin.list_topics(topic, timeout=10).topics[topic].partitions)
        asked = {TopicPartition(topic, p): OffsetSpec.latest() for p in range(count)}

        def answered() -> dict[int, int] | None:
            found = self.admin.list_offsets(asked)
            try:
                return {place.partition: future.result(20).offset for place, future in found.items()}
            except KafkaException as error:
                if error.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION:
                    return None  # this client has heard of a leader that has moved on
                raise

        ends: dict[int, int] = wait_for(answered, what=f"ends of {topic}")
        return ends

    # --- processes ---

    def spawn(self, program: str, instance: str = "one", **conf: Any) -> Program:
        """Start a program of `programs.py`; `conf` is what it wants to know."""
        mark = f"{program}-{instance}-{len(self.programs)}"
        trace, ready, log = (self.folder / f"{mark}.{end}" for end in ("trace", "ready", "log"))
        words = {
            "program": program,
            "kafka": self.kafka,
            "app": self.name,
            "folder": str(self.folder / f"data-{instance}"),
            "instance": instance,
            "trace": str(trace),
            "ready": str(ready),
            **conf,
        }
        environ = {k: v for k, v in os.environ.items() if not k.startswith("MILLSTREAM_")}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.streams.programs", json.dumps(words)],
                cwd=ROOT,
                env=environ
                | {"PYTHONPATH": os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split()])},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        made = Program(mark, process, trace, ready, log)
        self.programs.append(made)
        return made

    def notes(self, what: str | None = None) -> list[dict[str, Any]]:
        """Return what all programs of this test noted, in order of time."""
        return sorted((n for p in self.programs for n in p.notes(what)), key=lambda note: note["at"])

    def ids(self, what: str) -> list[str]:
        """Return the ids that were noted under `what`, repeated ones too."""
        return [note["id"] for note in self.notes(what)]

    def ended(self, ids: Iterable[str]) -> bool:
        """Tell whether all of these are done."""
        return set(ids) <= set(self.ids("end"))

    def tails(self) -> str:
        return "\n".join(program.tail() for program in self.programs)

    def close(self) -> None:
        """End what is left and delete the topics."""
        for program in self.programs:
            if program.process.poll() is None:
                program.process.send_signal(signal.SIGCONT)
                program.kill()
        with contextlib.suppress(Exception):
            for future in self.admin.delete_topics(self.topics).values():
                future.result(20)


@contextlib.contextmanager
def kit(kafka: str, folder: Path) -> Iterator[Kit]:
    """A kit for the length of a `with`."""
    made = Kit(kafka, folder)
    try:
        yield made
    finally:
        made.close()
