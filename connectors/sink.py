"""The PostgreSQL sink: consumer group `millstream-sink` on `executions.events`, rows and offsets in one transaction.

Offsets live in `sink_offsets` and are sought whenever partitions are assigned and after every failure; Kafka's own
commits are for displays of lag. So there is one way to begin and one way to recover: ask PostgreSQL where to go on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

import psycopg
import structlog
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from millstream.connectors.dead_letters import dead_letter
from millstream.connectors.sink_read import cleaned, read
from millstream.connectors.sink_rows import Placed
from millstream.connectors.sink_store import FencedError, RefusedError, SinkStore
from millstream.schemas.codec import decode
from millstream.schemas.errors import UnavailableError
from millstream.topics.catalogue import DEAD_LETTERS, EVENTS
from millstream.topics.clients import consumer, producer

GROUP = "millstream-sink"
BATCH_RECORDS = 2_000
BATCH_BYTES = 8_000_000
PACE_S = (0.04, 0.15)
"""At most one transaction in this time, the longer the more comes: changes of one row then meet in one statement. A record
that comes after a pause is written at once."""
PACE_EACH_S = 0.001
"""For each record of the batch before."""
POLL_S = 0.1
BACK_OFF_S = (0.1, 5.0)
LOG_EVERY_S = 60.0
LETTER_S = 30.0
"""How long Kafka may take to acknowledge a dead letter."""
_DRAIN_RECORDS = 200
_CONSUMER = {
    # Stored by hand after the transaction, committed in the background once a second.
    "enable.auto.commit": True,
    "auto.commit.interval.ms": 1_000,
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "range",
    "session.timeout.ms": 6_000,
    "heartbeat.interval.ms": 2_000,
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 20,
    "queued.max.messages.kbytes": 16_384,
    "fetch.max.bytes": 8_388_608,
}
_LOG = structlog.get_logger()


@dataclass(slots=True)
class Counts:
    """What a sink has done since it began."""

    records: int = 0
    changes: int = 0
    transactions: int = 0
    dead_letters: int = 0
    outages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Names under which a sink works; only tests change the first three."""

    topic: str = EVENTS.name
    group: str = GROUP
    dead_letters: str = DEAD_LETTERS.name
    instance: str | None = None
    """A name that a restarted sink keeps, so that it takes its partitions back without a rebalance."""


class Sink:
    """One consumer, one connection, one thread. Two sinks share the partitions; a zombie is fenced by its offsets."""

    def __init__(
        self,
        conf: dict[str, Any],
        dsn: str,
        *,
        options: Options | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        self.counts = Counts()
        self._options = options = options or Options()
        self._topic = options.topic
        self._conf = conf
        self._store = SinkStore(dsn, self._topic)
        self._on_ready = on_ready
        static = {"group.instance.id": options.instance} if options.instance else {}
        self._consumer: Consumer = consumer(conf, options.group, **_CONSUMER, **static)
        self._producer: Producer | None = None
        self._assigned: list[int] = []
        self._next: dict[int, int] = {}
        """Next offset per partition as stored; empty: not placed, nothing is fetched."""
        self._buried: dict[int, int] = {}
        self._retry_at = 0.0
        self._back_off_s = BACK_OFF_S[0]
        self._waiting_since: float | None = None
        self._logged_at = -LOG_EVERY_S
        self._saved_at = 0.0
        self._pace_s = PACE_S[0]

    def run(self, stop: Event) -> None:
        """Work until `stop`; the batch in hand is finished. Errors: KafkaException if the consumer is beyond repair."""
        callbacks = {"on_assign": self._on_assign, "on_revoke": self._on_revoke, "on_lost": self._on_revoke}
        self._consumer.subscribe([self._topic], **callbacks)
        _LOG.info("sink_started", topic=self._topic, group=self._options.group)
        try:
            while not stop.is_set():
                self._turn()
        finally:
            self._consumer.close()
            self._store.close()
            _LOG.info("sink_stopped", records=self.counts.records, changes=self.counts.changes)

    def _turn(self) -> None:
        try:
            if not self._next and self._assigned and time.monotonic() >= self._retry_at:
                self._place()
            messages = self._collect()
            if messages:
                self._handle(messages)
        except FencedError as error:
            _LOG.warning("sink_fenced", reason=str(error))
            self._step_back(BACK_OFF_S[0])
        except (psycopg.Error, UnavailableError) as error:
            self._outage(error)

    # --- where to go on -----------------------------------------------------------------------------------------------

    def _on_assign(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        client.assign([])  # nothing is fetched before PostgreSQL has said from where
        self._assigned = [place.partition for place in partitions]
        self._next = {}
        self._retry_at = 0.0
        _LOG.info("sink_assigned", partitions=self._assigned)
        if not partitions:
            self._tell_ready()  # more sinks than partitions: this one is a spare

    def _on_revoke(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._assigned = []
        self._next = {}

    def _place(self) -> None:
        offsets = self._store.offsets(self._assigned)
        self._consumer.assign([TopicPartition(self._topic, p, offset) for p, offset in offsets.items()])
        self._next = offsets
        self._back_off_s = BACK_OFF_S[0]
        if self._waiting_since is not None:
            _LOG.info("sink_resumed", after_s=round(time.monotonic() - self._waiting_since, 1))
            self._waiting_since = None
        self._tell_ready()

    def _tell_ready(self) -> None:
        if self._on_ready is not None:
            self._on_ready()
            self._on_ready = None

    def _step_back(self, delay_s: float) -> None:
        """Forget what was fetched; polling goes on, so the group keeps us, and `_place` begins anew."""
        self._next = {}
        self._consumer.assign([])
        self._retry_at = time.monotonic() + delay_s

    def _outage(self, error: Exception) -> None:
        now = time.monotonic()
        self.counts.outages += 1
        self._waiting_since = self._waiting_since or now
        if now - self._logged_at >= LOG_EVERY_S:
            _LOG.error(
                "sink_waits",
                reason=str(error).strip().split("\n", 1)[0],
                for_s=round(now - self._waiting_since),
            )
            self._logged_at = now
        with contextlib.suppress(psycopg.Error):
            self._store.close()
        self._step_back(self._back_off_s)
        self._back_off_s = min(self._back_off_s * 2, BACK_OFF_S[1])

    # --- a batch ------------------------------------------------------------------------------------------------------

    def _collect(self) -> list[Message]:
        """Return what lies ready, up to the limits: one record at once when it is quiet, many under load."""
        first = self._consumer.poll(POLL_S)
        if first is None or not self._next:
            return []
        batch = [first]
        size = len(first)
        wait_s = max(0.0, self._saved_at + self._pace_s - time.monotonic())
        while len(batch) < BATCH_RECORDS and size < BATCH_BYTES:
            more = self._consumer.consume(min(_DRAIN_RECORDS, BATCH_RECORDS - len(batch)), wait_s)
            if not more and wait_s == 0.0:
                break
            wait_s = max(0.0, self._saved_at + self._pace_s - time.monotonic())
            batch += more
            size += sum(map(len, more))
        for message in batch:
            if (error := message.error()) is not None:
                if error.fatal():
                    raise KafkaException(error)
                _LOG.warning("sink_kafka", reason=error.str())
        # A rebalance in one of the calls above takes the place away; what was fetched is fetched again.
        return [m for m in batch if m.error() is None and m.partition() in self._next]

    def _handle(self, messages: list[Message]) -> None:
        batch = [(message, self._read(message)) for message in messages]
        self._await_letters()
        self._save(batch)
        self._saved_at = time.monotonic()
        self._pace_s = min(PACE_S[1], max(PACE_S[0], len(messages) * PACE_EACH_S))

    def _read(self, message: Message) -> Placed:
        partition, offset = message.partition() or 0, message.offset() or 0
        try:
            step = read(decode(message.value()), timestamp_ms=message.timestamp()[1])
        except Exception as error:  # noqa: BLE001 - a garbled record must not stop the sink
            self._bury(message, error)
            return Placed(partition, offset, None)
        if step.problem is not None:
            self._bury(message, step.problem)
        return Placed(partition, offset, step)

    def _save(self, batch: list[tuple[Message, Placed]]) -> None:
        """Write a batch; halve it until the record that PostgreSQL refuses stands alone."""
        try:
            after = self._store.save([placed for _, placed in batch], self._next)
        except RefusedError as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                self._save(batch[:middle])
                self._save(batch[middle:])
            else:
                self._save_refused(*batch[0], error)
            return
        self._next |= after
        self.counts.transactions += 1
        self.counts.records += len(batch)
        self.counts.changes += sum(len(placed.step.changes) for _, placed in batch if placed.step)
        with contextlib.suppress(KafkaException):  # revoked meanwhile: the successor commits
            self._consumer.store_offsets(
                offsets=[TopicPartition(self._topic, p, o) for p, o in after.items()]
            )

    def _save_refused(self, message: Message, placed: Placed, error: RefusedError) -> None:
        """Bury a record, then save of it what can be saved: first without the bad values, then only its offset."""
        if placed.step is None:
            raise error
        self._bury(message, error)
        self._await_letters()
        step = cleaned(placed.step, self._store.storable)
        self._save([(message, placed._replace(step=None if step == placed.step else step))])

    # --- dead letters -------------------------------------------------------------------------------------------------

    def _bury(self, message: Message, error: Exception) -> None:
        partition, offset = message.partition() or 0, message.offset() or 0
        if offset <= self._buried.get(partition, -1):
            return  # before an outage, when the batch was read for the first time
        value, headers = dead_letter(
            self._topic,
            partition,
            offset=offset,
            timestamp=message.timestamp()[1],
            key=message.key(),
            value=message.value(),
            error=error,
            consumer=self._options.group,
            at=time.time_ns() // 1_000_000,
            headers=message.headers(),
        )
        if self._producer is None:
            self._producer = producer(self._conf)
        self._producer.produce(self._options.dead_letters, key=message.key(), value=value, headers=headers)
        self._buried[partition] = offset
        self.counts.dead_letters += 1
        _LOG.error(
            "record_buried", topic=self._topic, partition=partition, offset=offset, reason=str(error)[:200]
        )

    def _await_letters(self) -> None:
        """Wait until Kafka has all dead letters: their offsets must not be passed before."""
        if self._producer is not None and self._producer.flush(LETTER_S):
            raise UnavailableError(f"Kafka did not take a dead letter in {LETTER_S:.0f} s")
