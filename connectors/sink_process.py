"""The sink as a process: `main` takes the signals and returns an exit code."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Event, Thread
from types import FrameType
from typing import Any

from millstream.connectors.sink import Options, Sink
from millstream.connectors.usage_sink import UsageSink

POLITENESS = 5
"""Niceness: on a machine that is full, executions go first and what is read of them comes a little later."""


def run(
    kafka_conf: dict[str, Any],
    dsn: str,
    stop: Event,
    *,
    options: Options | None = None,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Run the sink in this thread until `stop` is set; the batch in hand is finished.

    `kafka_conf` is librdkafka's (`bootstrap.servers`, ...). `on_ready` is called once: when partitions were assigned and
    PostgreSQL has said where to go on, or when there is none left for this sink. Errors: KafkaException if the consumer
    is beyond repair, such as a second sink of the same instance name.
    """
    Sink(kafka_conf, dsn, options=options, on_ready=on_ready).run(stop)


def main(
    kafka_conf: dict[str, Any],
    dsn: str,
    *,
    options: Options | None = None,
    on_ready: Callable[[], None] | None = None,
) -> int:
    """Run the sink, and beside it that of calls of models, until SIGTERM or SIGINT. Returns the exit code 0."""
    os.nice(POLITENESS)
    stop = Event()

    def finish(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    usage = Thread(target=UsageSink(kafka_conf, dsn).run, args=[stop], name="usage-sink")
    usage.start()
    try:
        run(kafka_conf, dsn, stop, options=options, on_ready=on_ready)
    finally:
        stop.set()
        usage.join(10)
    return 0
