from __future__ import annotations

from typing import Any

from millstream.connectors.dead_letters import (
    CARRIED_LIMIT_BYTES,
    KEY_LIMIT_BYTES,
    VALUE_LIMIT_BYTES,
    dead_letter,
    is_cut,
)
from millstream.schemas.codec import decode
from millstream.schemas.errors import RecordInvalidError
from millstream.schemas.messages import DeadLetter


def letter(
    value: bytes | None, error: Exception, key: bytes | None = b"key"
) -> tuple[DeadLetter, dict[str, bytes]]:
    record, headers = dead_letter(
        "executions.events",
        7,
        offset=2**40,
        timestamp=5,
        key=key,
        value=value,
        error=error,
        consumer="group",
        at=9,
    )
    message = decode(record)
    assert isinstance(message, DeadLetter)
    return message, dict(headers)


def test_a_letter_has_all_that_is_known_of_the_record() -> None:
    message, headers = letter(b"\xff\x00", RecordInvalidError("garbled"))
    assert message == DeadLetter(
        topic="executions.events",
        partition=7,
        offset=2**40,
        timestamp=5,
        key=b"key",
        value=b"\xff\x00",
        error_code="record_invalid",
        error_message="garbled",
        consumer="group",
        at=9,
    )
    assert headers == {
        "kafka_dlt-original-topic": b"executions.events",
        "kafka_dlt-original-partition": b"\x00\x00\x00\x07",
        "kafka_dlt-original-offset": b"\x00\x00\x01\x00\x00\x00\x00\x00",
        "kafka_dlt-original-timestamp": b"\x00\x00\x00\x00\x00\x00\x00\x05",
        "kafka_dlt-original-consumer-group": b"group",
        "kafka_dlt-exception-fqcn": b"millstream.schemas.errors.RecordInvalidError",
        "kafka_dlt-exception-message": b"garbled",
        "millstream-error-code": b"record_invalid",
    }


def test_a_tombstone_without_key_stays_one() -> None:
    message, _ = letter(None, RecordInvalidError("empty"), key=None)
    assert (message.key, message.value) == (None, None)


def test_a_bug_is_internal_and_never_nameless() -> None:
    message, headers = letter(b"", KeyError())
    assert (message.error_code, message.error_message) == ("internal", "KeyError")
    assert headers["kafka_dlt-exception-fqcn"] == b"builtins.KeyError"


def test_what_is_too_large_is_cut_with_a_note() -> None:
    huge = RecordInvalidError("x" * 100_000)
    message, headers = letter(b"v" * 2_000_000, huge, key=b"k" * 500_000)
    assert message.value == b"v" * VALUE_LIMIT_BYTES
    assert message.key == b"k" * KEY_LIMIT_BYTES
    assert "value cut: 900,000 of 2,000,000 bytes" in message.error_message
    assert "key cut: 10,000 of 500,000 bytes" in message.error_message
    assert len(headers["kafka_dlt-exception-message"]) == 1_000


def test_text_that_is_no_utf8_does_not_stop_it() -> None:
    message, _ = letter(b"x", RecordInvalidError("lone \ud800 surrogate"))
    assert "surrogate" in message.error_message


def headers_of(headers: Any) -> dict[str, bytes]:
    _, found = dead_letter(
        "t",
        0,
        offset=0,
        timestamp=0,
        key=None,
        value=b"",
        error=RecordInvalidError("x"),
        consumer="g",
        at=0,
        headers=headers,
    )
    assert len(dict(found)) == len(found)
    return dict(found)


def test_a_records_own_headers_go_with_it_but_not_those_of_an_earlier_letter() -> None:
    earlier = [("kafka_dlt-original-topic", b"old"), ("millstream-error-code", b"old"), ("none", None)]
    kept = {"traceparent": b"00", "millstream-redrive-attempt": b"2"}
    for headers in ([*earlier, *kept.items()], dict(earlier) | kept):
        found = headers_of(headers)
        assert (found["kafka_dlt-original-topic"], found["millstream-error-code"]) == (
            b"t",
            b"record_invalid",
        )
        assert {name: found.get(name) for name in kept} == kept
        assert "none" not in found
    assert len(headers_of(None)) == len(headers_of([])) == 8


def test_headers_that_are_too_large_are_left_out_before_those_of_a_redrive() -> None:
    many = [(f"h{number}", b"x" * 1000) for number in range(100)]
    found = headers_of([("huge", b"x" * 1_000_000), *many, ("millstream-redriven-from", b"dead.letters/0/1")])
    assert found["millstream-redriven-from"] == b"dead.letters/0/1"
    assert "huge" not in found
    assert sum(len(value) for value in found.values()) < 2 * CARRIED_LIMIT_BYTES


def test_only_a_letter_that_lacks_something_is_cut() -> None:
    assert is_cut(letter(b"x" * (VALUE_LIMIT_BYTES + 1), RecordInvalidError("e"))[0])
    assert is_cut(letter(b"x", RecordInvalidError("e"), key=b"k" * (KEY_LIMIT_BYTES + 1))[0])
    assert not is_cut(letter(b"x" * VALUE_LIMIT_BYTES, RecordInvalidError("e"))[0])
    assert not is_cut(letter(b"x", RecordInvalidError("[value cut: 1 of 2 bytes are kept]"))[0])
    assert not is_cut(letter(None, RecordInvalidError("[key cut: 1 of 2 bytes are kept]"), key=None)[0])
