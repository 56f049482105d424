from __future__ import annotations

import re
from uuid import UUID

import pytest

from millstream.schemas.headers import (
    AnyHeaders,
    Header,
    cloud_event,
    find,
    root_of,
    span_of,
    traceparent,
)
from millstream.schemas.ids import derived, new_id
from millstream.schemas.messages import Delta, Events, Feed, Message, Run, StoreEvent, Timer

ID = new_id().bytes
W3C = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01")


def events(first: int, count: int) -> Events:
    deltas = [Delta(kind="NODE")] * count
    return Events(
        execution_id=ID, user_id="u", graph_id="g", graph_version=1, first=first, deltas=deltas, at=1
    )


def size(headers: list[Header]) -> int:
    """Bytes in a record: two lengths of one or two bytes each, name, value."""
    return sum(2 + len(name) + len(value) for name, value in headers)


def test_a_run_is_one_trace_whose_id_is_its_own() -> None:
    node = derived(ID, "n", 0)
    begun = traceparent(ID, span_of(execution_id=ID))
    ran = traceparent(ID, span_of(execution_id=ID, node_execution_id=node))
    assert begun[0] == ran[0] == "traceparent"
    assert W3C.fullmatch(begun[1])
    assert W3C.fullmatch(ran[1])
    assert begun[1] != ran[1]
    assert root_of([begun]) == root_of([("other", b"x"), ran]) == ID


@pytest.mark.parametrize(
    "headers",
    [None, [], {}, [("traceparent", None)], [("traceparent", b"00-short")], {"traceparent": b"\xff" * 55}],
)
def test_a_trace_that_nobody_can_read_is_none(headers: AnyHeaders) -> None:
    assert root_of(headers) is None


def test_headers_are_found_in_both_forms_that_clients_give_them() -> None:
    assert find({"a": b"1"}, "a") == find([("a", b"1"), ("a", b"2")], "a") == b"1"


@pytest.mark.parametrize(
    "message",
    [
        events(3, 2),
        Feed(user_id="u", execution_id=ID, graph_id="g", graph_version=1, status="RUNNING", sequence=4, at=5),
        StoreEvent(listing_id=ID, kind="rated", actor_id="u", data=b"{}", at=5),
    ],
)
def test_public_events_have_what_cloudevents_requires(message: Message) -> None:
    headers = dict(cloud_event(message))
    assert headers["ce_specversion"] == b"1.0"
    assert all(headers[name] for name in ("ce_id", "ce_source", "ce_type", "content-type"))
    if "ce_time" in headers:
        assert headers["ce_time"] == b"1970-01-01T00:00:00.005Z"


def test_events_cost_less_than_150_bytes() -> None:
    headers = cloud_event(events(199_990, 7))
    assert size(headers) < 150
    assert dict(headers)["ce_source"] == f"/executions/{UUID(bytes=ID)}".encode()


def test_a_record_with_more_in_it_has_another_id() -> None:
    """A step told again after a crash may travel with later ones: to drop it by its id would lose these."""
    assert dict(cloud_event(events(3, 2)))["ce_id"] == b"3+2"
    assert dict(cloud_event(events(3, 5)))["ce_id"] == b"3+5"


def test_feed_and_events_of_a_run_do_not_share_their_ids() -> None:
    feed = Feed(
        user_id="u", execution_id=ID, graph_id="g", graph_version=1, status="RUNNING", sequence=3, at=5
    )
    assert dict(cloud_event(feed))["ce_source"] != dict(cloud_event(events(3, 1)))["ce_source"]


def test_what_is_not_public_is_no_cloudevent() -> None:
    assert cloud_event(Timer(execution_id=ID, timer=1)) == []
    run = Run(
        execution_id=ID,
        node_execution_id=ID,
        node=0,
        k=0,
        user_id="u",
        graph_id="g",
        graph_version=1,
        node_id="n",
        block_id="b",
        input=b"{}",
    )
    assert cloud_event(run) == []
