"""Answers that fit a JSON Schema: asked for, checked, and asked for again with what was wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jsonschema_rs
import orjson

from millstream.processors.models.interface import AUTO, ChatOptions, Choice, Message, Models
from millstream.schemas.errors import BlockExecutionError, BlockInputError

TRIES: Final = 3
_SHOWN_CHARS: Final = 1_000
_FENCE: Final = re.compile(r"^\s*```[\w-]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)


async def answer(
    models: Models,
    messages: Sequence[Message],
    schema: Mapping[str, Any],
    choice: Choice | str = AUTO,
    *,
    tries: int = TRIES,
    max_tokens: int | None = None,
) -> tuple[Any, list[Message]]:
    """Return a value that fits `schema`, and the conversation that led to it.

    Providers want an object at the root; anything else is asked for as the member `value` of one. Errors: BlockInputError:
    this is no schema; BlockExecutionError: no answer fitted, with what was wrong with the last one; those of `Models`.
    """
    wrapped = schema.get("type") != "object"
    whole: dict[str, Any] = dict(schema) if not wrapped else _wrapped(schema)
    try:
        validator = jsonschema_rs.validator_for(whole)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise BlockInputError(f"This is no JSON Schema: {error}.") from error
    history = list(messages)
    options: ChatOptions = {"json_schema": whole, "max_tokens": max_tokens}
    problem = ""
    for _ in range(max(1, tries)):
        reply = await models.chat(history, choice, **options)
        history.append(reply.message)
        if reply.refusal:
            raise BlockExecutionError(f"The model does not want to answer: {reply.refusal[:_SHOWN_CHARS]}")
        value, problem = _read(reply.text, validator)
        if not problem:
            return (value["value"] if wrapped else value), history
        if reply.finish == "length":
            problem += "; the answer was cut off: allow more tokens"
        history.append(
            {
                "role": "user",
                "content": f"That does not fit: {problem}. Give the whole JSON again, and nothing else.",
            }
        )
    raise BlockExecutionError(
        f"The model gave no JSON that fits the schema in {max(1, tries)} tries; the last: {problem}."
    )


def _wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Definitions stay at the root, where references look for them."""
    inner = {key: value for key, value in schema.items() if key not in ("$defs", "definitions", "$schema")}
    kept = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return {
        "type": "object",
        "properties": {"value": inner},
        "required": ["value"],
        "additionalProperties": False,
        **kept,
    }


def _read(text: str, validator: Any) -> tuple[Any, str]:
    fenced = _FENCE.match(text)
    try:
        value = orjson.loads(fenced[1] if fenced else text.strip())
    except orjson.JSONDecodeError as error:
        return None, f"it is no JSON ({error})"
    wrong = next(iter(validator.iter_errors(value)), None)
    if wrong is None:
        return value, ""
    where = "/".join(map(str, wrong.instance_path)) or "the whole"
    return None, f"at {where}: {wrong.message}"[:_SHOWN_CHARS]
