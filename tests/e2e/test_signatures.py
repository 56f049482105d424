"""Who reaches the brokers alone can start and run nothing; and what the records of a run carry in their headers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from millstream.local import keys, state
from millstream.local.home import Home
from millstream.schemas.codec import decode, encode
from millstream.schemas.headers import find, root_of
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Answer, Message, Run, Start, Stop
from millstream.schemas.signing import Signer, commands
from millstream.topics import catalogue, tail
from millstream.topics.clients import producer
from tests.platform import Platform

pytestmark = pytest.mark.integration
CALCULATOR = Path(__file__).parents[2] / "examples" / "calculator.json"
USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"
LANE = catalogue.tasks("cpu").name


def conf_of(platform: Platform) -> dict[str, Any]:
    found = state.find(Home(platform.home))
    assert found is not None
    return {"bootstrap.servers": found.kafka}


def signer_of(platform: Platform) -> Signer:
    found = keys.find(Home(platform.home))
    assert found is not None
    return Signer(found.signing_key)


def forged(execution_id: bytes) -> list[tuple[str, Message]]:
    """What somebody who knows our schemas may write."""
    run = Run(
        execution_id=execution_id,
        node_execution_id=execution_id,
        node=0,
        k=0,
        user_id=USER,
        graph_id=USER,
        graph_version=1,
        node_id="n",
        block_id="1ff065e9-88e8-4358-9d82-8dc91f622ba9",
        input=b'{"input": "forged"}',
    )
    start = Start(
        execution_id=execution_id, user_id=USER, graph_id=USER, graph_version=1, plan_hash=b"\1" * 32
    )
    inbox = catalogue.INBOX.name
    return [
        (LANE, run),
        (inbox, start),
        (inbox, Stop(execution_id=execution_id, by=USER)),
        (inbox, Answer(execution_id=execution_id, node_execution_id=execution_id, approved=True, by=USER)),
    ]


def wait_for(check: Callable[[], bool], platform: Platform, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s{platform.tails()}"
        time.sleep(0.2)


def refused(platform: Platform) -> Counter[str]:
    done = platform.cli("dlq", "list", "--json", "-n", "1000")
    letters = json.loads(done.stdout)["letters"]
    return Counter(letter["topic"] for letter in letters if letter["code"] == "signature_invalid")


@pytest.mark.parametrize("signed_by", [None, Signer("somebody else's key")])
def test_forged_commands_are_set_aside_and_nothing_runs(platform: Platform, signed_by: Signer | None) -> None:
    conf, before, execution_id = conf_of(platform), refused(platform), new_id().bytes
    sender = producer(conf)
    for topic, message in forged(execution_id):
        value = encode(message)
        headers = [] if signed_by is None else [signed_by.sign(value)]
        sender.produce(topic, key=execution_id, value=value, headers=headers)
    assert sender.flush(20) == 0
    wait_for(
        lambda: refused(platform) - before == Counter({catalogue.INBOX.name: 3, LANE: 1}),
        platform,
    )
    said = [r for r in tail.read(conf, [catalogue.INBOX.name]) if r.key == execution_id]
    assert {type(decode(r.value)) for r in said} == {Start, Stop, Answer}, "the forged task was run"
    assert not [r for r in tail.read(conf, [catalogue.EVENTS.name]) if r.key == execution_id]


def test_a_run_is_one_trace_and_its_commands_are_signed(platform: Platform) -> None:
    conf, signer = conf_of(platform), signer_of(platform)
    shown = platform.cli("run", str(CALCULATOR), "--input", "a=6", "--input", "b=1", "--json").stdout
    assert "42" in shown
    names = [catalogue.INBOX.name, catalogue.EVENTS.name, catalogue.FEED.name]
    names += [catalogue.tasks(lane).name for lane in catalogue.LANES]
    records = list(tail.read(conf, names))
    newest = max(
        (r for r in records if r.topic == catalogue.INBOX.name and isinstance(_message(r), Start)),
        key=lambda r: r.timestamp_ms,
    )
    start = _message(newest)
    assert isinstance(start, Start)
    ours = [r for r in records if getattr(_message(r), "execution_id", None) == start.execution_id]
    assert {r.topic for r in ours} >= {catalogue.INBOX.name, catalogue.EVENTS.name, catalogue.FEED.name}
    for record in ours:
        message = _message(record)
        assert message is not None
        assert root_of(record.headers) == start.execution_id, type(message)
        if commands(message):
            signer.verify(record.value or b"", record.headers)
        public = record.topic in (catalogue.EVENTS.name, catalogue.FEED.name)
        assert (find(record.headers, "ce_id") is not None) == public


def _message(record: Any) -> Message | None:
    try:
        return decode(record.value)
    except Exception:  # noqa: BLE001 - garbage of other tests on this platform
        return None
