"""The simplest blocks: keep, show, note, convert, reverse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from millstream.processors import convert
from millstream.processors.annotations import Advanced, Emit, Hidden, Outputs
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError


class One(Outputs):
    """The pin `output`."""

    output: Any


@block(
    id="1ff065e9-88e8-4358-9d82-8dc91f622ba9",
    name="StoreValueBlock",
    categories=("BASIC",),
    static_output=True,
    samples=[
        Sample({"input": 0}, [("output", 0)]),
        Sample({"input": "a", "data": "b"}, [("output", "b")]),
        Sample({"input": "a", "data": ""}, [("output", "a")]),
        Sample({"input": None}, raises="block_input_invalid"),
    ],
)
async def store_value(input_: Any, data: Advanced[Any] = None) -> AsyncIterator[Emit[One]]:
    """Hold a value, so that others can use it again and again: its output is static.

    input: Starts the block, and is what comes out if there is no data.
    data: The value to hold.
    output: The data, or the input.
    """
    yield "output", data or input_


class Printed(Outputs):
    """Pins of PrintToConsoleBlock."""

    output: Any
    status: str


@block(
    id="f3b1c1b2-4c4f-4f0d-8d2f-4c4f0d8d2f4c",
    name="PrintToConsoleBlock",
    categories=("BASIC",),
    sensitive=True,
    samples=[Sample({"text": "hi"}, [("output", "hi"), ("status", "printed")])],
)
async def print_to_console(text: Any, *, ctx: Context) -> AsyncIterator[Emit[Printed]]:
    """Show a value in the live view of the run and pass it on.

    text: What to show.
    output: The same value.
    status: Always "printed".
    """
    ctx.progress(1.0, str(text)[:500])
    yield "output", text
    yield "status", "printed"


class Noted(Outputs):
    """Pins of NoteBlock."""

    output: str


@block(id="cc10ff7b-7753-4ff2-9af6-9399b1a7eddc", name="NoteBlock", kind="Note", categories=("BASIC",))
async def note(text: str) -> AsyncIterator[Emit[Noted]]:
    """Hold a remark for readers of the graph. It is never run.

    text: The remark.
    output: The remark, if somebody runs it all the same.
    """
    yield "output", text


class Converted(Outputs):
    """Pins of UniversalTypeConverterBlock."""

    value: Any


_TYPES: dict[str, Callable[[Any], Any]] = {
    "string": convert.to_text,
    "number": convert.to_number,
    "boolean": convert.to_boolean,
    "list": convert.to_list,
    "dictionary": convert.to_object,
}


@block(
    id="95d1b990-ce13-4d88-9737-ba5c2070c97b",
    name="UniversalTypeConverterBlock",
    categories=("BASIC",),
    samples=[
        Sample({"value": [1, 2], "type": "string"}, [("value", "[1, 2]")]),
        Sample({"value": "[1,2]", "type": "list"}, [("value", [1, 2])]),
        Sample({"value": "5.5", "type": "number"}, [("value", 5.5)]),
        Sample({"value": "True", "type": "boolean"}, [("value", True)]),
        Sample({"value": [7], "type": "dictionary"}, [("value", {"0": 7})]),
    ],
)
async def universal_type_converter(
    value: Any, type: Literal["string", "number", "boolean", "list", "dictionary"]
) -> AsyncIterator[Emit[Converted]]:
    """Turn a value into another type, by the rules that pins use among themselves.

    value: What to convert; then what came of it.
    type: The type wanted.
    """
    yield "value", _TYPES[type](value)


class Reversed(Outputs):
    """Pins of ReverseListOrderBlock."""

    reversed_list: list[Any]


@block(
    id="422cb708-3109-4277-bfe3-bc2ae5812777",
    name="ReverseListOrderBlock",
    categories=("BASIC",),
    samples=[Sample({"input_list": [1, 2, 3]}, [("reversed_list", [3, 2, 1])])],
)
async def reverse_list_order(input_list: list[Any]) -> AsyncIterator[Emit[Reversed]]:
    """Turn a list round.

    input_list: The list, which stays as it is.
    reversed_list: A copy from the last item to the first.
    """
    yield "reversed_list", input_list[::-1]


@block(
    categories=("BASIC",),
    static_output=True,
    samples=[Sample({"value": {"a": 1}}, [("result", {"a": 1})])],
)
async def constant(value: Any) -> Any:
    """Give a fixed value to as many others as want it.

    value: The value.
    result: The same value.
    """
    return value


@block(
    id="e189baac-8c20-45a1-94a7-55177ea42565",
    name="AgentExecutorBlock",
    kind="Agent",
    categories=("AGENT",),
    timeout_s=None,
    samples=[
        Sample(
            {
                "user_id": "u",
                "graph_id": "g",
                "graph_version": 1,
                "inputs": {},
                "input_schema": {},
                "output_schema": {},
            },
            raises="block_failed",
        )
    ],
)
async def agent_executor(
    user_id: str,
    graph_id: str,
    graph_version: int,
    inputs: dict[str, Any],
    input_schema: dict[str, Any],
    output_schema: dict[str, Any],
    agent_name: Advanced[str | None] = None,
    nodes_input_masks: Hidden[dict[str, dict[str, Any]] | None] = None,
) -> None:
    """Run another agent: its inputs are the pins in, its outputs the pins out.

    user_id: Whose agent it is.
    agent_name: What people read on the node.
    graph_id: The agent's graph.
    graph_version: Which version of it.
    inputs: Constants for its inputs.
    input_schema: Its inputs, which become pins.
    output_schema: Its outputs, which become pins.
    """
    raise BlockExecutionError("An agent inside an agent is run by the coordinator, not by a worker.")
