"""Connecting accounts and refreshing their tokens, at a provider that runs beside the test."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from millstream.api.auth.principal import LOCAL_USER_ID
from millstream.api.credentials import handing, oauth
from millstream.api.credentials.repository import CredentialRow, Credentials
from millstream.api.credentials.settings import OAuthProvider
from millstream.api.database import statements
from millstream.api.settings import EdgeSettings
from millstream.connectors.sealed import SealedSecrets, name_of
from millstream.connectors.sealing import WorkerKey
from millstream.processors.registry import Registry
from millstream.schemas.errors import CredentialError
from tests.integration.api.calls import problem
from tests.integration.api.conftest import SECRETS, Running, serving
from tests.unit.processors.conftest import Request, answer
from tests.unit.processors.conftest import serving as web

CLIENT_SECRET = "canary-client-secret"


@dataclass
class Provider:
    """What the provider was asked, and what it says."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    refuses: bool = False
    challenge: str = ""

    async def handle(self, request: Request, writer: asyncio.StreamWriter) -> None:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        number = len(self.asked)
        if self.refuses or form["client_secret"] != CLIENT_SECRET:
            await answer(writer, 400, b'{"error": "invalid_grant", "error_description": "canary"}')
            return
        await asyncio.sleep(0.05)  # long enough for others to come
        body = f'{{"access_token": "at-{number}", "refresh_token": "rt-{number}", "expires_in": 3600, "scope": "a b"}}'
        await answer(writer, 200, body.encode(), Content_Type="application/json")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    async with web(made.handle) as server:
        made.url = server.url
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def edge(settings: EdgeSettings, registry: Registry, provider: Provider) -> AsyncIterator[Running]:
    fake = OAuthProvider(
        client_id="ours",
        client_secret=SecretStr(CLIENT_SECRET),
        authorize_url="https://login.example/authorize?x=1",
        token_url=f"{provider.url}/token",
        scopes=("read",),
        hosts=("api.fake.example",),
    )
    chosen = replace(settings, secrets=replace(SECRETS, providers={"fake": fake}))
    async with serving(chosen, registry) as found:
        yield found


async def begun(edge: Running) -> dict[str, Any]:
    made = await edge.client.post("/api/v1/credentials/oauth/fake/authorize", json={"title": "My account"})
    assert made.status_code == 200, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_an_account_is_connected_with_pkce(edge: Running, provider: Provider) -> None:
    assert (await edge.client.get("/api/v1/credentials/oauth")).json() == [
        {"name": "fake", "scopes": ["read"]}
    ]
    found = await begun(edge)
    query = {name: values[0] for name, values in parse_qs(urlsplit(found["authorize_url"]).query).items()}
    assert (query["x"], query["client_id"], query["scope"]) == ("1", "ours", "read")
    assert query["code_challenge_method"] == "S256"
    done = await edge.client.post(
        "/api/v1/credentials/oauth/fake/callback", json={"code": "the-code", "state": found["state"]}
    )
    assert done.status_code == 201, done.text
    assert (done.json()["title"], done.json()["scopes"]) == ("My account", ["a", "b"])
    assert done.json()["hosts"] == ["api.fake.example"]
    [asked] = provider.asked
    assert asked["grant_type"] == "authorization_code"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked["code_verifier"].encode()).digest()).rstrip(
        b"="
    )
    assert query["code_challenge"] == challenge.decode()
    assert asked["redirect_uri"] == query["redirect_uri"]
    assert "at-1" not in done.text + str((await edge.client.get("/api/v1/credentials")).json())


async def test_a_state_is_good_once_and_for_its_provider(edge: Running, provider: Provider) -> None:
    found = await begun(edge)
    body = {"code": "c", "state": found["state"]}
    assert (await edge.client.post("/api/v1/credentials/oauth/fake/callback", json=body)).status_code == 201
    again = await edge.client.post("/api/v1/credentials/oauth/fake/callback", json=body)
    assert problem(again, 400, "input_invalid")["path"] == "state"
    problem(await edge.client.post("/api/v1/credentials/oauth/other/callback", json=body), 404, "not_found")


async def test_a_state_is_no_use_to_somebody_else(edge: Running, provider: Provider) -> None:
    found = await begun(edge)
    from millstream.api.auth.principal import Principal
    from millstream.schemas.errors import InputInvalidError

    stranger = Principal(user_id=uuid4(), account_id=uuid4())
    with pytest.raises(InputInvalidError, match="not yours"):
        await oauth.complete(edge.edge, "fake", code="c", state=found["state"], caller=stranger)
    assert provider.asked == []


async def test_a_refused_code_says_so_without_what_the_provider_says(
    edge: Running, provider: Provider
) -> None:
    provider.refuses = True
    found = await begun(edge)
    done = await edge.client.post(
        "/api/v1/credentials/oauth/fake/callback", json={"code": "canary-code", "state": found["state"]}
    )
    problem(done, 400, "input_invalid")
    assert "canary" not in done.text


async def stale(edge: Running) -> CredentialRow:
    async with edge.edge.pool.connection() as conn:
        return await edge.edge.vault.add_credential(
            conn,
            {"access_token": "old", "refresh_token": "rt-0"},
            owner_id=LOCAL_USER_ID,
            provider="fake",
            kind="oauth2",
            title="t",
            username=None,
            scopes=["a"],
            hosts=[],
            expires_at=datetime.now(UTC) + timedelta(seconds=5),
        )


async def test_of_many_who_find_a_token_stale_one_refreshes_it(
    edge: Running, running: Running, provider: Provider
) -> None:
    row = await stale(edge)
    found = await asyncio.gather(*(oauth.fresh(edge.edge, row) for _ in range(8)))
    assert [form["refresh_token"] for form in provider.asked] == ["rt-0"]
    assert {edge.edge.vault.open(each)["access_token"] for each in found} == {"at-1"}
    async with statements(running.edge.pool) as conn:
        stored = await Credentials(conn).get(row.id, owner_id=LOCAL_USER_ID)
    assert edge.edge.vault.open(stored) == {"access_token": "at-1", "refresh_token": "rt-1"}
    assert not oauth.is_stale(stored)


async def execution(edge: Running, row: CredentialRow) -> UUID:
    id_ = uuid4()
    async with statements(edge.edge.pool) as conn:
        await conn.execute(
            "INSERT INTO executions (id, user_id, accepted_at) VALUES (%s, %s, now())", [id_, LOCAL_USER_ID]
        )
    await handing.grant(edge.edge, id_, [row.id], owner_id=LOCAL_USER_ID, lasts_s=None)
    return id_


async def test_a_worker_gets_a_fresh_token_and_never_what_refreshes_it(
    edge: Running, provider: Provider
) -> None:
    row = await stale(edge)
    run = await execution(edge, row)
    assert await edge.edge.redis.get(name_of(str(run), str(row.id))) is None  # it would not last
    worker = SealedSecrets(edge.edge.redis, WorkerKey(SECRETS.worker_key.get_secret_value()), edge.url)
    try:
        opened = await worker.open(str(LOCAL_USER_ID), str(run), str(row.id))
        assert (opened.data["access_token"], "refresh_token" in opened.data) == ("at-1", False)
        assert await edge.edge.redis.ttl(name_of(str(run), str(row.id))) <= 3540
        provider.refuses = True
        other = await stale(edge)
        with pytest.raises(CredentialError):
            await worker.open(str(LOCAL_USER_ID), str(await execution(edge, other)), str(other.id))
    finally:
        await worker.close()
