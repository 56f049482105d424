"""JSON answers by orjson. `Raw` lets JSON that is stored as bytes pass through without being parsed."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

Raw = orjson.Fragment
"""Bytes that are JSON already."""


def dumps(value: Any) -> bytes:
    """Return `value` as JSON. Keys that are no text (integers of a dictionary pin) become text."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)


class JsonAnswer(Response):
    """An answer of plain values and `Raw` parts."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return dumps(content)
