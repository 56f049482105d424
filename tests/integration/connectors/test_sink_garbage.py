from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from millstream.schemas.codec import encode
from millstream.schemas.messages import Delta, Events, Feed, Payload
from tests.integration.connectors.conftest import Bench, wait_for
from tests.integration.connectors.histories import GRAPH, USER, expected, stored, stories, uuid_from

pytestmark = pytest.mark.integration

NODE = b"n" * 16
DEEP = b"[" * 30_000 + b"]" * 30_000


def events(execution_id: bytes, *deltas: Delta, **fields: Any) -> Events:
    record = Events(
        execution_id=execution_id,
        user_id=str(USER),
        graph_id=str(GRAPH),
        graph_version=1,
        first=0,
        deltas=list(deltas),
        at=1,
    )
    return msgspec.structs.replace(record, **fields)


def output(data: bytes, pin: str = "out") -> Delta:
    return Delta(kind="OUTPUT", node_execution_id=NODE, pin=pin, value=Payload(inline=data))


def garbage(rng: random.Random) -> dict[str, bytes | None]:
    """Records of which nothing can be kept."""
    good = encode(events(uuid_from(rng), output(b"1")))
    return {
        "a tombstone": None,
        "nothing": b"",
        "text": b"hello",
        "an unknown schema": b"\0\0\0\xff\xff" + good[5:],
        "half a record": good[:40],
        "a record and more": good + b"x",
        "another message": encode(
            Feed(
                user_id="u",
                execution_id=NODE,
                graph_id="g",
                graph_version=1,
                status="QUEUED",
                sequence=1,
                at=1,
            )
        ),
        "a user that is no UUID": encode(events(uuid_from(rng), output(b"1"), user_id="me")),
        "a graph that is no UUID": encode(events(uuid_from(rng), output(b"1"), graph_id="g")),
        "an output of no node": encode(events(uuid_from(rng), Delta(kind="OUTPUT", pin="p"))),
        "a time that never comes": encode(events(uuid_from(rng), Delta(kind="EXECUTION", at=2**60))),
        "a version out of range": encode(events(uuid_from(rng), output(b"1"), graph_version=2**40)),
    }


def test_garbage_goes_to_dead_letters_and_its_neighbours_are_kept(bench: Bench) -> None:
    rng = random.Random(21)
    records, model = stories(rng, 30)
    bad = garbage(rng)
    places = sorted(rng.sample(range(len(records)), len(bad)))
    for number, record in enumerate(records):
        if places and number == places[0]:
            places.pop(0)
            bench.send_raw(b"key", list(bad.values())[len(bad) - len(places) - 1])
        bench.send_raw(record.execution_id, encode(record))
    assert bench.producer.flush(30) == 0
    sink = bench.start()  # all lies ready: good and bad are in one batch
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want)
    wait_for(lambda: sink.counts.records == len(records) + len(bad))

    letters = bench.letters()
    # A record that PostgreSQL refuses is found later than one that cannot be read.
    assert sorted(repr(letter.value) for letter, _ in letters) == sorted(
        repr(value) for value in bad.values()
    )
    for letter, headers in letters:
        assert (letter.topic, letter.consumer) == (bench.options.topic, bench.options.group)
        assert letter.error_code == "record_invalid", letter.error_message
        assert headers["kafka_dlt-original-topic"] == bench.options.topic.encode()
        assert int.from_bytes(headers["kafka_dlt-original-partition"], "big") == letter.partition
        assert int.from_bytes(headers["kafka_dlt-original-offset"], "big") == letter.offset
        assert headers["kafka_dlt-original-consumer-group"] == bench.options.group.encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"{not json", "PostgreSQL refused it"), (DEEP, "PostgreSQL refused it"), (b'"\xff"', "not UTF-8")],
    ids=["no JSON", "too deep", "no UTF-8"],
)
def test_a_value_that_cannot_be_stored_is_marked_and_the_rest_is_kept(
    bench: Bench, data: bytes, reason: str
) -> None:
    rng = random.Random(22)
    execution_id = uuid_from(rng)
    queued = Delta(kind="QUEUED", node_execution_id=NODE, status="QUEUED", value=Payload(inline=data))
    record = events(
        execution_id,
        Delta(kind="EXECUTION", status="RUNNING"),
        queued,
        output(b'"before"'),
        output(data),
        output(b'"after"'),
        Delta(kind="NODE", node_execution_id=NODE, status="FAILED", detail=b'{"failure": ' + data),
        Delta(kind="EXECUTION", status="FAILED", detail=b'{"stats": {}}'),
    )
    sink = bench.start()
    bench.send([record])
    wait_for(lambda: sink.counts.records == 1)
    with psycopg.connect(bench.dsn) as conn:
        outputs = conn.execute("SELECT value, ref FROM node_outputs ORDER BY sequence").fetchall()
        nodes = conn.execute("SELECT status, input, slots, failure FROM node_executions").fetchall()
        executions = conn.execute("SELECT status, sequence, stats FROM executions").fetchall()
    marker = {"unstorable": reason}
    assert outputs == [("before", None), (None, marker), ("after", None)]
    assert nodes == [("FAILED", None, [{"path": "", "ref": marker}], None)]
    assert executions == [("FAILED", 6, {})]
    assert [letter.value for letter, _ in bench.letters()] == [encode(record)]


def test_odd_but_legal_text_is_kept(bench: Bench) -> None:
    rng = random.Random(23)
    values = [r'"\u0000"', r'"\ud800"', '{"b":1,"a":2,"b":3}', "1e999", "1.0", '"' + "x" * 900_000 + '"']
    record = events(uuid_from(rng), *(output(value.encode(), pin="a\0b") for value in values[:-1]))
    large = events(record.execution_id, output(values[-1].encode()), first=len(values) - 1)
    sink = bench.start()
    bench.send([record, large])
    wait_for(lambda: sink.counts.records == 2)
    with psycopg.connect(bench.dsn) as conn:
        outputs = conn.execute("SELECT value::text, pin FROM node_outputs ORDER BY sequence").fetchall()
    assert [value for value, _ in outputs] == values
    assert outputs[0][1] == "a\ufffdb"
    assert bench.letters() == []


def test_many_refused_records_in_one_batch_are_all_found(bench: Bench) -> None:
    rng = random.Random(24)
    ids = [uuid_from(rng) for _ in range(200)]
    bench.send([events(id_, output(b"[" if number % 25 == 0 else b"[]")) for number, id_ in enumerate(ids)])
    sink = bench.start()
    wait_for(lambda: sink.counts.records == len(ids))
    with psycopg.connect(bench.dsn) as conn:
        found: dict[UUID, object] = dict(
            conn.execute("SELECT execution_id, ref FROM node_outputs").fetchall()
        )
    assert {id_ for id_, ref in found.items() if ref} == {UUID(bytes=id_) for id_ in ids[::25]}
    assert len(found) == len(ids)
    assert len(bench.letters()) == 8
