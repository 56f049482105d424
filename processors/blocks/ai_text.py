"""Text by language models: generate, converse, summarise, list. Without a credential the local demo model answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors import templates
from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.models import structured
from millstream.processors.models.interface import AUTO, Reply
from millstream.processors.models.pins import KEYS, OLLAMA_HOST, Model, chosen
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError

PART_CHARS = 24_000
"""Longest text that is summarised at once: about 6,000 tokens, which fits every model."""
TEXT_LIMIT_CHARS = 2_000_000


class Response(Outputs):
    """Pins of blocks that answer."""

    response: str
    prompt: list[Any]


@block(
    id="1f292d4a-41a4-4977-9684-7c8d560b9f91",
    name="AITextGeneratorBlock",
    categories=("AI",),
    lane="llm",
    samples=[
        Sample(
            {"prompt": "Repeat: hello {{name}}", "prompt_values": {"name": "Ada"}},
            [("response", "hello Ada"), ("prompt", [{"role": "user", "content": "Repeat: hello Ada"}])],
        ),
        Sample({"prompt": "Hello", "model": "gpt-4o"}, raises="credentials_unavailable"),
    ],
)
async def ai_text_generator(
    prompt: str,
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    sys_prompt: Advanced[str] = "",
    retry: Advanced[int] = 3,
    prompt_values: dict[str, str] = EMPTY,
    ollama_host: Advanced[str] = OLLAMA_HOST,
    max_tokens: Advanced[int | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Response]]:
    """Have a language model write a text. It shows in the live view while it is written.

    prompt: What to write; places like {{name}} are filled from `prompt_values`.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    sys_prompt: What the model is to do in general.
    retry: Has no effect here: what may pass is always tried again, as the provider asks.
    prompt_values: Values for the places in prompt and system prompt.
    ollama_host: Where Ollama is, for its models.
    max_tokens: Longest answer, in tokens.
    response: What the model wrote.
    prompt: The messages that the model was given.
    """
    messages = []
    if sys_prompt:
        messages.append({"role": "system", "content": await _filled(sys_prompt, prompt_values)})
    messages.append({"role": "user", "content": await _filled(prompt, prompt_values)})
    choice = await chosen(ctx, model, credentials, ollama_host=ollama_host)
    reply = await ctx.models.chat(messages, choice, max_tokens=max_tokens, on_text=ctx.write)
    yield "response", text_of(reply)
    yield "prompt", messages


@block(
    id="32a87eab-381e-4dd4-bdb8-4c47151be35a",
    name="AIConversationBlock",
    categories=("AI",),
    lane="llm",
    samples=[
        Sample(
            {"messages": [{"role": "system", "content": "Answer in upper case."}], "prompt": "hello"},
            [("response", "HELLO"), ("prompt", list)],
        ),
        Sample({"messages": []}, raises="block_input_invalid"),
    ],
)
async def ai_conversation(
    messages: list[Any],
    prompt: str = "",
    model: Advanced[Model] = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    max_tokens: Advanced[int | None] = None,
    ollama_host: Advanced[str] = OLLAMA_HOST,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Response]]:
    """Have a language model go on with a conversation.

    messages: What was said so far: objects with `role` and `content`.
    prompt: What is said next; empty if it is the last message already.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    max_tokens: Longest answer, in tokens.
    ollama_host: Where Ollama is, for its models.
    response: What the model says.
    prompt: The messages that the model was given.
    """
    whole = conversation(messages)
    if prompt:
        whole.append({"role": "user", "content": prompt})
    if not whole:
        raise BlockInputError("There is nothing to answer: give messages or a prompt.")
    choice = await chosen(ctx, model, credentials, ollama_host=ollama_host)
    reply = await ctx.models.chat(whole, choice, max_tokens=max_tokens, on_text=ctx.write)
    yield "response", text_of(reply)
    yield "prompt", whole


class Summary(Outputs):
    """Pins of AITextSummarizerBlock."""

    summary: str
    prompt: list[Any]


@block(
    id="a0a69be1-4528-491c-a85a-a4ab6873e3f0",
    name="AITextSummarizerBlock",
    categories=("AI", "TEXT"),
    lane="llm",
    samples=[
        Sample(
            {"text": "Kafka is a log. It has topics."}, [("summary", "Kafka is a log."), ("prompt", list)]
        ),
        Sample({"text": " "}, raises="block_input_invalid"),
    ],
)
async def ai_text_summarizer(
    text: str,
    model: Advanced[Model] = AUTO,
    focus: Advanced[str] = "general information",
    style: Advanced[Literal["concise", "detailed", "bullet points", "numbered list"]] = "concise",
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    max_tokens: Advanced[Annotated[int, Field(ge=1)]] = 4096,
    chunk_overlap: Advanced[int] = 100,
    ollama_host: Advanced[str] = OLLAMA_HOST,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Summary]]:
    """Summarise a text. A long one is summarised in parts, and then the summaries are.

    text: What to summarise.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    focus: What matters in it.
    style: How the summary is to look.
    credentials: Whose model is asked.
    max_tokens: Longest summary, in tokens.
    chunk_overlap: How many characters of a part the next one repeats.
    ollama_host: Where Ollama is, for its models.
    summary: The summary.
    prompt: The messages of the last call.
    """
    if not text.strip():
        raise BlockInputError("There is nothing to summarise: the text is empty.")
    if len(text) > TEXT_LIMIT_CHARS:
        raise BlockInputError(f"The text has {len(text):,} characters; {TEXT_LIMIT_CHARS:,} at most.")
    choice = await chosen(ctx, model, credentials, ollama_host=ollama_host)
    order = f"Summarise the following text ({style}; what matters: {focus}):\n"
    while True:
        parts = _parts(text, max(0, min(chunk_overlap, PART_CHARS // 4)))
        summaries = []
        for number, part in enumerate(parts):
            messages = [{"role": "user", "content": order + part}]
            last = ctx.write if len(parts) == 1 else None
            more: Any = {"on_text": last} if last else {}
            reply = await ctx.models.chat(messages, choice, max_tokens=max_tokens, **more)
            summaries.append(text_of(reply))
            if len(parts) > 1:
                ctx.progress((number + 1) / (len(parts) + 1), f"part {number + 1} of {len(parts)}")
        shorter = "\n\n".join(summaries)
        if len(parts) == 1:
            yield "summary", shorter
            yield "prompt", messages
            return
        if len(shorter) > len(text) * 0.8:
            raise BlockExecutionError(
                "The summaries of the parts are as long as the parts: choose another model."
            )
        text = shorter


class Listed(Outputs):
    """Pins of AIListGeneratorBlock."""

    generated_list: list[str]
    list_item: str
    prompt: list[Any]


@block(
    id="9c0b0450-d199-458b-a731-072189dd6593",
    name="AIListGeneratorBlock",
    categories=("AI", "TEXT"),
    lane="llm",
    samples=[
        Sample(
            {"source_data": "red, green, blue", "focus": "colours"},
            [
                ("generated_list", lambda items: {"red", "green", "blue"} <= set(items)),
                ("list_item", str),
                ("list_item", str),
                ("list_item", str),
                ("prompt", list),
            ],
        ),
        Sample({}, raises="block_input_invalid"),
    ],
)
async def ai_list_generator(
    focus: str | None = None,
    source_data: str | None = None,
    model: Advanced[Model] = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    max_retries: Advanced[Annotated[int, Field(ge=1, le=5)]] = 3,
    force_json_output: Advanced[bool] = False,
    max_tokens: Advanced[int | None] = None,
    ollama_host: Advanced[str] = OLLAMA_HOST,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Listed]]:
    """Make a list: of what is in a text, or of what the model knows.

    focus: What the list is about.
    source_data: The text to take the items from; empty to have the model make them up.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    max_retries: How often to ask when the answer is no list.
    force_json_output: Has no effect here: the answer is always asked for as JSON, and checked.
    max_tokens: Longest answer, in tokens.
    ollama_host: Where Ollama is, for its models.
    generated_list: All items.
    list_item: Each item.
    prompt: The messages that the model was given.
    """
    if not (focus or source_data):
        raise BlockInputError("Give a focus, a text, or both.")
    about = (
        f" Take what has to do with: {focus}."
        if focus and source_data
        else f" The list is about: {focus}."
        if focus
        else ""
    )
    system = "Give a list of short texts." + about
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": source_data or focus or ""},
    ]
    schema = {"type": "array", "items": {"type": "string"}, "maxItems": 1000}
    choice = await chosen(ctx, model, credentials, ollama_host=ollama_host)
    items, _ = await structured.answer(
        ctx.models, messages, schema, choice, tries=max_retries, max_tokens=max_tokens
    )
    yield "generated_list", items
    for item in items:
        yield "list_item", item
    yield "prompt", messages


def text_of(reply: Reply) -> str:
    """Return what a model wrote. Errors: BlockExecutionError: it refused, or wrote nothing."""
    if reply.refusal:
        raise BlockExecutionError(f"The model does not want to answer: {reply.refusal}")
    if not reply.text and reply.finish == "content_filter":
        raise BlockExecutionError("The provider's content filter kept the answer back.")
    if not reply.text and reply.finish == "length":
        raise BlockExecutionError(
            "The model used up its tokens before it wrote anything: allow more with `max_tokens`."
        )
    return reply.text


def conversation(messages: list[Any]) -> list[dict[str, Any]]:
    """Return messages in the one form. Errors: BlockInputError."""
    whole = []
    for number, message in enumerate(messages):
        if not (isinstance(message, Mapping) and isinstance(message.get("role"), str)):
            raise BlockInputError(f'Message {number} is no object {{"role": ..., "content": ...}}.')
        whole.append(dict(message))
    return whole


async def _filled(text: str, values: dict[str, str]) -> str:
    return await templates.render(text, values) if "{" in text else text


def _parts(text: str, overlap: int) -> list[str]:
    """Cut at the end of a sentence or a word where there is one in the last fifth."""
    parts, start = [], 0
    while len(text) - start > PART_CHARS:
        end = start + PART_CHARS
        for mark in ("\n\n", ". ", " "):
            at = text.rfind(mark, end - PART_CHARS // 5, end)
            if at > 0:
                end = at + len(mark)
                break
        parts.append(text[start:end])
        start = max(end - overlap, start + 1)
    parts.append(text[start:])
    return parts
