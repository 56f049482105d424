"""The catalogue against a cluster: what differs (`plan`), making it so (`apply`), who is how far behind (`lag`)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from millstream.schemas.errors import ConfigurationError, UnavailableError
from millstream.topics.catalogue import LANES, Topic, catalogue
from millstream.topics.clients import ANSWER_S, admin, unavailable
from millstream.topics.offsets import committed

VISIBLE_S = 30.0
"""How long new topics may take until each partition has a leader."""
COMMITS = "__consumer_offsets"
"""Kafka's own topic of commits; it appears with the first group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One way in which a cluster differs from the catalogue."""

    topic: str
    action: Literal["create", "configure", "refuse"]
    """`refuse`: the number of partitions differs, which no command of ours changes."""
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Setting -> (what it is, what the catalogue says)."""

    def __str__(self) -> str:
        values = ", ".join(f"{name}: {old or 'none'} -> {new}" for name, (old, new) in self.values.items())
        return f"{self.action} {self.topic} ({values})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a group is on one partition."""

    topic: str
    partition: int
    committed: int
    end: int

    @property
    def records(self) -> int:
        """Records that the group has not committed."""
        return max(0, self.end - self.committed)


def plan(conf: dict[str, Any], *, replication: int = 1, lanes: tuple[str, ...] = LANES) -> list[Change]:
    """Return what `apply` would do; empty when cluster and catalogue agree. Errors: UnavailableError."""
    return _plan(_Cluster(conf), replication, catalogue(lanes))


def apply(conf: dict[str, Any], *, replication: int = 1, lanes: tuple[str, ...] = LANES) -> list[Change]:
    """Create missing topics, set configuration that differs, wait until each partition has a leader; return what was done.

    A second call does nothing. `replication` counts for new topics; an existing one keeps its replicas.
    Errors: ConfigurationError if a partition count differs (nothing is changed then); UnavailableError.
    """
    cluster, topics = _Cluster(conf), catalogue(lanes)
    changes = _plan(cluster, replication, topics)
    refuse(changes)
    by_name = {topic.name: topic for topic in topics}
    cluster.create([by_name[c.topic] for c in changes if c.action == "create"], replication)
    cluster.configure([c for c in changes if c.action == "configure"])
    cluster.await_leaders(by_name.values())
    after = _plan(cluster, replication, topics)  # a topic that somebody else made meanwhile
    refuse(after)
    cluster.configure([c for c in after if c.action == "configure"])
    return changes


def verify(conf: dict[str, Any], *, replication: int = 1, lanes: tuple[str, ...] = LANES) -> None:
    """Check that the cluster is as the catalogue says. Errors: ConfigurationError naming each difference; UnavailableError."""
    changes = plan(conf, replication=replication, lanes=lanes)
    refuse(changes)
    if changes:
        raise ConfigurationError(
            f"the topics are not as the catalogue says; run `millstream topics apply`: {'; '.join(map(str, changes))}",
            topics=[c.topic for c in changes],
        )


def refuse(changes: list[Change]) -> None:
    """Raise ConfigurationError if a change is one that is never made: another number of partitions."""
    refused = [c for c in changes if c.action == "refuse"]
    if refused:
        raise ConfigurationError(
            f"the number of partitions differs and is never changed in place: {'; '.join(map(str, refused))}. "
            "The keys of open executions would move away from their state and from the tables' changelogs. To grow, "
            "start a new generation of topics beside this one and let the old one drain; to go on as before, use "
            "the cluster that this catalogue made, or delete the topic if nothing in it is needed.",
            topics=[c.topic for c in refused],
        )


def lag(conf: dict[str, Any], group: str) -> list[Lag]:
    """Return a row per partition on which `group` has committed; none if it never has. Errors: UnavailableError."""
    return _Cluster(conf).lag(group)


def _plan(cluster: _Cluster, replication: int, topics: Iterable[Topic]) -> list[Change]:
    wanted = {topic.name: topic for topic in topics}
    partitions = cluster.partitions()
    present = cluster.configs([name for name in wanted if name in partitions])
    changes = []
    for name, topic in wanted.items():
        if name not in partitions:
            values = {"partitions": ("", str(topic.partitions)), "replication": ("", str(replication))}
            changes.append(Change(topic=name, action="create", values=values))
        elif partitions[name] != topic.partitions:
            values = {"partitions": (str(partitions[name]), str(topic.partitions))}
            changes.append(Change(topic=name, action="refuse", values=values))
        else:
            pairs = {
                key: (present[name].get(key, ""), value) for key, value in _config(topic, replication).items()
            }
            if values := {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}:
                changes.append(Change(topic=name, action="configure", values=values))
    return changes


def _config(topic: Topic, replication: int) -> dict[str, str]:
    # With three replicas an acknowledged record is on two; with fewer, a stopped broker would stop all writes.
    return topic.config | ({"min.insync.replicas": "2"} if replication >= 3 else {})


class _Cluster:
    """The admin client with our errors. One method a question."""

    def __init__(self, conf: dict[str, Any]) -> None:
        self._conf = conf
        self._servers = str(conf.get("bootstrap.servers", ""))
        self._admin: AdminClient = admin(conf)

    def partitions(self) -> dict[str, int]:
        """Return {topic: number of partitions} of all topics."""
        return {name: len(found.partitions) for name, found in self._metadata().items()}

    def configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        """Return {topic: configuration}, defaults of the broker included."""
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self._admin.describe_configs(resources, request_timeout=ANSWER_S)
        found = {resource.name: self._result(future) for resource, future in futures.items()}
        return {
            name: {k: str(entry.value) for k, entry in entries.items()} for name, entries in found.items()
        }

    def create(self, topics: list[Topic], replication: int) -> None:
        """Create topics; one that has come to be meanwhile is fine."""
        if not topics:
            return
        new = [
            NewTopic(
                t.name,
                num_partitions=t.partitions,
                replication_factor=replication,
                config=_config(t, replication),
            )
            for t in topics
        ]
        for future in self._admin.create_topics(new, request_timeout=ANSWER_S).values():
            self._result(future, accept=KafkaError.TOPIC_ALREADY_EXISTS)

    def configure(self, changes: list[Change]) -> None:
        """Set what differs and nothing else."""
        if not changes:
            return
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                change.topic,
                incremental_configs=[
                    ConfigEntry(name, new, incremental_operation=AlterConfigOpType.SET)
                    for name, (_, new) in change.values.items()
                ],
            )
            for change in changes
        ]
        for future in self._admin.incremental_alter_configs(resources, request_timeout=ANSWER_S).values():
            self._result(future)

    def await_leaders(self, topics: Iterable[Topic]) -> None:
        """Wait until every partition of `topics` can be written."""
        missing = {topic.name: topic.partitions for topic in topics}
        deadline = time.monotonic() + VISIBLE_S
        while True:
            found = self._metadata()
            missing = {n: count for n, count in missing.items() if n not in found or _led(found[n]) < count}
            if not missing:
                return
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"no leader after {VISIBLE_S:.0f} s for a partition of {', '.join(missing)}"
                )
            time.sleep(0.05)

    def lag(self, group: str) -> list[Lag]:
        """Return the group's committed offsets beside the ends of their partitions."""
        topics = self._metadata()
        if COMMITS not in topics:  # asking would make the broker create it, which outlasts the request
            return []
        known = [(name, p) for name, topic in topics.items() if name != COMMITS for p in topic.partitions]
        places = committed(self._conf, group, known)
        if not places:
            return []
        ends = self._admin.list_offsets(
            {TopicPartition(*place): OffsetSpec.latest() for place in places}, request_timeout=ANSWER_S
        )
        end = {(place.topic, place.partition): self._result(future).offset for place, future in ends.items()}
        return [
            Lag(topic=topic, partition=partition, committed=offset, end=end[topic, partition])
            for (topic, partition), offset in sorted(places.items())
        ]

    def _metadata(self) -> dict[str, Any]:
        try:
            topics: dict[str, Any] = self._admin.list_topics(timeout=ANSWER_S).topics
        except KafkaException as error:
            raise unavailable(error, self._servers) from error
        return topics

    def _result(self, future: Future[Any], *, accept: int | None = None) -> Any:
        """Return what a broker answered, in our errors; the error code `accept` counts as done."""
        try:
            return future.result(timeout=2 * ANSWER_S)
        except TimeoutError as error:
            raise UnavailableError(
                f"Kafka at {self._servers} did not answer in {2 * ANSWER_S:.0f} s"
            ) from error
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if reason.code() == accept:
                return None
            if (
                reason.retriable() or reason.code() < 0
            ):  # below 0: librdkafka's own, such as a lost connection
                raise unavailable(error, self._servers) from error
            raise ConfigurationError(f"Kafka at {self._servers} refused: {reason.str()}") from error


def _led(topic: Any) -> int:
    return sum(1 for partition in topic.partitions.values() if partition.leader >= 0)
