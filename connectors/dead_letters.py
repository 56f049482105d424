"""Records that could not be handled, as `DeadLetter` for `dead.letters`. Topic: dead.letters; key: the original's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from millstream.schemas.codec import encode
from millstream.schemas.errors import MillstreamError
from millstream.schemas.messages import DeadLetter

VALUE_LIMIT_BYTES = 900_000
"""More of a value is cut off: the letter itself must fit into a record."""
KEY_LIMIT_BYTES = 10_000
MESSAGE_LIMIT_CHARS = 4_000
CARRIED_LIMIT_BYTES = 16_384
"""Of the record's own headers, so much goes with the letter: they are for tracing, and a letter must fit."""
PROVENANCE = "kafka_dlt-"
"""Headers that begin so tell where a record lay and why it was given up."""
ERROR_CODE = "millstream-error-code"
REDRIVEN_FROM = "millstream-redriven-from"
"""`dead.letters/<partition>/<offset>`: the letter whose record was put back."""
REDRIVE_ATTEMPT = "millstream-redrive-attempt"
"""Which try a record is that was put back, as text: the first delivery was 1, so it begins with 2."""
_HEADER_CHARS = 1_000
_VALUE_CUT, _KEY_CUT = "[value cut: ", "[key cut: "

Header = tuple[str, bytes | None]


def dead_letter(
    topic: str,
    partition: int,
    *,
    offset: int,
    timestamp: int,
    key: bytes | None,
    value: bytes | None,
    error: BaseException,
    consumer: str,
    at: int,
    headers: Mapping[str, bytes | None] | Iterable[Header] | None = None,
) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return the record and its headers; `timestamp` and `at` in Unix ms, `consumer` is the group that gave up.

    The headers are those of Spring's DeadLetterPublishingRecoverer, numbers big endian, so that tools know them.
    A value over `VALUE_LIMIT_BYTES` is cut, and the message says so. The record's own `headers` follow, but those
    of an earlier letter: `millstream-redriven-from` leads to it.
    """
    code = error.code if isinstance(error, MillstreamError) else "internal"
    text = (str(error) or type(error).__name__)[:MESSAGE_LIMIT_CHARS]
    message = text.encode(errors="replace").decode()  # a lone surrogate must not lose the letter
    if value is not None and len(value) > VALUE_LIMIT_BYTES:
        message += f" {_VALUE_CUT}{VALUE_LIMIT_BYTES:,} of {len(value):,} bytes are kept]"
    if key is not None and len(key) > KEY_LIMIT_BYTES:
        message += f" {_KEY_CUT}{KEY_LIMIT_BYTES:,} of {len(key):,} bytes are kept]"
    letter = DeadLetter(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=timestamp,
        key=None if key is None else key[:KEY_LIMIT_BYTES],
        value=None if value is None else value[:VALUE_LIMIT_BYTES],
        error_code=code,
        error_message=message,
        consumer=consumer,
        at=at,
    )
    ours = [
        ("kafka_dlt-original-topic", topic.encode()),
        ("kafka_dlt-original-partition", partition.to_bytes(4, "big", signed=True)),
        ("kafka_dlt-original-offset", offset.to_bytes(8, "big", signed=True)),
        ("kafka_dlt-original-timestamp", timestamp.to_bytes(8, "big", signed=True)),
        ("kafka_dlt-original-consumer-group", consumer.encode()),
        ("kafka_dlt-exception-fqcn", f"{type(error).__module__}.{type(error).__qualname__}".encode()),
        ("kafka_dlt-exception-message", message[:_HEADER_CHARS].encode()),
        (ERROR_CODE, code.encode()),
    ]
    return encode(letter), ours + _carried(headers)


def is_cut(letter: DeadLetter) -> bool:
    """Tell whether a part of the original record is missing in its letter."""
    value_cut = len(letter.value or b"") >= VALUE_LIMIT_BYTES and _VALUE_CUT in letter.error_message
    key_cut = len(letter.key or b"") >= KEY_LIMIT_BYTES and _KEY_CUT in letter.error_message
    return value_cut or key_cut


def _carried(headers: Mapping[str, bytes | None] | Iterable[Header] | None) -> list[tuple[str, bytes]]:
    """Return a record's headers that are not of a letter, those of a redrive first, until the limit is reached."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    kept: list[tuple[str, bytes]] = []
    left = CARRIED_LIMIT_BYTES
    for name, value in sorted(pairs, key=lambda pair: pair[0] not in (REDRIVEN_FROM, REDRIVE_ATTEMPT)):
        size = len(name.encode(errors="replace")) + len(value or b"")
        if value is None or name.startswith(PROVENANCE) or name == ERROR_CODE or size > left:
            continue
        kept.append((name, value))
        left -= size
    return kept
