from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from tests.integration.api import graphs
from tests.integration.api.calls import problem
from tests.integration.api.conftest import Running, client_of, serving
from tests.integration.api.people import PASSWORD, Person, browser, person, with_account

LOGIN = "/api/v1/auth/login"
SESSIONS = "/api/v1/sessions"


@pytest_asyncio.fixture
async def ada(running: Running) -> Any:
    async with person(running) as found:
        yield found


async def logged_in(running: Running, email: str, **body: Any) -> httpx.Response:
    async with client_of(running.url, None) as client:
        return await client.post(LOGIN, json={"email": email, "password": PASSWORD, **body})


async def test_cookies_are_not_for_scripts_nor_for_other_sites(running: Running, ada: Person) -> None:
    cookies = (await logged_in(running, ada.email)).headers.get_list("set-cookie")
    session = next(each for each in cookies if each.startswith("millstream_session="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(session.split("; "))
    assert "Domain" not in session
    assert "HttpOnly" not in next(each for each in cookies if each.startswith("millstream_csrf="))


async def test_behind_tls_cookies_are_for_this_host_and_tls_alone(
    settings: EdgeSettings, registry: Registry
) -> None:
    chosen = replace(settings, access=replace(settings.access, public_url="https://millstream.example"))
    async with serving(chosen, registry) as edge:
        _, email = await with_account(edge.edge)
        cookies = (await logged_in(edge, email)).headers.get_list("set-cookie")
        assert len(cookies) == 2
        for cookie in cookies:
            assert cookie.startswith("__Host-millstream_")
            assert {"Secure", "Path=/"} <= set(cookie.split("; "))


async def test_a_cookie_without_the_code_changes_nothing(running: Running, ada: Person) -> None:
    """A32: what a page of others could make a browser send."""
    async with browser(running, ada.email) as page, browser(running, ada.email) as other:
        foreign = other.headers["X-CSRF-Token"]
        right = page.headers.pop("X-CSRF-Token")
        assert (await page.get("/api/v1/graphs")).status_code == 200
        for code in (None, "", "x", foreign, right[:-1], right + "x"):
            headers = {} if code is None else {"X-CSRF-Token": code}
            problem(await page.post("/api/v1/graphs", json=graphs.echo(), headers=headers), 403, "forbidden")
            problem(await page.request("DELETE", SESSIONS, headers=headers), 403, "forbidden")
        headers = {"X-CSRF-Token": right}
        for origin in (
            "https://evil.example",
            "null",
            running.url + ".evil.example",
            "http://evil.example:8000",
        ):
            answer = await page.post(
                "/api/v1/graphs", json=graphs.echo(), headers={**headers, "Origin": origin}
            )
            problem(answer, 403, "forbidden")
            problem(await page.get("/api/v1/graphs", headers={"Origin": origin}), 403, "forbidden")
        ours = {**headers, "Origin": running.url}
        assert (await page.post("/api/v1/graphs", json=graphs.echo(), headers=ours)).status_code == 201


async def test_nobody_is_logged_in_by_a_page_of_others(running: Running, ada: Person) -> None:
    body = {"email": ada.email, "password": PASSWORD}
    async with client_of(running.url, None) as client:
        problem(
            await client.post(LOGIN, json=body, headers={"Origin": "https://evil.example"}), 403, "forbidden"
        )
        answer = await client.post(LOGIN, data=body)  # what a form can send without being asked
        assert answer.status_code == 415


async def test_a_listed_origin_gets_no_credentials(settings: EdgeSettings, registry: Registry) -> None:
    chosen = replace(settings, origins=("https://app.example",))
    async with serving(chosen, registry) as edge:
        for origin in ("https://app.example", "https://evil.example"):
            answer = await edge.client.get("/api/v1/graphs", headers={"Origin": origin})
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.headers.get("access-control-allow-origin") in (None, "https://app.example")


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("/graphs?x=1#y", "/graphs?x=1#y"),
        (None, "/"),
        ("", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\/evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/%0a/evil.example", "/%0a/evil.example"),
        ("\n//evil.example", "/"),
        (" //evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        ("/\x00", "/"),
    ],
)
async def test_after_the_login_one_stays_here(running: Running, given: str | None, safe: str) -> None:
    _, email = await with_account(running.edge)
    assert (await logged_in(running, email, next=given)).json()["next"] == safe


async def test_sessions_are_listed_and_ended_one_by_one(running: Running, ada: Person) -> None:
    async with browser(running, ada.email) as first, browser(running, ada.email) as second:
        found = (await first.get(SESSIONS)).json()["items"]
        assert sorted(each["kind"] for each in found) == ["browser", "browser", "program"]
        assert sum(each["current"] for each in found) == 1
        secrets = {value for client in (first, second) for value in client.cookies.values()}
        assert not secrets & {each["id"] for each in found}
        other = next(each["id"] for each in found if each["kind"] == "browser" and not each["current"])
        assert (await first.delete(f"{SESSIONS}/{other}")).status_code == 204
        problem(await first.delete(f"{SESSIONS}/{other}"), 404, "not_found")
        problem(await second.get("/api/v1/me"), 401, "unauthenticated")
        program = next(each["id"] for each in found if each["kind"] == "program")
        assert (await first.delete(f"{SESSIONS}/{program}")).status_code == 204
        problem(await ada.client.get("/api/v1/me"), 401, "unauthenticated")
        assert (await first.post("/api/v1/auth/logout")).status_code == 204
        assert not first.cookies
    async with browser(running, ada.email) as third, browser(running, ada.email) as fourth:
        assert (await third.delete(SESSIONS)).status_code == 204
        for page in (third, fourth):
            problem(await page.get("/api/v1/me"), 401, "unauthenticated")


async def test_a_program_logs_out(ada: Person) -> None:
    assert (await ada.client.post("/api/v1/auth/logout")).status_code == 204
    problem(await ada.client.get("/api/v1/me"), 401, "unauthenticated")


async def test_sessions_end_by_idling_and_by_age(settings: EdgeSettings, registry: Registry) -> None:
    access = settings.access
    for short in (replace(access, session_idle_s=1), replace(access, session_most_s=1)):
        chosen = replace(settings, access=short)
        async with serving(chosen, registry) as edge:
            _, email = await with_account(edge.edge)
            async with browser(edge, email) as page:
                secret = next(cookie.value for cookie in page.cookies.jar if "session" in cookie.name)
                assert (await page.get("/api/v1/me")).status_code == 200
                await asyncio.sleep(1.5)
                async with client_of(edge.url, None) as same:
                    answer = await same.get("/api/v1/me", headers={"Cookie": f"millstream_session={secret}"})
                    problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "*", "a" * 5000])
async def test_made_up_cookies_are_no_login(running: Running, cookie: str) -> None:
    async with client_of(running.url, None) as client:
        answer = await client.get("/api/v1/me", headers={"Cookie": f"millstream_session={cookie}"})
        problem(answer, 401, "unauthenticated")


async def test_a_login_is_always_a_new_session(running: Running, ada: Person) -> None:
    """A session that somebody has put into the browser before is not the one that is logged in."""
    async with client_of(running.url, None) as client:
        client.cookies.set("millstream_session", "put-there-by-somebody")
        body = {"email": ada.email, "password": PASSWORD}
        answer = await client.post(LOGIN, json=body)
        assert "put-there-by-somebody" not in answer.headers["set-cookie"]


async def test_a_browser_that_has_logged_in_reads_the_page_of_topics(running: Running) -> None:
    _, email = await with_account(running.edge)
    async with browser(running, email) as page, client_of(running.url, None) as stranger:
        del page.headers["X-CSRF-Token"]  # a page that is opened has no header of ours
        answer = await page.get("/asyncapi")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        style = answer.text.partition("<style>")[2].partition("</style>")[0]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        assert "executions.events" in answer.text
        assert (await page.get("/asyncapi.json")).json()["asyncapi"].startswith("3.")
        assert (await stranger.get("/asyncapi")).status_code == 401
