"""Dates: read, write, add, compare, time zones, schedules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors.annotations import Advanced
from millstream.processors.moments import moment, shifted, zone
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

Steps = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


@dataclass
class Moment:
    """Pins of ParseDateBlock and ConvertTimezoneBlock."""

    moment: str
    date: str
    time: str
    timestamp: float
    weekday: str


def _pins(found: datetime) -> Moment:
    return Moment(
        found.isoformat(),
        found.date().isoformat(),
        found.strftime("%H:%M:%S"),
        found.timestamp(),
        found.strftime("%A"),
    )


@block(
    categories=("TEXT", "DATA"),
    timeout_s=30,
    samples=[
        Sample(
            {"text": "3 March 2026, 2:30 pm", "timezone": "Europe/Berlin"},
            [
                ("moment", "2026-03-03T14:30:00+01:00"),
                ("date", "2026-03-03"),
                ("time", "14:30:00"),
                ("timestamp", 1772544600.0),
                ("weekday", "Tuesday"),
            ],
        ),
        Sample(
            {"text": "02/03/2026", "day_first": True, "languages": ["en"]},
            [
                ("moment", "2026-03-02T00:00:00+00:00"),
                ("date", str),
                ("time", str),
                ("timestamp", float),
                ("weekday", "Monday"),
            ],
        ),
        Sample(
            {"text": "in 2 days", "now": "2026-01-01T00:00:00Z"},
            [
                ("moment", "2026-01-03T00:00:00+00:00"),
                ("date", str),
                ("time", str),
                ("timestamp", float),
                ("weekday", str),
            ],
        ),
        Sample({"text": "no date at all"}, raises="block_failed"),
        Sample({"text": "1 May", "languages": ["zz"]}, raises="block_input_invalid"),
    ],
)
def parse_date(
    text: Annotated[str, Field(max_length=1000)],
    timezone: str = "UTC",
    day_first: bool = False,
    languages: Advanced[list[str]] = ("en", "de", "fr", "es", "it", "pt", "nl"),  # type: ignore[assignment]
    now: Advanced[str] = "",
) -> Moment:
    """Read a date that a person wrote: "3 March 2026", "tomorrow at 5 pm", "vor zwei Tagen", in many languages.

    text: The date.
    timezone: Where it was written, if it does not say.
    day_first: 02/03 is the 2nd of March.
    languages: Codes of those it may be in, such as `en`; an empty list tries some 200, which takes seconds.
    now: The moment from which "tomorrow" counts; now without one.
    moment: The date in ISO 8601.
    date: Its day.
    time: Its time of day.
    timestamp: Seconds since 1970.
    weekday: Its day of the week, in English.
    """
    import dateparser  # type: ignore[import-untyped]

    base = moment(now, timezone) if now else datetime.now(zone(timezone))
    settings = {
        "TIMEZONE": timezone,
        "RETURN_AS_TIMEZONE_AWARE": True,
        "DATE_ORDER": "DMY" if day_first else "MDY",
        "RELATIVE_BASE": base.astimezone(zone(timezone)).replace(tzinfo=None),
    }
    try:
        found = dateparser.parse(text, languages=languages or None, settings=settings)
    except (ValueError, TypeError, OverflowError) as error:
        raise BlockInputError(f"The date cannot be read: {str(error)[:300]}.") from error
    if found is None:
        raise ValueError(f"{text[:100]!r} cannot be read as a date.")
    return _pins(datetime.fromisoformat(found.isoformat()))


@block(
    categories=("TEXT",),
    timeout_s=15,
    samples=[
        Sample(
            {"moment": "2026-01-02T15:04:05Z", "style": "long", "locale": "de", "timezone": "Europe/Berlin"},
            [("result", lambda text: text.startswith("2. Januar 2026") and "16:04:05" in text)],
        ),
        Sample({"moment": 0, "pattern": "EEE d MMM yyyy HH:mm"}, [("result", "Thu 1 Jan 1970 00:00")]),
        Sample({"moment": "2026-01-02", "style": "date"}, [("result", "2026-01-02")]),
        Sample({"moment": "soon"}, raises="block_input_invalid"),
        Sample({"moment": 0, "style": "long", "locale": "xx-nowhere"}, raises="block_input_invalid"),
    ],
)
def format_date(
    moment_: Any,
    style: Literal["ISO", "date", "short", "medium", "long", "full", "mail", "timestamp"] = "medium",
    locale: str = "en",
    timezone: str = "UTC",
    pattern: Advanced[Annotated[str, Field(max_length=200)]] = "",
) -> str:
    """Write a date as people of a country do.

    moment: The date: ISO 8601, or seconds since 1970.
    style: How; `mail` is the form of mails and of the web.
    locale: The language and country, such as `en-GB` or `de`.
    timezone: Where the clock hangs.
    pattern: A form of your own (Unicode LDML), such as `EEE d MMM yyyy HH:mm`.
    result: The text.
    """
    from babel.core import Locale, UnknownLocaleError
    from babel.dates import format_datetime

    when = moment(moment_, timezone).astimezone(zone(timezone))
    if not pattern and style in ("ISO", "date", "mail", "timestamp"):
        plain = {
            "ISO": when.isoformat(),
            "date": when.date().isoformat(),
            "mail": when.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "timestamp": f"{when.timestamp():.0f}",
        }
        return plain[style]
    try:
        known = Locale.parse(locale, sep="-" if "-" in locale else "_")
        return str(format_datetime(when, pattern or style, tzinfo=zone(timezone), locale=known))
    except (UnknownLocaleError, ValueError, KeyError, AttributeError) as error:
        raise BlockInputError(f"{pattern or locale!r} does not fit: {error}.") from error


@block(
    categories=("DATA",),
    samples=[
        Sample({"moment": "2026-01-31", "months": 1}, [("result", "2026-02-28T00:00:00+00:00")]),
        Sample(
            {"moment": "2026-03-28T12:00:00", "timezone": "Europe/Berlin", "days": 1},
            [("result", "2026-03-29T12:00:00+02:00")],
        ),
        Sample(
            {"moment": "2026-03-28T12:00:00", "timezone": "Europe/Berlin", "hours": 24},
            [("result", "2026-03-29T13:00:00+02:00")],
        ),
        Sample({"moment": "2024-02-29", "years": -1}, [("result", "2023-02-28T00:00:00+00:00")]),
        Sample({"moment": "2026-01-01", "years": 9000}, raises="block_input_invalid"),
    ],
)
async def add_to_date(
    moment_: Any,
    years: Steps = 0,
    months: Steps = 0,
    weeks: Steps = 0,
    days: Steps = 0,
    hours: Annotated[float, Field(ge=-1e8, le=1e8)] = 0,
    minutes: Annotated[float, Field(ge=-1e9, le=1e9)] = 0,
    seconds: Advanced[Annotated[float, Field(ge=-1e11, le=1e11)]] = 0,
    timezone: Advanced[str] = "UTC",
) -> str:
    """Add a span of time to a date, or take one off. Days and more keep the time of day; hours and less pass as
    time does, also when clocks are changed.

    moment: The date: ISO 8601, or seconds since 1970.
    years: Years to add; less than 0 goes back.
    months: Months to add; the 31st plus one month is the last day of the next.
    weeks: Weeks to add.
    days: Days to add.
    hours: Hours to add.
    minutes: Minutes to add.
    seconds: Seconds to add.
    timezone: Time zone of a date that names none.
    result: The new date in ISO 8601.
    """
    start = moment(moment_, timezone)
    if not isinstance(moment_, str) or zone(timezone).utcoffset(start) == start.utcoffset():
        start = start.astimezone(zone(timezone))
    spent = hours * 3600 + minutes * 60 + seconds
    return shifted(start, months=years * 12 + months, days=weeks * 7 + days, seconds=spent).isoformat()


@dataclass
class Span:
    """Pins of DateDifferenceBlock."""

    seconds: float
    days: float
    months: int
    years: int
    text: str
    is_past: bool


@block(
    categories=("DATA", "LOGIC"),
    samples=[
        Sample(
            {"start": "2026-01-31", "end": "2026-03-02T12:00:00"},
            [
                ("seconds", 2635200.0),
                ("days", 30.5),
                ("months", 1),
                ("years", 0),
                ("text", "30 days 12 hours"),
                ("is_past", False),
            ],
        ),
        Sample(
            {"start": "2026-03-29T00:00:00+01:00", "end": "2024-03-29T00:00:00+01:00"},
            [
                ("seconds", float),
                ("days", -730.0),
                ("months", -24),
                ("years", -2),
                ("text", "730 days"),
                ("is_past", True),
            ],
        ),
    ],
)
async def date_difference(start: Any, end: Any, timezone: Advanced[str] = "UTC") -> Span:
    """Tell how much time lies between two dates.

    start: From: ISO 8601, or seconds since 1970.
    end: To.
    timezone: Time zone of dates that name none.
    seconds: Seconds between them; less than 0 if the end comes first.
    days: Days of 24 hours.
    months: Whole months of the calendar.
    years: Whole years of the calendar.
    text: The span in words, without its sign.
    is_past: Whether the end comes first.
    """
    left, right = moment(start, timezone), moment(end, timezone)
    seconds = (right - left).total_seconds()
    months = _months(left, right) if seconds >= 0 else -_months(right, left)
    years = abs(months) // 12 * (1 if months >= 0 else -1)
    return Span(seconds, round(seconds / 86400, 6), months, years, _words(abs(seconds)), seconds < 0)


def _months(left: datetime, right: datetime) -> int:
    right = right.astimezone(left.tzinfo)
    months = (right.year - left.year) * 12 + right.month - left.month
    return months - (shifted(left, months=months, days=0, seconds=0) > right)


def _words(seconds: float) -> str:
    rest = int(seconds)
    parts = []
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'s' * (count != 1)}")
    return " ".join(parts[:2]) or "0 seconds"


@block(
    categories=("DATA",),
    samples=[
        Sample(
            {"moment": "2026-07-01T12:00:00", "from_timezone": "America/New_York", "timezone": "Asia/Tokyo"},
            [
                ("moment", "2026-07-02T01:00:00+09:00"),
                ("date", "2026-07-02"),
                ("time", "01:00:00"),
                ("timestamp", 1782921600.0),
                ("weekday", "Thursday"),
            ],
        ),
        Sample({"moment": "2026-07-01", "timezone": "Mars/Olympus"}, raises="block_input_invalid"),
    ],
)
async def convert_timezone(moment_: Any, timezone: str, from_timezone: str = "UTC") -> Moment:
    """Tell what the clocks of another place show.

    moment: The date: ISO 8601, or seconds since 1970; going out, in the other place.
    timezone: The other place, by its IANA name such as `Europe/Berlin`.
    from_timezone: Time zone of a date that names none.
    date: Its day.
    time: Its time of day.
    timestamp: Seconds since 1970.
    weekday: Its day of the week, in English.
    """
    return _pins(moment(moment_, from_timezone).astimezone(zone(timezone)))


@dataclass
class Times:
    """Pins of NextTimesBlock."""

    times: list[str]
    next: str | None
    seconds_until: float | None


@block(
    categories=("LOGIC",),
    timeout_s=15,
    samples=[
        Sample(
            {
                "schedule": "30 9 * * MON-FRI",
                "after": "2026-01-02T10:00:00",
                "timezone": "Europe/Berlin",
                "count": 2,
            },
            [
                ("times", ["2026-01-05T09:30:00+01:00", "2026-01-06T09:30:00+01:00"]),
                ("next", "2026-01-05T09:30:00+01:00"),
                ("seconds_until", 257400.0),
            ],
        ),
        Sample({"schedule": "0 0 30 2 *", "after": "2026-01-02"}, raises="block_input_invalid"),
        Sample({"schedule": "99 * * * *"}, raises="block_input_invalid"),
    ],
)
def next_times(
    schedule: Annotated[str, Field(max_length=200)],
    after: str = "",
    timezone: str = "UTC",
    count: Annotated[int, Field(ge=1, le=1000)] = 1,
) -> Times:
    """Tell when a schedule in the form of cron comes next.

    schedule: Minute, hour, day, month and weekday, such as `30 9 * * MON-FRI`.
    after: The moment from which to look; now without one.
    timezone: Where the clock hangs.
    count: How many times.
    times: The times in ISO 8601.
    next: The first of them; nothing if there is none any more.
    seconds_until: Seconds from `after` to it.
    """
    from cronsim import CronSim, CronSimError

    start = moment(after, timezone).astimezone(zone(timezone)) if after else datetime.now(zone(timezone))
    try:
        found = list(islice(CronSim(schedule, start), count))
    except CronSimError as error:
        raise BlockInputError(f"{schedule!r} is no schedule: {error}.") from error
    first = found[0] if found else None
    wait = (first - start).total_seconds() if first else None
    return Times([one.isoformat() for one in found], first.isoformat() if first else None, wait)
