"""Points in time as texts: ISO 8601 or seconds since 1970 in, ISO 8601 with an offset out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from millstream.schemas.errors import BlockInputError


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Errors: BlockInputError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BlockInputError(
            f"{name[:80]!r} is no time zone; it looks like Europe/Berlin or UTC."
        ) from error


def moment(value: Any, timezone: str) -> datetime:
    """The point in time of ISO 8601 text (without an offset: in `timezone`) or of seconds since 1970.

    Errors: BlockInputError.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC).astimezone(zone(timezone))
        text = str(value).strip()
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=zone(timezone))
    except (ValueError, OverflowError, OSError) as error:
        raise BlockInputError(
            f"{str(value)[:80]!r} is no date in ISO 8601, such as 2026-01-31 or 2026-01-31T14:00:00+01:00; "
            "ParseDateBlock reads other forms."
        ) from error


def shifted(start: datetime, *, months: int, days: int, seconds: float) -> datetime:
    """Calendar steps by the clock on the wall, then seconds by the clock that never jumps.

    The 31st plus a month is the last day of the next. Errors: BlockInputError beyond the years 1 to 9999.
    """
    try:
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(1)).day if year < 9999 else 28
        wall = start.replace(year=year, month=month + 1, day=min(start.day, last)) + timedelta(days=days)
        moved = wall.astimezone(UTC) + timedelta(seconds=seconds)
        return moved.astimezone(start.tzinfo)
    except (ValueError, OverflowError) as error:
        raise BlockInputError(f"That date lies outside the years 1 to 9999: {error}.") from error


def midnight(day: date, timezone: str) -> datetime:
    """The beginning of a day."""
    return datetime.combine(day, time(), zone(timezone))
