"""Clock and calendar, and waiting without holding a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any, Literal, NotRequired
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context, Park
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

LONGEST_WAIT_S = 366 * 86_400
REPEATS_AT_ONCE = 10_000

Zone = Literal[
    "UTC",
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "America/Caracas",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Atlantic/South_Georgia",
    "Atlantic/Azores",
    "Europe/London",
    "Europe/Paris",
    "Europe/Athens",
    "Europe/Moscow",
    "Asia/Tehran",
    "Asia/Dubai",
    "Asia/Kabul",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Dhaka",
    "Asia/Yangon",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Australia/Eucla",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Noumea",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Tongatapu",
    "Pacific/Kiritimati",
    "Etc/GMT-12",
    "Etc/GMT+12",
]


class Strftime(TypedDict):
    """A format like `%H:%M:%S`."""

    discriminator: Literal["strftime"]
    format: NotRequired[str]
    timezone: NotRequired[Zone]
    use_user_timezone: NotRequired[bool]


class Iso(TypedDict):
    """ISO 8601, with the offset from UTC."""

    discriminator: Literal["iso8601"]
    timezone: NotRequired[Zone]
    use_user_timezone: NotRequired[bool]
    include_microseconds: NotRequired[bool]


class IsoDate(TypedDict):
    """ISO 8601 for a date."""

    discriminator: Literal["iso8601"]
    timezone: NotRequired[Zone]
    use_user_timezone: NotRequired[bool]


def _format(text: str) -> Any:
    return MappingProxyType(
        {"discriminator": "strftime", "format": text, "timezone": "UTC", "use_user_timezone": False}
    )


TIME, DATE, DATE_TIME = "%H:%M:%S", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
TIME_FORMAT, DATE_FORMAT, DATE_TIME_FORMAT = _format(TIME), _format(DATE), _format(DATE_TIME)


class TimeOut(Outputs):
    """Pin of GetCurrentTimeBlock."""

    time: str


def _is_time(text: str) -> bool:
    return bool(datetime.strptime(text, TIME))  # noqa: DTZ007 - only the form counts


@block(
    id="a892b8d9-3e4e-4e9c-9c1e-75f8efcf1bfa",
    name="GetCurrentTimeBlock",
    categories=("TEXT",),
    samples=[
        Sample({"trigger": "now"}, [("time", _is_time)]),
        Sample(
            {"trigger": "now", "format_type": {"discriminator": "iso8601", "timezone": "Asia/Tokyo"}},
            [("time", lambda text: text.endswith("+09:00"))],
        ),
        Sample({"trigger": "now", "format_type": {"discriminator": "other"}}, raises="block_input_invalid"),
    ],
)
async def get_current_time(
    trigger: str, format_type: Advanced[Strftime | Iso] = TIME_FORMAT, *, ctx: Context
) -> AsyncIterator[Emit[TimeOut]]:
    """Tell the time of day.

    trigger: Any text; starts the block.
    format_type: How to write it, and in which time zone.
    time: The time.
    """
    now = datetime.now(_zone(format_type, ctx))
    if format_type["discriminator"] == "iso8601":
        # Not now.timetz(): a time without its date does not know the offset of a zone with summer time.
        yield "time", now.isoformat(timespec=_precision(format_type)).partition("T")[2]
    else:
        yield "time", now.strftime(format_type.get("format", TIME))


class DateOut(Outputs):
    """Pin of GetCurrentDateBlock."""

    date: str


@block(
    id="b29c1b50-5d0e-4d9f-8f9d-1b0e6fcbf0b1",
    name="GetCurrentDateBlock",
    categories=("TEXT",),
    samples=[
        Sample({"trigger": "now", "offset": "7"}, [("date", lambda text: len(text) == 10)]),
        Sample(
            {"trigger": "now", "format_type": {"discriminator": "strftime", "format": "%Y"}},
            [("date", lambda text: text.isdigit() and len(text) == 4)],
        ),
        Sample({"trigger": "now", "offset": "soon"}, raises="block_failed"),
    ],
)
async def get_current_date(
    trigger: str,
    offset: Advanced[int | str] = 0,
    format_type: Advanced[Strftime | IsoDate] = DATE_FORMAT,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[DateOut]]:
    """Tell the date of today, or of some days ago.

    trigger: Any text; starts the block.
    offset: How many days ago; negative numbers lie ahead.
    format_type: How to write it, and in which time zone.
    date: The date.
    """
    try:
        day = datetime.now(_zone(format_type, ctx)) - timedelta(days=int(offset))
    except OverflowError as error:
        raise ValueError(f"{offset} days ago is outside the calendar.") from error
    if format_type["discriminator"] == "iso8601":
        yield "date", day.date().isoformat()
    else:
        yield "date", day.strftime(format_type.get("format", DATE))


class DateTimeOut(Outputs):
    """Pin of GetCurrentDateAndTimeBlock."""

    date_time: str


@block(
    id="716a67b3-6760-42e7-86dc-18645c6e00fc",
    name="GetCurrentDateAndTimeBlock",
    categories=("TEXT",),
    samples=[
        Sample({"trigger": "now"}, [("date_time", lambda text: len(text) == 19)]),
        Sample(
            {
                "trigger": "now",
                "format_type": {
                    "discriminator": "iso8601",
                    "use_user_timezone": True,
                    "include_microseconds": True,
                },
            },
            [("date_time", lambda text: len(text) == 32 and text.endswith("+05:45"))],
            context={"timezone": "Asia/Kathmandu"},
        ),
    ],
)
async def get_current_date_and_time(
    trigger: str, format_type: Advanced[Strftime | Iso] = DATE_TIME_FORMAT, *, ctx: Context
) -> AsyncIterator[Emit[DateTimeOut]]:
    """Tell date and time.

    trigger: Any text; starts the block.
    format_type: How to write them, and in which time zone.
    date_time: Date and time.
    """
    now = datetime.now(_zone(format_type, ctx))
    if format_type["discriminator"] == "iso8601":
        yield "date_time", now.isoformat(timespec=_precision(format_type))
    else:
        yield "date_time", now.strftime(format_type.get("format", DATE_TIME))


def _zone(form: Any, ctx: Context) -> tzinfo:
    name = ctx.timezone if form.get("use_user_timezone") else form.get("timezone", "UTC")
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"There is no time zone {name!r}.") from error


def _precision(form: Any) -> str:
    return "microseconds" if form.get("include_microseconds") else "seconds"


class Message(Outputs):
    """Pin of CountdownTimerBlock."""

    output_message: Any


@block(
    id="d67a9c52-5e4e-11e2-bcfd-0800200c9a71",
    name="CountdownTimerBlock",
    categories=("TEXT",),
    samples=[
        Sample({"seconds": 1}, [("output_message", "timer finished")]),
        Sample({"input_message": 5, "minutes": "2", "repeat": 3}, [("output_message", 5)] * 3),
        Sample({"repeat": 2}, [("output_message", "timer finished")] * 2),
        Sample({"seconds": "soon"}, raises="block_failed"),
        Sample({"seconds": 0, "repeat": REPEATS_AT_ONCE + 1}, raises="block_failed"),
    ],
)
async def countdown_timer(
    input_message: Any = "timer finished",
    seconds: int | str = 0,
    minutes: int | str = 0,
    hours: int | str = 0,
    days: int | str = 0,
    repeat: Advanced[int] = 1,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Message]]:
    """Wait, then give a message; several times if wanted. Nothing is held up meanwhile.

    input_message: The message.
    minutes: Minutes to wait, beside the others.
    hours: Hours to wait, beside the others.
    days: Days to wait, beside the others.
    seconds: How long to wait, together with the others.
    repeat: How often to wait and give it.
    output_message: The message.
    """
    wait_s = _seconds(seconds) + 60 * _seconds(minutes) + 3600 * _seconds(hours) + 86_400 * _seconds(days)
    if not 0 <= wait_s <= LONGEST_WAIT_S:
        raise ValueError(f"A wait of {wait_s} s is not possible; give 0 to {LONGEST_WAIT_S}.")
    if wait_s == 0:
        if repeat > REPEATS_AT_ONCE:
            raise ValueError(f"{repeat} repeats without a wait are too many; at most {REPEATS_AT_ONCE}.")
        for _ in range(int(repeat)):
            yield "output_message", input_message
        return
    left = int(repeat)
    if ctx.resumed is not None:
        yield "output_message", input_message
        left = int(ctx.resumed["left"]) - 1
    if left > 0:
        yield Park(float(wait_s), {"left": left})


def _seconds(amount: int | str) -> int:
    try:
        return int(amount)
    except ValueError as error:
        raise ValueError(f"{amount!r} is no whole number.") from error


class Passed(Outputs):
    """Pin of WaitBlock."""

    value: Any


@block(
    categories=("LOGIC",),
    samples=[
        Sample({"value": {"a": 1}, "seconds": 0.5}, [("value", {"a": 1})]),
        Sample({"value": 1, "seconds": 0}, [("value", 1)]),
        Sample({"value": 1, "seconds": -1}, raises="block_failed"),
    ],
)
async def wait(value: Any, seconds: float = 1.0, *, ctx: Context) -> AsyncIterator[Emit[Passed]]:
    """Pass a value on after a while. Nothing is held up meanwhile, however many wait.

    value: What to pass on; then the same value.
    seconds: How long to wait.
    """
    if not 0 <= seconds <= LONGEST_WAIT_S:
        raise ValueError(f"A wait of {seconds} s is not possible; give 0 to {LONGEST_WAIT_S}.")
    if seconds > 0 and ctx.resumed is None:
        yield Park(float(seconds), {"since": "start"})
        return
    yield "value", value
