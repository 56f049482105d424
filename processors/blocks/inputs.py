"""Inputs and outputs of a graph. They carry values; the edge reads their names, titles and flags for its
forms.
"""

from __future__ import annotations

import datetime
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from millstream.processors import templates
from millstream.processors.annotations import (
    EMPTY,
    Advanced,
    DateText,
    Emit,
    FileRef,
    LongText,
    Outputs,
    ShortText,
    TimeText,
)
from millstream.processors.blocks.files import kept
from millstream.processors.samples import Sample
from millstream.processors.sdk import Block, block
from millstream.processors.services import Files
from millstream.schemas.errors import BlockExecutionError, BlockInputError, BlockTimeoutError


async def _fields(
    name: str,
    title: Advanced[str | None] = None,
    description: Advanced[str | None] = None,
    advanced: Advanced[bool] = False,
    secret: Advanced[bool] = False,
) -> None:
    """The pins that all inputs have beside `value`; the edge reads them, the blocks do not."""


_NOTES = {
    "value": "What is given when the graph is run; as a constant, what holds if nothing is.",
    "title": "What people read above it; its name if there is none.",
    "description": "What people read beside it.",
    "advanced": "Show it on demand only.",
    "secret": "Keep the value sealed: nobody reads it again.",
}


def _described(text: str) -> str:
    missing = [f"{pin}: {note}" for pin, note in _NOTES.items() if f"\n{pin}: " not in text]
    return "\n".join([text, *missing])


def input_block(*, id: str, name: str, samples: Sequence[Sample]) -> Callable[[Callable[..., Any]], Block]:
    """Make an input of a function that takes a value: as `@block`, with the pins that all inputs have."""

    def made(fn: Callable[..., Any]) -> Block:
        own, shared = inspect.signature(fn), inspect.signature(_fields)
        first, *rest = shared.parameters.values()
        value, *more = own.parameters.values()

        @functools.wraps(fn)
        async def call(**arguments: Any) -> Any:
            return await fn(**{pin: arguments[pin] for pin in own.parameters})

        call.__signature__ = own.replace(parameters=[first, value, *rest, *more])  # type: ignore[attr-defined]
        call.__annotations__ = {**_fields.__annotations__, **fn.__annotations__}
        call.__doc__ = _described(inspect.getdoc(fn) or "")
        options: Any = {"kind": "Input", "categories": ("BASIC", "INPUT"), "static_output": True}
        found: Block = block(id=id, name=name, samples=samples, **options)(call)
        return found

    return made


@input_block(
    id="c0a8e994-ebf1-4a9c-a4d8-89d09c86741b",
    name="AgentInputBlock",
    samples=[
        Sample({"name": "x", "value": 0}, [("result", 0)]),
        Sample({"name": "x", "value": ""}, [("result", "")]),
        Sample({"name": "x"}, []),
    ],
)
async def agent_input(
    value: Advanced[Any] = None,
) -> Any:
    """Take a value that whoever runs the agent gives. Nothing comes out if there is none; 0, false and ""
    count.

    name: What the input is called, once in a graph.
    value: What it gives if the run brings nothing.
    title: Its heading in the form, instead of the name.
    description: A hint below the field.
    advanced: Show it only on demand; needs a value.
    secret: Never show or export the value.
    result: The value given.
    """
    return value


@input_block(
    id="7fcd3bcb-8e1b-4e69-903d-32d3d4a92158",
    name="AgentShortTextInputBlock",
    samples=[Sample({"name": "topic", "value": "tea"}, [("result", "tea")])],
)
async def agent_short_text_input(
    value: ShortText | None = None,
) -> str | None:
    """Take one line of text.

    name: What the input is called, once in a graph.
    result: The text given.
    """
    return value


@input_block(
    id="90a56ffb-7024-4b2b-ab50-e26c5e5ab8ba",
    name="AgentLongTextInputBlock",
    samples=[Sample({"name": "essay", "value": "one\ntwo"}, [("result", "one\ntwo")])],
)
async def agent_long_text_input(
    value: LongText | None = None,
) -> str | None:
    """Take text of several lines.

    name: What the input is called, once in a graph.
    result: The text given.
    """
    return value


@input_block(
    id="96dae2bb-97a2-41c2-bd2f-13a3b5a8ea98",
    name="AgentNumberInputBlock",
    samples=[
        Sample({"name": "n", "value": 0}, [("result", 0)]),
        Sample({"name": "n", "value": "7"}, raises="block_input_invalid"),
    ],
)
async def agent_number_input(
    value: int | None = None,
) -> int | None:
    """Take a whole number.

    name: What the input is called, once in a graph.
    result: The number given.
    """
    return value


@input_block(
    id="7e198b09-4994-47db-8b4d-952d98241817",
    name="AgentDateInputBlock",
    samples=[
        Sample({"name": "day", "value": "2026-02-28"}, [("result", "2026-02-28")]),
        Sample({"name": "day", "value": "2026-02-30"}, raises="block_input_invalid"),
    ],
)
async def agent_date_input(
    value: DateText | None = None,
) -> DateText | None:
    """Take a date, as YYYY-MM-DD.

    name: What the input is called, once in a graph.
    result: The date given.
    """
    if value is None:
        return None
    try:
        return datetime.date.fromisoformat(value[:10]).isoformat()
    except ValueError as error:
        raise BlockInputError(f"{value[:50]!r} is no date; write it as 2026-12-31.") from error


@input_block(
    id="2a1c757e-86cf-4c7e-aacf-060dc382e434",
    name="AgentTimeInputBlock",
    samples=[
        Sample({"name": "at", "value": "08:30"}, [("result", "08:30:00")]),
        Sample({"name": "at", "value": "25:00"}, raises="block_input_invalid"),
    ],
)
async def agent_time_input(
    value: TimeText | None = None,
) -> TimeText | None:
    """Take a time of day, as HH:MM or HH:MM:SS.

    name: What the input is called, once in a graph.
    result: The time given.
    """
    if value is None:
        return None
    try:
        return datetime.time.fromisoformat(value).isoformat()
    except ValueError as error:
        raise BlockInputError(f"{value[:50]!r} is no time of day; write it as 08:30.") from error


@input_block(
    id="cbf36ab5-df4a-43b6-8a7f-f7ed8652116e",
    name="AgentToggleInputBlock",
    samples=[
        Sample({"name": "on"}, [("result", False)]),
        Sample({"name": "on", "value": True}, [("result", True)]),
    ],
)
async def agent_toggle_input(
    value: bool = False,
) -> bool:
    """Take yes or no; without a value it is no.

    name: What the input is called, once in a graph.
    result: The choice.
    """
    return value


@input_block(
    id="655d6fdf-a334-421c-b733-520549c07cd1",
    name="AgentDropdownInputBlock",
    samples=[
        Sample({"name": "size", "value": "small", "options": ["small", "large"]}, [("result", "small")])
    ],
)
async def agent_dropdown_input(
    value: str | None = None,
    options: list[Any] = EMPTY,
) -> str | None:
    """Take one of several texts. The form offers the options; a run is not held to them.

    name: What the input is called, once in a graph.
    options: What to choose from.
    result: The text chosen.
    """
    return value


@input_block(
    id="5603b273-f41e-4020-af7d-fbc9c6a8d928",
    name="AgentTableInputBlock",
    samples=[
        Sample({"name": "rows"}, [("result", [])]),
        Sample({"name": "rows", "value": [{"a": 1}], "column_headers": ["a"]}, [("result", [{"a": 1}])]),
    ],
)
async def agent_table_input(
    value: list[dict[str, Any]] | None = None,
    column_headers: list[str] = EMPTY,
) -> list[dict[str, Any]]:
    """Take rows of a table; without a value the table is empty.

    name: What the input is called, once in a graph.
    column_headers: The columns that the form shows.
    result: One object a row, keyed by column.
    """
    return value or []


@input_block(
    id="95ead23f-8283-4654-aef3-10c053b74a31",
    name="AgentFileInputBlock",
    samples=[
        Sample({"name": "doc"}, []),
        Sample(
            {"name": "doc", "value": "data:,hello"}, [("result", lambda ref: ref.startswith("workspace://"))]
        ),
        Sample(
            {"name": "doc", "value": "data:,hello", "base_64": True},
            [("result", "data:text/plain;base64,aGVsbG8=")],
        ),
    ],
)
async def agent_file_input(
    value: FileRef | None = None,
    base_64: Advanced[bool] = False,
    *,
    files: Files,
) -> str | None:
    """Take a file: an upload, a data: URI or a URL. It is kept in the workspace, and its reference comes out.

    name: What the input is called, once in a graph.
    base_64: Give the content itself, as a data: URI.
    result: `workspace://<id>`, or a data: URI.
    """
    return await kept(value, files, inline=base_64) if value else None


class Output(Outputs):
    """Pins of AgentOutputBlock."""

    output: Any
    name: Any


@block(
    id="363ae599-353e-4804-937e-b2ee3cef3da4",
    name="AgentOutputBlock",
    kind="Output",
    categories=("BASIC", "OUTPUT"),
    static_output=True,
    samples=[
        Sample({"name": "o", "value": {"a": 1}}, [("output", {"a": 1}), ("name", "o")]),
        Sample({"name": "o"}, [("output", None), ("name", "o")]),
        Sample({"name": "o", "value": {"a": 1}, "format": "{{ o.a }}!"}, [("output", "1!")]),
        Sample(
            {"name": "o", "value": "<b>", "format": "{{ o }}", "escape_html": True}, [("output", "&lt;b&gt;")]
        ),
        Sample(
            {"name": "o", "value": 1, "format": "{{ o"},
            [("output", lambda text: "template is wrong" in text)],
        ),
    ],
)
async def agent_output(
    name: str,
    value: Any = None,
    title: Advanced[str | None] = None,
    description: Advanced[str | None] = None,
    format: Advanced[str] = "",
    escape_html: Advanced[bool] = False,
    advanced: Advanced[bool] = False,
    secret: Advanced[bool] = False,
) -> AsyncIterator[Emit[Output]]:
    """Give a value to whoever runs the agent. With a format, the text made by it comes out instead.

    A template that fails becomes the text of its error: an output is not lost for a typing mistake.

    value: The value to give.
    name: What the output is called, once in a graph.
    title: What people read above it; its name if there is none.
    description: What people read beside it.
    advanced: Show it on demand only.
    secret: Keep the value out of what people see.
    format: A Jinja2 template, in which the value has the output's name.
    escape_html: Make values safe for HTML.
    output: The value, or the formatted text.
    """
    if format:
        try:
            yield "output", await templates.render(format, {name: value}, escape_html=escape_html)
        except (BlockExecutionError, BlockTimeoutError) as error:
            yield "output", str(error)
        return
    yield "output", value
    yield "name", name
