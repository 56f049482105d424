"""Working days: days of the week and holidays that are off."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced
from millstream.processors.moments import moment
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

Weekday = Annotated[int, Field(ge=1, le=7)]
WORKING_DAYS_LIMIT = 100_000


def _days_off(holidays: list[str]) -> set[date]:
    try:
        return {date.fromisoformat(day) for day in holidays}
    except ValueError as error:
        raise BlockInputError(f"A holiday is no date: {error}.") from error


@block(
    categories=("DATA", "LOGIC"),
    timeout_s=15,
    samples=[
        Sample({"day": "2026-01-02", "days": 1}, [("result", "2026-01-05")]),
        Sample({"day": "2026-01-05", "days": -1, "holidays": ["2026-01-02"]}, [("result", "2026-01-01")]),
        Sample({"day": "2026-01-03", "days": 0}, [("result", "2026-01-05")]),
        Sample(
            {"day": "2026-01-01", "days": 5, "weekend": [1, 2, 3, 4, 5, 6, 7]}, raises="block_input_invalid"
        ),
    ],
)
def add_working_days(
    day: str,
    days: Annotated[int, Field(ge=-WORKING_DAYS_LIMIT, le=WORKING_DAYS_LIMIT)],
    holidays: list[str] = EMPTY,
    weekend: Advanced[list[Weekday]] = (6, 7),  # type: ignore[assignment]
) -> str:
    """Add working days to a day. With 0 it gives the day itself, or the next working day.

    day: The day, as 2026-01-31.
    days: How many; less than 0 goes back.
    holidays: Days that are off, as 2026-12-25.
    weekend: Days of the week that are off: 1 is Monday, 7 is Sunday.
    result: The day that comes of it.
    """
    off, free = _days_off(holidays), set(weekend)
    if len(free) == 7:
        raise BlockInputError("All days of the week are off; nobody works then.")
    found = moment(day, "UTC").date()
    step = timedelta(-1 if days < 0 else 1)
    left = abs(days)
    while left or found.isoweekday() in free or found in off:
        try:
            found += step
        except OverflowError as error:
            raise BlockInputError("That day lies outside the years 1 to 9999.") from error
        left -= bool(left) and not (found.isoweekday() in free or found in off)
    return found.isoformat()


@block(
    categories=("DATA", "LOGIC"),
    timeout_s=15,
    samples=[
        Sample({"start": "2026-01-01", "end": "2026-01-08", "holidays": ["2026-01-01"]}, [("result", 5)]),
        Sample({"start": "2026-01-02", "end": "2026-01-02"}, [("result", 1)]),
        Sample({"start": "2026-01-02", "end": "2026-01-01"}, raises="block_input_invalid"),
    ],
)
def count_working_days(
    start: str,
    end: str,
    holidays: list[str] = EMPTY,
    weekend: Advanced[list[Weekday]] = (6, 7),  # type: ignore[assignment]
) -> int:
    """Count the working days from one day to another, both counted.

    start: The first day, as 2026-01-31.
    end: The last day.
    holidays: Days that are off.
    weekend: Days of the week that are off: 1 is Monday, 7 is Sunday.
    result: How many days.
    """
    first, last = moment(start, "UTC").date(), moment(end, "UTC").date()
    if first > last:
        raise BlockInputError("The end comes before the start.")
    if (last - first).days > WORKING_DAYS_LIMIT:
        raise BlockInputError(f"There are more than {WORKING_DAYS_LIMIT} days between them.")
    off, free = _days_off(holidays), set(weekend)
    days = (first + timedelta(number) for number in range((last - first).days + 1))
    return sum(day.isoweekday() not in free and day not in off for day in days)
