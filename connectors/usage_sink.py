"""Calls of models from `usage.records` into the table `model_calls`, in a thread of the sink's process.

A record is committed to Kafka after its row is in PostgreSQL, so one may come twice; the row knows the offset of its last
record, and what it has seen does not count again. `Usage` records are passed over: what nodes cost is in the executions.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import structlog
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from millstream.connectors.dead_letters import dead_letter
from millstream.connectors.sink_read import time_of
from millstream.schemas.codec import decode
from millstream.schemas.errors import RecordInvalidError, UnavailableError
from millstream.schemas.messages import ModelCall
from millstream.topics.catalogue import DEAD_LETTERS, USAGE
from millstream.topics.clients import consumer, producer

log = structlog.get_logger(__name__)

GROUP = "millstream-usage"
BATCH_RECORDS = 500
POLL_S = 0.5
BACK_OFF_S = (0.2, 5.0)
_CONSUMER = {
    "auto.offset.reset": "earliest",
    "session.timeout.ms": 10_000,
    "queued.max.messages.kbytes": 1_024,
    "fetch.max.bytes": 1_048_576,
    "fetch.wait.max.ms": 500,
}
_SAVE: LiteralString = """
INSERT INTO model_calls AS m (id, user_id, execution_id, node_execution_id, graph_id, provider, model, ability, input_tokens,
    output_tokens, cached_tokens, cost_microusd, priced, elapsed_ms, at, last_offset)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET repeats = m.repeats + 1, last_offset = excluded.last_offset
WHERE m.last_offset < excluded.last_offset"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageOptions:
    """Names, which tests change."""

    topic: str = USAGE.name
    group: str = GROUP
    dead_letters: str = DEAD_LETTERS.name


class UsageSink:
    """Reads until it is stopped; waits out what PostgreSQL and Kafka are away."""

    def __init__(self, kafka_conf: dict[str, Any], dsn: str, *, options: UsageOptions | None = None) -> None:
        self._kafka_conf = kafka_conf
        self._dsn = dsn
        self._options = options or UsageOptions()
        self._letters: Producer | None = None

    def run(self, stop: Event) -> None:
        """Copy calls until `stop` is set."""
        wait_s = BACK_OFF_S[0]
        while not stop.is_set():
            began = time.monotonic()
            try:
                self._session(stop)
            except (psycopg.Error, KafkaException, UnavailableError) as error:
                log.error("usage_sink_waits", reason=str(error).strip().split("\n", 1)[0])
                wait_s = BACK_OFF_S[0] if time.monotonic() - began > 60 else min(wait_s * 2, BACK_OFF_S[1])
                stop.wait(wait_s)

    def _session(self, stop: Event) -> None:
        source = consumer(self._kafka_conf, self._options.group, **_CONSUMER)
        try:
            source.subscribe([self._options.topic])
            with psycopg.connect(self._dsn, connect_timeout=5, application_name="millstream-usage") as conn:
                while not stop.is_set():
                    messages = source.consume(BATCH_RECORDS, POLL_S)
                    if messages:
                        self._handle(conn, source, messages)
        finally:
            source.close()

    def _handle(self, conn: psycopg.Connection, source: Consumer, messages: list[Message]) -> None:
        rows = []
        for message in messages:
            if (trouble := message.error()) is not None:
                if trouble.fatal():
                    raise KafkaException(trouble)
                log.warning("usage_sink_kafka", reason=trouble.str())
                continue
            try:
                row = _row(message)
            except RecordInvalidError as error:
                self._bury(message, error)
                continue
            if row is not None:
                rows.append(row)
        if rows:
            with conn.transaction(), conn.cursor() as cur:
                cur.executemany(_SAVE, rows)
        if self._letters is not None and self._letters.flush(30):
            raise UnavailableError("Kafka did not take a dead letter in 30 s")
        good = [message for message in messages if message.error() is None]
        if good:
            source.commit(offsets=_next_of(good), asynchronous=False)

    def _bury(self, message: Message, error: Exception) -> None:
        value, headers = dead_letter(
            self._options.topic,
            message.partition() or 0,
            offset=message.offset() or 0,
            timestamp=message.timestamp()[1],
            key=message.key(),
            value=message.value(),
            error=error,
            consumer=self._options.group,
            at=time.time_ns() // 1_000_000,
            headers=message.headers(),
        )
        if self._letters is None:
            self._letters = producer(self._kafka_conf)
        self._letters.produce(self._options.dead_letters, key=message.key(), value=value, headers=headers)
        log.error("record_buried", topic=self._options.topic, reason=str(error)[:200])


def _next_of(messages: list[Message]) -> list[TopicPartition]:
    last = {(message.topic(), message.partition()): message.offset() for message in messages}
    return [
        TopicPartition(topic, partition, (offset or 0) + 1) for (topic, partition), offset in last.items()
    ]


def _row(message: Message) -> tuple[Any, ...] | None:
    """Return a call as a row; None for other records. Errors: RecordInvalidError."""
    call = decode(message.value())
    if not isinstance(call, ModelCall):
        return None
    try:
        user_id = UUID(call.user_id)
    except ValueError as error:
        raise RecordInvalidError(f"user_id is no UUID: {call.user_id!r}") from error
    return (
        UUID(bytes=call.call_id),
        user_id,
        UUID(bytes=call.execution_id),
        UUID(bytes=call.node_execution_id),
        _text(call.graph_id),
        _text(call.provider),
        _text(call.model),
        _text(call.ability),
        call.input_tokens,
        call.output_tokens,
        call.cached_tokens,
        call.cost_microusd,
        call.priced,
        call.elapsed_ms,
        time_of(call.at),
        message.offset() or 0,
    )


def _text(value: str) -> str:
    return value.replace("\0", "\ufffd")[:500]
