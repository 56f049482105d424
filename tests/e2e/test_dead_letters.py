"""Garbage on every topic that the platform reads: it is set aside with the reason, shown, put back; nothing stops."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from millstream.local import keys, state
from millstream.local.home import Home
from millstream.schemas.codec import encode
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Cancel, Feed, Finished, Run
from millstream.schemas.signing import Signer
from millstream.topics import catalogue, tail
from millstream.topics.clients import producer
from tests.platform import Platform

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[2] / "examples"
CALCULATOR = ("run", str(EXAMPLES / "calculator.json"), "--input", "a=6", "--input", "b=1")


def kafka_of(platform: Platform) -> dict[str, Any]:
    found = state.find(Home(platform.home))
    assert found is not None
    return {"bootstrap.servers": found.kafka}


def letters(platform: Platform, topic: str) -> list[dict[str, Any]]:
    done = platform.cli("dlq", "list", "--json", "--topic", topic, "-n", "1000")
    found: list[dict[str, Any]] = json.loads(done.stdout)["letters"]
    return found


def wait_for(check: Callable[[], bool], platform: Platform, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s{platform.tails()}"
        time.sleep(0.2)


def pids(platform: Platform) -> dict[str, int]:
    return {process["name"]: process["pid"] for process in platform.status()["processes"]}


def nonsense(topic: str) -> list[tuple[bytes | None, bytes | None]]:
    """Keys and values that no reader of `topic` can use."""
    key = new_id().bytes
    run = Run(
        execution_id=key,
        node_execution_id=key,
        node=-1,
        k=0,
        user_id="nobody",
        graph_id="none",
        graph_version=-1,
        node_id="none",
        block_id="none",
        input=b"\xff not JSON",
    )
    finished = Finished(
        execution_id=key, node=-1, k=0, run_id=key, attempt=1, worker="w", at=-1, elapsed_ms=-1
    )
    feed = Feed(
        user_id="me", execution_id=key, graph_id="g", graph_version=1, status="QUEUED", sequence=0, at=1
    )
    wrong = encode(feed if topic != catalogue.FEED.name else run)
    cancel = encode(Cancel(execution_id=key, at=1))
    values = [None, b"", b"hello", b"\0\0\0\xff\xff" + wrong[5:], wrong[:-3], wrong, cancel + b"x"]
    found: list[tuple[bytes | None, bytes | None]] = [(key, value) for value in values]
    found += [(None, b"no key"), (b"odd", encode(finished))]
    if topic.startswith("nodes.tasks."):
        found.append((key, encode(run)))
    return found


def test_garbage_on_the_inbox_is_set_aside_shown_and_put_back(platform: Platform) -> None:
    conf, inbox = kafka_of(platform), catalogue.INBOX.name
    before, known = pids(platform), len(letters(platform, inbox))
    sender = producer(conf)
    for partition in range(catalogue.PARTITIONS):  # so that one of them is that of the run below
        value = b"\x1b[2Jgarbage %d" % partition
        sender.produce(inbox, key=b"poison", value=value, partition=partition, headers=[("who", b"me")])
    assert sender.flush(20) == 0
    wait_for(lambda: len(letters(platform, inbox)) == known + catalogue.PARTITIONS, platform)
    assert "42" in platform.cli(*CALCULATOR).stdout  # the partitions go on

    found = letters(platform, inbox)
    assert {letter["partition"] for letter in found} == set(range(catalogue.PARTITIONS))
    letter = next(letter for letter in found if letter["partition"] == 3)
    assert (letter["code"], letter["consumer"], letter["attempt"]) == (
        "record_invalid",
        "millstream-coordinator",
        1,
    )
    assert letter["redriven"] is None
    listed = platform.cli("dlq", "list", "--topic", inbox).stdout
    assert f"{letter['position']}  " in listed
    assert f"{inbox}[3]@{letter['offset']}  record_invalid: not in the Confluent wire format" in listed
    shown = platform.cli("dlq", "show", letter["position"]).stdout
    assert "kafka_dlt-original-partition: 3\n" in shown
    assert "who: me\n" in shown
    assert "00000000  1b 5b 32 4a 67 61 72 62 61 67 65 20 33 " in shown
    assert ".[2Jgarbage 3\n" in shown
    assert "\x1b" not in listed + shown

    asked = platform.cli("dlq", "redrive", letter["position"], check=False)
    assert asked.returncode == 1  # nobody answered the question
    dry = platform.cli("dlq", "redrive", letter["position"], "--dry-run").stdout
    assert dry.endswith("to put back: 1; done already: 0; refused: 0\n")
    assert len(letters(platform, inbox)) == len(found)
    done = platform.cli("dlq", "redrive", letter["position"], "--yes").stdout
    assert done.endswith("put back: 1; done already: 0; refused: 0\n")
    wait_for(lambda: len(letters(platform, inbox)) == len(found) + 1, platform)
    newest = letters(platform, inbox)[0]
    assert (newest["partition"], newest["attempt"]) == (3, 2)
    again = platform.cli("dlq", "show", newest["position"]).stdout
    assert f"try       2, put back from dead.letters/{letter['position'].replace(':', '/')}\n" in again
    assert "who: me\n" in again
    old = next(row for row in letters(platform, inbox) if row["position"] == letter["position"])
    assert (old["redriven"]["topic"], old["redriven"]["offset"]) == (inbox, newest["offset"])
    skipped = platform.cli("dlq", "redrive", letter["position"], "--yes").stdout
    assert skipped.endswith("to put back: 0; done already: 1; refused: 0\n")
    assert pids(platform) == before


def test_garbage_on_every_topic_stops_nothing(platform: Platform) -> None:
    conf, before = kafka_of(platform), pids(platform)
    secrets = keys.find(Home(platform.home))
    assert secrets is not None
    signer = Signer(secrets.signing_key)  # so that it is not set aside before it is read
    sender = producer(conf)
    topics = [topic for topic in catalogue.catalogue() if topic != catalogue.STATE]
    stop = threading.Event()

    def litter() -> None:
        while not stop.wait(0.2):
            for topic in topics:
                for key, value in nonsense(topic.name):
                    headers = [signer.sign(value or b"")]
                    sender.produce(topic.name, key=key, value=value, headers=headers)
            sender.flush(20)

    thread = threading.Thread(target=litter)
    thread.start()
    try:
        for _ in range(2):  # followed live over a WebSocket, and read from the database afterwards
            assert "42" in platform.cli(*CALCULATOR).stdout
        assert '"count": [' in platform.cli("run", str(EXAMPLES / "fan_out.json"), "--json").stdout
    finally:
        stop.set()
        thread.join()
    sent = {topic.name: len(list(tail.read(conf, [topic.name]))) for topic in topics}
    assert min(sent.values()) > 0
    for name in (
        catalogue.INBOX.name,
        catalogue.EVENTS.name,
        *(catalogue.tasks(x).name for x in catalogue.LANES),
    ):
        wait_for(lambda name=name: bool(letters(platform, name)), platform)  # type: ignore[misc]
    log = "".join(path.read_text(errors="replace") for path in platform.home.glob("logs/worker*.log"))
    assert "cancel_unreadable" in log
    assert "42" in platform.cli(*CALCULATOR).stdout
    assert pids(platform) == before, platform.tails()
