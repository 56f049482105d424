"""Numbers: round, describe, convert, read and write."""

from __future__ import annotations

import math
import statistics as stats
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Decimal,
    InvalidOperation,
)
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors import units
from millstream.processors.ordering import number
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError

_ROUNDINGS = {
    "half up": ROUND_HALF_UP,
    "half even": ROUND_HALF_EVEN,
    "up": ROUND_CEILING,
    "down": ROUND_FLOOR,
    "towards zero": ROUND_DOWN,
}


@block(
    categories=("LOGIC",),
    samples=[
        Sample({"number": 2.675, "digits": 2}, [("result", 2.68)]),
        Sample({"number": 2.5, "how": "half even"}, [("result", 2.0)]),
        Sample({"number": -1.1, "how": "down"}, [("result", -2.0)]),
        Sample({"number": 1250, "digits": -2}, [("result", 1300.0)]),
    ],
)
async def round_number(
    number: float,
    digits: Annotated[int, Field(ge=-15, le=15)] = 0,
    how: Literal["half up", "half even", "up", "down", "towards zero"] = "half up",
) -> float:
    """Round a number as people write it: 2.675 is 2.68, whatever its bits are.

    number: The number.
    digits: Digits behind the point; less than 0 rounds to tens and hundreds.
    how: Which way.
    result: The rounded number.
    """
    if not math.isfinite(number):
        raise BlockInputError("The number is not finite.")
    try:
        return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), rounding=_ROUNDINGS[how]))
    except InvalidOperation:
        return float(number)  # It has no digits that far behind its first.


@dataclass
class Described:
    """Pins of StatisticsBlock."""

    count: int
    skipped: int
    sum: float
    mean: float | None
    median: float | None
    min: float | None
    max: float | None
    deviation: float | None
    quartiles: list[float] | None


@block(
    categories=("LOGIC", "DATA"),
    timeout_s=30,
    samples=[
        Sample(
            {"numbers": [1, "2", 3.0, 4, None, "x"]},
            [
                ("count", 4),
                ("skipped", 2),
                ("sum", 10.0),
                ("mean", 2.5),
                ("median", 2.5),
                ("min", 1.0),
                ("max", 4.0),
                ("deviation", lambda n: abs(n - 1.2909944) < 1e-6),
                ("quartiles", [1.75, 2.5, 3.25]),
            ],
        ),
        Sample({"numbers": []}, [("count", 0), ("skipped", 0), ("sum", 0.0)]),
    ],
)
def statistics(numbers: list[Any]) -> Described:
    """Describe a list of numbers.

    numbers: The numbers; numbers in text count, anything else is skipped.
    count: How many numbers.
    skipped: How many items are none.
    sum: Their sum.
    mean: Their average.
    median: The one in the middle.
    min: The smallest.
    max: The largest.
    deviation: Their standard deviation, as a sample; of two and more.
    quartiles: What a quarter, a half and three quarters of them do not exceed; of two and more.
    """
    found = [float(one) for item in numbers if (one := number(item)) is not None]
    several = len(found) > 1
    return Described(
        len(found),
        len(numbers) - len(found),
        math.fsum(found),
        stats.fmean(found) if found else None,
        stats.median(found) if found else None,
        min(found, default=None),
        max(found, default=None),
        stats.stdev(found) if several else None,
        stats.quantiles(found, n=4, method="inclusive") if several else None,
    )


@dataclass
class Converted:
    """Pins of ConvertUnitBlock."""

    result: float
    quantity: str


@block(
    categories=("LOGIC",),
    samples=[
        Sample({"value": 26.2, "unit": "mi", "to": "km"}, [("result", 42.1648128), ("quantity", "length")]),
        Sample({"value": 98.6, "unit": "°F", "to": "°C"}, [("result", 37.0), ("quantity", "temperature")]),
        Sample({"value": 1, "unit": "GiB", "to": "MB"}, [("result", 1073.741824), ("quantity", "data")]),
        Sample({"value": 1, "unit": "kg", "to": "km"}, raises="block_input_invalid"),
        Sample({"value": 1, "unit": "parrots", "to": "km"}, raises="block_input_invalid"),
    ],
)
async def convert_unit(value: float, unit: str, to: str) -> Converted:
    """Convert a value to another unit: length, mass, time, area, volume, speed, data, energy, power, pressure, angle
    and temperature.

    value: The value.
    unit: Its unit, such as `km`, `lb`, `°F` or `GiB`.
    to: The other unit.
    result: The value in the other unit, with twelve digits.
    quantity: What it measures.
    """
    found, quantity = units.converted(value, unit, to)
    return Converted(float(f"{found:.12g}"), quantity)


def _locale(name: str) -> Any:
    from babel.core import Locale, UnknownLocaleError

    try:
        return Locale.parse(name, sep="-" if "-" in name else "_")
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise BlockInputError(f"{name[:40]!r} is no locale, such as en-GB or de.") from error


@block(
    categories=("TEXT",),
    timeout_s=15,
    samples=[
        Sample({"number": 1234567.891, "locale": "de"}, [("result", "1.234.567,891")]),
        Sample(
            {"number": 12.5, "style": "currency", "currency": "EUR", "locale": "en"}, [("result", "€12.50")]
        ),
        Sample({"number": 0.1234, "style": "percent", "digits": 1}, [("result", "12.3%")]),
        Sample({"number": 12345, "style": "compact"}, [("result", "12K")]),
        Sample({"number": 3, "digits": 2}, [("result", "3.00")]),
        Sample({"number": 1, "locale": "klingon"}, raises="block_input_invalid"),
    ],
)
def format_number(
    number: float,
    style: Literal["decimal", "currency", "percent", "compact", "scientific"] = "decimal",
    locale: str = "en",
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD",
    digits: Annotated[int, Field(ge=0, le=15)] | None = None,
) -> str:
    """Write a number as people of a country do.

    number: The number.
    style: As what. For `percent` 0.5 is 50%; `compact` writes 12K.
    locale: The language and country, such as `en-GB` or `de`.
    currency: Code of the money, such as EUR.
    digits: Digits behind the point; as many as there are, or as are usual, without it.
    result: The text.
    """
    from babel import numbers

    known = _locale(locale)
    if style == "compact":
        return str(numbers.format_compact_decimal(number, locale=known, fraction_digits=digits or 0))
    if style == "scientific":
        return str(numbers.format_scientific(number, locale=known, decimal_quantization=False))
    if digits is not None:
        places = digits + 2 if style == "percent" else digits
        value = Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    else:
        value = Decimal(repr(number))
    behind = "0" * digits if digits is not None else ""
    if style == "currency":
        if digits is None:
            return str(numbers.format_currency(value, currency, locale=known))
        pattern = known.currency_formats["standard"].pattern.replace(".00", f".{behind}" if behind else "")
        return str(
            numbers.format_currency(value, currency, format=pattern, locale=known, currency_digits=False)
        )
    pattern = (known.percent_formats[None] if style == "percent" else known.decimal_formats[None]).pattern
    if digits is not None:
        whole, point, rest = pattern.partition(".")
        tail = rest.lstrip("#0") if point else ""
        if not point:
            whole, tail = whole.rstrip("%\u00a0 ؉"), whole[len(whole.rstrip("%\u00a0 ؉")) :]
        pattern = whole + (f".{behind}" if behind else "") + tail
    form = numbers.format_percent if style == "percent" else numbers.format_decimal
    return str(form(value, format=pattern, locale=known, decimal_quantization=False))


@block(
    categories=("TEXT",),
    timeout_s=15,
    samples=[
        Sample({"text": "1.234,5 €", "locale": "de"}, [("result", 1234.5)]),
        Sample({"text": "$ (1,000.25)", "locale": "en"}, [("result", -1000.25)]),
        Sample({"text": "12,5 %", "locale": "fr"}, [("result", 0.125)]),
        Sample({"text": "many"}, raises="block_failed"),
    ],
)
def parse_number(text: Annotated[str, Field(max_length=500)], locale: str = "en") -> float:
    """Read a number that a person wrote, with separators, money and percent signs.

    text: The number. In brackets it is less than 0, as in accounts.
    locale: The language and country that it was written in, such as `en` or `de`.
    result: The number; 5 % is 0.05.
    """
    import unicodedata

    from babel import numbers

    known = _locale(locale)
    packed = "".join(c for c in text.strip() if unicodedata.category(c) not in ("Sc", "Zs", "Lu", "Ll", "Cf"))
    negative = packed.startswith("(") and packed.endswith(")")
    digits = packed.strip("()").replace("\u2212", "-").removesuffix("%")
    try:
        found = float(numbers.parse_decimal(digits, locale=known))
    except (numbers.NumberFormatError, ValueError) as error:
        raise BlockExecutionError(f"{text[:80]!r} cannot be read as a number.") from error
    return (-found if negative else found) / (100 if packed.endswith("%") else 1)
