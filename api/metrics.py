"""What the edge counts, for `/metrics`. One registry an app, so that several apps live in one process."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.openmetrics.exposition import generate_latest

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The edge's counters. Labels come from our own routes and codes, never from callers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Histogram(
            "millstream_edge_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.accepted = Counter(
            "millstream_edge_executions_accepted", "Executions whose Start Kafka has.", registry=self.registry
        )
        self.swept = Counter(
            "millstream_edge_executions_swept", "Executions that were sent again.", registry=self.registry
        )
        self.lag = Gauge(
            "millstream_lag_records",
            "Records that a topic's group has not done.",
            ("topic",),
            registry=self.registry,
        )
        self.refused = Counter(
            "millstream_edge_executions_refused",
            "Executions refused because a topic's group was too far behind.",
            ("topic",),
            registry=self.registry,
        )
        self.silent = Gauge(
            "millstream_executions_silent",
            "Open executions of which nothing was heard for long, as the edge found that looked last.",
            registry=self.registry,
        )
        self.silent_oldest = Gauge(
            "millstream_executions_silent_oldest_seconds",
            "For how long nothing was heard of the most silent one.",
            registry=self.registry,
        )
        self.nudged = Counter(
            "millstream_edge_executions_nudged", "Nudges sent to the engine.", registry=self.registry
        )
        self.limited = Counter(
            "millstream_edge_limited",
            "Requests refused because of a limit.",
            ("what",),
            registry=self.registry,
        )
        self.uncounted = Counter(
            "millstream_edge_uncounted",
            "Requests that could not be counted against a limit because Redis was away.",
            ("outcome",),
            registry=self.registry,
        )
        self.sockets = Gauge("millstream_edge_sockets", "Open WebSockets.", registry=self.registry)
        self.frames = Counter("millstream_edge_frames", "Frames given to sockets.", registry=self.registry)
        self.slow_readers = Counter(
            "millstream_edge_slow_readers",
            "Sockets cut because their reader was too slow.",
            registry=self.registry,
        )
        self.watched = Gauge(
            "millstream_edge_watched_executions", "Executions that are followed.", registry=self.registry
        )
        self.delay = Histogram(
            "millstream_edge_event_delay_seconds",
            "From an event's append to the log until it is given to sockets.",
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def request_done(self, method: str, route: str, status: int, elapsed_s: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(status)).observe(elapsed_s)

    def text(self) -> bytes:
        """Return all in the OpenMetrics text form."""
        text: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return text
