from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic
from msgspec.structs import replace

from millstream.connectors.dead_letters import VALUE_LIMIT_BYTES, Header, dead_letter
from millstream.connectors.letters import ACTION, ACTOR, Letter, Selection, Topics, find, remembered, select
from millstream.connectors.redrive import Outcome, plan, redrive
from millstream.schemas.codec import decode, encode
from millstream.schemas.errors import BlockError, NotFoundError, RecordInvalidError
from millstream.schemas.messages import Audit
from millstream.topics import tail
from millstream.topics.clients import admin, producer

pytestmark = pytest.mark.integration
PARTITIONS = 3
AT = 1_700_000_000_000
PROCESS = """
import json, sys
from millstream.connectors.letters import Selection, Topics
from millstream.connectors.redrive import plan, redrive
conf, topics = json.loads(sys.argv[1]), Topics(**json.loads(sys.argv[2]))
what = plan(conf, Selection(), topics)
for outcome in redrive(conf, what, rate_per_s=1000, operator="test", topics=topics):
    pass
"""


@dataclass
class Cemetery:
    """Topics of one test alone: letters, audit, and `origin`, where the records came from."""

    conf: dict[str, Any]
    topics: Topics
    origin: str
    producer: Producer

    def bury(
        self,
        value: bytes | None,
        *,
        key: bytes | None = b"key",
        partition: int = 1,
        topic: str | None = None,
        error: Exception | None = None,
        headers: tuple[Header, ...] = (),
        timestamp: int = 0,
    ) -> None:
        """Write a letter as a consumer does."""
        record, found = dead_letter(
            topic or self.origin,
            partition,
            offset=7,
            timestamp=AT,
            key=key,
            value=value,
            error=error or RecordInvalidError("garbled"),
            consumer="group",
            at=AT,
            headers=headers,
        )
        self.producer.produce(self.topics.letters, key=key, value=record, headers=found, timestamp=timestamp)
        assert self.producer.flush(20) == 0

    def letters(self, **fields: Any) -> list[Letter]:
        return list(select(self.conf, Selection(**fields), self.topics))

    def redrive(self, rate_per_s: float = 1000, **fields: Any) -> list[Outcome]:
        what = plan(self.conf, Selection(**fields), self.topics)
        return list(redrive(self.conf, what, rate_per_s=rate_per_s, operator="me", topics=self.topics))

    def spawn(self) -> subprocess.Popen[bytes]:
        arguments = [json.dumps(self.conf), json.dumps(asdict(self.topics))]
        return subprocess.Popen([sys.executable, "-c", PROCESS, *arguments])

    def back(self) -> list[tail.Record]:
        """Return the records that are back where they came from."""
        return list(tail.read(self.conf, [self.origin]))

    def done(self) -> int:
        """How many letters are remembered as put back."""
        return len(remembered(self.conf, topics=self.topics))


@pytest.fixture
def cemetery(kafka: str) -> Iterator[Cemetery]:
    name = uuid.uuid4().hex[:8]
    conf = {"bootstrap.servers": kafka}
    topics = Topics(letters=f"dead-{name}", audit=f"audit-{name}")
    origin = f"origin-{name}"
    client = admin(conf)
    names = [topics.letters, topics.audit, origin]
    for future in client.create_topics([NewTopic(n, PARTITIONS, 1) for n in names]).values():
        future.result(20)
    yield Cemetery(conf, topics, origin, producer(conf))
    for future in client.delete_topics(names).values():
        future.result(20)


def test_a_record_goes_back_as_it_was_and_says_where_it_has_been(cemetery: Cemetery) -> None:
    cemetery.bury(b"\xff\0garbage", key=b"\0key", partition=2, headers=(("traceparent", b"00-1"),))
    [outcome] = cemetery.redrive()
    [record] = cemetery.back()
    assert (record.partition, record.offset) == (2, outcome.offset)
    assert (record.key, record.value) == (b"\0key", b"\xff\0garbage")
    headers = dict(record.headers)
    assert headers["millstream-redriven-from"] == outcome.letter.path.encode()
    assert outcome.letter.path.startswith(f"{cemetery.topics.letters}/")
    assert headers["millstream-redrive-attempt"] == b"2"
    assert headers["kafka_dlt-original-topic"] == cemetery.origin.encode()
    assert headers["kafka_dlt-original-offset"] == (7).to_bytes(8, "big")
    assert headers["kafka_dlt-exception-message"] == b"garbled"
    assert headers["traceparent"] == b"00-1"


def test_a_record_that_is_buried_again_has_one_more_try_and_one_place(cemetery: Cemetery) -> None:
    cemetery.bury(b"x")
    for attempt in (2, 3):
        [outcome] = cemetery.redrive()
        record = cemetery.back()[-1]
        cemetery.bury(record.value, headers=record.headers)
        newest = max(cemetery.letters(), key=lambda letter: letter.attempt)
        assert (newest.attempt, newest.redriven_from) == (attempt, outcome.letter.path)
        names = Counter(name for name, _ in newest.record.headers)
        assert set(names.values()) == {1}, names
    assert cemetery.done() == 2


@pytest.mark.parametrize(("key", "value"), [(None, None), (b"", b""), (b"k", None), (None, b"v")])
def test_tombstones_and_empty_records_stay_what_they_are(
    cemetery: Cemetery, key: bytes | None, value: bytes | None
) -> None:
    cemetery.bury(value, key=key)
    cemetery.redrive()
    [record] = cemetery.back()
    assert (record.key, record.value) == (key, value)


def test_what_was_put_back_is_remembered_in_the_audit_log(cemetery: Cemetery) -> None:
    cemetery.bury(b"x")
    [outcome] = cemetery.redrive()
    [record] = tail.read(cemetery.conf, [cemetery.topics.audit])
    audit = decode(record.value)
    assert isinstance(audit, Audit)
    assert (audit.action, audit.subject) == ("dlq.redrive", outcome.letter.place)
    assert json.loads(audit.data) == {
        "topic": cemetery.origin,
        "partition": 1,
        "offset": outcome.offset,
        "letter_timestamp": outcome.letter.record.timestamp_ms,
        "attempt": 2,
        "operator": "me",
    }
    memory = remembered(cemetery.conf, topics=cemetery.topics)
    assert memory[outcome.letter.mark].offset == outcome.offset
    again = plan(cemetery.conf, Selection(), cemetery.topics)
    assert (again.total, again.done, again.refused) == (0, 1, [])
    assert cemetery.redrive() == []


def test_other_records_of_the_audit_log_are_no_memory(cemetery: Cemetery) -> None:
    cemetery.bury(b"x")
    [found] = cemetery.letters()
    facts = {"topic": "t", "partition": 0, "offset": 0, "operator": "o"}
    good = Audit(audit_id=b"a" * 16, actor_id=ACTOR, action=ACTION, subject=found.place, data=b"{}", at=1)
    for odd in (
        good,
        replace(good, subject="letter"),
        replace(good, data=b"not JSON"),
        replace(good, data=b"[]"),
        replace(good, data=json.dumps(facts | {"letter_timestamp": "soon"}).encode()),
        replace(good, data=json.dumps(facts | {"letter_timestamp": 1}).encode()),  # of a topic made anew
        replace(good, action="graph.delete"),
    ):
        cemetery.producer.produce(cemetery.topics.audit, key=ACTOR.encode(), value=encode(odd))
    for garbage in (None, b"", b"hello", encode(good)[:-2]):
        cemetery.producer.produce(cemetery.topics.audit, key=ACTOR.encode(), value=garbage)
    assert cemetery.producer.flush(20) == 0
    assert len(cemetery.redrive()) == 1


def test_a_plan_leaves_everything_as_it_is(cemetery: Cemetery) -> None:
    cemetery.bury(b"x")
    what = plan(cemetery.conf, Selection(), cemetery.topics)
    assert (what.total, what.counts) == (1, {(cemetery.origin, "record_invalid"): 1})
    assert (cemetery.back(), cemetery.done()) == ([], 0)


def test_what_must_not_go_back_is_refused_with_a_reason(cemetery: Cemetery) -> None:
    cemetery.bury(b"x" * (VALUE_LIMIT_BYTES + 1))
    cemetery.bury(b"whole", key=b"k" * 10_001)
    cemetery.bury(b"x", topic="gone-for-good")
    cemetery.bury(b"x", partition=PARTITIONS)
    cemetery.bury(b"x", topic=cemetery.topics.letters)
    cemetery.producer.produce(cemetery.topics.letters, value=b"somebody else's")
    cemetery.producer.produce(cemetery.topics.letters, value=None)
    cemetery.bury(b"good")
    cemetery.bury(b"x" * VALUE_LIMIT_BYTES)
    what = plan(cemetery.conf, Selection(), cemetery.topics)
    reasons = Counter(reason for _, reason in what.refused)
    assert sorted(count for reason, count in reasons.items() if "cut" in reason or "not a" in reason) == [
        2,
        2,
    ]
    assert "there is no topic 'gone-for-good' any more" in reasons
    assert f"{cemetery.origin!r} has no partition {PARTITIONS}" in reasons
    assert "its record came from the dead letters themselves" in reasons
    assert len(cemetery.redrive()) == 2
    assert {record.value for record in cemetery.back()} == {b"good", b"x" * VALUE_LIMIT_BYTES}


def test_what_kafka_refuses_is_reported_and_the_rest_goes_back(cemetery: Cemetery) -> None:
    small = f"{cemetery.origin}-small"
    client = admin(cemetery.conf)
    client.create_topics([NewTopic(small, PARTITIONS, 1, config={"max.message.bytes": "2000"})])[
        small
    ].result(20)
    cemetery.bury(b"x" * 5000, topic=small)
    cemetery.bury(b"good")
    outcomes = {
        outcome.letter.message.topic: outcome for outcome in cemetery.redrive() if outcome.letter.message
    }
    assert "Kafka refuses it" in (outcomes[small].refusal or "")
    assert outcomes[cemetery.origin].offset is not None
    assert cemetery.done() == 1
    client.delete_topics([small])[small].result(20)


def test_letters_are_chosen_by_place_topic_code_and_time(cemetery: Cemetery) -> None:
    now = int(time.time() * 1000)
    cemetery.bury(b"old", timestamp=now - 7_200_000)
    cemetery.bury(b"new", timestamp=now)
    cemetery.bury(b"block", error=BlockError("broke"))
    cemetery.bury(b"elsewhere", topic="other")

    def chosen(**fields: Any) -> set[bytes | None]:
        return {letter.message.value for letter in cemetery.letters(**fields) if letter.message}

    assert chosen() == {b"old", b"new", b"block", b"elsewhere"}
    assert chosen(topic="other") == {b"elsewhere"}
    assert chosen(code="block_failed") == {b"block"}
    assert chosen(since_ms=now - 3_600_000) == {b"new", b"block", b"elsewhere"}
    assert chosen(since_ms=now - 3_600_000, topic=cemetery.origin, code="record_invalid") == {b"new"}
    assert chosen(since_ms=now + 3_600_000) == set()
    places = [(letter.record.partition, letter.record.offset) for letter in cemetery.letters()]
    assert chosen(places=tuple(places[:2])) | chosen(places=tuple(places[2:])) == chosen()
    assert find(cemetery.conf, places[0], cemetery.topics).place == "{}:{}".format(*places[0])
    for nowhere in ((places[0][0], 99), (PARTITIONS, 0)):
        with pytest.raises(NotFoundError, match=f"no letter {nowhere[0]}:{nowhere[1]}"):
            find(cemetery.conf, nowhere, cemetery.topics)


def test_letters_that_come_meanwhile_are_left_for_the_next_time(cemetery: Cemetery) -> None:
    """A record that fails at once again would go round for ever otherwise."""
    cemetery.bury(b"0")
    what = plan(cemetery.conf, Selection(), cemetery.topics)
    cemetery.bury(b"1")
    seen = 0
    for _ in redrive(cemetery.conf, what, rate_per_s=1000, operator="me", topics=cemetery.topics):
        seen += 1
        cemetery.bury(str(seen + 1).encode())
    assert seen == 1
    assert [record.value for record in cemetery.back()] == [b"0"]


def test_letters_go_back_no_faster_than_asked(cemetery: Cemetery) -> None:
    for number in range(11):
        cemetery.bury(b"%d" % number)
    started = time.monotonic()
    assert len(cemetery.redrive(rate_per_s=20)) == 11
    assert time.monotonic() - started >= 10 / 20


def test_a_redrive_that_was_killed_goes_on_and_repeats_one_letter_at_most(cemetery: Cemetery) -> None:
    count, kills = 60, (5, 20, 40)
    for number in range(count):
        cemetery.bury(b"%d" % number, key=b"%d" % (number % 7), partition=number % PARTITIONS)
    for least in kills:
        process = cemetery.spawn()
        for number, _ in enumerate(tail.read(cemetery.conf, [cemetery.origin], follow=True), start=1):
            if number >= least:  # it is there, the memory of it may not be
                break
        process.kill()
        assert process.wait(10) == -9
    assert len(cemetery.back()) < count
    assert cemetery.spawn().wait(60) == 0

    found = Counter(record.value for record in cemetery.back())
    assert set(found) == {b"%d" % number for number in range(count)}
    assert found.total() - count <= len(kills)
    for record in cemetery.back():
        number = int(record.value or b"")
        assert (record.key, record.partition) == (b"%d" % (number % 7), number % PARTITIONS)
    assert cemetery.done() == count
    what = plan(cemetery.conf, Selection(), cemetery.topics)
    assert (what.total, what.done) == (0, count)
