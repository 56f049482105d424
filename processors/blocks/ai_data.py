"""Data from language models: objects with named keys, any JSON Schema, labels, decisions. Each answer is checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field

from millstream.processors import templates
from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.blocks.ai_text import conversation
from millstream.processors.context import Context
from millstream.processors.convert import to_text
from millstream.processors.credentials import Credentials
from millstream.processors.models import structured
from millstream.processors.models.interface import AUTO, Choice
from millstream.processors.models.pins import KEYS, OLLAMA_HOST, Model, chosen
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

Tries = Annotated[int, Field(ge=1, le=10)]


class Structured(Outputs):
    """Pins of AIStructuredResponseGeneratorBlock."""

    response: dict[str, Any] | list[dict[str, Any]]
    prompt: list[Any]


@block(
    id="ed55ac19-356e-4243-a6cb-bc599e9b716f",
    name="AIStructuredResponseGeneratorBlock",
    categories=("AI",),
    lane="llm",
    samples=[
        Sample(
            {"prompt": "name: Ada, town: London", "expected_format": {"name": "who", "town": "where"}},
            [("response", {"name": "Ada", "town": "London"}), ("prompt", list)],
        ),
        Sample({"prompt": "x", "expected_format": {}}, raises="block_input_invalid"),
    ],
)
async def ai_structured_response_generator(
    prompt: str,
    expected_format: dict[str, str],
    list_result: Advanced[bool] = False,
    model: Model = AUTO,
    force_json_output: Advanced[bool] = False,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    sys_prompt: Advanced[str] = "",
    conversation_history: Advanced[list[dict[str, Any]] | None] = None,
    retry: Advanced[int] = 3,
    prompt_values: dict[str, str] = EMPTY,
    max_tokens: Advanced[int | None] = None,
    compress_prompt_to_fit: Advanced[bool] = True,
    ollama_host: Advanced[str] = OLLAMA_HOST,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Structured]]:
    """Have a language model answer with an object of named keys, or a list of such objects.

    prompt: What to answer; places like {{name}} are filled from `prompt_values`.
    expected_format: The keys, each with what it means.
    list_result: The answer is a list of objects.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    force_json_output: Has no effect here: the answer is always asked for as JSON, and checked.
    credentials: Whose model is asked.
    sys_prompt: What the model is to do in general.
    conversation_history: Messages that go before.
    retry: How often to ask when the answer does not fit.
    prompt_values: Values for the places in prompt and system prompt.
    max_tokens: Longest answer, in tokens.
    compress_prompt_to_fit: Has no effect here: a prompt that is too long is an error.
    ollama_host: Where Ollama is, for its models.
    response: The object, or the list.
    prompt: The messages that the model was given.
    """
    if not expected_format:
        raise BlockInputError("`expected_format` names no key.")
    messages = conversation(conversation_history or [])
    for role, text in (("system", sys_prompt), ("user", prompt)):
        if text:
            filled = await templates.render(text, prompt_values) if "{" in text else text
            messages.append({"role": role, "content": filled})
    one = {
        "type": "object",
        "properties": {key: {"description": what} for key, what in expected_format.items()},
        "required": list(expected_format),
        "additionalProperties": False,
    }
    schema = {"type": "array", "items": one} if list_result else one
    choice = await chosen(ctx, model, credentials, ollama_host=ollama_host)
    tries = max(1, min(retry, 10))
    value, _ = await structured.answer(
        ctx.models, messages, schema, choice, tries=tries, max_tokens=max_tokens
    )
    yield "response", value
    yield "prompt", messages


class Decision(Outputs):
    """Pins of AIConditionBlock."""

    result: bool
    yes_output: Any
    no_output: Any


@block(
    id="553ec5b8-6c45-4299-8d75-b394d05f72ff",
    name="AIConditionBlock",
    categories=("AI", "LOGIC"),
    lane="llm",
    samples=[
        Sample(
            {"input_value": "is_met: yes", "condition": "x"},
            [("result", True), ("yes_output", "is_met: yes")],
        ),
        Sample(
            {"input_value": 5, "condition": "is_met: no", "no_value": "small"},
            [("result", False), ("no_output", "small")],
        ),
    ],
)
async def ai_condition(
    input_value: Any,
    condition: str,
    yes_value: Advanced[Any] = None,
    no_value: Advanced[Any] = None,
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Decision]]:
    """Decide a condition in plain words by a language model, and go one of two ways.

    input_value: What it is about.
    condition: The condition, such as "the text is a complaint".
    yes_value: Goes out if it is met; without one, the input does.
    no_value: Goes out if it is not met; without one, the input does.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    result: Whether the condition is met.
    yes_output: The value, if it is met.
    no_output: The value, if it is not.
    """
    messages = [
        {"role": "system", "content": "Decide whether the condition is met by the input."},
        {"role": "user", "content": f"Condition: {condition}\n\nInput: {to_text(input_value)}"},
    ]
    schema = {
        "type": "object",
        "properties": {"is_met": {"type": "boolean"}},
        "required": ["is_met"],
        "additionalProperties": False,
    }
    value, _ = await structured.answer(ctx.models, messages, schema, await chosen(ctx, model, credentials))
    yield "result", value["is_met"]
    if value["is_met"]:
        yield "yes_output", input_value if yes_value is None else yes_value
    else:
        yield "no_output", input_value if no_value is None else no_value


class Extracted(Outputs):
    """Pins of ExtractDataBlock."""

    data: Any


_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "email": {"type": "string"}},
    "required": ["name", "age", "email"],
}


@block(
    name="ExtractDataBlock",
    categories=("AI", "DATA"),
    lane="llm",
    samples=[
        Sample(
            {"text": "name: Ada, age: 36, write to ada@example.com", "json_schema": _PERSON},
            [("data", {"name": "Ada", "age": 36, "email": "ada@example.com"})],
        ),
        Sample({"text": "x", "json_schema": {"type": "nonsense"}}, raises="block_input_invalid"),
    ],
)
async def extract_data(
    text: str,
    json_schema: dict[str, Any],
    instructions: str = "",
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    base_url: Advanced[str] = "",
    tries: Advanced[Tries] = 3,
    max_tokens: Advanced[int | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Extracted]]:
    """Take data out of a text, in exactly the form that a JSON Schema describes.

    text: Where the data are.
    json_schema: The form; descriptions in it help the model.
    instructions: What else the model should know.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    tries: How often to ask when the answer does not fit.
    max_tokens: Longest answer, in tokens.
    data: What was found.
    """
    system = (
        "Take the data out of the text. Make nothing up: what the text does not say stays empty. "
        + instructions
    )
    messages = [{"role": "system", "content": system.strip()}, {"role": "user", "content": text}]
    choice = await chosen(ctx, model, credentials, base_url=base_url)
    value, _ = await structured.answer(
        ctx.models, messages, json_schema, choice, tries=tries, max_tokens=max_tokens
    )
    yield "data", value


class Classified(Outputs):
    """Pins of ClassifyTextBlock."""

    label: str
    labels: list[str]


@block(
    name="ClassifyTextBlock",
    categories=("AI", "TEXT"),
    lane="llm",
    samples=[
        Sample(
            {"text": "I want my money back, this is a complaint", "options": ["praise", "complaint"]},
            [("label", "complaint"), ("labels", ["complaint"])],
        ),
        Sample({"text": "x", "options": []}, raises="block_input_invalid"),
    ],
)
async def classify_text(
    text: str,
    options: Annotated[list[str], Field(min_length=1, max_length=200)],
    several: bool = False,
    instructions: Advanced[str] = "",
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    base_url: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Classified]]:
    """Say which of some labels fits a text best; never another one.

    text: What to classify.
    options: The labels.
    several: More than one label may fit.
    instructions: What the labels mean, if their names do not say it.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    label: The label that fits best.
    labels: All labels that fit.
    """
    label: dict[str, Any] = {"type": "string", "enum": list(dict.fromkeys(options))}
    schema = {
        "type": "object",
        "properties": {
            "labels": {
                "type": "array",
                "items": label,
                "minItems": 1,
                "maxItems": len(options) if several else 1,
            }
        },
        "required": ["labels"],
        "additionalProperties": False,
    }
    how = "all labels that fit, the best one first" if several else "the one label that fits best"
    messages = [
        {"role": "system", "content": f"Give {how}. {instructions}".strip()},
        {"role": "user", "content": text},
    ]
    choice: Choice = await chosen(ctx, model, credentials, base_url=base_url)
    value, _ = await structured.answer(ctx.models, messages, schema, choice)
    yield "label", value["labels"][0]
    yield "labels", value["labels"]
