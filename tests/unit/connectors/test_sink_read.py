from __future__ import annotations

import msgspec
import pytest

from millstream.connectors.sink_read import Value, cleaned, members, read
from millstream.connectors.sink_rows import Known, Placed, fold
from millstream.schemas.errors import RecordInvalidError
from millstream.schemas.messages import Delta, Events, Payload

NODE = b"n" * 16
RECORD = Events(
    execution_id=b"e" * 16,
    user_id="00000000-0000-7000-8000-00000000000a",
    graph_id="",
    graph_version=1,
    first=5,
    deltas=[],
    at=1_700_000_000_000,
)


def record(*deltas: Delta) -> Events:
    return msgspec.structs.replace(RECORD, deltas=list(deltas))


def test_deltas_are_numbered_and_timed_from_their_record() -> None:
    step = read(record(Delta(kind="EXECUTION"), Delta(kind="NOTE", at=1_700_000_000_001)), timestamp_ms=7)
    assert [change.sequence for change in step.changes] == [5, 6]
    assert [change.at.microsecond for change in step.changes] == [0, 1000]
    assert step.graph is None


def test_a_record_without_any_time_has_its_timestamp() -> None:
    timeless = msgspec.structs.replace(record(Delta(kind="EXECUTION")), at=0)
    assert read(timeless, timestamp_ms=1_600_000_000_000).changes[0].at.year == 2020


def test_members_are_cut_out_as_they_are_written() -> None:
    assert members(b'{"a": 1.50, "b": {"z":1, "a":"\\u0000"}, "c": null}', []) == {
        "a": "1.50",
        "b": '{"z":1, "a":"\\u0000"}',
    }


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"a": \xff}', b"null"])
def test_a_detail_that_is_no_object_is_a_problem_and_no_more(data: bytes) -> None:
    step = read(record(Delta(kind="EXECUTION", status="FAILED", detail=data)), timestamp_ms=1)
    assert step.changes[0].status == "FAILED"
    assert isinstance(step.problem, RecordInvalidError) is bool(data)


def test_an_output_node_gives_its_value_to_the_execution() -> None:
    given = Payload(inline=b'{"name": "n", "value": [1, 2.0]}')
    [change] = read(
        record(Delta(kind="QUEUED", node_execution_id=NODE, pin="n", value=given)), timestamp_ms=1
    ).changes
    assert change.output == Value(json="[1, 2.0]")


def test_an_output_node_without_a_value_gives_null() -> None:
    given = Payload(inline=b'{"name": "n"}')
    [change] = read(
        record(Delta(kind="QUEUED", node_execution_id=NODE, pin="n", value=given)), timestamp_ms=1
    ).changes
    assert change.output == Value(json="null")


def test_only_the_refused_values_are_marked() -> None:
    good, bad = Payload(inline=b"1"), Payload(inline=b"{bad")
    step = read(
        record(
            Delta(kind="OUTPUT", node_execution_id=NODE, pin="a", value=good),
            Delta(kind="OUTPUT", node_execution_id=NODE, pin="b", value=bad),
        ),
        timestamp_ms=1,
    )
    kept, marked = cleaned(step, lambda text: "bad" not in text).changes
    assert kept == step.changes[0]
    assert marked.value == Value(ref='{"unstorable":"PostgreSQL refused it"}')


def test_what_the_tables_have_is_passed_over() -> None:
    deltas = [
        Delta(kind="OUTPUT", node_execution_id=NODE, pin=str(n), value=Payload(inline=b"1")) for n in range(4)
    ]
    step = read(record(*deltas), timestamp_ms=1)
    rows = fold([Placed(0, 9, step)], {step.execution: Known(6, "RUNNING")})
    assert [row.sequence for row in rows.outputs] == [7, 8]
    assert rows.executions[step.execution].status == "RUNNING"
    assert fold([Placed(0, 9, step)], {step.execution: Known(8, "COMPLETED")}).executions == {}
