from __future__ import annotations

import asyncio
import logging
import re
import uuid
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from millstream.api.app import create_app
from millstream.api.auth.guards import guard_of
from millstream.api.auth.local import LocalToken
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from millstream.schemas.errors import ConfigurationError
from tests.integration.api import graphs
from tests.integration.api.calls import problem
from tests.integration.api.conftest import TOKEN, Running, client_of, serving
from tests.integration.api.socket import client_to

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/api/v1/auth/config"),
    ("GET", "/api/v1/auth/sso"),
    ("GET", "/api/v1/auth/sso/{name}/start"),
    ("GET", "/api/v1/auth/sso/{name}/callback"),
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/token"),
    ("POST", "/api/v1/auth/token/refresh"),
    ("POST", "/api/v1/auth/token/revoke"),
    ("POST", "/api/v1/auth/verify"),
    ("POST", "/api/v1/auth/password/forgot"),
    ("POST", "/api/v1/auth/password/reset"),
    ("GET", "/api/v1/shared/{token}"),
    ("GET", "/api/public/shared/{share_token}"),
    ("GET", "/api/public/shared/{share_token}/files/{file_id}/download"),
    ("GET", "/health"),
    ("GET", "/docs"),
    ("GET", "/docs/docs.js"),
    ("GET", "/docs/docs.css"),
    ("GET", "/api/v1/shared/{token}/files/{file_id}"),
    ("GET", "/api/v1/shared/{token}/values/{ref:path}"),
    ("POST", "/internal/credentials/{secret_id}"),  # asks for the token of workers itself
}
"""All that is open to everybody. Whoever adds a line says why in the review."""


def iter_routes(app: FastAPI) -> list[APIRoute]:
    """All routes of the app, also those of routers within it."""
    found: list[APIRoute] = []
    routers: list[Any] = [app.router]
    while routers:
        for route in routers.pop().routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                routers.append(inner)
            elif isinstance(route, APIRoute):
                found.append(route)
    return found


def is_open(method: str, path: str) -> bool:
    """Tell whether a path, with ids filled in, is of an open route."""
    whole = [re.sub(r"\{[^}]+:path\}", ".+", shape) for each, shape in OPEN if each == method]
    shapes = [re.sub(r"\{[^}]+\}", "[^/]+", shape) for shape in whole]
    return any(re.fullmatch(shape, path) for shape in shapes)


def operations(running: Running) -> list[tuple[str, str]]:
    """Every method and path that the app serves, with ids filled in."""
    schema = create_app(running.edge.settings, []).openapi()
    found = [(method.upper(), path) for path, methods in schema["paths"].items() for method in methods]
    found += [("GET", "/openapi.json"), ("GET", "/docs")]
    return [(method, re.sub(r"\{[^}]+\}", str(uuid.uuid4()), path)) for method, path in found]


def test_every_route_says_who_may_call_it_and_the_open_ones_are_listed(settings: EdgeSettings) -> None:
    seen, unmarked, opened = 0, [], set()
    for route in iter_routes(create_app(settings, [])):
        for method in sorted(route.methods or ()):
            seen += 1
            guard = guard_of(route.endpoint)
            if guard is None:
                unmarked.append((method, route.path))
            elif guard.open:
                opened.add((method, route.path))
    assert seen > 50
    assert not unmarked, "mark them with @require(...), @require_person or @require_role(...)"
    assert opened == OPEN


async def test_nothing_but_the_list_is_open_without_a_login(running: Running) -> None:
    asked = operations(running)
    assert len(asked) > 20
    for token in (None, "x", TOKEN[:-1], TOKEN + "x"):
        async with client_of(running.url, token) as stranger:
            for method, path in asked:
                answer = await stranger.request(method, path)
                if is_open(method, path):
                    assert answer.status_code in (200, 404, 422), path
                    assert '"checks"' not in answer.text
                    continue
                assert answer.status_code == 401, path
                if (
                    answer.headers["content-type"] == "application/json"
                ):  # AutoGPT's clients know this form alone
                    assert path.startswith(("/api/", "/external-api/"))
                    assert not path.startswith("/api/v1/")
                    assert "detail" in answer.json()
                else:
                    problem(answer, 401, "unauthenticated")
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")


SUFFIXES = (
    "/",
    "/healthz",
    "/readyz",
    "/configs",
    ";/healthz",
    "/%2e%2e/healthz",
    "%2fhealthz",
    "?x=/healthz",
)


async def test_no_suffix_of_a_route_gets_past_the_login(running: Running) -> None:
    async with client_of(running.url, None) as stranger:
        for method, path in operations(running):
            for suffix in SUFFIXES:
                answer = await stranger.request(method, path + suffix)
                opened = is_open(method, (path + suffix).partition("?")[0])
                allowed = (200, 401, 404, 405, 422) if opened else (401, 404, 405)
                assert answer.status_code in allowed, (method, path + suffix)


@pytest.mark.parametrize("form", ["Basic {}", "bearer", "{}", "Bearer", "Token {}", "Bearer {} x"])
async def test_a_token_in_another_form_is_none(running: Running, form: str) -> None:
    async with client_of(running.url, None) as stranger:
        answer = await stranger.get("/api/v1/graphs", headers={"Authorization": form.format(TOKEN)})
        problem(answer, 401, "unauthenticated")
        assert (await stranger.get("/api/v1/graphs", params={"token": TOKEN})).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/graphs/",
        "//api/v1/graphs",
        "/api/v1//graphs",
        "/api/v1/graphs;/healthz",
        "/api/v1/graphs/healthz",
        "/api/v1/graphs/../../../healthz",
        "/healthz/../api/v1/graphs",
        "/healthz/%2e%2e/api/v1/graphs",
        "/api/v1/graphs%2f..%2f..%2fhealthz",
        "/api/v1/blocks/x/readyz",
        "/metrics/healthz",
    ],
)
async def test_no_spelling_of_a_path_gets_past_the_login(running: Running, path: str) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))  # httpx would tidy the path up
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    status = (await reader.readline()).split()[1]
    writer.close()
    await writer.wait_closed()
    assert status in (b"401", b"404")


async def test_a_stranger_is_refused_before_the_body_is_read(running: Running) -> None:
    async with client_of(running.url, None) as stranger:
        answer = await stranger.post("/api/v1/graphs", content=b"x" * 40_000_000)
        problem(answer, 401, "unauthenticated")


async def test_a_body_over_the_limit_is_refused_with_or_without_a_length(client: httpx.AsyncClient) -> None:
    async def parts() -> object:
        for _ in range(40):
            yield b" " * 1_000_000

    problem(await client.post("/api/v1/graphs", content=b" " * 40_000_000), 413, "payload_too_large")
    problem(await client.post("/api/v1/graphs", content=parts()), 413, "payload_too_large")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "input_invalid"),
        (b'{"inputs": {"a": NaN}}', "application/json", 400, "input_invalid"),
        (b'{"inputs": {"a": 1e999}}', "application/json", 400, "input_invalid"),
        (b'{"inputs": {"a": 99999999999999999999999}}', "application/json", 400, "input_invalid"),
        (b'{"inputs": {"a": "\\ud800"}}', "application/json", 400, "input_invalid"),
        (b'{"inputs": {"a": "\xff"}}', "application/json", 400, "input_invalid"),
        (b'{"inputs": ' + b'{"a":' * 100 + b"1" + b"}" * 101, "application/json", 400, "input_invalid"),
        (b"[" * 100_000, "application/json", 400, "input_invalid"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "http_415"),
        (b"", "application/json", 422, "request_invalid"),
        (b"[]", "application/json", 422, "request_invalid"),
    ],
)
async def test_odd_bodies_are_refused_with_a_reason(
    client: httpx.AsyncClient, content: bytes, kind: str, status: int, code: str
) -> None:
    url = f"/api/v1/blocks/{graphs.STORE}/execute"
    problem(await client.post(url, content=content, headers={"Content-Type": kind}), status, code)


async def test_what_is_not_there_is_a_problem_too(client: httpx.AsyncClient) -> None:
    problem(await client.get("/api/v1/nothing"), 404, "not_found")
    problem(await client.patch("/api/v1/graphs"), 405, "method_not_allowed")
    problem(await client.get("/api/v1/executions/not-a-uuid"), 422, "request_invalid")
    problem(await client.get("/api/v1/executions", params={"limit": 0}), 422, "request_invalid")


async def test_every_answer_has_security_headers_and_a_request_id(running: Running) -> None:
    async with client_of(running.url, None) as stranger:
        for path in ("/healthz", "/api/v1/graphs", "/nothing"):
            answer = await stranger.get(path, headers={"X-Request-ID": "mine-1"})
            assert answer.headers["X-Request-ID"] == "mine-1"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "server" not in answer.headers
        odd = await stranger.get("/healthz", headers={"X-Request-ID": "x" * 100})
        assert uuid.UUID(odd.headers["X-Request-ID"])


async def test_only_listed_origins_are_answered(settings: EdgeSettings, registry: Registry) -> None:
    chosen = replace(settings, origins=("https://app.example",))
    async with serving(chosen, registry) as edge:
        for origin, allowed in (("https://app.example", True), ("https://evil.example", False)):
            preflight = {
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "Authorization",
            }
            answer = await edge.client.options("/api/v1/graphs", headers=preflight)
            assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
            assert "Access-Control-Allow-Credentials" not in answer.headers
        async with client_to(edge.ws, origin="https://app.example") as socket:
            await socket.ask("heartbeat", "ping")
            assert (await socket.read())["data"] == "pong"


async def test_the_description_covers_all_and_says_what_needs_the_token(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    refs = set(re.findall(r'"#/components/schemas/([^"]+)"', str(schema).replace("'", '"')))
    assert refs <= set(schema["components"]["schemas"])
    described = {(method, path.replace(":path}", "}")) for method, path in OPEN}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert ("security" in operation) is ((method.upper(), path) not in described), path
            assert operation["description"]


async def test_the_page_of_the_api_has_nothing_from_elsewhere_and_can_be_switched_off(
    running: Running, settings: EdgeSettings, registry: Registry
) -> None:
    async with client_of(running.url, None) as stranger:
        page = await stranger.get("/docs")
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert named == ["/docs/docs.css", "/docs/docs.js"]
        assert [(await stranger.get(path)).status_code for path in named] == [200, 200]
        problem(await stranger.get("/openapi.json"), 401, "unauthenticated")
    async with serving(replace(settings, docs=False), registry) as edge:
        problem(await edge.client.get("/docs"), 404, "not_found")
    assert not replace(settings, host="0.0.0.0").shows_docs
    assert replace(settings, host="0.0.0.0", docs=True).shows_docs


async def test_metrics_count_requests_by_route(client: httpx.AsyncClient) -> None:
    await client.get(f"/api/v1/graphs/{uuid.uuid4()}")
    text = (await client.get("/metrics")).text
    assert 'route="/api/v1/graphs/{graph_id}",status="404"' in text
    assert "millstream_edge_executions_accepted_total" in text
    assert text.endswith("# EOF\n")


async def test_readiness_lists_the_servers_for_those_with_the_token(client: httpx.AsyncClient) -> None:
    found = (await client.get("/readyz")).json()
    assert found["status"] == "ok"
    assert {name: check["ok"] for name, check in found["checks"].items()} == {
        "kafka": True,
        "postgresql": True,
        "redis": True,
        "events": True,
    }


async def test_no_log_has_the_token(
    running: Running, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG, logger="uvicorn"):
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        async with client_to(running.ws) as socket:
            await socket.ask("heartbeat", "ping")
            await socket.read()
        await running.client.get("/api/v1/graphs", params={"token": TOKEN})
    assert TOKEN not in caplog.text
    out = capsys.readouterr()
    assert "path=/api/v1/graphs" in out.out
    assert TOKEN not in out.out + out.err


def test_a_short_token_is_refused_at_start() -> None:
    from pydantic import SecretStr

    with pytest.raises(ConfigurationError, match="16"):
        LocalToken(SecretStr("short"))
