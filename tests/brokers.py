"""A Kafka of three brokers on loopback, replicated: each is broker and controller, and may be killed and started again."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka.admin import AdminClient

from millstream.local import jars, kafka, kafka_archive
from millstream.local.child import Child, Phase, tail
from millstream.local.ports import LOOPBACK, free_ports
from millstream.local.ready import kafka_answers
from millstream.local.spec import ProcessSpec
from millstream.topics.clients import admin

NODES = (1, 2, 3)
REPLICATED = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    # On a busy machine a broker may be late without being dead.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    "controller.quorum.election.timeout.ms": "3000",
    "controller.quorum.fetch.timeout.ms": "6000",
}
JVM = ("-Xmx320m",)
START_S = 90.0


class Brokers:
    """Three brokers. `start` and `stop` frame their life."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = free_ports(2 * len(NODES))
        self._ports = {node: (ports[2 * n], ports[2 * n + 1]) for n, node in enumerate(NODES)}
        self.bootstrap = ",".join(f"{LOOPBACK}:{broker}" for broker, _ in self._ports.values())
        self._children: dict[int, Child] = {}

    def start(self) -> None:
        """Format the three, start them, and wait until they answer and know of each other."""
        cache = jars.default_cache()
        self._jars = jars.ensure(cache, lambda _: None)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for node in NODES:
            self._format(node, cluster)
            options = kafka_archive.options(cache, self._jars)
            spec = self._spec(node, [*options, *JVM])
            self._children[node] = Child(spec, self.folder / f"kafka-{node}.log")
        self.restart(*NODES)

    def stop(self) -> None:
        """End all three at once: their data goes with the folder."""
        for child in self._children.values():
            child.kill()
            while child.alive:
                child.poll(time.monotonic())
                time.sleep(0.02)

    def kill(self, *nodes: int) -> None:
        """Kill -9 brokers and wait until they are gone."""
        for node in nodes:
            pid = self._children[node].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        for node in nodes:
            while self._children[node].poll(time.monotonic()) is None:
                time.sleep(0.01)

    def restart(self, *nodes: int) -> None:
        """Start brokers that do not run, and wait until all three are one cluster without a replica that lags."""
        for node in nodes:
            self._children[node].start(dict(os.environ), time.monotonic())
        deadline = time.monotonic() + START_S
        while not self._whole():
            now = time.monotonic()
            for node, child in self._children.items():
                code = child.poll(now)
                assert code is None, f"broker {node} ended with {code}: {tail(child.log, 30)}"
                assert now < deadline, f"broker {node}: {tail(child.log, 30)}"
            time.sleep(0.1)

    def leader(self, topic: str, partition: int = 0) -> int:
        """Return the node that leads a partition."""
        return int(self._admin().list_topics(topic, timeout=20).topics[topic].partitions[partition].leader)

    def _whole(self) -> bool:
        if any(child.phase is not Phase.READY for child in self._children.values()):
            return False
        with contextlib.suppress(Exception):
            found = self._admin().list_topics(timeout=5)
            topics = found.topics.values()
            return len(found.brokers) == len(NODES) and all(
                len(partition.isrs) == len(partition.replicas)
                for topic in topics
                for partition in topic.partitions.values()
            )
        return False

    def _admin(self) -> AdminClient:
        return admin({"bootstrap.servers": self.bootstrap})

    def _configure(self, node: int, log_dir: Path) -> tuple[Path, Path]:
        broker, controller = self._ports[node]
        folder = self.folder / f"run-{node}"
        folder.mkdir(exist_ok=True)
        server, logging = kafka.configure(folder, log_dir, broker=broker, controller=controller)
        voters = ",".join(f"{n}@{LOOPBACK}:{port}" for n, (_, port) in self._ports.items())
        more = REPLICATED | {"node.id": str(node), "controller.quorum.voters": voters}
        with server.open("a") as file:  # of two lines of one name the later one counts
            file.writelines(f"{name}={value}\n" for name, value in more.items())
        return server, logging

    def _format(self, node: int, cluster: str) -> None:
        data = self.folder / f"data-{node}"
        data.mkdir()
        server, logging = self._configure(node, data)
        words = ("format", "--config", str(server), f"--cluster-id={cluster}")
        command = kafka.command(self._jars, "kafka.tools.StorageTool", *words, logging=logging)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _spec(self, node: int, jvm: list[str]) -> ProcessSpec:
        data = self.folder / f"data-{node}"
        server, logging = self._configure(node, data)
        broker, _ = self._ports[node]
        return ProcessSpec(
            name=f"kafka-{node}",
            argv=tuple(kafka.command(self._jars, "kafka.Kafka", str(server), logging=logging, jvm=jvm)),
            env={"MALLOC_ARENA_MAX": "2"},
            port=broker,
            ready=functools.partial(kafka_answers, broker),
            cwd=data,
        )


@contextlib.contextmanager
def three_brokers() -> Iterator[Brokers]:
    """Run three brokers in a temporary folder, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="millstream-brokers-"))
    brokers = Brokers(folder)
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.stop()
        shutil.rmtree(folder, ignore_errors=True)
