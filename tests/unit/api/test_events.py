from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.api.events import Frame, Projection
from millstream.schemas.messages import Delta, Events, Payload, Slot
from tests.unit.api.histories import (
    AT,
    EXECUTION,
    NODE,
    OTHER,
    USER,
    about,
    emitted,
    ended,
    queued,
    record,
    status,
    value,
)

LIMIT = 1 << 20


def project(*records: Events, after: int = -1) -> list[Frame]:
    projection = Projection.of(records[0], frame_bytes=LIMIT)
    return [frame for each in records for frame in projection.apply(each, after=after)]


def told(frames: list[Frame]) -> list[tuple[str, str, int | None]]:
    """Kind, status and number of each frame."""
    kinds = {"graph_execution_event": "graph", "node_execution_event": "node", "execution_note": "note"}
    return [(kinds[f.method], orjson.loads(f.data).get("status", ""), f.sequence) for f in frames]


def data(frame: Frame) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(frame.data)
    return found


WHOLE = record(
    status("QUEUED", inputs={"text": "a"}),
    status("RUNNING"),
    queued(output="said", value="a", name="said"),
    emitted("output", "a"),
    emitted("output", "b"),
    ended(),
    status("COMPLETED", stats={"node_count": 1, "node_error_count": 0}, verdict={"result": "ok"}),
)


def test_a_fast_node_is_shown_running_and_only_the_last_frame_of_an_event_is_numbered() -> None:
    assert told(project(WHOLE)) == [
        ("graph", "QUEUED", 0),
        ("graph", "RUNNING", 1),
        ("node", "QUEUED", 2),
        ("node", "RUNNING", None),
        ("node", "RUNNING", 3),
        ("node", "RUNNING", 4),
        ("graph", "RUNNING", None),
        ("node", "COMPLETED", 5),
        ("graph", "COMPLETED", 6),
    ]


def test_outputs_pile_up_and_times_are_filled_in() -> None:
    frames = project(WHOLE)
    assert [data(f)["output_data"] for f in frames[3:6]] == [{}, {"output": ["a"]}, {"output": ["a", "b"]}]
    last = data(frames[7])
    assert last == {
        "user_id": USER,
        "graph_id": "graph",
        "graph_version": 2,
        "graph_exec_id": str(EXECUTION),
        "node_exec_id": str(NODE),
        "node_id": "node-2",
        "block_id": "block",
        "status": "COMPLETED",
        "input_data": {"value": "a", "name": "said"},
        "output_data": {"output": ["a", "b"]},
        "add_time": "2023-11-14T22:13:20.000Z",
        "queue_time": "2023-11-14T22:13:20.000Z",
        "start_time": "2023-11-14T22:13:20.001Z",
        "end_time": "2023-11-14T22:13:20.000Z",
        "error": None,
        "failure": None,
        "reason": None,
        "event_type": "node_execution_update",
    }


def test_the_end_carries_inputs_outputs_statistics_and_verdict() -> None:
    last = data(project(WHOLE)[-1])
    assert last["inputs"] == {"text": "a"}
    assert last["outputs"] == {"said": ["a"]}
    assert last["verdict"] == {"result": "ok"}
    assert (last["stats"]["node_exec_count"], last["stats"]["node_exec_time"]) == (1, 0.005)
    assert last["event_type"] == "graph_execution_update"


def test_updates_of_statistics_are_bare() -> None:
    update = data(project(WHOLE)[6])
    assert (update["inputs"], update["outputs"], update["stats"]["node_exec_count"]) == ({}, {}, 1)


@pytest.mark.parametrize("after", range(-1, 7))
def test_what_follows_an_event_is_what_was_told_after_it(after: int) -> None:
    whole = project(WHOLE)
    start = next((i + 1 for i, frame in enumerate(whole) if frame.sequence == after), 0)
    assert project(WHOLE, after=after) == whole[start:]


@given(st.lists(st.integers(0, 6), max_size=8), st.integers(1, 7))
def test_repeated_and_regrouped_records_change_nothing(repeats: list[int], size: int) -> None:
    pieces = [
        Events(
            execution_id=WHOLE.execution_id,
            user_id=USER,
            graph_id="graph",
            graph_version=2,
            first=i,
            deltas=WHOLE.deltas[i : i + size],
            at=AT,
        )
        for i in range(0, 7, size)
    ]
    order = list(pieces)
    for place in sorted(repeats, reverse=True):
        if place < len(pieces):
            order.insert(place + 1, pieces[place])
    assert project(*order) == project(WHOLE)


def test_a_slow_node_that_said_running_is_not_shown_running_twice() -> None:
    frames = project(
        record(status("RUNNING"), queued(), about("RUNNING", status="RUNNING"), emitted("a", 1), ended())
    )
    assert [s for k, s, _ in told(frames) if k == "node"] == ["QUEUED", "RUNNING", "RUNNING", "COMPLETED"]


def test_a_node_that_never_ran_is_not_shown_running() -> None:
    stopped = about("NODE", status="TERMINATED")
    frames = project(
        record(status("RUNNING"), queued(), stopped, status("TERMINATED", verdict={"result": "stopped"}))
    )
    assert [s for k, s, _ in told(frames) if k == "node"] == ["QUEUED", "TERMINATED"]
    assert data(frames[3])["end_time"] is None
    assert data(frames[-1])["verdict"] == {"result": "stopped"}


def test_values_that_arrive_are_shown_until_the_input_is_whole() -> None:
    arrives = [
        about("INCOMPLETE", status="INCOMPLETE", pin=pin, value=Payload(inline=b"%d" % i, size=1))
        for i, pin in enumerate(("a", "b"))
    ]
    frames = project(record(*arrives, queued(a=0, b=1, c="default")))
    assert [data(f)["input_data"] for f in frames] == [
        {"a": 0},
        {"a": 0, "b": 1},
        {"a": 0, "b": 1, "c": "default"},
    ]
    assert [data(f)["status"] for f in frames] == ["INCOMPLETE", "INCOMPLETE", "QUEUED"]


def test_a_review_shows_running_and_then_review_and_goes_on_after_the_answer() -> None:
    waits = about("NODE", status="REVIEW", detail={"review": {"data": 1}, "reason": {"kind": "review"}})
    answered = about("NODE", status="QUEUED", detail={"review": {"status": "APPROVED"}})
    frames = project(record(queued(), waits, answered, emitted("approved_data", 1), ended()))
    assert [s for k, s, _ in told(frames) if k == "node"] == [
        "QUEUED",
        "RUNNING",
        "REVIEW",
        "QUEUED",
        "RUNNING",
        "RUNNING",
        "COMPLETED",
    ]


def test_a_sensitive_block_waits_without_having_run() -> None:
    waits = about("NODE", status="REVIEW", detail={"review": {"sensitive": True}})
    frames = project(record(queued(), waits))
    assert [s for _, s, _ in told(frames)] == ["QUEUED", "REVIEW"]


def test_failures_are_counted() -> None:
    frames = project(
        record(
            status("RUNNING"),
            queued(),
            ended("FAILED", failure={"message": "no"}),
            queued(OTHER),
            ended(node=OTHER),
            status("COMPLETED", stats={"node_count": 2, "node_error_count": 1}),
        )
    )
    stats = data(frames[-1])["stats"]
    assert (stats["node_exec_count"], stats["node_error_count"]) == (2, 1)


def test_large_values_are_paths_to_download() -> None:
    ref = Payload(ref=f"values/{USER}/{'0' * 64}", type="string", size=99)
    path = f"/api/v1/executions/{EXECUTION}/values/values/{USER}/{'0' * 64}"
    shown = {"$ref": path, "type": "string", "size": 99}
    gets = Delta(
        kind="QUEUED",
        node_execution_id=NODE.bytes,
        node_id="n",
        block_id="b",
        status="QUEUED",
        pin="said",
        value=Payload(inline=b'{"value":null,"list":[1,null]}', size=1),
        slots=[Slot(path="/value", value=ref), Slot(path="/list/1", value=ref)],
    )
    given = {"text": {"$ref": ref.ref, "size": 99}, "mine": {"$ref": "elsewhere", "size": 1}}
    frames = project(record(status("QUEUED", inputs=given), gets, about("OUTPUT", pin="p", value=ref)))
    assert data(frames[0])["inputs"] == {"text": {"$ref": path, "size": 99}, "mine": given["mine"]}
    assert data(frames[1])["input_data"] == {"value": shown, "list": [1, shown]}
    assert data(frames[3])["output_data"] == {"p": [shown]}
    last = project(record(gets, status("COMPLETED")))[-1]
    assert data(last)["outputs"] == {"said": [shown]}


def test_long_frames_are_shortened_from_the_middle() -> None:
    projection = Projection.of(WHOLE, frame_bytes=20_000)
    many = [emitted("p", "x" * 100) for _ in range(1000)]
    frames = projection.apply(record(queued(text="y" * 50_000), *many))
    assert max(len(frame.data) for frame in frames) < 25_000
    last = data(frames[-1])
    values = last["output_data"]["p"]
    assert (values[0], values[-1]) == ("x" * 100, "x" * 100)
    assert [v for v in values if "left out" in v] == [
        "... 902 values left out; GET the execution for all ..."
    ]
    assert "bytes left out" in last["input_data"]["shortened"]


def test_a_late_result_is_a_note() -> None:
    frames = project(record(status("TERMINATED"), about("NOTE", pin="p", value=Payload(inline=b"1", size=1))))
    assert told(frames)[1] == ("note", "", 1)
    assert data(frames[1])["value"] == 1


def test_ended_nodes_are_forgotten() -> None:
    projection = Projection.of(WHOLE, frame_bytes=LIMIT)
    projection.apply(WHOLE)
    assert projection.nodes == {}
    assert projection.ended


def test_frames_say_why_a_node_and_its_execution_are_not_done_yet() -> None:
    later = AT + 60_000
    frames = project(
        record(
            status("RUNNING"),
            about(
                "INCOMPLETE",
                OTHER,
                pin="a",
                value=value(1),
                detail={"reason": {"kind": "waiting", "pins": ["b"]}},
            ),
            queued(),
            about("RUNNING", status="RUNNING", detail={"reason": {"kind": "timer", "until": later}}),
        )
    )
    nodes = [data(f) for f in frames if f.method == "node_execution_event"]
    assert [n["reason"] for n in nodes] == [
        {"kind": "waiting", "pins": ["b"]},
        {"kind": "lane", "since": AT},
        {"kind": "timer", "until": later},
    ]
    assert data(frames[0])["reason"] == {"kind": "running", "since": AT}


def test_an_execution_s_reason_is_what_moves_it_else_what_it_waits_for_first() -> None:
    projection = Projection.of(record(status("RUNNING")), frame_bytes=LIMIT)
    timer = {"reason": {"kind": "timer", "until": AT + 9_000}}
    retry = {"reason": {"kind": "retry", "try": 2, "of": 4, "at": AT + 5_000, "error": "later"}}
    projection.apply(record(status("RUNNING"), queued(), about("RUNNING", status="RUNNING", detail=timer)))

    def why(now: int = AT) -> Any:
        return orjson.loads(projection.graph_json(now, whole=False))["reason"]

    assert why() == {"kind": "timer", "until": AT + 9_000, "nodes": 1}
    assert why(AT + 9_000) == {"kind": "lane", "since": AT + 9_000, "nodes": 1}
    projection.apply(record(queued(OTHER), about("NODE", OTHER, status="QUEUED", detail=retry), first=3))
    assert (why()["kind"], why()["try"], why()["of"]) == ("retry", 2, 4)
    projection.apply(record(about("RUNNING", OTHER, status="RUNNING", at=AT + 6_000), first=5))
    assert why(AT + 6_000) == {"kind": "running", "since": AT + 6_000, "nodes": 1}


def test_a_failed_node_tells_its_error() -> None:
    failure = {"code": "x", "kind": "y", "message": "it broke", "retryable": False}
    frames = project(record(status("RUNNING"), queued(), ended("FAILED", failure=failure)))
    assert (data(frames[-1])["error"], data(frames[-1])["failure"]) == ("it broke", failure)
