"""Blocks of models: what AutoGPT's have in common with ours, what models do wrong, and what live views see."""

from __future__ import annotations

from typing import Any

import pytest

from millstream.processors.blocks import ai_data, ai_media, ai_text
from millstream.processors.discretion import Discreet
from millstream.processors.masking import Mask
from millstream.processors.models.providers import KNOWN
from millstream.processors.sdk import Block
from millstream.schemas.errors import (
    AddressRefusedError,
    BlockExecutionError,
    BlockInputError,
    CredentialError,
)
from millstream.testing import Silent, context, emits
from tests.unit.processors.conftest import Request
from tests.unit.processors.models.conftest import asking, said, scripted

FACTS: dict[str, tuple[Block, str, str, str]] = {
    "AITextGeneratorBlock": (
        ai_text.ai_text_generator,
        "1f292d4a-41a4-4977-9684-7c8d560b9f91",
        "prompt model credentials sys_prompt retry prompt_values ollama_host max_tokens",
        "response prompt error",
    ),
    "AIStructuredResponseGeneratorBlock": (
        ai_data.ai_structured_response_generator,
        "ed55ac19-356e-4243-a6cb-bc599e9b716f",
        "prompt expected_format list_result model force_json_output credentials sys_prompt conversation_history retry "
        "prompt_values max_tokens compress_prompt_to_fit ollama_host",
        "response prompt error",
    ),
    "AITextSummarizerBlock": (
        ai_text.ai_text_summarizer,
        "a0a69be1-4528-491c-a85a-a4ab6873e3f0",
        "text model focus style credentials max_tokens chunk_overlap ollama_host",
        "summary prompt error",
    ),
    "AIConversationBlock": (
        ai_text.ai_conversation,
        "32a87eab-381e-4dd4-bdb8-4c47151be35a",
        "prompt messages model credentials max_tokens ollama_host",
        "response prompt error",
    ),
    "AIListGeneratorBlock": (
        ai_text.ai_list_generator,
        "9c0b0450-d199-458b-a731-072189dd6593",
        "focus source_data model credentials max_retries force_json_output max_tokens ollama_host",
        "generated_list list_item prompt error",
    ),
    "AIConditionBlock": (
        ai_data.ai_condition,
        "553ec5b8-6c45-4299-8d75-b394d05f72ff",
        "input_value condition yes_value no_value model credentials",
        "result yes_output no_output error",
    ),
}


@pytest.mark.parametrize("name", list(FACTS))
def test_ids_and_pins_are_autogpts(name: str) -> None:
    block, id_, inputs, outputs = FACTS[name]
    assert (block.spec.name, block.spec.id, block.spec.lane) == (name, id_, "llm")
    assert set(block.spec.input_schema["properties"]) == set(inputs.split())
    assert set(block.spec.output_schema["properties"]) == set(outputs.split())
    autogpts = {"aiml_api", "anthropic", "groq", "ollama", "openai", "open_router", "llama_api", "v0"}
    taken = set(block.spec.input_schema["properties"]["credentials"]["credentials_provider"])
    assert autogpts <= taken == {provider.name for provider in KNOWN} - {"echo"}


async def test_a_model_that_answers_in_prose_is_asked_again_and_told_why() -> None:
    answers = ["Certainly! Here it is.", '{"name": 5}', '```json\n{"name": "Ada"}\n```']

    def script(request: Request, number: int) -> Any:
        return 200, said(answers[number - 1]), {}

    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    async with scripted(script) as server, asking(allow=(server.origin,)) as it:
        inputs = {"text": "Ada", "json_schema": schema, "base_url": server.url, "model": "m"}
        assert await emits(ai_data.extract_data, inputs, it.run()) == [("data", {"name": "Ada"})]
        assert len(server.requests) == len(it.noted.calls) == 3
        assert b"it is no JSON" in server.requests[1].body
        assert b"at name" in server.requests[2].body


async def test_a_model_that_never_fits_is_an_error_and_has_cost_something() -> None:
    def script(request: Request, number: int) -> Any:
        return 200, said("no"), {}

    async with scripted(script) as server:
        config = {"providers": {"openai": {"base_url": server.url, "api_key": "sk-operators"}}}
        async with asking(config, allow=(server.origin,)) as it:
            ctx = it.run()
            inputs = {"text": "x", "json_schema": {"type": "array"}, "model": "gpt-4o", "tries": 2}
            with pytest.raises(BlockExecutionError, match="no JSON that fits the schema in 2 tries"):
                await emits(ai_data.extract_data, inputs, ctx)
            assert ctx.spent_microusd == 150
            assert server.requests[0].headers["authorization"] == "Bearer sk-operators"


async def test_the_operators_key_goes_to_no_address_of_a_graph() -> None:
    def script(request: Request, number: int) -> Any:
        return 200, said("mine"), {}

    async with scripted(script) as server:
        config = {"providers": {"openai": {"api_key": "sk-operators"}}}
        async with asking(config, allow=(server.origin,)) as it:
            inputs = {"images": [ai_media.SAMPLE_PNG], "model": "openai:gpt-4o", "base_url": server.url}
            with pytest.raises(CredentialError, match="No key for OpenAI"):
                await emits(ai_media.describe_image, inputs, it.run())
        assert server.requests == []


async def test_a_text_shows_while_it_is_written() -> None:
    told = Silent()
    await emits(ai_text.ai_text_generator, {"prompt": "Repeat: one two three"}, context(progress=told))
    assert told.written == "one two three"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_secret_does_not_show_in_pieces_of_a_text(size: int) -> None:
    mask, told = Mask(), Silent()
    mask.add_texts(["sk-very-secret"])
    progress, text = Discreet(told, mask), "the key is sk-very-secret, and sk-very-secret again"
    for start in range(0, len(text), size):
        progress.text(text[start : start + size])
    progress.close()
    assert told.written == "the key is •••, and ••• again"


async def test_a_long_text_is_summarised_in_parts() -> None:
    text = " ".join(f"Sentence number {n} says nothing new." for n in range(2_000))
    told = Silent()
    [(pin, summary), _] = await emits(ai_text.ai_text_summarizer, {"text": text}, context(progress=told))
    assert pin == "summary"
    assert summary == "Sentence number 0 says nothing new."
    assert len(told.said) > 2


async def test_whoever_gives_a_message_without_a_role_is_told_so() -> None:
    with pytest.raises(BlockInputError, match="Message 1 is no object"):
        await emits(ai_text.ai_conversation, {"messages": [{"role": "user", "content": "a"}, "b"]})


async def test_a_host_of_ollama_is_behind_the_guard() -> None:
    inputs = {"prompt": "x", "model": "ollama:llama3.2", "ollama_host": "169.254.169.254:80"}
    with pytest.raises(AddressRefusedError, match="private network"):
        await emits(ai_text.ai_text_generator, inputs)
