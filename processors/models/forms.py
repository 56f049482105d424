"""What the two protocols have in common: a question, an answer, and what was counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from millstream.processors.models.interface import Finish, Message, OnText, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to a chat model; fields as in `ChatOptions`."""

    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str = "auto"
    parallel_tools: bool = True
    json_schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    on_text: OnText | None = None

    def having(self, messages: Sequence[Message]) -> Asked:
        """Return the question with other messages, and without a schema."""
        return dataclasses.replace(self, messages=messages, json_schema=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Tokens as the provider counts them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    told: bool = False
    """The provider has said so; else they are guessed from the lengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's turn, as read off the wire."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: Finish
    refusal: str
    model: str
    counted: Counted
