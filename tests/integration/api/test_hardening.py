"""What every answer has, whatever goes wrong, and what no request may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from millstream.api.http import protocol
from millstream.api.http.limits import RateLimits
from millstream.api.http.middleware import HEADERS_BYTES, HEADERS_MOST, PATH_BYTES, QUERY_BYTES
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved
from tests.integration.api.conftest import TOKEN, Running, client_of, serving
from tests.integration.api.people import person

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def edge(settings: EdgeSettings, registry: Registry) -> AsyncIterator[Running]:
    """An edge behind TLS with few reads per minute."""
    access = replace(settings.access, public_url="https://millstream.test")
    chosen = replace(
        settings,
        access=access,
        rates=RateLimits(reads=2),
        origins=("https://app.example",),
        limits=settings.limits,
    )
    async with serving(chosen, registry) as found:
        yield found


async def test_every_error_is_a_problem_with_all_headers(
    edge: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await saved(edge.client, graphs.echo())
    graph = f"/api/v1/graphs/{made['id']}"
    run = f"{graph}/execute"
    async with client_of(edge.url, None) as stranger, person(edge) as ada:
        for _ in range(2):
            await ada.client.get("/api/v1/graphs")
        local = edge.client
        answers = {
            "input_invalid": (
                400,
                await local.post(run, content=b"{", headers={"Content-Type": "application/json"}),
            ),
            "unauthenticated": (401, await stranger.get("/api/v1/graphs")),
            "forbidden": (
                403,
                await ada.client.post("/api/v1/users/invitations", json={"email": "a@example.com"}),
            ),
            "not_found": (404, await local.get("/api/v1/nothing")),
            "method_not_allowed": (405, await local.patch("/api/v1/graphs")),
            "conflict": (409, await local.post("/api/v1/me/delete", json={"password": "x"})),
            "precondition_failed": (
                412,
                await local.put(graph, json=graphs.echo(), headers={"If-Match": '"99"'}),
            ),
            "payload_too_large": (413, await local.post(run, content=b" " * 40_000_000)),
            "uri_too_long": (414, await local.get("/api/v1/graphs", params={"x": "y" * QUERY_BYTES})),
            "http_415": (415, await local.post(run, content=b"a", headers={"Content-Type": "text/plain"})),
            "request_invalid": (422, await local.get("/api/v1/executions/x")),
            "rate_limited": (429, await ada.client.get("/api/v1/graphs")),
            "headers_too_large": (431, await local.get("/healthz", headers={"X-Long": "y" * HEADERS_BYTES})),
        }

        async def broken(*_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("a secret of the inside")

        monkeypatch.setattr(edge.edge.auth, "principal", broken)
        answers["internal"] = (500, await local.get("/api/v1/graphs"))
        monkeypatch.undo()
    for code, (status, answer) in answers.items():
        body = problem(answer, status, code)
        assert body["instance"] == answer.request.url.path
        assert "secret of the inside" not in answer.text
        for name, value in EVERYWHERE.items():
            assert answer.headers[name] == value, (code, name)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "server" not in answer.headers
    assert answers["method_not_allowed"][1].headers["Allow"]
    assert int(answers["rate_limited"][1].headers["Retry-After"]) > 0


async def test_a_bug_answers_pages_of_listed_origins_too(
    edge: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(edge.edge.auth, "principal", broken)
    answer = await edge.client.get("/api/v1/graphs", headers={"Origin": "https://app.example"})
    problem(answer, 500, "internal")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


async def test_no_origin_is_let_in_with_cookies_and_none_by_a_star(edge: Running) -> None:
    for origin in ("https://app.example.evil.example", "https://evil.example", "null", "http://app.example"):
        answer = await edge.client.get("/healthz", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_plain_http_promises_no_tls(running: Running) -> None:
    assert "Strict-Transport-Security" not in (await running.client.get("/healthz")).headers


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        ("GET /" + "a" * PATH_BYTES, 414, "uri_too_long"),
        ("GET /healthz?" + "a" * QUERY_BYTES + "b", 414, "uri_too_long"),
    ],
)
async def test_a_target_has_an_end(edge: Running, head: str, status: int, code: str) -> None:
    answer = await said(edge, f"{head} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_headers_are_a_hundred_at_most(edge: Running) -> None:
    many = "".join(f"X-{number}: 1\r\n" for number in range(HEADERS_MOST))
    answer = await said(edge, f"GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n".encode())
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")


async def test_headers_without_an_end_are_cut_off(edge: Running) -> None:
    endless = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Endless: "
    answer = await said(edge, endless, then=b"y" * 16_384, times=protocol.HEAD_BYTES // 16_384)
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")
    found = await raw(
        edge, endless, then=b"y" * 16_384, times=1000
    )  # who goes on writing is reset, and may miss it
    assert found[:12] in (b"", b"HTTP/1.1 431")


async def test_what_is_no_http_is_a_problem_too(edge: Running) -> None:
    answer = await said(edge, b"\x16\x03\x01 hello\r\n\r\n")
    assert (answer.status_code, answer.json()["code"]) == (400, "not_http")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_dawdles_over_headers_is_sent_away(edge: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    answer = await said(edge, b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")
    assert await raw(edge, b"") == b"", "who says nothing is told nothing"


async def test_a_connection_is_used_again_and_again_whatever_came_before(edge: Running) -> None:
    async with client_of(edge.url, TOKEN) as client:
        for _ in range(5):
            assert (await client.get("/healthz", headers={"X-Some": "y" * 20_000})).status_code == 200
            answer = await client.post(
                "/api/v1/graphs/validate", content=b" " * 200_000 + orjson.dumps(graphs.echo())
            )
            assert answer.status_code in (200, 415)


async def raw(edge: Running, first: bytes, *, then: bytes = b"", times: int = 0) -> bytes:
    host, port = edge.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(first)
    try:
        for _ in range(times):
            writer.write(then)
            await writer.drain()
    except ConnectionError:
        pass
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def said(edge: Running, first: bytes, *, then: bytes = b"", times: int = 0) -> httpx.Response:
    """Return what the edge answers to bytes; it closes the connection, or the request asks for it."""
    first = first.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    found = await raw(edge, first, then=then, times=times)
    head, _, body = found.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
    return httpx.Response(int(lines[0].split()[1]), headers=dict(headers), content=body)  # type: ignore[arg-type]


async def test_an_origin_that_is_none_is_refused_and_breaks_nothing(running: Running) -> None:
    async with client_of(running.url, None) as stranger:
        for origin in ("http://[", "null", "", "//", "javascript:alert(1)"):
            body = {"email": "ada@example.com", "password": "x" * 12}
            answer = await stranger.post("/api/v1/auth/login", json=body, headers={"Origin": origin})
            assert problem(answer, 403, "forbidden")
            with pytest.raises(InvalidStatus) as refused:
                async with connect(f"{running.ws}?token={TOKEN}", additional_headers={"Origin": origin}):
                    pass
            assert refused.value.response.status_code == 403
