"""What a block may ask of models: `ctx.models`, or a parameter `models: Models` behind the `*`.

Messages are those of OpenAI's chat completions, plain JSON, whatever the provider: they may travel through links and states.
`[{"role": "system", "content": "..."}, {"role": "user", "content": "..."}]`; an assistant's `tool_calls` are answered by
messages `{"role": "tool", "tool_call_id": "...", "content": "..."}`; content may be a list of parts (`text`, and `image_url`
with a data: URI).
Tools are OpenAI's function tools: `{"type": "function", "function": {"name", "description", "parameters"}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Unpack

import orjson

from millstream.processors.credentials import AnyCredential
from millstream.schemas.errors import BlockExecutionError

if TYPE_CHECKING:
    from millstream.processors.context import Context

AUTO = "auto"
"""The model of whom the credential is for; without a credential the operator's default, which is the echo model."""
TIMEOUT_S = 300.0
"""Longest call, its tries and waits included."""

Message = Mapping[str, Any]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]
OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call has used. Costs are in `ctx.spend` and on `usage.records` already when you see it."""

    input_tokens: int = 0
    """All that the model read, cached ones included."""
    output_tokens: int = 0
    cached_tokens: int = 0
    microusd: int = 0
    """Millionths of a US dollar; 0 for models of one's own, and where `priced` is False."""
    priced: bool = True
    """Whether the price of the model is known."""
    elapsed_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that the model wants to be called."""

    id: str
    name: str
    arguments: str
    """JSON as the model wrote it, which may be wrong."""

    def parsed(self) -> dict[str, Any]:
        """Return the arguments. Errors: BlockExecutionError: the model wrote no JSON object."""
        try:
            value = orjson.loads(self.arguments or "{}")
        except orjson.JSONDecodeError as error:
            raise BlockExecutionError(
                f"The model called {self.name!r} with arguments that are no JSON: {error}."
            ) from error
        if not isinstance(value, dict):
            raise BlockExecutionError(f"The model called {self.name!r} with arguments that are no object.")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A model's turn."""

    text: str
    """What it says; empty if it only calls tools."""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    provider: str
    model: str
    """As the provider names it."""
    usage: Usage = field(default_factory=Usage)
    cached: bool = False
    """From our cache: nothing was asked, nothing spent."""
    refusal: str = ""
    """Why it does not want to answer."""

    @property
    def message(self) -> dict[str, Any]:
        """The turn as a message, to be appended to the conversation."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whom to ask. A credential goes to its provider's hosts, or those that it names, and to no others."""

    model: str = AUTO
    auth: AnyCredential | None = None
    """What `ctx.credentials` gave."""
    base_url: str = ""
    """Of an OpenAI-compatible server, such as `http://gpu.example:8000/v1`; empty: the provider's."""


class ChatOptions(TypedDict, total=False):
    """Keyword arguments of `Models.chat`."""

    tools: Sequence[Mapping[str, Any]]
    tool_choice: str
    """`auto`, `none`, `required`, or the name of a tool that must be called."""
    parallel_tools: bool
    """False: at most one tool a turn."""
    json_schema: Mapping[str, Any]
    """The answer is to be JSON of this schema; models without that ability are told so in words. Not checked here: see
    `structured.answer`."""
    max_tokens: int | None
    temperature: float | None
    on_text: OnText
    """Called with each piece of the text as it is written; the call then streams."""
    fallbacks: Sequence[Choice]
    """Asked in turn if the first does not answer; not if it refuses what was asked."""
    cache_s: float
    """Take an answer of the same user to the same question that is not older; 0: always ask."""
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """Vectors, one a text, in order."""

    vectors: list[list[float]]
    provider: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation:
    """What a moderation model says of one text."""

    flagged: bool
    categories: dict[str, bool]
    scores: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A picture or speech that a model made."""

    data: bytes = field(repr=False)
    media_type: str


class Models(Protocol):
    """Models of all providers, for one run of a block.

    Each call waits for a free place of its credential, tries again after 429 and 5xx as the provider's Retry-After says, stops
    when the run is cancelled, and counts its cost. Errors of all: CredentialError (no key, or one that was refused),
    BlockInputError (an unknown model, too much), AddressRefusedError, UpstreamError (does not answer; may be tried again),
    BlockExecutionError (the provider refuses the request).
    """

    async def chat(
        self, messages: Sequence[Message], choice: Choice | str = AUTO, **options: Unpack[ChatOptions]
    ) -> Reply:
        """Return the model's next turn in a conversation."""
        ...

    async def embed(
        self, texts: Sequence[str], choice: Choice | str = AUTO, *, dimensions: int | None = None
    ) -> Embeddings:
        """Return a vector for each text, at most 2,048 at once."""
        ...

    async def moderate(self, texts: Sequence[str], choice: Choice | str = AUTO) -> list[Moderation]:
        """Say of each text whether it is harmful."""
        ...

    async def transcribe(
        self, data: bytes, choice: Choice | str = AUTO, *, name: str = "audio.wav", language: str = ""
    ) -> str:
        """Return what is said in a recording."""
        ...

    async def speak(
        self, text: str, choice: Choice | str = AUTO, *, voice: str = "", audio_format: str = "mp3"
    ) -> Media:
        """Say a text aloud."""
        ...

    async def draw(
        self, prompt: str, choice: Choice | str = AUTO, *, size: str = "", count: int = 1
    ) -> list[Media]:
        """Make pictures."""
        ...


class ModelSource(Protocol):
    """What a process asks models through, for all runs."""

    def for_run(self, ctx: Context) -> Models:
        """Return the models as one run sees them."""
        ...
