"""The echo model: what it says follows from the question, and it says what it is."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.local.echo_model import media
from millstream.local.echo_model.app import app
from millstream.local.echo_model.making import value_of
from millstream.local.echo_model.rules import PREFIX, WHO, reply
from millstream.local.echo_model.vectors import embedding


def said(question: str, system: str = "", **more: Any) -> str:
    messages = [{"role": "system", "content": system}] if system else []
    return reply({"messages": [*messages, {"role": "user", "content": question}], **more}).text


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Repeat: hello", "hello"),
        ("Say after me: hello", "hello"),
        ("Please summarise this text:\nOne is first. Two is not.", "One is first."),
        ("Summarize (concise; what matters: all):\nA b. C d.", "A b."),
        ("UPPERCASE: abc", "ABC"),
        ("Reverse: abc", "cba"),
        ("List 2 colours: red, green, blue", "1. red\n2. green"),
        ("List 2 fruits", "1. fruits 1\n2. fruits 2"),
        ("Classify as spam or ham: this ham is ham", "ham"),
        ("Count words: one two three", "3"),
        ("What is 2 + 3?", "5"),
        ("Calculate: 1 / 0", "That cannot be divided by zero."),
        ("Who are you?", WHO),
        ("", WHO),
        ("How do you do", PREFIX + "How do you do"),
    ],
)
def test_simple_orders_are_followed(question: str, answer: str) -> None:
    assert said(question) == answer


def test_it_says_that_it_cannot_translate_and_what_it_is() -> None:
    assert "cannot translate" in said("Translate into French: hello")
    assert "not a language model" in WHO


def test_an_order_may_stand_in_the_system_message() -> None:
    assert said("hello there", "You always answer in upper case.") == "HELLO THERE"


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


ADD = tool("add", a={"type": "number"}, b={"type": "number"})
FIND = tool("find_page", query={"type": "string"})


def turns(question: str, **more: Any) -> list[list[tuple[str, Any]]]:
    """Play a conversation to its end; each tool gives `ok`."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
    found: list[list[tuple[str, Any]]] = []
    for _ in range(6):
        turn = reply({"messages": messages, "tools": [ADD, FIND], **more})
        if not turn.calls:
            assert turn.text
            return found
        found.append([(name, json.loads(arguments)) for name, arguments in turn.calls])
        calls = [
            {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for n, (name, arguments) in enumerate(turn.calls)
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in calls]
    raise AssertionError("it never ends")


def test_tools_are_called_by_name_and_by_script() -> None:
    assert turns("Please add 2 and 40") == [[("add", {"a": 2.0, "b": 40.0})]]
    assert turns('Use find page for "Kafka"') == [[("find_page", {"query": "Kafka"})]]
    assert turns("Nothing of that kind") == []
    script = 'call add with {"a": 1, "b": 2} and call find_page with {"query": "x"}, then call add with {"a": 3, "b": 4}'
    assert turns(script) == [
        [("add", {"a": 1, "b": 2}), ("find_page", {"query": "x"})],
        [("add", {"a": 3, "b": 4})],
    ]
    assert [len(turn) for turn in turns(script, parallel_tool_calls=False)] == [1, 1, 1]
    assert turns("Nothing", tool_choice={"type": "function", "function": {"name": "add"}})[0][0][0] == "add"
    assert turns("Please add 2 and 40", tool_choice="none") == []


def test_a_schema_is_filled_from_the_text() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "email": {"type": "string"},
            "age": {"type": "integer", "maximum": 40},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "mood": {"enum": ["good", "bad"]},
            "inner": {"$ref": "#/$defs/inner"},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
        },
        "required": ["name", "email", "age", "tags", "mood", "inner", "maybe"],
        "$defs": {"inner": {"type": "object", "properties": {"on": {"type": "string", "format": "date"}}}},
    }
    text = "name: Ada, age is 99. Tags: x; a@b.example wrote on 2026-01-02 in a bad mood."
    value = value_of(schema, text)
    assert jsonschema_rs.is_valid(schema, value)
    assert (value["name"], value["age"], value["email"]) == ("Ada", 40, "a@b.example")
    assert (value["mood"], value["inner"]) == ("bad", {"on": "2026-01-02"})


_PLAIN = st.sampled_from(
    [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "number"}, {"enum": ["a", 2]}]
)
_SCHEMAS = st.recursive(
    _PLAIN,
    lambda inner: st.one_of(
        inner.map(lambda each: {"type": "array", "items": each, "maxItems": 3}),
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=3).map(
            lambda each: {"type": "object", "properties": each, "required": list(each)}
        ),
    ),
    max_leaves=6,
)


@given(schema=_SCHEMAS, text=st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_what_it_makes_fits_the_schema(schema: dict[str, Any], text: str) -> None:
    assert jsonschema_rs.is_valid(schema, value_of(schema, text))


def test_vectors_have_length_1_and_the_same_text_the_same() -> None:
    for text in ("", "the of and", "Kafka keeps a log"):
        vector = embedding(text, 64)
        assert sum(number * number for number in vector) == pytest.approx(1)
        assert vector == embedding(text, 64)


def test_speech_carries_its_text() -> None:
    assert media.heard(media.speech("Grüße aus dem Log")) == "Grüße aus dem Log"
    assert "cannot hear" in media.heard(b"RIFF1234WAVE")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", b"{}"),
        ("chat/completions", b"[1]"),
        ("chat/completions", b"{"),
        ("embeddings", b'{"input": [1]}'),
        ("embeddings", b'{"input": "a", "dimensions": 9999999}'),
        ("moderations", b'{"input": {}}'),
        ("audio/speech", b'{"input": ""}'),
        ("images/generations", b'{"prompt": "x", "n": 5000}'),
    ],
)
async def test_a_wrong_request_is_refused_in_openais_form(path: str, body: bytes) -> None:
    transport = httpx.ASGITransport(app())
    async with httpx.AsyncClient(transport=transport, base_url="http://echo") as client:
        answer = await client.post(f"/v1/{path}", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]
        assert len((await client.get("/v1/models")).json()["data"]) == 6


async def test_an_answer_ends_at_its_limit_of_tokens() -> None:
    transport = httpx.ASGITransport(app())
    async with httpx.AsyncClient(transport=transport, base_url="http://echo") as client:
        body = {"messages": [{"role": "user", "content": "Repeat: one two three"}], "max_tokens": 2}
        [choice] = (await client.post("/v1/chat/completions", json=body)).json()["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("one two", "length")
