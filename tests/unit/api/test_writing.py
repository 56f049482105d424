"""Progress for sockets: who is told, what a frame says, and that a slow reader is spared."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from millstream.api.metrics import Metrics
from millstream.api.settings import EdgeLimits
from millstream.api.watch.writing import Writing
from millstream.api.ws import protocol
from millstream.api.ws.session import Outbox, Subscription
from millstream.schemas.codec import encode
from millstream.schemas.messages import Progress

OWNER, EXECUTION, NODE = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


def progress(**fields: Any) -> Progress:
    given: dict[str, Any] = {
        "execution_id": EXECUTION.bytes,
        "node_execution_id": NODE.bytes,
        "user_id": str(OWNER),
    }
    return Progress(**(given | fields))


class Heard:
    def __init__(self) -> None:
        self.said: list[Progress] = []

    def tell_progress(self, progress: Progress) -> None:
        self.said.append(progress)


def test_only_the_owner_s_records_about_this_execution_are_told() -> None:
    writing, reader = Writing({}), Heard()
    writing._readers[EXECUTION.bytes] = {reader: str(OWNER)}
    mine = progress(token="a")
    for key, value in (
        (EXECUTION.bytes, encode(mine)),
        (EXECUTION.bytes, encode(progress(user_id=str(uuid.uuid4()), token="of another"))),
        (EXECUTION.bytes, encode(progress(execution_id=uuid.uuid4().bytes, token="of another run"))),
        (EXECUTION.bytes, b"garbage"),
        (uuid.uuid4().bytes, encode(progress(token="nobody follows"))),
    ):
        writing._take(SimpleNamespace(key=key, value=value))
    assert reader.said == [mine]


def test_frames_name_the_node_and_say_text_or_how_far_it_is() -> None:
    ids = {"graph_exec_id": str(EXECUTION), "node_exec_id": str(NODE)}
    assert orjson.loads(protocol.progress_data(progress(token="abc"))) == ids | {"text": "abc"}
    half = progress(fraction=0.5, note="half way")
    assert orjson.loads(protocol.progress_data(half)) == ids | {"progress": 0.5, "note": "half way"}


def test_a_reader_with_half_a_queue_gets_no_progress() -> None:
    outbox = Outbox(EdgeLimits(queue_frames=4))
    subscription = Subscription(outbox, "c", Metrics(), since=None)
    for _ in range(50):
        subscription.tell_progress(progress(token="x"))
    assert not outbox.overrun
    assert outbox.crowded


@pytest.mark.parametrize(
    ("asked", "wanted"), [({"progress": True}, True), ({"progress": "yes"}, False), ({}, False)]
)
def test_progress_is_told_to_who_asks_for_it(asked: dict[str, Any], wanted: bool) -> None:
    frame = {"method": "subscribe_graph_execution", "data": {"graph_exec_id": str(EXECUTION), **asked}}
    assert protocol.parse(orjson.dumps(frame)).progress is wanted
