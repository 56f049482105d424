"""Ways: one of many, many into one, and later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context, Park
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

LONGEST_PARK_S = 86_400.0
"""A longer wait is parked again each day, so that a clock that was set meanwhile counts."""
LONGEST_YEARS = 10


class Routed(Outputs):
    """Pins of SwitchBlock."""

    case: dict[str, Any]
    default: Any
    matched: str


@block(
    categories=("LOGIC",),
    samples=[
        Sample(
            {"value": "b", "cases": {"first": "a", "second": "b"}, "data": 7},
            [("case", {"second": 7}), ("matched", "second")],
        ),
        Sample({"value": 2, "cases": {"two": "2"}}, [("case", {"two": 2}), ("matched", "two")]),
        Sample({"value": "c", "cases": {"first": "a"}}, [("default", "c"), ("matched", "")]),
        Sample({"value": "x", "cases": {"some": ["x", "y"]}}, [("case", {"some": "x"}), ("matched", "some")]),
        Sample({"value": 1, "cases": {}}, [("default", 1), ("matched", "")]),
    ],
)
async def switch(
    value: Any, cases: dict[str, Any], data: Advanced[Any] = None
) -> AsyncIterator[Emit[Routed]]:
    """Go on by one of several named ways: link `case_#_<name>` to what follows there, and `default` to the rest.

    value: What is looked at.
    cases: Name of a way to the value that leads there, or to a list of such values; the first that fits counts. Numbers and
        texts of numbers are the same.
    data: What goes out; without it the value.
    case: An object with the way's name and what goes out, of which a link takes its entry.
    default: What goes out if no case fits.
    matched: Name of the way; empty if no case fits.
    """
    given = value if data is None else data
    for name, wanted in cases.items():
        choices = wanted if isinstance(wanted, list) and not isinstance(value, list) else [wanted]
        if any(_same(value, each) for each in choices):
            yield "case", {name: given}
            yield "matched", name
            return
    yield "default", given
    yield "matched", ""


def _same(left: Any, right: Any) -> bool:
    if left == right and isinstance(left, bool) == isinstance(right, bool):
        return True
    plain = (str, int, float)
    if not isinstance(left, plain) or not isinstance(right, plain) or isinstance(left, bool | type(right)):
        return False
    try:
        return not isinstance(right, bool) and float(left) == float(right)
    except ValueError:
        return False


class Merged(Outputs):
    """Pin of MergeBlock."""

    value: Any


@block(
    categories=("LOGIC",),
    samples=[Sample({"value": {"a": 1}}, [("value", {"a": 1})]), Sample({"value": 0}, [("value", 0)])],
)
async def merge(value: Any) -> AsyncIterator[Emit[Merged]]:
    """Bring several ways together: link all of them to `value`; each value goes on as it comes. To wait for all: JoinBlock.

    value: From any of the ways; then the same value.
    """
    yield "value", value


class Waited(Outputs):
    """Pin of WaitUntilBlock."""

    value: Any


@block(
    categories=("LOGIC",),
    samples=[
        Sample({"value": 1, "time": "2020-01-01T00:00:00Z"}, [("value", 1)]),
        Sample({"value": 1, "time": "2020-01-01 08:30"}, [("value", 1)]),
        Sample({"value": 1, "time": "soon"}, raises="block_failed"),
        Sample({"value": 1, "time": "9999-01-01"}, raises="block_failed"),
    ],
)
async def wait_until(value: Any, time: str, *, ctx: Context) -> AsyncIterator[Emit[Waited]]:
    """Pass a value on at a certain time. Nothing is held up meanwhile, and a restart of the platform changes nothing.

    value: What to pass on; then the same value.
    time: When, such as `2027-03-01T08:30` (in your time zone) or `2027-03-01T08:30:00Z`. If it has passed, at once.
    """
    until = _moment(time, ctx.timezone)
    left_s = (until - datetime.now(UTC)).total_seconds()
    if left_s > LONGEST_YEARS * 366 * 86_400:
        raise ValueError(f"{time!r} is more than {LONGEST_YEARS} years away.")
    if left_s > 0:
        yield Park(min(left_s, LONGEST_PARK_S), {"until": until.isoformat()})
        return
    yield "value", value


def _moment(text: str, zone: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
    except ZoneInfoNotFoundError as error:
        raise ValueError(f"There is no time zone {zone!r}.") from error
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:100]!r} is no time; write it like 2027-03-01T08:30:00Z.") from error
