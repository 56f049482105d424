"""Dates and numbers: rules that samples do not show."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.processors import units
from millstream.processors.blocks import dates, numbers, working_days
from millstream.processors.moments import moment, shifted
from millstream.schemas.errors import BlockError, BlockInputError
from millstream.testing import run

BEGIN = datetime.fromisoformat("1900-01-01")
DAYS = st.dates(date(2000, 1, 1), date(2050, 1, 1))


@given(st.datetimes(BEGIN, BEGIN.replace(year=2200)), st.integers(-2000, 2000))
@settings(deadline=None)
def test_months_go_there_and_back_but_for_short_months(start: datetime, months: int) -> None:
    begin = moment(start.isoformat(), "UTC")
    there = shifted(begin, months=months, days=0, seconds=0)
    assert (there.year * 12 + there.month) - (begin.year * 12 + begin.month) == months
    back = shifted(there, months=-months, days=0, seconds=0)
    assert timedelta(0) <= begin - back <= timedelta(days=3)
    assert there.time() == begin.time()


@given(DAYS, st.integers(-300, 300), st.lists(DAYS, max_size=5))
@settings(deadline=None, max_examples=60)
def test_working_days_added_are_working_days_counted(start: date, days: int, holidays: list[date]) -> None:
    off = [day.isoformat() for day in holidays]
    end = date.fromisoformat(working_days.add_working_days.fn(start.isoformat(), days, off, [6, 7]))
    assert end.isoweekday() < 6
    assert end not in holidays
    if days:
        # Without the day itself: what is added begins behind it.
        first, last = (start + timedelta(1), end) if days > 0 else (end, start - timedelta(1))
        assert working_days.count_working_days.fn(first.isoformat(), last.isoformat(), off, [6, 7]) == abs(
            days
        )


@pytest.mark.parametrize(
    "value", ["", "tomorrow", "2026-13-01", "2026-02-30", "9" * 400, 1e300, -1e300, True, ["2026-01-01"], {}]
)
async def test_what_is_no_date_is_an_input_error(value: Any) -> None:
    with pytest.raises(BlockInputError):
        await run(dates.add_to_date, moment=value)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "", "Mars/Olympus", "Europe", "a" * 500, "\0"]
)
async def test_a_time_zone_is_a_name_and_never_a_path(name: str) -> None:
    with pytest.raises(BlockInputError, match="time zone"):
        await run(dates.convert_timezone, moment="2026-01-01", timezone=name)


async def test_steps_beyond_the_calendar_are_refused() -> None:
    for steps in ({"years": 999_999}, {"months": -1_000_000}, {"seconds": 1e11 * 0.99, "years": 7000}):
        with pytest.raises(BlockInputError, match="9999"):
            await run(dates.add_to_date, moment="2026-01-01", **steps)
    with pytest.raises(BlockInputError, match="9999"):
        await run(working_days.add_working_days, day="9999-12-30", days=50)


@given(st.floats(-1e12, 1e12))
@settings(deadline=None)
def test_units_convert_there_and_back(value: float) -> None:
    for quantity, table in units.UNITS.items():
        names = list(table)
        for name in names:
            there, kind = units.converted(value, name, names[0])
            back, _ = units.converted(there, names[0], name)
            assert kind == quantity
            assert back == pytest.approx(value, rel=1e-9, abs=1e-6)


async def test_known_measures() -> None:
    for value, unit, to, result in (
        (1, "in", "cm", 2.54),
        (0, "K", "C", -273.15),
        (1, "mi", "m", 1609.344),
        (1, "h", "s", 3600),
    ):
        assert (await run(numbers.convert_unit, value=value, unit=unit, to=to))[0] == ("result", result)
    with pytest.raises(BlockInputError, match="no unit"):
        await run(numbers.convert_unit, value=1, unit="furlong", to="m")


@pytest.mark.parametrize("locale", ["en", "de", "fr-CH", "en-IN", "ar", "ja", "pt_BR"])
@pytest.mark.parametrize("style", ["decimal", "currency", "percent", "compact", "scientific"])
def test_numbers_are_written_in_every_style_and_read_back(locale: str, style: Any) -> None:
    for digits in (None, 0, 2):
        text = numbers.format_number.fn(1234.5, style, locale, "EUR", digits)
        assert any(char.isdigit() for char in text)
        if style in ("decimal", "currency") and digits != 0 and locale != "ar":
            assert numbers.parse_number.fn(text, locale) == 1234.5


async def test_what_is_no_number_is_an_error_with_the_text() -> None:
    for text in ("", "-", "1.2.3.4", "%", "()", "NaN", "one"):
        with pytest.raises(BlockError):
            await run(numbers.parse_number, text=text)
