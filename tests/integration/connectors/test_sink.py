from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from millstream.schemas.messages import Payload, Slot
from millstream.topics.admin import lag
from tests.integration.connectors.conftest import Bench, wait_for
from tests.integration.connectors.histories import (
    GRAPH,
    USER,
    Model,
    Story,
    expected,
    payload,
    ref_json,
    reference,
    stored,
    stories,
    uuid_from,
)

pytestmark = pytest.mark.integration


def rows(dsn: str, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(query.encode(), arguments).fetchall()


def test_tables_say_what_the_events_say(bench: Bench) -> None:
    records, model = stories(random.Random(1), 60)
    bench.start()
    bench.send(records)
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want)


def test_repeated_records_change_nothing(bench: Bench) -> None:
    rng = random.Random(2)
    records, model = stories(rng, 40)
    repeated = list(records)
    for _ in range(300):  # as after a crash of the coordinator: an old record again, anywhere behind itself
        source = rng.randrange(len(records))
        repeated.insert(
            rng.randrange(repeated.index(records[source]) + 1, len(repeated) + 1), records[source]
        )
    bench.start()
    bench.send(repeated)
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want)


def test_records_cut_in_other_places_the_second_time_change_nothing(bench: Bench) -> None:
    rng = random.Random(3)
    told, model = Story(rng, uuid_from(rng)), Model()
    told.add(kind="EXECUTION", status="QUEUED", detail=b'{"inputs":{},"plan":"00"}')
    node: dict[str, Any] = {"node_execution_id": uuid_from(rng), "node_id": "n", "block_id": "b"}
    told.add(kind="QUEUED", **node, status="QUEUED", value=payload({"value": 1}))
    for number in range(6):
        told.add(kind="OUTPUT", **node, pin="out", value=payload(number))
    model.tell(told)
    bench.start()
    bench.send([told.record(0, told.deltas[:5]), told.record(2, told.deltas[2:8])])
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want)


def test_values_wait_at_a_node_until_it_is_queued(bench: Bench) -> None:
    rng = random.Random(4)
    told = Story(rng, uuid_from(rng))
    node: dict[str, Any] = {"node_execution_id": uuid_from(rng), "node_id": "n", "block_id": "b"}
    large = reference(rng)
    told.add(kind="EXECUTION", status="RUNNING")
    told.add(kind="INCOMPLETE", **node, status="INCOMPLETE", pin="left", value=payload("x"))
    told.add(kind="INCOMPLETE", **node, status="INCOMPLETE", pin="right", value=large)
    bench.start()
    bench.send([told.record(0, told.deltas)])
    waiting = "SELECT pin, value, ref FROM node_inputs WHERE node_execution_id = %s ORDER BY sequence"
    id_ = UUID(bytes=node["node_execution_id"])
    wait_for(lambda: rows(bench.dsn, waiting, id_) == [("left", "x", None), ("right", None, ref_json(large))])
    assert rows(bench.dsn, "SELECT status, input FROM node_executions") == [("INCOMPLETE", None)]

    queued = {"value": payload({"left": "x", "right": None}), "slots": [Slot(path="/right", value=large)]}
    told.add(kind="QUEUED", **node, status="QUEUED", **queued)
    bench.send([told.record(3, told.deltas[3:])])
    wait_for(lambda: rows(bench.dsn, waiting, id_) == [])
    slots = [{"path": "/right", "ref": ref_json(large)}]
    found = rows(bench.dsn, "SELECT status, input, slots FROM node_executions")
    assert found == [("QUEUED", {"left": "x", "right": None}, slots)]


def test_a_row_of_the_edge_keeps_what_the_edge_wrote(bench: Bench) -> None:
    rng = random.Random(5)
    told = Story(rng, uuid_from(rng))
    told.add(kind="EXECUTION", status="QUEUED", detail=b'{"inputs":{"from":"the log"}}')
    told.add(kind="EXECUTION", status="RUNNING")
    with psycopg.connect(bench.dsn) as conn:
        conn.execute(
            "INSERT INTO executions (id, user_id, graph_id, graph_version, request, start_record, idempotency_key)"
            """ VALUES (%s, %s, %s, 1, '{"from":"the edge"}', 'start', 'key')""",
            [UUID(bytes=told.execution_id), USER, GRAPH],
        )
    bench.start()
    bench.send([told.record(0, told.deltas)])
    query = "SELECT status, request, start_record, idempotency_key, graph_version FROM executions"
    wait_for(lambda: rows(bench.dsn, query)[0][0] == "RUNNING")
    assert rows(bench.dsn, query) == [("RUNNING", {"from": "the edge"}, None, "key", 1)]
    # It was accepted, whether or not the edge lived to say so.
    assert rows(bench.dsn, "SELECT accepted_at IS NOT NULL FROM executions") == [(True,)]


def test_an_execution_that_began_without_a_row_gets_one_from_its_first_event(bench: Bench) -> None:
    rng = random.Random(6)
    told, parent = Story(rng, uuid_from(rng)), str(UUID(bytes=uuid_from(rng)))
    detail = {"inputs": {"a": 1}, "kind": "block", "parent": parent, "flags": {"dry_run": True}}
    told.add(kind="EXECUTION", status="QUEUED", detail=json.dumps(detail).encode())
    bench.start()
    bench.send([told.record(0, told.deltas)])
    query = """SELECT user_id, graph_id, kind, status, request, parent_execution_id::text, is_dry_run,
        start_record IS NULL, accepted_at IS NOT NULL, first_offset, last_offset, kafka_partition IS NOT NULL
        FROM executions"""
    wait_for(lambda: bool(rows(bench.dsn, query)))
    request = {"inputs": {"a": 1}, "flags": {"dry_run": True}}
    want = (USER, GRAPH, "block", "QUEUED", request, parent, True, True, True, 0, 0, True)
    assert rows(bench.dsn, query) == [want]


def test_a_row_knows_where_the_live_stream_goes_on(bench: Bench) -> None:
    rng = random.Random(7)
    told, other = Story(rng, uuid_from(rng)), Story(rng, uuid_from(rng))
    other.add(kind="EXECUTION", status="QUEUED")
    for status in ("QUEUED", "RUNNING", "COMPLETED"):
        told.add(kind="EXECUTION", status=status)
    bench.start()
    bench.send([told.record(0, told.deltas[:1])])
    bench.send([told.record(1, told.deltas[1:2]), told.record(0, told.deltas[:1])])
    bench.send([told.record(2, told.deltas[2:]), other.record(0, other.deltas)])
    query = "SELECT sequence, first_offset, last_offset FROM executions WHERE id = %s"
    wait_for(lambda: rows(bench.dsn, query, UUID(bytes=told.execution_id)) == [(2, 0, 3)])


def test_a_review_waits_and_then_ends(bench: Bench) -> None:
    rng = random.Random(8)
    told = Story(rng, uuid_from(rng))
    node: dict[str, Any] = {"node_execution_id": uuid_from(rng), "node_id": "n", "block_id": "b"}
    question = '{"data":[1.50,"\\u0000"]}'  # kept as it is written, to the letter
    asked = f'{{"reason":{{"kind":"review"}},"review":{question}}}'.encode()
    told.add(kind="QUEUED", **node, status="QUEUED", value=payload({}))
    told.add(kind="NODE", **node, status="REVIEW", detail=asked)
    bench.start()
    bench.send([told.record(0, told.deltas)])
    query = "SELECT status, reason, review::text, end_time IS NULL FROM node_executions"
    wait_for(lambda: rows(bench.dsn, query) == [("REVIEW", {"kind": "review"}, question, True)])
    told.add(kind="NODE", **node, status="QUEUED", detail=b'{"review":{"approved":true}}')
    bench.send([told.record(2, told.deltas[2:])])
    wait_for(lambda: rows(bench.dsn, query) == [("QUEUED", None, question, True)])
    told.add(kind="NODE", **node, status="COMPLETED")
    bench.send([told.record(3, told.deltas[3:])])
    wait_for(lambda: rows(bench.dsn, query) == [("COMPLETED", None, question, False)])


def test_the_reason_of_an_execution_lasts_as_long_as_its_status_and_the_answer_is_kept(bench: Bench) -> None:
    rng = random.Random(11)
    told = Story(rng, uuid_from(rng))
    node: dict[str, Any] = {"node_execution_id": uuid_from(rng), "node_id": "n", "block_id": "b"}
    told.add(kind="QUEUED", **node, status="QUEUED", value=payload({}))
    told.add(kind="NODE", **node, status="REVIEW", detail=b'{"review":{"data":1}}')
    told.add(kind="EXECUTION", status="REVIEW", detail=b'{"reason":{"kind":"review","count":1}}')
    bench.start()
    query = "SELECT e.status, e.reason, n.status, n.answer FROM executions e JOIN node_executions n ON true"
    reason = {"kind": "review", "count": 1}
    bench.send([told.record(0, told.deltas)])
    wait_for(lambda: rows(bench.dsn, query) == [("REVIEW", reason, "REVIEW", None)])
    told.add(kind="NODE", **node, status="QUEUED", detail=b'{"review":{"status":"APPROVED","by":"me"}}')
    bench.send([told.record(3, told.deltas[3:])])
    answer = {"status": "APPROVED", "by": "me"}
    wait_for(lambda: rows(bench.dsn, query) == [("REVIEW", reason, "QUEUED", answer)])
    told.add(kind="NODE", **node, status="COMPLETED")
    told.add(kind="EXECUTION", status="RUNNING")
    bench.send([told.record(4, told.deltas[4:])])
    wait_for(lambda: rows(bench.dsn, query) == [("RUNNING", None, "COMPLETED", answer)])


def test_a_retry_says_why_until_it_runs(bench: Bench) -> None:
    rng = random.Random(10)
    told = Story(rng, uuid_from(rng))
    node: dict[str, Any] = {"node_execution_id": uuid_from(rng), "node_id": "n", "block_id": "b"}
    told.add(kind="QUEUED", **node, status="QUEUED", value=payload({}))
    told.add(kind="NODE", **node, status="QUEUED", detail=b'{"reason":{"kind":"retry","try":2}}')
    told.add(kind="RUNNING", **node, status="RUNNING")
    bench.start()
    query = "SELECT status, reason FROM node_executions"
    bench.send([told.record(0, told.deltas[:2])])
    wait_for(lambda: rows(bench.dsn, query) == [("QUEUED", {"kind": "retry", "try": 2})])
    bench.send([told.record(2, told.deltas[2:])])
    wait_for(lambda: rows(bench.dsn, query) == [("RUNNING", None)])


def test_an_input_by_reference_is_a_slot_at_the_root(bench: Bench) -> None:
    rng = random.Random(9)
    told, large = Story(rng, uuid_from(rng)), reference(rng)
    node: dict[str, Any] = {"node_execution_id": uuid_from(rng), "node_id": "n", "block_id": "b"}
    told.add(kind="QUEUED", **node, status="QUEUED", value=large)
    told.add(kind="OUTPUT", **node, pin="nothing", value=Payload())
    bench.start()
    bench.send([told.record(0, told.deltas)])
    slots = [{"path": "", "ref": ref_json(large)}]
    wait_for(lambda: rows(bench.dsn, "SELECT input, slots FROM node_executions") == [(None, slots)])
    assert rows(bench.dsn, "SELECT value::text, ref FROM node_outputs") == [("null", None)]


def test_a_log_that_was_made_anew_is_read_from_its_beginning(bench: Bench) -> None:
    records, model = stories(random.Random(11), 5)
    with psycopg.connect(bench.dsn) as conn:
        conn.execute(
            "INSERT INTO sink_offsets (topic, partition, next_offset) SELECT %s, p, 100000 FROM generate_series(0, 3) p",
            [bench.options.topic],
        )
    bench.start()
    bench.send(records)
    want = expected(model)
    wait_for(lambda: stored(bench.dsn) == want)


def test_kafka_shows_how_far_the_sink_is(bench: Bench) -> None:
    records, _ = stories(random.Random(12), 5)
    bench.start()
    bench.send(records)

    def committed() -> int:
        return sum(row.committed for row in lag(bench.conf, bench.options.group))

    wait_for(lambda: committed() == len(records))
    assert all(row.records == 0 for row in lag(bench.conf, bench.options.group))
