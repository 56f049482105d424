"""Loops and attempts over calls: the node that is linked from the pin `tools` runs for each item, repeatedly, or on trial.

Each call is a node execution of its own, of an agent node a child execution. Nothing waits in a worker meanwhile, and a block
that is called again has the results in its context, so a crash repeats nothing that has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.calls import Call, Calls, Result, Tool
from millstream.processors.context import Context, Park
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError

ITEMS_LIMIT = 10_000
ROUND_ITEMS = 500
ROUND_BYTES = 256 * 1024
"""Of the items of one round; the worker takes twice as much."""
LARGE_BYTES = 16 * 1024
"""Larger values travel as a reference of some hundred bytes."""
WHERE_TESTED = "it calls other nodes: see tests/unit/streams/test_flow_calls.py"


def the_tool(ctx: Context) -> Tool:
    """Return the one node that is linked. Errors: BlockExecutionError."""
    if len(ctx.tools) == 1:
        return ctx.tools[0]
    found = f"{len(ctx.tools)} nodes are linked" if ctx.tools else "Nothing is linked"
    raise BlockExecutionError(f"{found} from the pin `tools`; link it to the one node that is to run.")


def inputs_of(tool: Tool, item: Any) -> dict[str, Any]:
    """Return what the tool gets: the item on its one pin, or the item's entries on several. Errors: BlockExecutionError."""
    pins = list(tool.pins.values())
    if len(pins) == 1:
        return {pins[0]: item}
    if not isinstance(item, dict):
        named = ", ".join(pins)
        raise BlockExecutionError(
            f"{len(pins)} pins of {tool.name} are linked ({named}), so each item has to be an object with these entries."
        )
    return {pin: item[pin] for pin in pins if pin in item}


def picked(result: Result, pin: str) -> Any:
    """Return what a call gave on a pin, or as a whole if none is named."""
    return result.last(pin) if pin else result.plain()


class Mapped(Outputs):
    """Pins of ForEachBlock."""

    tools: Any
    results: list[Any]
    errors: list[dict[str, Any]]
    count: int


@block(categories=("LOGIC",), calls="always", no_samples=WHERE_TESTED)
async def for_each(
    items: list[Any],
    parallel: Annotated[int, Field(ge=1, le=256)] = 4,
    on_error: Literal["stop", "collect"] = "stop",
    result_pin: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Mapped]]:
    """Run the node that is linked from `tools` once for each item of a list, several at a time, and collect what it gives.

    If one pin of that node is linked it gets the item; if several are, each item is an object with an entry a pin.

    items: What to go through, up to 10,000 items.
    parallel: How many items may be under way at once.
    on_error: `stop`: fail at the first item that fails; `collect`: go on, and tell the failures at the end.
    result_pin: Output of the called node that is the result; empty: its only one, or an object of all.
    tools: To be linked to the node that is called, or to an agent.
    results: What came of each item, in the order of the items; null where it failed.
    errors: Items that failed, as objects of `index`, `item`, `message` and `code`.
    count: How many items went well.
    """
    if len(items) > ITEMS_LIMIT:
        raise BlockExecutionError(f"There are {len(items)} items; at most {ITEMS_LIMIT} are gone through.")
    state = ctx.resumed or {"next": 0, "results": [], "errors": []}
    done = len(state["results"])
    for index, result in enumerate(ctx.results, done):
        if not result.ok and on_error == "stop":
            raise BlockExecutionError(f"Item {index}: {result.error}")
        state["results"].append(picked(result, result_pin) if result.ok else None)
        if not result.ok:
            told = {"index": index, "item": items[index], "message": result.error, "code": result.code}
            state["errors"].append(told)
    first = state["next"]
    if first < len(items):
        tool = the_tool(ctx)
        calls = _round(tool, items, first)
        state["next"] = first + len(calls)
        yield Park(None, state, calls=Calls(calls, parallel, stop_on_error=on_error == "stop"))
        return
    yield "results", state["results"]
    yield "errors", state["errors"]
    yield "count", len(items) - len(state["errors"])


def _round(tool: Tool, items: list[Any], first: int) -> list[Call]:
    """As many of the next items as one round may carry."""
    calls: list[Call] = []
    size = 0
    for item in items[first : first + ROUND_ITEMS]:
        weight = len(orjson.dumps(item))
        size += weight if weight < LARGE_BYTES else 400
        if calls and size > ROUND_BYTES:
            break
        calls.append(Call(tool, inputs_of(tool, item)))
    return calls


class Repeated(Outputs):
    """Pins of RepeatUntilBlock."""

    tools: Any
    result: Any
    rounds: int
    done: bool


@block(categories=("LOGIC",), calls="always", no_samples=WHERE_TESTED)
async def repeat_until(
    value: Any,
    until_pin: str = "done",
    next_pin: str = "result",
    max_rounds: Annotated[int, Field(ge=1, le=10_000)] = 10,
    negate: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Repeated]]:
    """Run the node that is linked from `tools` repeatedly, each time with what it gave before, until it says that it is done.

    value: What the first round gets.
    until_pin: Output of the called node that ends the loop when its last value is true.
    next_pin: Output of the called node that is the next round's input, and at the end the result.
    max_rounds: After so many rounds it ends in any case.
    negate: Go on while the output is true, end when it is not.
    tools: To be linked to the node that is called, or to an agent.
    result: What the last round gave.
    rounds: How many rounds there were.
    done: Whether the called node said so; false if `max_rounds` ended it.
    """
    state = ctx.resumed or {"rounds": 0, "value": value}
    done = False
    for result in ctx.results:
        state["rounds"] += 1
        if not result.ok:
            raise BlockExecutionError(f"Round {state['rounds']}: {result.error}")
        given = result.by_pin()
        if next_pin in given:
            state["value"] = given[next_pin][-1]
        done = bool(result.last(until_pin)) is not negate
    if done or state["rounds"] >= max_rounds:
        yield "result", state["value"]
        yield "rounds", state["rounds"]
        yield "done", done
        return
    tool = the_tool(ctx)
    yield Park(None, state, calls=Calls([Call(tool, inputs_of(tool, state["value"]))]))


class Tried(Outputs):
    """Pins of TryBlock."""

    tools: Any
    result: Any
    failure: dict[str, Any]


@block(name="TryBlock", categories=("LOGIC",), calls="always", no_samples=WHERE_TESTED)
async def try_call(
    value: Any,
    attempts: Annotated[int, Field(ge=1, le=100)] = 1,
    wait_s: Advanced[Annotated[float, Field(ge=0, le=86_400)]] = 0.0,
    result_pin: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Tried]]:
    """Run the node that is linked from `tools`, and go another way if it fails. A failure caught so is none of the run.

    value: What the node gets: on its one linked pin, or an object with an entry for each of several.
    attempts: How often to try in all.
    wait_s: How long to wait before each further attempt, in seconds.
    result_pin: Output of the called node that is the result; empty: its only one, or an object of all.
    tools: To be linked to the node that is called, or to an agent.
    result: What it gave, if it went well.
    failure: Only if it failed each time: `message` and `code` of the last failure, `attempts`, and the `value`.
    """
    state = ctx.resumed or {"attempts": 0, "wait": False}
    for result in ctx.results:
        if result.ok:
            yield "result", picked(result, result_pin)
            return
        state["attempts"] += 1
        if state["attempts"] >= attempts:
            facts = {"message": result.error, "code": result.code, "attempts": state["attempts"]}
            yield "failure", facts | {"value": value}
            return
        if wait_s:
            yield Park(wait_s, state)
            return
    tool = the_tool(ctx)
    yield Park(None, state, calls=Calls([Call(tool, inputs_of(tool, value))]))
