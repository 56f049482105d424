"""Records that could not be handled, as `DeadLetter` for `dead.letters`. Topic: dead.letters; key: the original's."""

from __future__ import annotations

from millstream.schemas.codec import encode
from millstream.schemas.errors import MillstreamError
from millstream.schemas.messages import DeadLetter

VALUE_LIMIT_BYTES = 900_000
"""More of a value is cut off: the letter itself must fit into a record."""
KEY_LIMIT_BYTES = 10_000
MESSAGE_LIMIT_CHARS = 4_000
_HEADER_CHARS = 1_000


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
) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return the record and its headers; `timestamp` and `at` in Unix ms, `consumer` is the group that gave up.

    The headers are those of Spring's DeadLetterPublishingRecoverer, numbers big endian, so that tools know them.
    A value over `VALUE_LIMIT_BYTES` is cut, and the message says so.
    """
    code = error.code if isinstance(error, MillstreamError) else "internal"
    text = (str(error) or type(error).__name__)[:MESSAGE_LIMIT_CHARS]
    message = text.encode(errors="replace").decode()  # a lone surrogate must not lose the letter
    if value is not None and len(value) > VALUE_LIMIT_BYTES:
        message += f" [value cut: {VALUE_LIMIT_BYTES:,} of {len(value):,} bytes are kept]"
    if key is not None and len(key) > KEY_LIMIT_BYTES:
        message += f" [key cut: {KEY_LIMIT_BYTES:,} of {len(key):,} bytes are kept]"
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
    headers = [
        ("kafka_dlt-original-topic", topic.encode()),
        ("kafka_dlt-original-partition", partition.to_bytes(4, "big", signed=True)),
        ("kafka_dlt-original-offset", offset.to_bytes(8, "big", signed=True)),
        ("kafka_dlt-original-timestamp", timestamp.to_bytes(8, "big", signed=True)),
        ("kafka_dlt-original-consumer-group", consumer.encode()),
        ("kafka_dlt-exception-fqcn", f"{type(error).__module__}.{type(error).__qualname__}".encode()),
        ("kafka_dlt-exception-message", message[:_HEADER_CHARS].encode()),
        ("millstream-error-code", code.encode()),
    ]
    return encode(letter), headers
