"""Calls of models on their way into PostgreSQL."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from confluent_kafka.admin import NewTopic

from millstream.connectors.database import migrate
from millstream.connectors.usage_sink import UsageOptions, UsageSink
from millstream.schemas.codec import decode, encode
from millstream.schemas.messages import DeadLetter, Message, ModelCall, Usage
from millstream.topics.clients import admin, consumer, producer
from tests.integration.connectors.conftest import wait_for

USER = str(uuid.uuid4())


def call(**fields: Any) -> ModelCall:
    given: dict[str, Any] = {
        "call_id": uuid.uuid4().bytes,
        "user_id": USER,
        "execution_id": uuid.uuid4().bytes,
        "node_execution_id": uuid.uuid4().bytes,
        "graph_id": "g",
        "provider": "openai",
        "model": "gpt-4o",
        "ability": "chat",
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_microusd": 75,
        "at": 1_790_000_000_000,
    }
    return ModelCall(**(given | fields))


@contextmanager
def sinking(kafka: str, dsn: str, options: UsageOptions) -> Iterator[None]:
    stop = threading.Event()
    sink = UsageSink({"bootstrap.servers": kafka}, dsn, options=options)
    thread = threading.Thread(target=sink.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def rows(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(
            "SELECT id, repeats, cost_microusd, model FROM model_calls ORDER BY model"
        ).fetchall()


def test_each_call_is_a_row_and_a_repeat_is_seen(kafka: str, dsn: str) -> None:
    name = uuid.uuid4().hex[:8]
    options = UsageOptions(topic=f"usage-{name}", group=f"usage-{name}", dead_letters=f"letters-{name}")
    conf = {"bootstrap.servers": kafka}
    client = admin(conf)
    topics = [NewTopic(options.topic, 4, 1), NewTopic(options.dead_letters, 1, 1)]
    for future in client.create_topics(topics).values():
        future.result(20)
    migrate(dsn)
    sender = producer(conf)

    def send(*records: Message | bytes) -> None:
        for record in records:
            value = record if isinstance(record, bytes) else encode(record)
            sender.produce(options.topic, key=USER.encode(), value=value)
        assert sender.flush(20) == 0

    first, nameless = call(model="a\0b"), call(user_id="nobody", model="z")
    node = Usage(
        user_id=USER,
        execution_id=first.execution_id,
        node_execution_id=first.node_execution_id,
        run_id=uuid.uuid4().bytes,
        block_id="b",
        elapsed_ms=1,
    )
    send(first, node, b"garbage", nameless, call(model="c", cost_microusd=0, priced=False))
    try:
        with sinking(kafka, dsn, options):
            wait_for(lambda: len(rows(dsn)) == 2)
        assert rows(dsn)[0] == (uuid.UUID(bytes=first.call_id), 0, 75, "a\ufffdb")
        send(first)  # of a run that was repeated
        with sinking(kafka, dsn, options):
            wait_for(lambda: rows(dsn)[0][1] == 1)
        again = UsageOptions(topic=options.topic, group=f"again-{name}", dead_letters=options.dead_letters)
        with sinking(kafka, dsn, again):  # reads all from the beginning
            send(call(model="d"))
            wait_for(lambda: len(rows(dsn)) == 3)
        assert [row[1] for row in rows(dsn)] == [1, 0, 0]
        letters = consumer(conf, f"l-{name}", **{"auto.offset.reset": "earliest"})
        letters.subscribe([options.dead_letters])
        found: list[DeadLetter] = []
        wait_for(lambda: _more(letters, found) >= 2)
        letters.close()
        assert {letter.error_code for letter in found} == {"record_invalid"}
    finally:
        for future in client.delete_topics([options.topic, options.dead_letters]).values():
            future.result(20)


def _more(letters: Any, found: list[DeadLetter]) -> int:
    for message in letters.consume(10, 0.2):
        if message.error() is None:
            letter = decode(message.value())
            assert isinstance(letter, DeadLetter)
            found.append(letter)
    return len(found)
