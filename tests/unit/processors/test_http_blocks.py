"""Blocks for HTTP against real servers: tries, pages, logs-in, webhooks."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from millstream.processors.blocks.http_pages import fetch_pages, graphql_request, next_link, poll_url
from millstream.processors.blocks.http_requests import check_url, download_file, http_request, upload_file
from millstream.processors.blocks.http_webhooks import WAITS_S, send_webhook
from millstream.processors.context import Context, Park
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.guards.retrying import back_off_s, may_repeat, retry_after_s
from millstream.processors.sdk import Block
from millstream.schemas.errors import BlockError
from millstream.testing import SECRET, confidence, context, emits
from tests.unit.processors.conftest import Request, Server, answer, serving

LOGIN = {"id": "00000000-0000-4000-8000-00000000000a", "provider": "http", "type": "api_key"}
JSON = {"Content_Type": "application/json"}


def scripted(*answers: tuple[int, str, dict[str, str]]) -> Any:
    """Give one answer after the other; the last one stays."""
    left = list(answers)

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        status, body, headers = left.pop(0) if len(left) > 1 else left[0]
        await answer(writer, status, body.encode(), **headers)

    return handle


async def once(
    block: Block, inputs: dict[str, Any], ctx: Context
) -> tuple[list[tuple[str, Any]], Park | None]:
    """Run a block once: what it emitted, and how it parked."""
    found: list[tuple[str, Any]] = []
    async with aclosing(block.run(inputs, ctx)) as stream:
        async for emit in stream:
            if isinstance(emit, Park):
                return found, emit
            found.append(emit)
    return found, None


def reaching(*servers: Server, **more: Any) -> GuardedHttp:
    return GuardedHttp(allow=frozenset(server.origin for server in servers), **more)


async def test_a_passing_failure_parks_and_is_tried_again() -> None:
    script = scripted((503, "", {"Retry_After": "120"}), (502, "", {}), (200, "[1]", JSON))
    async with serving(script) as server, reaching(server) as http:
        inputs, ctx = {"url": server.url, "tries": 3}, context(http=http)
        found, park = await once(http_request, inputs, ctx)
        assert park is not None
        assert (found, park.delay_s, park.state) == ([], 120.0, {"tried": 1})
        ctx.resumed = park.state
        _, park = await once(http_request, inputs, ctx)
        assert park is not None
        assert 0.5 <= (park.delay_s or 0) <= 1.0
        ctx.resumed = park.state
        assert (await once(http_request, inputs, ctx))[0][:2] == [("response", [1]), ("status", 200)]
        assert len(server.requests) == 3


async def test_tries_end() -> None:
    async with (
        serving(scripted((503, "busy", {"Content_Type": "text/plain"}))) as server,
        reaching(server) as http,
    ):
        with pytest.raises(BlockError, match="503.*busy") as caught:
            await emits(http_request, {"url": server.url, "tries": 2}, context(http=http))
        assert caught.value.code == "upstream_failed"
        assert len(server.requests) == 2


@pytest.mark.parametrize(("status", "sent"), [(500, 1), (503, 1), (429, 3)])
async def test_what_changes_things_is_sent_again_only_if_nothing_was_done(status: int, sent: int) -> None:
    async with serving(scripted((status, "", {}))) as server, reaching(server) as http:
        with pytest.raises(BlockError):
            await emits(http_request, {"url": server.url, "method": "POST", "body": {}}, context(http=http))
        assert len(server.requests) == sent
        assert len({request.headers["idempotency-key"] for request in server.requests}) == 1


async def test_no_answer_is_tried_again_for_get_only() -> None:
    async def cut(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(cut) as server, reaching(server) as http:
        for method, sent in (("GET", 3), ("POST", 4)):
            with pytest.raises(BlockError):
                await emits(http_request, {"url": server.url, "method": method}, context(http=http))
            assert len(server.requests) == sent


async def test_query_form_text_and_raw_answers() -> None:
    async def echo(request: Request, writer: asyncio.StreamWriter) -> None:
        seen = {
            "path": request.path,
            "type": request.headers.get("content-type"),
            "body": request.body.decode(),
        }
        await answer(writer, 404, json.dumps(seen).encode(), **JSON)

    async with serving(echo) as server, reaching(server) as http:
        inputs = {"url": f"{server.url}/a?x=1", "method": "POST", "fail_on_error": False}
        asked = {"query": {"y": True, "z": [1, "b"], "n": None}, "body": {"a": 1}, "send_as": "form"}
        seen = dict(await emits(http_request, inputs | asked, context(http=http)))["response"]
        assert seen["path"] in ("/a?x=1&y=true&z=1%2Cb", "/a?y=true&z=1%2Cb")
        assert (seen["type"], seen["body"]) == ("application/x-www-form-urlencoded", "a=1")
        text = {"body": "héllo", "send_as": "text", "read_as": "text"}
        got = dict(await emits(http_request, inputs | text, context(http=http)))
        assert json.loads(got["response"])["body"] == "héllo"
        file = dict(await emits(http_request, inputs | {"read_as": "file"}, context(http=http)))["response"]
        assert file.startswith("workspace://")


LOGGING_IN: list[tuple[Block, dict[str, Any]]] = [
    (http_request, {}),
    (fetch_pages, {}),
    (graphql_request, {"query": "{a}"}),
    (poll_url, {"path": ""}),
    (download_file, {}),
    (upload_file, {"file": "data:,x"}),
]


@pytest.mark.parametrize(("block", "more"), LOGGING_IN, ids=lambda each: getattr(each, "spec", each))
async def test_a19_a_login_goes_to_its_hosts_only(block: Block, more: dict[str, Any]) -> None:
    async with (
        serving(scripted((200, "[]", JSON))) as own,
        serving(scripted((200, "[]", JSON))) as other,
        reaching(own, other) as http,
    ):
        inputs = {"credentials": LOGIN, **more}
        known = confidence(block, inputs, hosts=(own.origin,))
        with pytest.raises(BlockError, match="credential is for"):
            await emits(block, {**inputs, "url": other.url}, context(http=http, confidence=known))
        with contextlib.suppress(BlockError):  # not every block makes sense of this answer
            await emits(block, {**inputs, "url": own.url}, context(http=http, confidence=known), wakes=0)
        assert [request.headers["authorization"] for request in own.requests] == [f"Bearer {SECRET}"]
        assert not other.requests


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://e.com/2>; rel="next", <https://e.com/9>; rel="last"', "https://e.com/2"),
        ('<https://e.com/1>; rel="prev", </3?a=b,c>; title="x, y"; rel="next"', "/3?a=b,c"),
        ("<2>; rel=next", "2"),
        ('<2>; rel="nofollow next"', "2"),
        ('<2>; rel="prev"', None),
        ("", None),
        ("nonsense <", None),
        ("<" * 20_000, None),
        ("<a>" + ";" + " " * 10_000, None),
    ],
)
def test_the_next_link_is_found(header: str, target: str | None) -> None:
    assert next_link({"link": header}) == target


async def test_pages_follow_links_until_there_are_no_more() -> None:
    async def pages(request: Request, writer: asyncio.StreamWriter) -> None:
        number = int(request.path.partition("=")[2] or 1)
        link = {"Link": f'</list?page={number + 1}>; rel="next"'} if number < 4 else {}
        await answer(writer, 200, json.dumps([number]).encode(), **JSON, **link)

    async with serving(pages) as server, reaching(server) as http:
        url = f"{server.url}/list"
        got = dict(await emits(fetch_pages, {"url": url}, context(http=http)))
        assert got == {"items": [1, 2, 3, 4], "page_count": 4, "complete": True}
        got = dict(await emits(fetch_pages, {"url": url, "most_pages": 3}, context(http=http)))
        assert got == {"items": [1, 2, 3], "page_count": 3, "complete": False}
        got = dict(await emits(fetch_pages, {"url": url, "most_items": 2}, context(http=http)))
        assert got == {"items": [1, 2], "page_count": 2, "complete": False}


async def test_a_server_that_never_ends_does_not_keep_us() -> None:
    """A20: the same cursor again, and pages without end."""
    script = scripted((200, '{"rows": [1], "next": "again"}', JSON))
    async with serving(script) as server, reaching(server) as http:
        inputs: dict[str, Any] = {
            "url": server.url,
            "how": "cursor",
            "cursor_path": "next",
            "items_path": "rows",
        }
        got = dict(await emits(fetch_pages, inputs, context(http=http)))
        assert (got["items"], got["complete"]) == ([1, 1], True)
        inputs = {"url": server.url, "how": "page", "items_path": "rows", "most_pages": 7}
        assert dict(await emits(fetch_pages, inputs, context(http=http)))["page_count"] == 7


async def test_a_next_page_inside_is_refused() -> None:
    """A15: each page is checked, whoever names it."""
    async with serving(scripted((200, "[9]", JSON))) as inner:
        script = scripted((200, "[1]", {**JSON, "Link": f'<{inner.url}/secret>; rel="next"'}))
        async with serving(script) as server, reaching(server) as http:
            with pytest.raises(BlockError) as caught:
                await emits(fetch_pages, {"url": server.url}, context(http=http))
        assert caught.value.code == "address_refused"
        assert not inner.requests


async def test_polling_parks_between_questions_and_ends_with_the_job() -> None:
    busy, done = (200, '{"job": {"state": "busy"}}', JSON), (200, '{"job": {"state": "done"}}', JSON)
    async with serving(scripted(busy, (503, "", {}), done)) as server, reaching(server) as http:
        inputs = {
            "url": server.url,
            "path": "job.state",
            "until": ["done"],
            "failed": ["broken"],
            "interval_s": 7,
        }
        ctx = context(http=http)
        _, park = await once(poll_url, inputs, ctx)
        assert park is not None
        assert (park.delay_s, park.state) == (7.0, {"polls": 1})
        got = dict(await emits(poll_url, inputs, context(http=http)))
        assert (got["value"], got["polls"]) == ("done", 2)
    async with (
        serving(scripted((200, '{"job": {"state": "broken"}}', JSON))) as server,
        reaching(server) as http,
    ):
        with pytest.raises(BlockError, match="has failed"):
            await emits(poll_url, {**inputs, "url": server.url}, context(http=http))


async def test_graphql_sends_values_apart_and_keeps_partial_data() -> None:
    script = scripted((200, '{"data": {"a": 1}, "errors": [{"message": "no b"}]}', JSON))
    async with serving(script) as server, reaching(server) as http:
        inputs = {"url": server.url, "query": "query($x: Int) { a b }", "variables": {"x": 1}}
        got = await emits(graphql_request, inputs, context(http=http))
        assert got == [("data", {"a": 1}), ("errors", [{"message": "no b"}])]
        assert json.loads(server.requests[0].body) == {"query": inputs["query"], "variables": {"x": 1}}


async def test_an_upload_sends_the_file_itself_or_a_part() -> None:
    async with serving(scripted((201, "", {}))) as server, reaching(server) as http:
        file = {"file": "data:text/csv;base64,YSxi", "url": server.url}
        await emits(upload_file, file, context(http=http))
        await emits(upload_file, {**file, "form_field": "doc", "fields": {"a": "b"}}, context(http=http))
        raw, form = server.requests
    assert (raw.method, raw.body, raw.headers["content-type"]) == ("PUT", b"a,b", "text/csv")
    assert form.headers["content-type"].startswith("multipart/form-data")
    assert b'name="doc"' in form.body
    assert b'name="a"' in form.body


async def test_a_download_is_what_its_content_says_and_not_too_large() -> None:
    gif = base64.b64decode("R0lGODlhAQABAAAAACw=")

    async def picture(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(
            writer, 200, gif, Content_Type="text/html", Content_Disposition='attachment; filename="../x.gif"'
        )

    async with serving(picture) as server, reaching(server) as http:
        ctx = context(http=http)
        got = dict(await emits(download_file, {"url": server.url}, ctx))
        assert (got["media_type"], got["size_bytes"]) == ("image/gif", len(gif))
        assert (await ctx.files.read(got["file"])).name == "x.gif"
        with pytest.raises(BlockError, match="more than 5 bytes"):
            await emits(download_file, {"url": server.url, "most_bytes": 5}, ctx)


async def test_a_check_asks_by_head_and_falls_back() -> None:
    async def only_get(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 405 if request.method == "HEAD" else 200, b"x", Content_Range="bytes 0-0/1234")

    async with serving(only_get) as server, reaching(server) as http:
        got = dict(await emits(check_url, {"url": server.url}, context(http=http)))
        assert (got["reachable"], got["size_bytes"]) == (True, 1234)
        assert [request.method for request in server.requests] == ["HEAD", "GET"]


KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()


async def test_a_webhook_verifies_with_the_reference_library() -> None:
    async with serving(scripted((500, "", {}), (204, "", {}))) as server, reaching(server) as http:
        headers = {"Webhook-Signature": "v1,forged", "X-Own": "1"}
        inputs = {"url": server.url, "type": "a.b", "data": {"ü": [1]}, "secret": KEY, "headers": headers}
        ctx = context(http=http)
        _, park = await once(send_webhook, inputs, ctx)
        assert park is not None
        assert park.delay_s == WAITS_S[0]
        ctx.resumed = park.state
        got = dict((await once(send_webhook, inputs, ctx))[0])
        first, second = server.requests
    for request in (first, second):
        told = Webhook(KEY).verify(request.body, request.headers)
        assert (told["type"], told["data"]) == ("a.b", {"ü": [1]})
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == got["message_id"]
    assert second.headers["x-own"] == "1"


@pytest.mark.parametrize(
    ("status", "code", "sent"),
    [(410, "block_failed", 1), (400, "block_failed", 1), (500, "upstream_failed", 3)],
)
async def test_a_webhook_gives_up(status: int, code: str, sent: int) -> None:
    async with serving(scripted((status, "", {}))) as server, reaching(server) as http:
        inputs = {"url": server.url, "type": "a", "data": 1, "secret": KEY, "tries": 3}
        with pytest.raises(BlockError) as caught:
            await emits(send_webhook, inputs, context(http=http))
        assert (caught.value.code, len(server.requests)) == (code, sent)


async def test_a_webhook_does_not_follow_redirects() -> None:
    async with serving(scripted((200, "", {}))) as other:
        async with (
            serving(scripted((307, "", {"Location": other.url}))) as server,
            reaching(server, other) as http,
        ):
            inputs = {"url": server.url, "type": "a", "data": 1, "secret": KEY}
            with pytest.raises(BlockError, match="307"):
                await emits(send_webhook, inputs, context(http=http))
        assert not other.requests


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (format_datetime(NOW + timedelta(seconds=30)), 30.0),
        (format_datetime(NOW - timedelta(seconds=30)), 0.0),
        ("soon", None),
        ("", None),
        ("-1", None),
        ("9" * 400, None),
        ("１２", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value}, NOW) == seconds


def test_the_back_off_doubles_to_a_minute_and_is_spread() -> None:
    assert [back_off_s(tried, None, chance=lambda: 1.0) for tried in (1, 2, 3, 8, 1000)] == [
        0.5,
        1.0,
        2.0,
        60.0,
        60.0,
    ]
    assert back_off_s(3, None, chance=lambda: 0.0) == 1.0
    assert back_off_s(3, 17.0) == 17.0


def test_what_may_be_repeated() -> None:
    assert may_repeat("GET", None)
    assert may_repeat("DELETE", 503)
    assert not may_repeat("POST", 503)
    assert may_repeat("POST", 503, keyed=True)
    assert may_repeat("POST", 429)
    assert not may_repeat("GET", 404)
