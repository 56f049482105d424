"""Services told by `Service`: where their keys go, what becomes of failures, what their blocks say to them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from millstream.processors import rest
from millstream.processors.blocks import discord, github, github_files, search, slack, telegram, weather
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.rest import filled
from millstream.processors.sdk import Block
from millstream.schemas.errors import BlockError, BlockInputError
from millstream.testing import SECRET, Everywhere, confidence, context, emits
from tests.unit.processors.conftest import Request, Server, answer, serving
from tests.unit.processors.test_http_blocks import JSON, scripted

GITHUB = {"credentials": github.LOGIN}
ISSUE = {**GITHUB, "issue_url": "https://github.com/ada/engine/issues/7"}


async def told(
    block: Block, server: Server, inputs: dict[str, Any], *, hosts: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Run a block whose service the operator has put on a local server."""
    async with GuardedHttp(allow=frozenset({server.origin}), services=Everywhere(server.url)) as http:
        known = confidence(block, inputs, hosts=hosts)
        return dict(await emits(block, inputs, context(http=http, confidence=known)))


def login(provider: str) -> dict[str, Any]:
    return {
        "credentials": {"id": "00000000-0000-4000-8000-0000000000ff", "provider": provider, "type": "api_key"}
    }


async def test_an_issue_is_what_github_wants() -> None:
    script = scripted((201, '{"number": 7, "html_url": "https://github.com/ada/engine/issues/7"}', JSON))
    async with serving(script) as server:
        inputs = {**GITHUB, "repo_url": "https://github.com/ada/engine.git", "title": "T", "body": "B"}
        got = await told(github.github_make_issue, server, inputs)
        [request] = server.requests
    assert got == {"number": 7, "url": "https://github.com/ada/engine/issues/7"}
    assert (request.method, request.path) == ("POST", "/repos/ada/engine/issues")
    assert json.loads(request.body) == {"title": "T", "body": "B"}
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["x-github-api-version"] == "2022-11-28"


async def test_a_changed_file_names_the_one_it_was() -> None:
    old = (200, '{"sha": "f0"}', JSON)
    new = (200, '{"content": {"html_url": "u", "sha": "f1"}, "commit": {"sha": "c1"}}', JSON)
    async with serving(scripted(old, new)) as server:
        inputs = {
            **GITHUB,
            "repo_url": "ada/engine",
            "file_path": "/docs/ü.md",
            "content": "é",
            "branch": "b/1",
        }
        got = await told(github_files.github_update_file, server, inputs)
        read, put = server.requests
    assert read.path == "/repos/ada/engine/contents/docs/%C3%BC.md?ref=b%2F1"
    assert json.loads(put.body) == {"message": "Update file", "content": "w6k=", "branch": "b/1", "sha": "f0"}
    assert got == {"url": "u", "sha": "c1"}


LOGINS: list[tuple[Block, dict[str, Any], str, str]] = [
    (github.github_read_issue, ISSUE, "authorization", f"Bearer {SECRET}"),
    (
        slack.send_slack_message,
        {**login("slack"), "channel": "C", "text": "x"},
        "authorization",
        f"Bearer {SECRET}",
    ),
    (
        discord.send_discord_dm,
        {**login("discord"), "user_id": "9", "message_content": "x"},
        "authorization",
        f"Bot {SECRET}",
    ),
    (search.exa_web_search, {**login("exa"), "query": "q"}, "x-api-key", SECRET),
    (search.brave_search, {**login("brave"), "query": "q"}, "x-subscription-token", SECRET),
    (search.tavily_search, {**login("tavily"), "query": "q"}, "authorization", f"Bearer {SECRET}"),
]


@pytest.mark.parametrize(("block", "inputs", "header", "value"), LOGINS, ids=lambda each: "")
async def test_each_service_gets_its_key_where_it_wants_it(
    block: Block, inputs: dict[str, Any], header: str, value: str
) -> None:
    async with serving(scripted((400, '{"message": "no"}', JSON))) as server:
        with pytest.raises(BlockError, match="no"):
            await told(block, server, inputs)
        assert server.requests[0].headers[header] == value


IN_URLS: list[tuple[Block, dict[str, Any]]] = [
    (telegram.send_telegram_message, {**login("telegram"), "chat_id": 1, "text": "x"}),
    (weather.get_weather_information, {**login("openweathermap"), "location": "x"}),
    (search.serpapi_search, {**login("serpapi"), "query": "x"}),
]


@pytest.mark.parametrize(("block", "inputs"), IN_URLS, ids=lambda each: "")
@pytest.mark.parametrize("fault", ["cut", "redirect inside", "html", "refused"])
async def test_a_key_in_an_address_is_in_no_message(block: Block, inputs: dict[str, Any], fault: str) -> None:
    """A19, A56: some services want it there; messages of errors go to people and logs."""

    async def bad(request: Request, writer: asyncio.StreamWriter) -> None:
        assert SECRET in request.path
        if fault == "cut":
            writer.close()
        elif fault == "html":
            await answer(writer, 200, b"<p>no</p>", Content_Type="text/html")
        elif fault == "refused":
            await answer(writer, 403, json.dumps({"message": "forbidden"}).encode(), **JSON)
        else:
            await answer(writer, 302, Location=f"http://127.0.0.1:9{request.path}")

    async with serving(bad) as server:
        with pytest.raises(BlockError) as caught:
            await told(block, server, inputs)
        assert server.requests
    assert SECRET not in str(caught.value) + repr(caught.value.facts)


@pytest.mark.parametrize(("block", "inputs"), [*[row[:2] for row in LOGINS], *IN_URLS], ids=lambda each: "")
async def test_a19_a_credential_for_elsewhere_goes_to_no_service(
    block: Block, inputs: dict[str, Any]
) -> None:
    async with serving(scripted((200, "{}", JSON))) as server:
        with pytest.raises(BlockError) as caught:
            await told(block, server, inputs, hosts=("example.com",))
        assert caught.value.code == "address_refused"
        assert SECRET not in str(caught.value)
        assert not server.requests


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (401, "credentials_unavailable", False),
        (404, "block_failed", False),
        (422, "block_failed", False),
        (503, "upstream_failed", True),
    ],
)
async def test_failures_are_told_by_kind_in_the_services_words(
    status: int, code: str, retryable: bool
) -> None:
    async with serving(
        scripted((status, '{"message": "what GitHub says"}', {**JSON, "Retry_After": "0"}))
    ) as server:
        with pytest.raises(BlockError, match="GitHub.*what GitHub says") as caught:
            await told(github.github_read_issue, server, ISSUE)
        assert len(server.requests) == (rest.TRIES if status == 503 else 1)
    assert (caught.value.code, caught.value.retryable) == (code, retryable)


async def test_a_service_over_its_limit_is_asked_again_when_it_says() -> None:
    found = '{"title": "T", "body": null, "user": null}'
    async with serving(scripted((429, "{}", {**JSON, "Retry_After": "0"}), (200, found, JSON))) as server:
        assert await told(github.github_read_issue, server, ISSUE) == {"title": "T", "body": "", "user": ""}
    async with serving(scripted((429, "{}", {**JSON, "Retry_After": "3600"}))) as server:
        with pytest.raises(BlockError) as caught:
            await told(github.github_read_issue, server, ISSUE)
        assert len(server.requests) == 1
    assert caught.value.facts["retry_after_s"] == 3600


async def test_a_failure_in_an_answer_with_status_200_is_a_failure() -> None:
    async with serving(scripted((200, '{"ok": false, "error": "channel_not_found"}', JSON))) as server:
        with pytest.raises(BlockError, match="Slack refused this: channel_not_found"):
            await told(slack.send_slack_message, server, {**login("slack"), "channel": "C", "text": "x"})


async def test_a_text_for_discord_pings_nobody_and_is_sent_once() -> None:
    async def chat(request: Request, writer: asyncio.StreamWriter) -> None:
        pages = {
            "/users/@me/guilds": [{"id": "1", "name": "Mill"}],
            "/guilds/1/channels": [{"id": "22", "name": "general"}],
        }
        found: Any = pages.get(request.path, {"id": "3", "channel_id": "22"})
        await answer(writer, 200, json.dumps(found).encode(), **JSON)

    async with serving(chat) as server:
        inputs = {**login("discord"), "channel_name": "general", "message_content": "@everyone " + "x" * 2500}
        await told(discord.send_discord_message, server, inputs)
        sent = [json.loads(request.body) for request in server.requests if request.method == "POST"]
    assert [len(each["content"]) for each in sent] == [2000, 510]
    assert all(each["allowed_mentions"] == {"parse": ["users"]} and each["enforce_nonce"] for each in sent)
    assert sent[0]["nonce"] != sent[1]["nonce"]
    assert max(len(each["nonce"]) for each in sent) <= 25


@pytest.mark.parametrize(
    ("template", "values", "path"),
    [
        ("/a/{x}", {"x": "b/c?d#e%2f"}, "/a/b%2Fc%3Fd%23e%252f"),
        ("/a/{x*}", {"x": "/b/c d/"}, "/a/b/c%20d"),
        ("/a/{x}/{y}", {"x": 7, "y": "ü"}, "/a/7/%C3%BC"),
    ],
)
def test_what_a_value_holds_stays_in_its_place(template: str, values: dict[str, Any], path: str) -> None:
    assert filled(template, values) == path


@pytest.mark.parametrize("value", ["..", ".", "", "a/../b", "a//b"])
def test_a11_a_value_cannot_climb(value: str) -> None:
    with pytest.raises(BlockInputError):
        filled("/a/{x*}", {"x": value})


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/ada/engine/issues/7",
        "https://github.com/ada",
        "x",
        "",
        "https://github.com/a/b/wiki/7",
    ],
)
async def test_an_address_of_something_else_is_told(url: str) -> None:
    async with GuardedHttp() as http:
        known = confidence(github.github_read_issue, {**ISSUE, "issue_url": url})
        ctx = context(http=http, confidence=known)
        with pytest.raises(BlockError) as caught:
            await emits(github.github_read_issue, {**ISSUE, "issue_url": url}, ctx)
    assert caught.value.code == "block_input_invalid"
