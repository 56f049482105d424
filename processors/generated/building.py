"""A `Block` out of schemas instead of a signature: what blocks are that somebody else has described."""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from millstream.processors.context import Context
from millstream.processors.sdk import NAMESPACE, Block
from millstream.processors.signature import Pin, Signature
from millstream.schemas.blocks import BlockSpec

_PREFIX: Final = "pin_"
"""Before the names of pins as arguments, so that none is taken for the context."""

Call = Callable[[Context, dict[str, Any]], AsyncIterator[tuple[str, Any]]]


def built(
    call: Call,
    *,
    module: str,
    name: str,
    description: str,
    input_schema: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
    why: str,
    **options: Any,
) -> Block:
    """Return a block that hands the values of its pins to `call` by name; those without a value are left out.

    `name`: in snake case; id and name of the block are made of it and of `module`. `why`: why there are no samples.
    """
    pins = input_schema.get("properties", {})
    required = list(input_schema.get("required", ()))

    async def run(ctx: Context, **given: Any) -> AsyncIterator[tuple[str, Any]]:
        values = {key.removeprefix(_PREFIX): value for key, value in given.items() if value is not None}
        async for emit in call(ctx, values):
            yield emit

    run.__module__ = module
    run.__name__ = run.__qualname__ = name
    schema = {**input_schema, "type": "object", "required": required}
    schema["properties"] = {pin: _whole(pin, field, pin in required) for pin, field in pins.items()}
    error = {"title": "Error", "type": "string", "description": "Why it failed."}
    spec = BlockSpec(
        id=str(uuid.uuid5(NAMESPACE, f"{module.partition('.')[0]}:{name}")),
        name="".join(word[:1].upper() + word[1:] for word in name.split("_") if word) + "Block",
        description=description,
        input_schema=schema,
        output_schema={"type": "object", "properties": {"error": error, **outputs}, "required": []},
        **options,
    )
    shape = Signature(
        input_schema=schema,
        output_schema=spec.output_schema,
        pins=[
            Pin(pin, _PREFIX + pin, pin in required, copy.deepcopy(field.get("default")))
            for pin, field in schema["properties"].items()
        ],
        services=[("ctx", "")],
        form="generator",
    )
    return Block(run, spec, shape, (), None, why)


def snake(text: str) -> str:
    """Return a name that Python and people can read: `web_search` of `Web-Search`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    found = re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").lower()[:80]
    return found if found[:1].isalpha() else f"tool_{found}"


def _whole(pin: str, field: Mapping[str, Any], required: bool) -> dict[str, Any]:
    """A pin with all that the editor wants to know."""
    title = pin.replace("_", " ").strip().title() or pin
    found: dict[str, Any] = {"title": title, "description": f"{title}.", **field}
    if not required:
        found.setdefault("default", None)
        found["advanced"] = True
    return found
