"""What blocks of Notion, Airtable, Linear, Stripe, Twilio, Replicate and ElevenLabs send, against a server that keeps it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from millstream.processors.blocks import (
    airtable,
    elevenlabs,
    linear,
    notion,
    replicate_models,
    stripe_payments,
    twilio_messages,
)
from millstream.processors.blocks.notion_text import blocks_of, markdown_of
from millstream.processors.context import Context, Park
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.sdk import Block
from millstream.schemas.errors import BlockExecutionError, CredentialError, UpstreamError
from millstream.testing import SECRET, Everywhere, confidence, context, emits
from tests.unit.processors.conftest import Request, Server, answer, serving

Answers = Callable[[Request], tuple[int, Any]]


@asynccontextmanager
async def service(answers: Answers) -> AsyncIterator[tuple[Server, GuardedHttp]]:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        status, value = answers(request)
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        kind = "audio/mpeg" if isinstance(value, bytes) else "application/json"
        await answer(writer, status, body, Content_Type=kind)

    async with (
        serving(handle) as server,
        GuardedHttp(allow=frozenset({server.origin}), services=Everywhere(server.url)) as http,
    ):
        yield server, http


def login(provider: str, kind: str = "api_key") -> dict[str, Any]:
    return {"id": "00000000-0000-4000-8000-000000000003", "provider": provider, "type": kind}


def run_of(block: Block, inputs: dict[str, Any], http: GuardedHttp, **more: Any) -> Context:
    return context(http=http, confidence=confidence(block, inputs), **more)


def form(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.body.decode())


async def test_a_payment_is_one_payment_however_often_it_is_sent() -> None:
    tries = iter([503, 200])

    async with service(lambda _: (next(tries), {"id": "pi_1", "status": "succeeded"})) as (server, http):
        block = stripe_payments.stripe_create_payment
        inputs = {
            "credentials": login("stripe"),
            "amount": 1250,
            "currency": "EUR",
            "payment_method": "pm_1",
            "confirm": True,
            "metadata": {"order": "7"},
        }
        ctx = run_of(block, inputs, http)
        got = dict(await emits(block, inputs, ctx))
    assert got["status"] == "succeeded"
    first, second = server.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == ctx.idempotency_key
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    assert form(first) == {
        "amount": ["1250"],
        "currency": ["eur"],
        "payment_method": ["pm_1"],
        "confirm": ["true"],
        "off_session": ["true"],
        "metadata[order]": ["7"],
    }
    assert not block.spec.repeatable
    assert block.spec.sensitive


async def test_what_has_no_key_is_not_sent_twice() -> None:
    async with service(lambda _: (503, {})) as (server, http):
        block = twilio_messages.twilio_send_message
        inputs = {
            "credentials": login("twilio", "user_password"),
            "account_sid": "AC" + "1" * 32,
            "to": "+491701234567",
            "from": "+15551234567",
            "body": "hi",
            "media_urls": ["https://x/1.png", "https://x/2.png"],
        }
        with pytest.raises(UpstreamError):
            await emits(block, inputs, run_of(block, inputs, http))
    [sent] = server.requests
    assert sent.path == f"/Accounts/AC{'1' * 32}/Messages.json"
    assert sent.headers["authorization"].startswith("Basic ")
    assert form(sent) == {
        "To": ["+491701234567"],
        "From": ["+15551234567"],
        "Body": ["hi"],
        "MediaUrl": ["https://x/1.png", "https://x/2.png"],
    }


async def test_what_is_said_on_the_phone_is_escaped() -> None:
    async with service(lambda _: (200, {"sid": "CA1", "status": "queued"})) as (server, http):
        block = twilio_messages.twilio_make_call
        inputs = {
            "credentials": login("twilio", "user_password"),
            "account_sid": "AC" + "1" * 32,
            "to": "+491701234567",
            "from": "+15551234567",
            "text": "</Say><Dial>+1</Dial>",
        }
        await emits(block, inputs, run_of(block, inputs, http))
    [twiml] = form(server.requests[0])["Twiml"]
    assert "<Dial>" not in twiml
    assert twiml.count("<") == 4


async def test_a_prediction_is_begun_once_and_looked_at_without_holding_a_worker() -> None:
    states = iter(["starting", "processing", "succeeded"])

    def answers(request: Request) -> tuple[int, Any]:
        return 200, {"id": "p1", "status": next(states), "output": ["Hello", " Ada"]}

    async with service(answers) as (server, http):
        block = replicate_models.replicate_model
        inputs = {
            "credentials": login("replicate"),
            "model_name": "ada/tea",
            "model_inputs": {"n": 2, "hot": True},
        }
        ctx = run_of(block, inputs, http)
        [park] = [emit async for emit in block.run(inputs, ctx)]
        assert isinstance(park, Park)
        assert park.delay_s == replicate_models.LOOK_S
        ctx.resumed = park.state
        got = await emits(block, inputs, ctx)
    assert got[0] == ("result", "Hello Ada")
    assert [request.method for request in server.requests] == ["POST", "GET", "GET"]
    assert json.loads(server.requests[0].body) == {"input": {"n": 2, "hot": True}}


async def test_records_go_in_tens_and_come_back_whole() -> None:
    def answers(request: Request) -> tuple[int, Any]:
        if request.path.startswith("/meta"):
            return 200, {
                "tables": [{"id": "t", "name": "T", "fields": [{"name": "Hot", "type": "checkbox"}]}]
            }
        rows = json.loads(request.body)["records"]
        return 200, {"records": [{"id": f"rec{n}", **row} for n, row in enumerate(rows)]}

    async with service(answers) as (server, http):
        block = airtable.airtable_create_records
        inputs = {
            "credentials": login("airtable"),
            "base_id": "app1",
            "table_id_or_name": "T",
            "records": [{"fields": {"n": n}} if n % 2 else {"n": n} for n in range(23)],
            "typecast": True,
        }
        [(_, records)] = await emits(block, inputs, run_of(block, inputs, http))
    assert [len(json.loads(request.body)["records"]) for request in server.requests[:-1]] == [10, 10, 3]
    assert json.loads(server.requests[0].body)["typecast"] is True
    assert len(records) == 23
    assert records[0]["fields"] == {"Hot": False}


async def test_lists_are_asked_for_as_airtable_wants() -> None:
    async with service(lambda _: (200, {"records": []})) as (server, http):
        block = airtable.airtable_list_records
        inputs = {
            "credentials": login("airtable"),
            "base_id": "app1",
            "table_id_or_name": "My table",
            "filter_formula": "{Hot}=1",
            "sort": [{"field": "Name", "direction": "desc"}],
            "return_fields": ["Name", "Hot"],
            "normalize_output": False,
        }
        await emits(block, inputs, run_of(block, inputs, http))
    parts = urlsplit(server.requests[0].path)
    assert parts.path == "/app1/My%20table"
    assert parse_qs(parts.query) == {
        "filterByFormula": ["{Hot}=1"],
        "maxRecords": ["100"],
        "pageSize": ["100"],
        "fields[]": ["Name", "Hot"],
        "sort[0][field]": ["Name"],
        "sort[0][direction]": ["desc"],
    }


async def test_a_page_of_a_database_gets_its_title_where_the_database_has_it() -> None:
    def answers(request: Request) -> tuple[int, Any]:
        if request.path == "/databases/d1":
            return 200, {"properties": {"Kind": {"type": "select"}, "What": {"type": "title"}}}
        return 200, {"id": "p1", "url": "https://notion.so/p1"}

    async with service(answers) as (server, http):
        block = notion.notion_create_page
        content = "\n".join(f"line {n}" for n in range(150))
        inputs = {
            "credentials": login("notion"),
            "parent_database_id": "d1",
            "title": "Tea",
            "content": content,
        }
        await emits(block, inputs, run_of(block, inputs, http))
    made, more = (json.loads(request.body) for request in server.requests[1:])
    assert made["parent"] == {"database_id": "d1"}
    assert made["properties"]["What"]["title"][0]["text"]["content"] == "Tea"
    assert (len(made["children"]), len(more["children"])) == (100, 50)
    assert server.requests[0].headers["notion-version"] == "2022-06-28"


async def test_the_text_of_a_page_comes_in_its_order_with_what_is_inside_of_it() -> None:
    def line(id_: str, *, inside: bool = False) -> dict[str, Any]:
        text = {"rich_text": [{"plain_text": id_}]}
        return {"id": id_, "type": "bulleted_list_item", "bulleted_list_item": text, "has_children": inside}

    def answers(request: Request) -> tuple[int, Any]:
        parts = urlsplit(request.path)
        if parts.path == "/pages/p":
            return 200, {"properties": {}}
        if parts.path == "/blocks/a/children":
            return 200, {"results": [line("a1")], "has_more": False}
        if "start_cursor=2" in parts.query:
            return 200, {"results": [line("c")], "has_more": False}
        return 200, {"results": [line("a", inside=True), line("b")], "has_more": True, "next_cursor": "2"}

    async with service(answers) as (_, http):
        block = notion.notion_read_page_markdown
        inputs = {"credentials": login("notion"), "page_id": "p"}
        got = dict(await emits(block, inputs, run_of(block, inputs, http)))
    assert got["markdown"].split("\n\n") == ["- a", "  - a1", "- b", "- c"]


def test_markdown_becomes_blocks_and_markdown_again() -> None:
    text = "# One\n## Two\n### Three\ntext\n- a\n1. b\n- [ ] c\n- [x] d\n> e\n```\ncode\n```\n---"
    blocks = blocks_of(text)
    for made in blocks:
        for part in made[made["type"]].get("rich_text", []):
            part["plain_text"] = part["text"]["content"]
    lines = [markdown_of(made, 0) for made in blocks]
    assert lines[:9] == ["# One", "## Two", "### Three", "text", "- a", "1. b", "- [ ] c", "- [x] d", "> e"]
    assert lines[9:] == ["```plain text\ncode\n```", "---"]


async def test_errors_of_graphql_are_errors() -> None:
    problem = {"errors": [{"message": "x", "extensions": {"userPresentableMessage": "You lack access"}}]}
    async with service(lambda _: (200, problem)) as (server, http):
        block = linear.linear_search_issues
        inputs = {"credentials": login("linear"), "term": "x", "team_name": "Kitchen"}
        with pytest.raises(BlockExecutionError, match="You lack access"):
            await emits(block, inputs, run_of(block, inputs, http))
    assert server.requests[0].headers["authorization"] == SECRET
    variables = json.loads(server.requests[0].body)["variables"]
    assert variables == {"term": "x", "first": 10, "filter": {"team": {"name": {"eq": "Kitchen"}}}}


async def test_speech_becomes_a_file_and_recordings_are_sent_as_files() -> None:
    def answers(request: Request) -> tuple[int, Any]:
        if request.path.startswith("/text-to-speech"):
            return 200, b"ID3sound"
        return 200, {"text": "hi", "language_code": "en"}

    async with service(answers) as (server, http):
        block = elevenlabs.eleven_labs_speech
        inputs = {"credentials": login("elevenlabs"), "text": "hi", "stability": 0.2}
        ctx = run_of(block, inputs, http)
        [(_, ref)] = await emits(block, inputs, ctx)
        file = await ctx.files.read(ref)
        assert (file.data, file.media_type) == (b"ID3sound", "audio/mpeg")
        block = elevenlabs.eleven_labs_transcribe
        inputs = {"credentials": login("elevenlabs"), "audio": ref}
        ctx.confidence = confidence(block, inputs)
        assert dict(await emits(block, inputs, ctx))["text"] == "hi"
    spoken, heard = server.requests
    assert spoken.headers["xi-api-key"] == SECRET
    assert json.loads(spoken.body)["voice_settings"]["stability"] == 0.2
    assert b"ID3sound" in heard.body


async def test_a_login_that_is_refused_is_named_so() -> None:
    async with service(lambda _: (401, {"message": "API token is invalid."})) as (_, http):
        block = notion.notion_read_page
        inputs = {"credentials": login("notion"), "page_id": "p"}
        with pytest.raises((CredentialError, BlockExecutionError), match="API token is invalid"):
            await emits(block, inputs, run_of(block, inputs, http))
