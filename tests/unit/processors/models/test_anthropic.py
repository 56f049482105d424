"""Anthropic's protocol, against a server on a real socket that speaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("anthropic", reason="the extra `anthropic` is not installed")

from millstream.processors.models import structured
from millstream.processors.models.interface import Choice
from millstream.schemas.errors import BlockInputError, CredentialError, UpstreamError
from tests.unit.processors.conftest import Request
from tests.unit.processors.models.conftest import asking, scripted
from tests.unit.processors.models.test_client import WEATHER, key


def message(*content: dict[str, Any], reason: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6",
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 8,
            "output_tokens": 5,
            "cache_read_input_tokens": 2,
            "cache_creation_input_tokens": 0,
        },
    }


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def events(said: list[str]) -> bytes:
    """A stream of one text."""
    rows: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message(), "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": text("")},
    ]
    rows += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        for piece in said
    ]
    rows += [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {row['type']}\ndata: {json.dumps(row)}\n\n".encode() for row in rows)


MINE = Choice(model="claude-sonnet-4-6", auth=key("anthropic"))


def config(url: str) -> dict[str, Any]:
    return {"providers": {"anthropic": {"base_url": url}}}


async def test_a_conversation_is_translated_both_ways() -> None:
    def script(request: Request, number: int) -> Any:
        use = {"type": "tool_use", "id": "t2", "name": "get_weather", "input": {"city": "Bergen"}}
        return 200, message(text("Let me see."), use, reason="tool_use"), {}

    first = {
        "id": "t1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
    }
    history: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                text("Weather?"),
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [first]},
        {"role": "tool", "tool_call_id": "t1", "content": "rain"},
        {"role": "user", "content": "And Bergen?"},
    ]
    async with scripted(script) as server, asking(config(server.url), allow=(server.origin,)) as it:
        ctx = it.run()
        reply = await ctx.models.chat(history, MINE, tools=[WEATHER], parallel_tools=False)
        [request] = server.requests
    assert (request.path, request.headers["x-api-key"]) == ("/v1/messages", "sk-secret-of-mine")
    sent = json.loads(request.body)
    assert sent["system"] == "Be brief."
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert sent["tools"][0]["input_schema"]["required"] == ["city"]
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][0]["content"][1]["source"] == {
        "type": "base64",
        "media_type": "image/png",
        "data": "AAAA",
    }
    assert sent["messages"][1]["content"] == [
        {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {"city": "Oslo"}}
    ]
    assert [part["type"] for part in sent["messages"][2]["content"]] == ["tool_result", "text"]
    assert (reply.text, reply.finish) == ("Let me see.", "tool_calls")
    assert reply.tool_calls[0].parsed() == {"city": "Bergen"}
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (10, 2, 5)
    assert ctx.spent_microusd == 100  # 8 at 3, 2 at 0.3 and 5 at 15 dollars a million, rounded up


async def test_a_text_streams() -> None:
    def script(request: Request, number: int) -> Any:
        return 200, events(["Good ", "morning"]), {"Content_Type": "text/event-stream"}

    pieces: list[str] = []
    async with scripted(script) as server, asking(config(server.url), allow=(server.origin,)) as it:
        reply = await it.run().models.chat([{"role": "user", "content": "Hi"}], MINE, on_text=pieces.append)
    assert pieces == ["Good ", "morning"]
    assert (reply.text, reply.usage.output_tokens) == ("Good morning", 7)


async def test_a_schema_is_asked_for_by_a_tool() -> None:
    def script(request: Request, number: int) -> Any:
        use = {"type": "tool_use", "id": "t", "name": "answer", "input": {"name": "Ada"}}
        return 200, message(use, reason="tool_use"), {}

    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    async with scripted(script) as server, asking(config(server.url), allow=(server.origin,)) as it:
        value, _ = await structured.answer(
            it.run().models, [{"role": "user", "content": "Who?"}], schema, MINE
        )
        sent = json.loads(server.requests[0].body)
    assert value == {"name": "Ada"}
    assert sent["tool_choice"] == {"type": "tool", "name": "answer"}


async def test_overload_passes_and_a_wrong_key_does_not() -> None:
    def script(request: Request, number: int) -> Any:
        if number == 1:
            return (
                529,
                {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
                {"Retry_After": "0"},
            )
        return (
            401,
            {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
            {},
        )

    async with scripted(script) as server, asking(config(server.url), allow=(server.origin,)) as it:
        with pytest.raises(CredentialError, match="invalid x-api-key"):
            await it.run().models.chat([{"role": "user", "content": "Hi"}], MINE)
        assert len(server.requests) == 2
        with pytest.raises(BlockInputError, match="Anthropic has no model for this"):
            await it.run().models.embed(["a"], Choice(model="anthropic:x", auth=key("anthropic")))


async def test_a_connection_that_breaks_is_the_servers_fault() -> None:
    broken = {"providers": {"anthropic": {"base_url": "http://127.0.0.1:9"}}}
    async with asking(broken, allow=("127.0.0.1:9",)) as it:
        with pytest.raises(UpstreamError, match="does not answer"):
            await it.run().models.chat([{"role": "user", "content": "Hi"}], MINE)
