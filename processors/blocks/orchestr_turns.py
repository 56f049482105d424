"""A conversation of a model with tools: its turns, the calls that it asks for, and what they gave, as messages. Pure but for
the one question to the model.

Messages are OpenAI's chat form. A tool is a node that the author linked; a model can name no other, and fill no other pins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from millstream.processors.calls import Call, Result, Tool
from millstream.processors.context import Context
from millstream.processors.models.interface import ChatOptions, Choice, Reply, ToolCall
from millstream.schemas.errors import BlockExecutionError

RESULT_CHARS = 50_000
"""Of one tool's result that the model reads."""
KEPT_CHARS = 400_000
"""Longer conversations are compacted, if that is wanted."""
SHORT_CHARS = 500
RECENT = 6
"""Newest messages that compaction leaves alone."""
Messages = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How to ask."""

    choice: Choice
    parallel: bool = False
    """The model may call several tools in one turn."""
    retry: int = 3
    """How often a turn is asked for again after calls that fit no tool."""
    max_tokens: int | None = None
    compact: bool = True


@dataclass(slots=True)
class Turn:
    """What came of a model's turn: calls to make, or the end."""

    text: str
    calls: list[tuple[ToolCall, Call]] = field(default_factory=list)


async def take_turn(ctx: Context, messages: Messages, asking: Asking) -> Turn:
    """Ask the model and append its message. Calls that fit no tool are answered with what is wrong, and it is asked again.

    Errors: those of the model; BlockExecutionError after `retry` turns without a call that fits.
    """
    by_name = {tool.name: tool for tool in ctx.tools}
    wrong: list[str] = []
    for _ in range(max(0, asking.retry) + 1):
        reply = await _asked(ctx, messages, asking)
        messages.append(reply.message)
        if not reply.tool_calls:
            return Turn(reply.refusal or reply.text)
        turn = Turn(reply.text)
        for call in reply.tool_calls:
            try:
                turn.calls.append((call, _call(by_name, call)))
            except (ValueError, BlockExecutionError) as error:
                wrong.append(str(error))
                messages.append(answer_to(call.id, f"Error: {error}"))
        if turn.calls:
            return turn
    raise BlockExecutionError(
        f"The model made no call that fits its tools, {len(wrong)} times; the last: {wrong[-1]}"
    )


async def _asked(ctx: Context, messages: Messages, asking: Asking) -> Reply:
    options: ChatOptions = {"max_tokens": asking.max_tokens}
    if ctx.tools:
        options["tools"] = [tool.function() for tool in ctx.tools]
        options["parallel_tools"] = asking.parallel
    return await ctx.models.chat(
        compacted(messages) if asking.compact else messages, asking.choice, **options
    )


def _call(by_name: Mapping[str, Tool], call: ToolCall) -> Call:
    tool = by_name.get(call.name)
    if tool is None:
        raise ValueError(f"there is no tool {call.name!r}; there are: {', '.join(by_name)}")
    arguments = call.parsed()
    lacking = [name for name in tool.parameters.get("required", ()) if arguments.get(name) is None]
    if lacking:
        raise ValueError(f"{call.name} needs the parameter {lacking[0]!r}")
    return Call(tool, tool.inputs(arguments))


def answer_to(call_id: str, text: str) -> dict[str, Any]:
    """Return the message that answers a call."""
    if len(text) > RESULT_CHARS:
        text = f"{text[:RESULT_CHARS]}... ({len(text) - RESULT_CHARS:,} characters more)"
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def result_text(result: Result) -> str:
    """Return what a model reads of a call."""
    return as_text(result.plain()) if result.ok else f"Error: {result.error}"


def as_text(value: Any) -> str:
    """Return a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def open_calls(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of calls that no message answers, oldest first."""
    asked: dict[str, None] = {}
    for message in messages:
        for call in message.get("tool_calls") or ():
            asked[str(call.get("id"))] = None
        if message.get("role") == "tool":
            asked.pop(str(message.get("tool_call_id")), None)
    return list(asked)


def compacted(messages: Messages) -> Messages:
    """Return a conversation that is not too long: results of tools that are long ago are cut first."""
    size = sum(len(as_text(message.get("content") or "")) for message in messages)
    if size <= KEPT_CHARS:
        return messages
    found = list(messages)
    for index, message in enumerate(found[:-RECENT] if len(found) > RECENT else []):
        content = message.get("content")
        if size <= KEPT_CHARS:
            break
        if message.get("role") != "tool" or not isinstance(content, str) or len(content) <= SHORT_CHARS:
            continue
        found[index] = {**message, "content": content[:SHORT_CHARS] + "... (cut: it was long ago)"}
        size -= len(content) - SHORT_CHARS
    return found
