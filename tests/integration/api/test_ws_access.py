from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from tests.integration.api import graphs
from tests.integration.api.calls import saved
from tests.integration.api.conftest import Running, serving
from tests.integration.api.people import browser, key_of, person, with_account
from tests.integration.api.socket import Client, client_to

ENDED = 4003


def cookie_of(page: httpx.AsyncClient) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in page.cookies.jar)}


@contextlib.asynccontextmanager
async def watching(url: str, **options: Any) -> AsyncIterator[Client]:
    async with client_to(url, **options) as client:
        await client.ask("heartbeat", "ping")
        assert (await client.read())["data"] == "pong"
        yield client


async def closed(client: Client) -> int:
    async with asyncio.timeout(20):
        _, code = await client.frames_to_close()
    return code


async def refused(url: str, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, proxy=None, **options):
            pass
    return caught.value.response.status_code


async def test_a_browser_watches_with_its_cookie_from_our_pages_alone(running: Running) -> None:
    """A28, A32: the origin decides, since a browser sends the cookie from everywhere."""
    _, email = await with_account(running.edge)
    async with browser(running, email) as page:
        headers = cookie_of(page)
        async with watching(running.ws, token=None, origin=running.url, additional_headers=headers):
            pass
        for origin in (None, "https://evil.example", "null", running.url + ".evil.example"):
            assert await refused(running.ws, origin=origin, additional_headers=headers) == 403
    for token in ("", "?token=", "?token=x", "?token=ms_x", "?token=a.b.c"):
        assert await refused(running.ws + token) == 403
    odd = {"Cookie": "millstream_session=x"}
    assert await refused(running.ws, origin=running.url, additional_headers=odd) == 403


async def test_a_listed_origin_watches_with_a_token_not_with_a_cookie(
    settings: EdgeSettings, registry: Registry
) -> None:
    listed = "https://app.example"
    async with serving(replace(settings, origins=(listed,)), registry) as edge:
        _, email = await with_account(edge.edge)
        async with browser(edge, email) as page:
            assert await refused(edge.ws, origin=listed, additional_headers=cookie_of(page)) == 403
        async with watching(edge.ws, origin=listed):
            pass


async def test_nobody_follows_executions_of_others(running: Running) -> None:
    """A27."""
    async with person(running) as ada, person(running) as eve:
        graph = await saved(ada.client, graphs.echo())
        ran = await ada.client.post(f"/api/v1/graphs/{graph['id']}/execute", json={"inputs": {"text": "x"}})
        async with watching(running.ws, token=eve.tokens["access_token"]) as client:
            await client.ask("subscribe_graph_execution", {"graph_exec_id": ran.json()["id"]})
            frame = await client.read()
            assert (frame["method"], frame["success"]) == ("error", False)
            await client.ask("subscribe_graph_executions", {"graph_id": graph["id"]})
            assert str(ada.id) not in str(await client.read())


async def test_sockets_close_when_what_opened_them_ends(running: Running) -> None:
    async with person(running) as ada, browser(running, ada.email) as page:
        key = await key_of(ada.client, "READ_GRAPH")
        cookie = {"origin": running.url, "additional_headers": cookie_of(page), "token": None}
        async with (
            watching(running.ws, token=key["key"]) as by_key,
            watching(running.ws, **cookie) as by_cookie,
            watching(running.ws, token=ada.tokens["access_token"]) as by_token,
            watching(running.ws) as other,
        ):
            await ada.client.delete(f"/api/v1/api-keys/{key['id']}")
            assert await closed(by_key) == ENDED
            await page.post("/api/v1/auth/logout")
            assert await closed(by_cookie) == ENDED
            body = {"refresh_token": ada.tokens["refresh_token"]}
            await running.client.post("/api/v1/auth/token/revoke", json=body)
            assert await closed(by_token) == ENDED
            await other.ask("heartbeat", "ping")
            assert (await other.read())["data"] == "pong"


async def test_a_socket_closes_when_its_member_is_taken_out(running: Running) -> None:
    async with person(running) as owner, person(running) as member:
        org = (await owner.client.post("/api/v1/organisations", json={"name": "Ours"})).json()["id"]
        async with running.edge.pool.connection() as conn:
            await conn.execute(
                "INSERT INTO org_members (org_id, user_id, role) VALUES (%s, %s, 'member')", [org, member.id]
            )
        url = f"{running.ws}?org={org}"
        headers = {"Authorization": f"Bearer {member.tokens['access_token']}"}
        async with (
            watching(url, token=None, additional_headers=headers) as inside,
            watching(running.ws, token=member.tokens["access_token"]) as alone,
        ):
            assert (
                await owner.client.delete(f"/api/v1/organisations/{org}/members/{member.id}")
            ).status_code == 204
            assert await closed(inside) == ENDED
            await alone.ask("heartbeat", "ping")
            assert (await alone.read())["data"] == "pong"
        assert await refused(url, additional_headers=headers) == 403


async def test_a_socket_closes_when_another_process_ends_its_login(running: Running) -> None:
    """Nothing was said: the check that runs now and then finds it."""
    async with person(running) as ada, watching(running.ws, token=ada.tokens["access_token"]) as client:
        async with running.edge.pool.connection() as conn:
            await conn.execute("UPDATE users SET disabled_at = now() WHERE id = %s", [ada.id])
        await running.edge.auth.known.forget_user(ada.id)
        await running.edge.auth.revocations.recheck()
        assert await closed(client) == ENDED


async def test_a_socket_lives_no_longer_than_its_token(settings: EdgeSettings, registry: Registry) -> None:
    chosen = replace(settings, access=replace(settings.access, access_s=6))
    async with (
        serving(chosen, registry) as edge,
        person(edge) as ada,
        watching(edge.ws, token=ada.tokens["access_token"]) as client,
    ):
        assert await closed(client) == ENDED


async def test_a_key_without_the_scope_does_not_watch(running: Running) -> None:
    async with person(running) as ada:
        key = await key_of(ada.client, "READ_BLOCK")
        assert await refused(f"{running.ws}?token={key['key']}") == 403


async def test_closed_sockets_are_forgotten(running: Running) -> None:
    with contextlib.suppress(ConnectionClosed):
        async with watching(running.ws):
            pass
    await asyncio.sleep(0.2)
    assert not running.edge.auth.revocations._watched
