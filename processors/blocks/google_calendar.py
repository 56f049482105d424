"""Google Calendar: read events, make one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, DateTimeText, Emit, Outputs
from millstream.processors.blocks.google import CALENDAR, LOGIN, ReadEvents, WriteEvents, served
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

EVENTS_MOST: Final = 250


class Event(TypedDict):
    """One event."""

    id: str
    title: str
    start_time: str
    end_time: str
    is_all_day: bool
    location: str | None
    description: str | None
    organizer: str | None
    attendees: list[str]
    has_video_call: bool
    video_link: str | None
    calendar_link: str
    is_recurring: bool


class Events(Outputs):
    """Pins of GoogleCalendarReadEventsBlock."""

    events: list[Event]
    event: Event
    next_page_token: str | None


_ITEM = {
    "id": "e1",
    "summary": "Tea",
    "start": {"dateTime": "2026-01-05T16:00:00Z"},
    "end": {"dateTime": "2026-01-05T17:00:00Z"},
    "organizer": {"email": "ada@example.com"},
    "attendees": [{"email": "bob@example.com"}],
    "htmlLink": "https://calendar/e1",
}
_DECLINED = {**_ITEM, "id": "e2", "attendees": [{"self": True, "responseStatus": "declined"}]}
_EVENT = {
    "id": "e1",
    "title": "Tea",
    "start_time": "2026-01-05T16:00:00Z",
    "end_time": "2026-01-05T17:00:00Z",
    "is_all_day": False,
    "location": None,
    "description": None,
    "organizer": "ada@example.com",
    "attendees": ["bob@example.com"],
    "has_video_call": False,
    "video_link": None,
    "calendar_link": "https://calendar/e1",
    "is_recurring": False,
}


@block(
    id="80bc3ed1-e9a4-449e-8163-a8fc86f74f6a",
    name="GoogleCalendarReadEventsBlock",
    categories=("DATA", "PRODUCTIVITY"),
    samples=[
        Sample(
            {"credentials": LOGIN, "start_time": "2026-01-05T00:00:00Z"},
            [("events", [_EVENT]), ("event", _EVENT)],
            serves={"/calendars/primary/events": served({"items": [_ITEM, _DECLINED]})},
        ),
        Sample({"credentials": LOGIN, "start_time": "soon"}, raises="block_input_invalid"),
    ],
)
async def google_calendar_read_events(
    credentials: ReadEvents,
    calendar_id: Advanced[str] = "primary",
    max_events: Advanced[int] = 10,
    start_time: Advanced[DateTimeText] = "",
    time_range_days: Advanced[int] = 30,
    search_term: Advanced[str | None] = None,
    page_token: Advanced[str | None] = None,
    include_declined_events: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Events]]:
    """Read the events of a calendar, in the order in which they begin; each time of a repeated one counts.

    credentials: A connected Google account.
    calendar_id: Id of the calendar.
    max_events: How many at once, 250 at most.
    start_time: From when on; empty is now.
    time_range_days: How many days from then.
    search_term: Only events with these words.
    page_token: `next_page_token` of the page before.
    include_declined_events: Also those that the account's owner has declined.
    events: All events.
    event: Each event.
    next_page_token: Where the next page begins, if there is one.
    """
    if not 1 <= time_range_days <= 3_650:
        raise BlockInputError(f"time_range_days is {time_range_days}; give 1 to 3650.", pin="time_range_days")
    begins = _time(start_time, "start_time") if start_time else datetime.now(UTC)
    query = {
        "timeMin": begins.isoformat(),
        "timeMax": (begins + timedelta(days=time_range_days)).isoformat(),
        "maxResults": min(EVENTS_MOST, max(1, max_events)),
        "singleEvents": True,
        "orderBy": "startTime",
        "q": search_term or None,
        "pageToken": page_token or None,
    }
    found = await CALENDAR.call(ctx, "GET /calendars/{id}/events", path={"id": calendar_id}, query=query)
    items = [each for each in found.get("items") or [] if include_declined_events or not _declined(each)]
    events = [_event(each) for each in items]
    yield "events", events
    for event in events:
        yield "event", event
    if found.get("nextPageToken"):
        yield "next_page_token", found["nextPageToken"]


def _declined(item: dict[str, Any]) -> bool:
    return any(
        each.get("self") and each.get("responseStatus") == "declined" for each in item.get("attendees") or []
    )


def _event(item: dict[str, Any]) -> Event:
    start, end = item.get("start") or {}, item.get("end") or {}
    points = (item.get("conferenceData") or {}).get("entryPoints") or []
    video = item.get("hangoutLink") or next(
        (each.get("uri") for each in points if each.get("entryPointType") == "video"), None
    )
    return Event(
        id=item["id"],
        title=item.get("summary") or "",
        start_time=start.get("dateTime") or start.get("date") or "",
        end_time=end.get("dateTime") or end.get("date") or "",
        is_all_day="date" in start,
        location=item.get("location"),
        description=item.get("description"),
        organizer=(item.get("organizer") or {}).get("email"),
        attendees=[each["email"] for each in item.get("attendees") or [] if each.get("email")],
        has_video_call=video is not None,
        video_link=video,
        calendar_link=item.get("htmlLink") or "",
        is_recurring="recurringEventId" in item,
    )


class ExactTiming(TypedDict):
    """From one time to another."""

    discriminator: Literal["exact_timing"]
    start_datetime: DateTimeText
    end_datetime: DateTimeText


class DurationTiming(TypedDict):
    """From a time on, for so long."""

    discriminator: Literal["duration_timing"]
    start_datetime: DateTimeText
    duration_minutes: int


class Recurrence(TypedDict):
    """How an event repeats."""

    discriminator: Literal["recurring"]
    frequency: Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
    count: int


class Made(Outputs):
    """Pins of GoogleCalendarCreateEventBlock."""

    event_id: str
    event_link: str


_TIMING = {
    "discriminator": "duration_timing",
    "start_datetime": "2026-01-05T16:00:00+01:00",
    "duration_minutes": 30,
}
_ASK = {"credentials": LOGIN, "event_title": "Tea", "timing": _TIMING}


@block(
    id="ed2ec950-fbff-4204-94c0-023fb1d625e0",
    name="GoogleCalendarCreateEventBlock",
    categories=("PRODUCTIVITY",),
    repeatable=False,
    samples=[
        Sample(
            _ASK,
            [("event_id", "e1"), ("event_link", "https://calendar/e1")],
            serves={"/calendars/primary/events": served(_ITEM)},
        ),
        Sample({**_ASK, "timing": {**_TIMING, "duration_minutes": 0}}, raises="block_input_invalid"),
        Sample({**_ASK, "timing": {**_TIMING, "start_datetime": "tomorrow"}}, raises="block_input_invalid"),
    ],
)
async def google_calendar_create_event(
    credentials: WriteEvents,
    event_title: str,
    timing: ExactTiming | DurationTiming,
    location: Advanced[str | None] = None,
    description: Advanced[str | None] = None,
    calendar_id: Advanced[str] = "primary",
    guest_emails: Advanced[list[str]] = EMPTY,
    send_notifications: Advanced[bool] = True,
    add_google_meet: Advanced[bool] = False,
    recurrence: Advanced[dict[str, Any]] = EMPTY,
    reminder_minutes: Advanced[list[Literal[10, 30, 60, 1440]]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Made]]:
    """Make an event in a calendar.

    credentials: A connected Google account.
    event_title: The title.
    timing: When: a start with an end, or with a duration in minutes. A time without a zone is in the user's.
    location: Where.
    description: What about.
    calendar_id: Id of the calendar.
    guest_emails: Who is invited.
    send_notifications: Tell the guests by mail.
    add_google_meet: Add a video call.
    recurrence: How it repeats: `{"discriminator": "recurring", "frequency": "WEEKLY", "count": 4}`.
    reminder_minutes: Remind so many minutes before.
    event_id: Id of the event.
    event_link: Address of the event.
    """
    start, end = _span(timing)
    wanted: dict[str, Any] = {
        "summary": event_title,
        "location": location,
        "description": description,
        "start": _stamp(start, ctx.timezone),
        "end": _stamp(end, ctx.timezone),
        "attendees": [{"email": email} for email in guest_emails] or None,
        "recurrence": _rule(recurrence),
    }
    if reminder_minutes:
        overrides = [{"method": "popup", "minutes": minutes} for minutes in reminder_minutes]
        wanted["reminders"] = {"useDefault": False, "overrides": overrides}
    if add_google_meet:
        request = {"requestId": ctx.idempotency_key, "conferenceSolutionKey": {"type": "hangoutsMeet"}}
        wanted["conferenceData"] = {"createRequest": request}
    query = {
        "sendUpdates": "all" if send_notifications else "none",
        "conferenceDataVersion": 1 if add_google_meet else None,
    }
    path = {"id": calendar_id}
    made = await CALENDAR.call(ctx, "POST /calendars/{id}/events", path=path, query=query, json=wanted)
    yield "event_id", made["id"]
    yield "event_link", made.get("htmlLink") or ""


def _span(timing: ExactTiming | DurationTiming) -> tuple[datetime, datetime]:
    start = _time(timing["start_datetime"], "timing")
    if timing["discriminator"] == "exact_timing":
        end = _time(timing["end_datetime"], "timing")
    else:
        if not 1 <= timing["duration_minutes"] <= 525_600:
            raise BlockInputError("duration_minutes is 1 to 525600.", pin="timing")
        end = start + timedelta(minutes=timing["duration_minutes"])
    if (end.tzinfo is None) != (start.tzinfo is None):
        raise BlockInputError("One of the two times has a zone, the other has none.", pin="timing")
    if end <= start:
        raise BlockInputError("The event ends before it begins.", pin="timing")
    return start, end


def _stamp(time: datetime, zone: str) -> dict[str, str]:
    return {"dateTime": time.isoformat(), **({"timeZone": zone} if time.tzinfo is None else {})}


def _time(text: str, pin: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BlockInputError(
            f"{text[:50]!r} is no time; write it like 2026-01-05T16:00:00+01:00.", pin=pin
        ) from error


def _rule(recurrence: dict[str, Any]) -> list[str] | None:
    if not recurrence or recurrence.get("discriminator") == "one_time":
        return None
    frequency, count = recurrence.get("frequency", "WEEKLY"), recurrence.get("count", 10)
    if (
        frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
        or not isinstance(count, int)
        or not 1 <= count <= 730
    ):
        raise BlockInputError(
            "recurrence has a frequency (DAILY to YEARLY) and a count of 1 to 730.", pin="recurrence"
        )
    return [f"RRULE:FREQ={frequency};COUNT={count}"]
