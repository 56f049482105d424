from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.api.events import Frame
from millstream.api.ws import protocol
from millstream.schemas.errors import InputInvalidError

ID = uuid4()


@pytest.mark.parametrize(
    ("frame", "asked"),
    [
        ({"method": "heartbeat", "data": "ping"}, (None, None)),
        ({"method": "subscribe_graph_execution", "data": {"graph_exec_id": str(ID)}}, (ID, None)),
        ({"method": "subscribe_graph_execution", "data": {"graph_exec_id": str(ID), "since": -1}}, (ID, -1)),
        (
            {"method": "subscribe_graph_executions", "data": {"graph_id": str(ID)}, "channel": None},
            (ID, None),
        ),
        ({"method": "unsubscribe", "data": {"graph_exec_id": str(ID), "more": 1}}, (ID, None)),
    ],
)
def test_what_clients_ask(frame: dict[str, Any], asked: tuple[UUID | None, int | None]) -> None:
    ask = protocol.parse(orjson.dumps(frame))
    assert (ask.method, (ask.id, ask.since)) == (frame["method"], asked)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from(sorted(protocol.FROM_CLIENTS)))
def test_whatever_comes_is_an_ask_or_a_complaint(value: Any, method: str) -> None:
    for frame in (value, {"method": method, "data": value}, {"method": value}):
        with contextlib.suppress(InputInvalidError):
            protocol.parse(orjson.dumps(frame))


def test_an_event_is_the_five_keys_and_a_number_on_the_last_frame() -> None:
    channel = orjson.dumps(protocol.execution_channel(ID, ID))
    numbered = orjson.loads(protocol.event(Frame("node_execution_event", b'{"a":1}', 7), channel))
    assert numbered == {
        "method": "node_execution_event",
        "data": {"a": 1},
        "success": None,
        "channel": f"{ID}|graph_exec#{ID}",
        "error": None,
        "sequence": 7,
    }
    bare = orjson.loads(protocol.event(Frame("graph_execution_event", b"{}"), channel))
    assert set(bare) == protocol.KEYS
