"""The one table of topics. Names, keys, partitions and retention are stated here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PARTITIONS = 16
"""Of every execution-keyed topic. It cannot grow under open executions: keys would move away from their state."""
DATA = "data"
"""The lane of blocks that use our database; its workers have the DSN, and serve no other lane."""
LANES = ("io", "cpu", "llm", DATA)
"""Lanes that the platform itself serves; authors may add lanes of their own."""
CHANGELOG = "millstream-coordinator-state-changelog"
"""Changelog of the coordinator's table: named by Faust as `<app id>-<table>-changelog`."""
ADMISSION_CHANGELOG = "millstream-admission-state-changelog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. `messages` are the record names that it carries; empty: private to its owner."""

    name: str
    key: str
    messages: tuple[str, ...]
    about: str
    partitions: int = PARTITIONS
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = 7 * DAY_MS
    public: bool = False
    """For programs of others too: its records keep their meaning, and have CloudEvents headers."""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, str]:
        """Topic configuration in Kafka's names, as text."""
        config = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": "2097152",
            # A process's own clock has no say: a record from more than an hour ahead would even be refused.
            "message.timestamp.type": "LogAppendTime",
        }
        if self.cleanup == "delete":
            config["retention.ms"] = str(self.retention_ms)
        return config | self.extra

    @property
    def kept(self) -> str:
        """How long records stay, for people."""
        if self.cleanup == "compact":
            return "newest of each key"
        return "for ever" if self.retention_ms < 0 else f"{self.retention_ms // DAY_MS} d"


INBOX = Topic(
    name="executions.inbox",
    key="execution id",
    messages=("Start", "Stop", "Answer", "Started", "Output", "Finished", "Timer", "ChildEvent", "Nudge"),
    about="Everything that can change an execution; its offset is the order of things.",
)
REQUESTS = Topic(
    name="executions.requests",
    key="user id",
    messages=("Request", "Withdraw"),
    about="Executions that people want; admission lets them begin in order, as far as their owner has room.",
)
CANCELS = Topic(
    name="nodes.cancels",
    key="execution id",
    messages=("Cancel",),
    about="Executions that were stopped; every worker reads it whole.",
)
PROGRESS = Topic(
    name="nodes.progress",
    key="execution id",
    messages=("Progress",),
    about="Tokens and progress for live views.",
    retention_ms=DAY_MS,
)
EVENTS = Topic(
    name="executions.events",
    key="execution id",
    messages=("Events",),
    about="Everything that a watcher may see, numbered; the source of replays.",
    retention_ms=30 * DAY_MS,
    public=True,
)
FEED = Topic(
    name="executions.feed",
    key="user id",
    messages=("Feed",),
    about="An execution began, waits, ended.",
    public=True,
)
_STATE = {
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(DAY_MS),
    "min.compaction.lag.ms": str(HOUR_MS),
    "max.compaction.lag.ms": str(6 * HOUR_MS),
}
STATE = Topic(
    name=CHANGELOG,
    key="execution id and cell",
    messages=(),
    about="State of the coordinator's table, one record a cell.",
    cleanup="compact",
    extra=_STATE,
)
ADMISSION = Topic(
    name=ADMISSION_CHANGELOG,
    key="user and cell",
    messages=(),
    about="State of admission: whose executions wait and run, one record a cell.",
    cleanup="compact",
    extra=_STATE,
)
USAGE = Topic(
    name="usage.records",
    key="user id",
    messages=("Usage", "ModelCall"),
    about="Seconds and cost of node executions; tokens and cost of each call of a model.",
    retention_ms=90 * DAY_MS,
)
NOTIFICATIONS = Topic(
    name="notifications",
    key="user id",
    messages=("Notification",),
    about="Mails and in-app notices to deliver.",
)
STORE = Topic(
    name="store.events",
    key="listing id",
    messages=("StoreEvent",),
    about="Life of store listings; kept for ever.",
    retention_ms=-1,
    public=True,
)
AUDIT = Topic(
    name="audit.log",
    key="actor id",
    messages=("Audit",),
    about="Who did what, from the edge.",
    retention_ms=365 * DAY_MS,
)
CHANGES = Topic(
    name="edge.changes",
    key="id of what has changed",
    messages=("Changed",),
    about="What edges keep in memory and has changed: rights, sessions, keys, graphs. Every edge reads it whole.",
    partitions=1,
    retention_ms=DAY_MS,
)
DEAD_LETTERS = Topic(
    name="dead.letters",
    key="the original's",
    messages=("DeadLetter",),
    about="Records that could not be handled, with the reason.",
    retention_ms=30 * DAY_MS,
)


def tasks(lane: str) -> Topic:
    """Return the task topic of a lane."""
    return Topic(
        name=f"nodes.tasks.{lane}",
        key="node execution id",
        messages=("Run",),
        about=f"Node executions to run on the lane {lane!r}.",
    )


def catalogue(lanes: tuple[str, ...] = LANES) -> tuple[Topic, ...]:
    """Return all topics, in the order in which people read about them."""
    return (
        REQUESTS,
        INBOX,
        *(tasks(lane) for lane in lanes),
        CANCELS,
        PROGRESS,
        EVENTS,
        FEED,
        STATE,
        ADMISSION,
        USAGE,
        NOTIFICATIONS,
        STORE,
        AUDIT,
        CHANGES,
        DEAD_LETTERS,
    )
