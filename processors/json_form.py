"""Values of other worlds (SQL, YAML, workbooks, sandboxes) as JSON that all parts of us carry."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from millstream.schemas.errors import BlockExecutionError
from millstream.schemas.sizes import INT_MAX, INT_MIN, JSON_DEPTH_LIMIT

DEPTH_LIMIT = JSON_DEPTH_LIMIT - 4


def json_form(value: Any, depth: int = 0) -> Any:
    """A value as JSON: dates in ISO 8601, decimals as numbers, spans of time in seconds, bytes in Base64, sets as
    lists, keys as text, NaN and infinities as null, halves of surrogate pairs as U+FFFD, anything else as text.

    Errors: BlockExecutionError if it has too many levels.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value) if INT_MIN <= value <= INT_MAX else str(value)
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    if depth > DEPTH_LIMIT:
        raise BlockExecutionError(f"The value has more than {DEPTH_LIMIT} levels; flatten it.")
    if isinstance(value, Mapping):
        return {_key(key): json_form(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_form(item, depth + 1) for item in value]
    return _special(value)


def _special(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, UUID):
        return str(value)
    return _text(str(value))


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else _text(str(key)) if not isinstance(key, date) else key.isoformat()


def _text(text: str) -> str:
    if text.isascii():
        return str(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
