from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from millstream.cli.dlq import app, parse_rate, parse_since
from millstream.cli.letters import Listing, described
from millstream.connectors.dead_letters import dead_letter
from millstream.connectors.letters import Letter, Redriven
from millstream.schemas.codec import encode
from millstream.schemas.errors import InputInvalidError, RecordInvalidError
from millstream.schemas.messages import Cancel
from millstream.topics.tail import Record

NOW = 1_700_000_000_000
REDRIVEN = Redriven(at_ms=NOW, topic="executions.inbox", partition=1, offset=9, operator="ann")
BELL = "bad\x07\x1b[31m\u202e\nnews"


def letter(offset: int, value: bytes | None = b"\xff\x00", *, at: int = NOW, **fields: Any) -> Letter:
    record, headers = dead_letter(
        fields.pop("topic", "executions.inbox"),
        1,
        offset=7,
        timestamp=NOW,
        key=b"key",
        value=value,
        error=RecordInvalidError(BELL),
        consumer="group",
        at=at,
        **fields,
    )
    return Letter.of(
        Record(
            topic="dead.letters",
            partition=3,
            offset=offset,
            timestamp_ms=at,
            key=b"key",
            value=record,
            headers=tuple(headers),
        )
    )


def stranger(value: bytes | None) -> Letter:
    return Letter.of(
        Record(topic="dead.letters", partition=0, offset=1, timestamp_ms=NOW, key=None, value=value)
    )


def test_a_list_has_the_newest_first_and_counts_all() -> None:
    found = [letter(1), letter(2, at=NOW + 1000), letter(3, at=NOW + 500, topic="nodes.tasks.io")]
    lines = list(Listing(found, {found[1].mark: REDRIVEN}, 2).lines())
    assert lines == [
        "3:2  2023-11-14T22:13:21.000+00:00  executions.inbox[1]@7  record_invalid: bad  [31m  news  "
        "[redriven 2023-11-14T22:13:20.000+00:00]",
        "3:3  2023-11-14T22:13:20.500+00:00  nodes.tasks.io[1]@7  record_invalid: bad  [31m  news  [not redriven]",
        "",
        "executions.inbox  record_invalid: 2, redriven 1",
        "nodes.tasks.io  record_invalid: 1, redriven 0",
        "shown 2 of 3",
    ]
    assert list(Listing([], {}, 2).lines()) == ["no dead letters"]


def test_strangers_among_the_letters_are_listed_and_not_put_back() -> None:
    cancel = encode(Cancel(execution_id=b"e" * 16, at=1))
    for value, reason in (
        (None, "not in the Confluent"),
        (b"x", "not in the Confluent"),
        (cancel, "a Cancel"),
    ):
        found = stranger(value)
        [row] = Listing([found], {}, 5).as_json()["letters"]
        assert (row["code"], row["refusal"]) == ("not_a_letter", "it is not a dead letter")
        assert row["message"].startswith(reason)
        assert "redriven  no, and cannot be: it is not a dead letter" in described(found, None, 0)


def test_a_letter_is_shown_with_all_that_is_known_of_it() -> None:
    cancel = Cancel(execution_id=b"e" * 16, at=1)
    more = (("millstream-redrive-attempt", b"4"), ("millstream-redriven-from", b"dead.letters/0/3"))
    lines = list(described(letter(1, encode(cancel), headers=more), REDRIVEN, 0))
    assert "letter    dead.letters/3/1, written 2023-11-14T22:13:20.000+00:00" in lines
    assert "from      executions.inbox[1]@7, appended 2023-11-14T22:13:20.000+00:00" in lines
    assert "try       4, put back from dead.letters/0/3" in lines
    assert "redriven  2023-11-14T22:13:20.000+00:00 to executions.inbox[1]@9 by ann" in lines
    assert "  kafka_dlt-original-offset: 7" in lines
    assert lines[-2:] == [
        f"value     {len(encode(cancel))} bytes, now decodes as Cancel",
        '{"execution_id": "65656565-6565-6565-6565-656565656565", "at": 1}',
    ]
    assert all(line.isprintable() for line in lines)


def test_a_value_that_does_not_decode_is_dumped() -> None:
    lines = list(described(letter(1, b"0123456789abcdef\x1b\xff" + b"z" * 20), None, 18))
    assert lines[-3:] == [
        "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef",
        "00000010  1b ff                                            ..",
        "... and 20 bytes more (--bytes 0 shows all)",
    ]
    assert list(described(letter(1, None), None, 0))[-1] == "value     none: a tombstone"


@pytest.mark.parametrize("attempt", [b"", b"0", b"-1", b"x", b"1e9", b"9" * 5000, None])
def test_an_odd_attempt_counts_as_the_first(attempt: bytes | None) -> None:
    headers = () if attempt is None else (("millstream-redrive-attempt", attempt),)
    assert letter(1, headers=headers).attempt == 1


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("30m", 1800), ("2h", 7200), ("7d", 604_800)])
def test_spans_of_time(text: str, seconds: float) -> None:
    assert parse_since(text) == seconds


@pytest.mark.parametrize(("text", "rate"), [("50/s", 50), ("50", 50), ("90/m", 1.5), ("2.5/s", 2.5)])
def test_rates(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2y", "2 h", "٢h"])
def test_other_spans_of_time_are_refused(text: str) -> None:
    with pytest.raises(InputInvalidError, match="--since"):
        parse_since(text)


@pytest.mark.parametrize("text", ["", "0/s", "0.5/s", "-1", "1/h", "fast", "inf", "nan"])
def test_other_rates_are_refused(text: str) -> None:
    with pytest.raises(InputInvalidError, match="--rate"):
        parse_rate(text)


@pytest.mark.parametrize(
    "words",
    [[], ["--all", "--topic", "t"], ["1:1", "--all"], ["1:1", "--code", "c"], ["1"], ["a:b"], ["1:-1"]],
)
def test_a_redrive_that_does_not_say_what_is_refused(words: list[str]) -> None:
    result = CliRunner().invoke(app, ["redrive", *words])
    assert isinstance(result.exception, InputInvalidError) or result.exit_code == 2
