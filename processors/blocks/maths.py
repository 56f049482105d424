"""Numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError


class Number(Outputs):
    """Pins of CalculatorBlock."""

    result: float


_OPERATIONS: dict[str, Callable[[float, float], Any]] = {
    "Add": operator.add,
    "Subtract": operator.sub,
    "Multiply": operator.mul,
    "Divide": operator.truediv,
    "Power": operator.pow,
}


@block(
    id="b1ab9b19-67a6-406d-abf5-2dba76d00c79",
    name="CalculatorBlock",
    categories=("LOGIC",),
    samples=[
        Sample({"operation": "Add", "a": 4, "b": 5}, [("result", 9.0)]),
        Sample({"operation": "Divide", "a": 7, "b": 2, "round_result": True}, [("result", 4)]),
        Sample({"operation": "Divide", "a": 1, "b": 0}, [("result", math.inf)]),
        Sample({"operation": "Power", "a": 10, "b": 999}, [("result", math.isnan)]),
        Sample({"operation": "Power", "a": -8, "b": 0.5}, raises="block_failed"),
        Sample({"operation": "Mod", "a": 1, "b": 1}, raises="block_input_invalid"),
    ],
)
async def calculator(
    operation: Literal["Add", "Subtract", "Multiply", "Divide", "Power"],
    a: float,
    b: float,
    round_result: Advanced[bool] = False,
) -> AsyncIterator[Emit[Number]]:
    """Reckon with two numbers. A division by zero gives infinity, a result that is too large "not a number".

    operation: What to do.
    a: The left number.
    b: The right number.
    round_result: Give the nearest whole number.
    result: What comes of it.
    """
    try:
        result = _OPERATIONS[operation](float(a), float(b))
    except ZeroDivisionError:
        result = math.inf
    except OverflowError:
        result = math.nan
    if isinstance(result, complex):
        raise BlockExecutionError(f"{a} to the power of {b} is no real number.")
    yield "result", round(result) if round_result and math.isfinite(result) else result


class Count(Outputs):
    """Pins of CountItemsBlock."""

    count: int


@block(
    id="3c9c2f42-b0c3-435f-ba35-05f7a25c772a",
    name="CountItemsBlock",
    categories=("LOGIC",),
    samples=[
        Sample({"collection": [1, 2]}, [("count", 2)]),
        Sample({"collection": "hello"}, [("count", 5)]),
        Sample({"collection": {"a": 1}}, [("count", 1)]),
        Sample({"collection": 5}, [("count", -1)]),
    ],
)
async def count_items(collection: Any) -> AsyncIterator[Emit[Count]]:
    """Count the items of a list, the keys of an object or the characters of a text.

    collection: What to count.
    count: How many; -1 if it cannot be counted.
    """
    yield "count", len(collection) if isinstance(collection, str | list | dict) else -1
