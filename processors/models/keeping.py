"""Answers as the cache keeps them."""

from __future__ import annotations

from typing import Any

import orjson

from millstream.processors.masking import Mask
from millstream.processors.models.interface import Reply, ToolCall


def keepable(reply: Reply, mask: Mask, *, now: float) -> bytes | None:
    """Return an answer as bytes; None for one that was cut off or refused, or that has a secret in it."""
    if (
        reply.finish not in ("stop", "tool_calls")
        or reply.refusal
        or mask.value(reply.message) != reply.message
    ):
        return None
    calls = [[call.id, call.name, call.arguments] for call in reply.tool_calls]
    return orjson.dumps([now, reply.text, calls, reply.finish, reply.provider, reply.model])


def kept(raw: bytes, *, since: float) -> Reply | None:
    """Return the answer, None if it is older than `since` or of another version."""
    try:
        at, text, calls, finish, provider, model = orjson.loads(raw)
        if at < since:
            return None
        return Reply(
            text=text,
            tool_calls=tuple(map(_call, calls)),
            finish=finish,
            provider=provider,
            model=model,
            cached=True,
        )
    except (ValueError, TypeError):
        return None


def _call(parts: list[Any]) -> ToolCall:
    id_, name, arguments = parts
    return ToolCall(id=id_, name=name, arguments=arguments)
