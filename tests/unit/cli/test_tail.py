from __future__ import annotations

import json
import re
from uuid import UUID

import pytest

from millstream.api.auth.principal import LOCAL_USER_ID
from millstream.cli.tail import key_bytes, lines, since_ms
from millstream.schemas.codec import encode
from millstream.schemas.errors import InputInvalidError
from millstream.schemas.ids import derived, new_id
from millstream.schemas.messages import Feed
from millstream.topics.tail import Record

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - 90_000),
        ("1.5m", NOW - 90_000),
        ("2h", NOW - 7_200_000),
        ("1d", NOW - 86_400_000),
        ("250ms", NOW - 250),
        ("2026-01-31T12:00:00Z", 1_769_860_800_000),
        ("2026-01-31T13:00:00+01:00", 1_769_860_800_000),
    ],
)
def test_times_can_be_said_as_people_do(text: str, expected: int) -> None:
    assert since_ms(text, now_ms=NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "10", "10 minutes", "m"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(InputInvalidError):
        since_ms(text, now_ms=NOW)


def test_keys_are_what_producers_write() -> None:
    for id_ in (new_id(), UUID(bytes=derived(b"x" * 16, 1))):
        assert key_bytes(str(id_)) == id_.bytes
    assert key_bytes(str(LOCAL_USER_ID)) == str(LOCAL_USER_ID).encode()
    assert key_bytes("listing-1") == b"listing-1"


def test_lines_are_text_or_json_and_can_be_searched() -> None:
    id_ = new_id()
    feed = Feed(
        user_id="u", execution_id=id_.bytes, graph_id="g", graph_version=1, status="QUEUED", sequence=0, at=1
    )
    record = Record(
        topic="executions.feed",
        partition=3,
        offset=7,
        timestamp_ms=NOW,
        key=b"u",
        value=encode(feed),
        headers=(("ce_type", b"millstream.feed"),),
    )
    [text] = lines([record])
    assert text.startswith("executions.feed[3]@7 2027-01-15T08:00:00.000+00:00 u Feed {")
    [found] = map(json.loads, lines([record], as_json=True, wanted=re.compile(str(id_))))
    assert (found["message"], found["value"]["status"], found["headers"]) == (
        "Feed",
        "QUEUED",
        {"ce_type": "millstream.feed"},
    )
    assert list(lines([record], wanted=re.compile("RUNNING"))) == []
