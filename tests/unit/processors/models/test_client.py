"""The client of models against servers that speak the protocol on real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from millstream.processors.credentials import ApiKey
from millstream.processors.models.interface import Choice
from millstream.schemas.errors import (
    AddressRefusedError,
    BlockExecutionError,
    BlockInputError,
    CredentialError,
    UpstreamError,
)
from tests.unit.processors.conftest import Request, answer, serving
from tests.unit.processors.models.conftest import Answers, Asking, asking, said, scripted

HELLO = [{"role": "user", "content": "Repeat: hello there"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def key(provider: str, *hosts: str, text: str = "sk-secret-of-mine", id_: str = "c1") -> ApiKey:
    return ApiKey(id=id_, provider=provider, title="mine", hosts=frozenset(hosts), api_key=SecretStr(text))


async def test_without_a_key_the_echo_model_answers_and_costs_nothing(demo: Asking) -> None:
    ctx = demo.run()
    reply = await ctx.models.chat(HELLO)
    assert (reply.text, reply.provider, reply.model, reply.finish) == (
        "hello there",
        "echo",
        "echo-1",
        "stop",
    )
    assert reply.usage.input_tokens > 0
    assert (reply.usage.microusd, reply.usage.priced, ctx.spent_microusd) == (0, True, 0)
    [call] = demo.noted.calls
    assert (call.provider, call.model, call.ability, call.user_id) == ("echo", "echo-1", "chat", "tester")
    assert UUID(bytes=call.execution_id) == UUID(ctx.execution_id)


async def test_text_streams_piece_by_piece(demo: Asking) -> None:
    pieces: list[str] = []
    reply = await demo.run().models.chat(HELLO, on_text=pieces.append)
    assert len(pieces) > 1
    assert "".join(pieces) == reply.text == "hello there"
    assert reply.usage.output_tokens == 2


@pytest.mark.parametrize("streams", [False, True])
async def test_a_turn_calls_tools_and_the_next_uses_their_results(demo: Asking, streams: bool) -> None:
    models = demo.run().models
    more: dict[str, Any] = {"on_text": lambda text: None} if streams else {}
    history: list[dict[str, Any]] = [{"role": "user", "content": 'Call get_weather with {"city": "Oslo"}'}]
    reply = await models.chat(history, tools=[WEATHER], **more)
    [call] = reply.tool_calls
    assert (call.name, call.parsed(), reply.finish) == ("get_weather", {"city": "Oslo"}, "tool_calls")
    history += [reply.message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    last = await models.chat(history, tools=[WEATHER], **more)
    assert last.tool_calls == ()
    assert "rain" in last.text


async def test_embeddings_of_like_texts_are_near(demo: Asking) -> None:
    texts = ["the cat sat on the mat", "a cat on a mat", "quarterly revenue of the company"]
    answer = await demo.run().models.embed(texts, dimensions=128)
    a, b, c = answer.vectors

    def dot(x: list[float], y: list[float]) -> float:
        return sum(p * q for p, q in zip(x, y, strict=True))

    assert len(a) == 128
    assert dot(a, b) > 0.6 > 0.3 > dot(a, c)
    assert (await demo.run().models.embed(texts, dimensions=128)).vectors == answer.vectors


async def test_what_is_spoken_can_be_transcribed(demo: Asking) -> None:
    models = demo.run().models
    speech = await models.speak("Good morning")
    assert (speech.data[:4], speech.media_type) == (b"RIFF", "audio/wav")
    assert await models.transcribe(speech.data) == "Good morning"
    [picture] = await models.draw("a red house", size="64x32")
    assert (picture.data[:4], picture.media_type) == (b"\x89PNG", "image/png")
    safe, harmful = await models.moderate(["I love you", "I will kill you"])
    assert (safe.flagged, harmful.flagged, harmful.categories["violence"]) == (False, True, True)


async def test_a_key_goes_to_its_provider_and_is_not_shown(demo: Asking) -> None:
    def script(request: Request, number: int) -> Any:
        return 200, said("hi"), {}

    async with scripted(script) as server:
        config = {"providers": {"openai": {"base_url": f"{server.url}/v1"}}}
        async with asking(config, allow=(server.origin,)) as it:
            ctx = it.run()
            reply = await ctx.models.chat(HELLO, Choice(model="gpt-4o", auth=key("openai")))
            [request] = server.requests
            assert request.headers["authorization"] == "Bearer sk-secret-of-mine"
            assert (reply.usage.input_tokens, reply.usage.output_tokens) == (10, 5)
            assert (
                ctx.spent_microusd == reply.usage.microusd == 75
            )  # 10 at 2.50 and 5 at 10 dollars a million
            assert it.noted.calls[0].cost_microusd == 75
            elsewhere = Choice(model="gpt-4o", auth=key("openai"), base_url="http://127.0.0.1:9/v1")
            with pytest.raises(AddressRefusedError, match="This credential is for"):
                await it.run().models.chat(HELLO, elsewhere)


async def test_without_a_key_openai_says_what_to_do(demo: Asking) -> None:
    with pytest.raises(CredentialError, match="No key for OpenAI: add a credential for 'openai'"):
        await demo.run().models.chat(HELLO, "gpt-4o")
    with pytest.raises(CredentialError, match="is one of Anthropic; the chosen credential is for OpenAI"):
        await demo.run().models.chat(HELLO, Choice(model="claude-sonnet-4-5", auth=key("openai")))
    with pytest.raises(BlockInputError, match="Nobody here has a model 'nonsense'"):
        await demo.run().models.chat(HELLO, "nonsense")
    assert demo.noted.calls == []


async def test_inner_addresses_are_refused_unless_the_operator_allows_them(demo: Asking) -> None:
    def script(request: Request, number: int) -> Any:
        return 200, said("inside"), {}

    async with scripted(script) as server:
        choice = Choice(model="llama", base_url=f"{server.url}/v1")
        with pytest.raises(AddressRefusedError, match=f"can allow '{server.origin}'"):
            await demo.run().models.chat(HELLO, choice)
        assert server.requests == []
        async with asking(allow=(server.origin,)) as it:
            assert (await it.run().models.chat(HELLO, choice)).text == "inside"


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    def script(request: Request, number: int) -> Any:
        return 307, {}, {"Location": "http://127.0.0.1:9/v1/chat/completions"}

    async with scripted(script) as server:
        config = {"providers": {"openai": {"base_url": f"{server.url}/v1"}}}
        async with asking(config, allow=(server.origin, "127.0.0.1:9")) as it:
            with pytest.raises(BlockExecutionError, match="307"):
                await it.run().models.chat(HELLO, Choice(model="gpt-4o", auth=key("openai")))


async def test_429_and_503_are_asked_again_as_the_server_says() -> None:
    def script(request: Request, number: int) -> Any:
        if number == 1:
            return 429, {"error": {"message": "slow down"}}, {"Retry_After": "0.05"}
        if number == 2:
            return 503, {"error": {"message": "busy"}}, {"Retry-After-Ms": "20"}
        return 200, said("at last"), {}

    async with scripted(script) as server, asking(allow=(server.origin,)) as it:
        reply = await it.run().models.chat(HELLO, Choice(model="m", base_url=server.url))
        assert reply.text == "at last"
        assert len(server.requests) == 3
        assert len(it.noted.calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "headers", "error", "asked"),
    [
        (429, {"error": {"message": "x", "code": "insufficient_quota"}}, {}, BlockExecutionError, 1),
        (429, {"error": {"message": "x"}}, {"Retry_After": "3600"}, UpstreamError, 1),
        (401, {"error": {"message": "bad key"}}, {}, CredentialError, 1),
        (400, {"error": {"message": "bad request"}}, {}, BlockExecutionError, 1),
        (404, {"error": {"message": "no model"}}, {}, BlockInputError, 1),
        (500, {"error": {"message": "x"}}, {"Retry-After-Ms": "1"}, UpstreamError, 4),
        (200, b"<html>", {"Retry-After-Ms": "1"}, UpstreamError, 4),
    ],
)
async def test_refusals_are_told_apart(
    status: int, body: Any, headers: dict[str, str], error: type[Exception], asked: int
) -> None:
    def script(request: Request, number: int) -> Any:
        return status, body, dict(headers)

    async with scripted(script) as server, asking(allow=(server.origin,)) as it:
        with pytest.raises(error) as caught:
            await it.run().models.chat(HELLO, Choice(model="m", base_url=server.url), timeout_s=20)
        assert type(caught.value) is error
        assert len(server.requests) == asked
        assert it.noted.calls == []


async def test_the_next_choice_answers_when_the_first_does_not(demo: Asking) -> None:
    def script(request: Request, number: int) -> Any:
        return 503, {"error": {"message": "down"}}, {"Retry-After-Ms": "1"}

    async with scripted(script) as server:
        demo.board._allow |= {server.origin}
        first = Choice(model="m", base_url=server.url)
        reply = await demo.run().models.chat(HELLO, first, fallbacks=[Choice(model="echo-1")])
        assert (reply.text, reply.provider) == ("hello there", "echo")


async def test_a_cancelled_call_ends_at_once_and_closes_its_connection() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        while await reader.read(65_536):
            pass
        gone.set()
        writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    origin = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(10), asking(allow=(origin,)) as it:
        choice = Choice(model="m", base_url=f"http://{origin}/v1")
        call = asyncio.create_task(it.run().models.chat(HELLO, choice))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await gone.wait()
        assert it.noted.calls == []
    listener.close()


async def test_calls_of_one_credential_wait_for_each_other() -> None:
    running, most = 0, 0

    async def one(it: Asking) -> None:
        await it.run().models.chat(HELLO, "own:m")

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        await answer(writer, 200, json.dumps(said("x")).encode(), Content_Type="application/json")

    async with serving(handle) as server:
        config = {"providers": {"own": {"base_url": server.url, "at_once": 3}}}
        async with asking(config, allow=(server.origin,)) as it:
            await asyncio.gather(*(one(it) for _ in range(12)))
            assert len(server.requests) == 12
    assert most == 3


async def test_the_same_question_is_answered_from_the_cache(demo: Asking) -> None:
    demo.board.cache = answers = Answers()
    first = await demo.run().models.chat(HELLO, cache_s=60)
    again = await demo.run().models.chat(HELLO, cache_s=60)
    other = await demo.run(user_id="other").models.chat(HELLO, cache_s=60)
    assert (first.cached, again.cached, other.cached) == (False, True, False)
    assert again.text == first.text
    assert again.usage.input_tokens == 0
    assert len(demo.noted.calls) == 2
    assert len(answers.kept) == 2


async def test_a_repeated_run_has_the_same_ids_of_calls(demo: Asking) -> None:
    one = demo.run()
    await one.models.chat(HELLO)
    await one.models.chat(HELLO)
    again = demo.run(execution_id=one.execution_id, node_execution_id=one.node_execution_id)
    await again.models.chat(HELLO)
    first, second, repeated = (call.call_id for call in demo.noted.calls)
    assert first == repeated != second


async def test_a_server_without_schemas_is_told_in_words() -> None:
    def script(request: Request, number: int) -> Any:
        if b'"response_format"' in request.body:
            return 400, {"error": {"message": "response_format is not supported"}}, {}
        return 200, said('{"a": 1}'), {}

    async with scripted(script) as server, asking(allow=(server.origin,)) as it:
        choice = Choice(model="m", base_url=server.url)
        reply = await it.run().models.chat(HELLO, choice, json_schema={"type": "object"})
        assert reply.text == '{"a": 1}'
        assert b"JSON Schema" in server.requests[1].body
