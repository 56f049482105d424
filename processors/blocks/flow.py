"""Branches, iteration and the person in between."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors import convert
from millstream.processors.annotations import EMPTY, Advanced, Emit, Hidden, Outputs
from millstream.processors.context import Context, Park, Review
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError
from millstream.schemas.pins import KEY

ITEMS_LIMIT = 10_000
TEXT_LIMIT_CHARS = 1024 * 1024
AUTO_APPROVED = "Auto-approved (safe mode disabled)"


class Branches(Outputs):
    """Pins of a decision."""

    result: bool
    yes_output: Any
    no_output: Any


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


@block(
    id="715696a0-e1da-45c8-b209-c2fa9c3b0be6",
    name="ConditionBlock",
    categories=("LOGIC",),
    samples=[
        Sample({"value1": 10, "operator": ">", "value2": 5}, [("result", True), ("yes_output", 10)]),
        Sample({"value1": " 1 ", "operator": "!=", "value2": "1.0"}, [("result", False), ("no_output", 1.0)]),
        Sample(
            {"value1": 1, "operator": "==", "value2": 2, "yes_value": "y", "no_value": "n"},
            [("result", False), ("no_output", "n")],
        ),
        Sample({"value1": "a", "operator": "<", "value2": 1}, raises="block_failed"),
    ],
)
async def condition(
    value1: Any,
    operator: Literal["==", "!=", ">", "<", ">=", "<="],
    value2: Any,
    yes_value: Advanced[Any] = None,
    no_value: Advanced[Any] = None,
) -> AsyncIterator[Emit[Branches]]:
    """Compare two values and go on by one of two ways. Texts that are numbers are compared as numbers.

    value1: The left value.
    operator: How to compare.
    value2: The right value.
    yes_value: What goes out on yes; without it the left value.
    no_value: What goes out on no; without it the right value.
    result: Whether it holds.
    yes_output: Only if it holds.
    no_output: Only if it does not.
    """
    left, right = _as_number(value1), _as_number(value2)
    try:
        holds = bool(_OPERATORS[operator](left, right))
    except TypeError as error:
        kinds = f"{type(left).__name__} and {type(right).__name__}"
        raise BlockExecutionError(f"{kinds} cannot be compared by {operator!r}.") from error
    yield "result", holds
    if holds:
        yield "yes_output", left if yes_value is None else yes_value
    else:
        yield "no_output", right if no_value is None else no_value


def _as_number(value: Any) -> Any:
    """A text that reads as a finite number as float, another text without blanks around, anything else
    itself.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


@block(
    id="6dbbc4b3-ca6c-42b6-b508-da52d23e13f2",
    name="IfInputMatchesBlock",
    categories=("LOGIC",),
    samples=[
        Sample({"input": 10, "value": "10", "yes_value": "y"}, [("result", True), ("yes_output", "y")]),
        Sample({"input": "x", "value": "y"}, [("result", False), ("no_output", None)]),
    ],
)
async def if_input_matches(
    input_: Any, value: Any, yes_value: Advanced[Any] = None, no_value: Advanced[Any] = None
) -> AsyncIterator[Emit[Branches]]:
    """Ask whether an input equals a value, after the value got the input's type.

    input: What is asked about.
    value: What it is compared with.
    yes_value: What goes out on yes.
    no_value: What goes out on no.
    result: Whether they are equal.
    yes_output: Only if they are.
    no_output: Only if they are not.
    """
    equal = input_ == _LIKE.get(type(input_), convert.to_text)(value)
    yield "result", equal
    if equal:
        yield "yes_output", yes_value
    else:
        yield "no_output", no_value


_LIKE: dict[type, Callable[[Any], Any]] = {
    str: convert.to_text,
    int: convert.to_integer,
    float: convert.to_number,
    bool: convert.to_boolean,
    list: convert.to_list,
    dict: convert.to_object,
}


class Entries(Outputs):
    """Pins of StepThroughItemsBlock."""

    item: Any
    key: Any


@block(
    id="f66a3543-28d3-4ab5-8945-9b336371e2ce",
    name="StepThroughItemsBlock",
    categories=("LOGIC",),
    samples=[
        Sample({"items": ["a", "b"]}, [("item", "a"), ("key", 0), ("item", "b"), ("key", 1)]),
        Sample(
            {"items_object": {"k": 1}, "items_str": "[2]"},
            [("item", 1), ("key", "k"), ("item", 2), ("key", 0)],
        ),
        Sample({"items_str": "nonsense"}, raises="block_failed"),
        Sample({"items": [0] * (ITEMS_LIMIT + 1)}, raises="block_failed"),
    ],
)
async def step_through_items(
    items: list[Any] = EMPTY, items_object: dict[str, Any] = EMPTY, items_str: str = ""
) -> AsyncIterator[Emit[Entries]]:
    """Take a collection apart: one output an entry, so that what follows runs once for each.

    items: A list.
    items_object: An object.
    items_str: A list or an object as JSON text.
    item: The entry.
    key: Its index in the list, or its key.
    """
    if len(items_str) > TEXT_LIMIT_CHARS:
        raise ValueError(
            f"The JSON text has {len(items_str)} characters; at most {TEXT_LIMIT_CHARS} are read."
        )
    collections: list[Any] = [items, items_object]
    if items_str:
        try:
            collections.append(json.loads(items_str))
        except ValueError as error:
            raise ValueError(f"The text is no JSON: {error}.") from error
    for collection in collections:
        if not isinstance(collection, list | dict):
            raise ValueError(f"The JSON text is {type(collection).__name__}, neither a list nor an object.")
        if len(collection) > ITEMS_LIMIT:
            raise ValueError(f"There are {len(collection)} items; at most {ITEMS_LIMIT} are gone through.")
    for collection in collections:
        pairs = collection.items() if isinstance(collection, dict) else enumerate(collection)
        for key, item in pairs:
            yield "item", item
            yield "key", key


class Joined(Outputs):
    """Pins of JoinBlock."""

    result: dict[str, Any]
    missing: list[str]


@block(
    categories=("LOGIC",),
    join=True,
    samples=[
        Sample({"values": {"a": 1, "b": None}}, [("result", {"a": 1, "b": None}), ("missing", [])]),
        Sample(
            {"values": {"a": 1}, "missing": ["values_#_c", "values_#_b"]},
            [("result", {"a": 1}), ("missing", ["c", "b"])],
        ),
    ],
)
async def join(
    values: dict[str, Any],
    at_least: Advanced[Annotated[int, Field(ge=1)]] = 1,
    missing: Hidden[list[str]] = EMPTY,
) -> AsyncIterator[Emit[Joined]]:
    """Join branches: wait for a value from each link, and go on without those of branches that were not taken.

    As soon as all links have brought a value it runs. If some never do, it runs once nothing else is left to run, with
    what has arrived. A constant under a pin stands in for a value that did not come.

    values: One link for each branch, to `values_#_` and a name.
    at_least: With fewer values it does not run.
    missing: Names of which nothing arrived, filled in by the engine; empty if all are there.
    result: What arrived, by name.
    """
    yield "result", values
    yield "missing", [pin.removeprefix(f"values{KEY}") for pin in missing]


class Reviewed(Outputs):
    """Pins of HumanInTheLoopBlock."""

    approved_data: Any
    rejected_data: Any
    review_message: str


@block(
    id="8b2a7b3c-6e9d-4a5f-8c1b-2e3f4a5b6c7d",
    name="HumanInTheLoopBlock",
    kind="Human In The Loop",
    categories=("BASIC",),
    samples=[
        Sample(
            {"data": {"a": 1}, "name": "check"},
            [("approved_data", {"a": 1}), ("review_message", AUTO_APPROVED)],
            context={"human_in_the_loop_safe_mode": False},
        ),
        Sample({"data": 1, "name": "check"}, []),
        Sample(
            {"data": 1, "name": "check"},
            [("approved_data", 2), ("review_message", "better")],
            review={"status": "APPROVED", "data": 2, "message": "better"},
        ),
        Sample(
            {"data": 1, "name": "c"}, [("rejected_data", 1)], review={"status": "REJECTED", "message": None}
        ),
    ],
)
async def human_in_the_loop(
    data: Any, name: str, editable: Advanced[bool] = True, *, ctx: Context
) -> AsyncIterator[Emit[Reviewed]]:
    """Show data to a person and wait for the decision. With the safe mode off everything is approved at once.

    data: What to decide on.
    name: What the person reads above it.
    editable: Whether the data may be changed while approving it.
    approved_data: The data, as approved.
    rejected_data: The data, if rejected.
    review_message: What the person wrote, if anything.
    """
    if not ctx.human_in_the_loop_safe_mode and ctx.resumed is None:
        yield "approved_data", data
        yield "review_message", AUTO_APPROVED
        return
    if not isinstance(ctx.resumed, dict) or "review" not in ctx.resumed:
        yield Park(None, None, Review(payload=data, instructions=name, editable=editable))
        return
    review = ctx.resumed["review"]
    decided = review.get("data", data)
    yield ("approved_data" if review["status"] == "APPROVED" else "rejected_data"), decided
    if review.get("message"):
        yield "review_message", review["message"]
