"""When a request may be sent again, and after how long. Pure: who waits decides how."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be gone the next time."""
REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that do the same when they are sent twice (RFC 9110, 9.2.2)."""
FIRST_S: Final = 0.5
LONGEST_S: Final = 60.0


def may_repeat(method: str, status: int | None, *, keyed: bool = False) -> bool:
    """Tell whether to try again after `status`, or after no answer (None).

    `keyed`: the server takes an idempotency key, so it does a repeated request once. Without one, a request that changes
    things is sent again only after 429, which says that nothing was done.
    """
    if status == 429:
        return True
    passing = status is None or status in PASSING
    return passing and (keyed or method.upper() in REPEATABLE)


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return what `Retry-After` (seconds, or a date) asks for; None if it is absent or makes no sense."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else None
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def back_off_s(tried: int, asked_s: float | None, *, chance: Callable[[], float] = random.random) -> float:
    """Return how long to wait after `tried` tries: what the server asks for, else 0.5 s, 1 s, 2 s ... to a minute,
    each shortened by up to half, so that clients that failed together do not come back together.
    """
    if asked_s is not None:
        return asked_s
    most: float = min(LONGEST_S, FIRST_S * 2.0 ** min(tried - 1, 10))
    return most * (0.5 + chance() / 2)
