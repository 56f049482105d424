from __future__ import annotations

from uuid import UUID

from millstream.schemas.codec import encode
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Delta, Events, Payload, Start
from millstream.topics.display import key_text, readable


def test_ids_are_uuids_and_json_is_json() -> None:
    execution, node = new_id(), new_id()
    delta = Delta(
        kind="OUTPUT", node_execution_id=node.bytes, pin="p", value=Payload(inline=b'{"a": [1]}', size=10)
    )
    record = Events(
        execution_id=execution.bytes,
        user_id="u",
        graph_id="g",
        graph_version=1,
        first=0,
        deltas=[delta],
        at=1,
    )
    name, body = readable(encode(record))
    assert name == "Events"
    assert body["execution_id"] == str(execution)
    assert body["deltas"][0]["node_execution_id"] == str(node)
    assert body["deltas"][0]["value"]["inline"] == {"a": [1]}


def test_digests_are_hex_and_other_bytes_a_length() -> None:
    record = Start(
        execution_id=new_id().bytes,
        user_id="u",
        graph_id="g",
        graph_version=1,
        plan_hash=b"\xab" * 32,
        plan=b"\x28\xb5\x2f\xfd" * 300,
    )
    _, body = readable(encode(record))
    assert (body["plan_hash"], body["plan"]) == ("ab" * 32, "<1,200 bytes>")


def test_garbage_is_called_undecodable() -> None:
    for garbage in (None, b"", b"hello", b"\0\0\0\0\x63", b"\0\0\0\0\x0d\xff"):
        name, why = readable(garbage)
        assert name == "undecodable"
        assert why


def test_keys_are_uuids_or_text() -> None:
    key = new_id()
    assert key_text(key.bytes) == str(key)
    assert key_text(b"audit\xff") == "audit\\xff"
    assert key_text(None) == "-"
    assert UUID(key_text(key.bytes)) == key
