from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio

from millstream.api.app import create_app
from millstream.api.auth.guards import guard_of
from millstream.api.auth.principal import Role, Scope
from tests.integration.api.calls import problem
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.people import Person, key_of, person
from tests.integration.api.test_access import iter_routes

KEYS = "/api/v1/api-keys"


@pytest_asyncio.fixture
async def ada(running: Running) -> Any:
    async with person(running) as found:
        yield found


async def test_each_scope_opens_its_routes_and_no_other(running: Running) -> None:
    """A54: the matrix is made from the routes themselves."""
    routes = [
        (method, re.sub(r"\{[^}]+\}", str(uuid.uuid4()), route.path), guard_of(route.endpoint))
        for route in iter_routes(create_app(running.edge.settings, []))
        for method in sorted(route.methods or ())
    ]
    async with person(running, role="admin") as root:
        keys = {scope: (await key_of(root.client, scope))["key"] for scope in Scope}
    wrong = []
    for scope, key in keys.items():
        async with client_of(running.url, key) as client:
            for method, path, guard in routes:
                assert guard is not None
                if guard.open:
                    continue
                allowed = not guard.person and guard.role is Role.USER and guard.scope in (None, scope)
                answer = await client.request(method, path)
                if (answer.status_code == 403) is allowed or answer.status_code == 401:
                    wrong.append((scope, method, path, answer.status_code))
    assert not wrong


async def test_a_key_is_shown_once_and_stored_as_a_hash(running: Running, ada: Person) -> None:
    made = await key_of(ada.client, "READ_GRAPH", "READ_GRAPH", "IDENTITY")
    assert made["key"].startswith(made["prefix"])
    assert made["scopes"] == ["IDENTITY", "READ_GRAPH"]
    [listed] = (await ada.client.get(KEYS)).json()["items"]
    assert "key" not in listed
    async with running.edge.pool.connection() as conn:
        rows = await (
            await conn.execute("SELECT k::text FROM api_keys k WHERE id = %s", [made["id"]])
        ).fetchall()
    assert made["key"] not in str(rows)


async def test_a_key_comes_in_by_either_header_and_is_noted(running: Running, ada: Person) -> None:
    made = await key_of(ada.client, "IDENTITY")
    assert made["last_used_at"] is None
    async with client_of(running.url, None) as client:
        for headers in ({"X-API-Key": made["key"]}, {"Authorization": f"Bearer {made['key']}"}):
            me = (await client.get("/api/v1/me", headers=headers)).json()
            assert (me["id"], me["kind"], me["scopes"]) == (str(ada.id), "api_key", ["IDENTITY"])
    first = (await ada.client.get(f"{KEYS}/{made['id']}")).json()["last_used_at"]
    assert first is not None
    async with client_of(running.url, made["key"]) as client:
        await client.get("/api/v1/me")
    assert (await ada.client.get(f"{KEYS}/{made['id']}")).json()["last_used_at"] == first


async def test_a_revoked_key_is_of_no_use_at_once(running: Running, ada: Person) -> None:
    made = await key_of(ada.client, "IDENTITY")
    async with client_of(running.url, made["key"]) as client:
        assert (await client.get("/api/v1/me")).status_code == 200  # and so it is kept in the process
        revoked = (await ada.client.delete(f"{KEYS}/{made['id']}")).json()
        assert revoked["revoked_at"] is not None
        problem(await client.get("/api/v1/me"), 401, "unauthenticated")
    assert (await ada.client.delete(f"{KEYS}/{made['id']}")).json() == revoked


async def test_an_old_key_is_of_no_use(running: Running, ada: Person) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    made = await key_of(ada.client, "IDENTITY", expires_at=later.isoformat())
    async with running.edge.pool.connection() as conn:
        await conn.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", [made["id"]])
    async with client_of(running.url, made["key"]) as client:
        problem(await client.get("/api/v1/me"), 401, "unauthenticated")
    for gone in (datetime.now(UTC) - timedelta(seconds=1), datetime.now()):  # noqa: DTZ005 - a time of nowhere
        body = {"name": "x", "scopes": ["IDENTITY"], "expires_at": gone.isoformat()}
        assert (await ada.client.post(KEYS, json=body)).status_code in (400, 422)


async def test_keys_without_scopes_or_with_made_up_ones_are_refused(ada: Person) -> None:
    for scopes in ([], ["ADMIN"], ["*"], None):
        problem(await ada.client.post(KEYS, json={"name": "x", "scopes": scopes}), 422, "request_invalid")


async def test_changed_keys_are_refused(running: Running, ada: Person) -> None:
    key = (await key_of(ada.client, "IDENTITY"))["key"]
    for bad in (key[:-1], key + "x", key.upper(), "ms_", key.replace("ms_", "agpt_")):
        async with client_of(running.url, bad) as client:
            problem(await client.get("/api/v1/me"), 401, "unauthenticated")
