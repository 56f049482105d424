"""Credentials over HTTP, and how workers get them: the real PostgreSQL and Redis, an edge, the worker's own client."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from millstream.api.auth.principal import LOCAL_USER_ID
from millstream.api.credentials import handing
from millstream.api.credentials.repository import Credentials
from millstream.api.database import statements
from millstream.connectors.sealed import SealedSecrets, name_of
from millstream.connectors.sealing import WorkerKey
from millstream.schemas.errors import CredentialError, SealBrokenError
from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved
from tests.integration.api.conftest import SECRETS, Running

CANARY = "canary-" + uuid.uuid4().hex
KEY = {"type": "api_key", "provider": "jina", "title": "mine", "api_key": CANARY, "hosts": ["api.jina.ai"]}
BODIES: list[dict[str, Any]] = [
    KEY,
    {"type": "user_password", "provider": "smtp", "title": "mail", "username": "ada", "password": CANARY},
    {
        "type": "oauth2",
        "provider": "other",
        "title": "o",
        "access_token": CANARY,
        "refresh_token": CANARY + "r",
    },
    {"type": "host_scoped", "title": "h", "hosts": ["api.example"], "headers": {"X-Key": CANARY}},
]
SEND = "fff86bcd-e001-4bad-a7f6-2eae4720c8dc"


def sending(**defaults: Any) -> dict[str, Any]:
    return graphs.graph([graphs.node("send", SEND, url="https://api.example/", **defaults)], [])


async def made(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    answer = await client.post("/api/v1/credentials", json=body)
    assert answer.status_code == 201, answer.text
    assert CANARY not in answer.text
    return str(answer.json()["id"])


async def execution(running: Running, *, owner: UUID = LOCAL_USER_ID, parent: UUID | None = None) -> UUID:
    """A row as the edge or the sink writes it."""
    id_ = uuid.uuid4()
    async with statements(running.edge.pool) as conn:
        await conn.execute(
            "INSERT INTO executions (id, user_id, parent_execution_id, accepted_at) VALUES (%s, %s, %s, now())",
            [id_, owner, parent],
        )
    return id_


async def grant(running: Running, execution_id: UUID, *ids: str) -> None:
    await handing.grant(
        running.edge, execution_id, [UUID(id_) for id_ in ids], owner_id=LOCAL_USER_ID, lasts_s=None
    )


@pytest_asyncio.fixture(loop_scope="session")
async def worker(running: Running) -> AsyncIterator[SealedSecrets]:
    key = WorkerKey(SECRETS.worker_key.get_secret_value())
    found = SealedSecrets(running.edge.redis, key, running.url)
    yield found
    await found.close()


@pytest.mark.parametrize("body", BODIES, ids=[body["type"] for body in BODIES])
async def test_a_secret_goes_in_and_never_comes_out(
    client: httpx.AsyncClient, running: Running, body: Any
) -> None:
    id_ = await made(client, body)
    one = await client.get(f"/api/v1/credentials/{id_}")
    listed = await client.get("/api/v1/credentials", params={"provider": body.get("provider", "http")})
    renamed = await client.patch(f"/api/v1/credentials/{id_}", json={"title": "new"})
    assert one.json()["type"] == body["type"]
    assert id_ in [item["id"] for item in listed.json()["items"]]
    assert renamed.json()["title"] == "new"
    assert CANARY not in one.text + listed.text + renamed.text
    async with statements(running.edge.pool) as conn:
        row = await Credentials(conn).get(UUID(id_), owner_id=LOCAL_USER_ID)
    assert CANARY.encode() not in row.ciphertext + row.data_key
    assert CANARY in str(running.edge.vault.open(row))
    gone = await client.delete(f"/api/v1/credentials/{id_}")
    assert gone.json() == {"deleted": True, "credentials_id": id_}
    problem(await client.get(f"/api/v1/credentials/{id_}"), 404, "not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"type": "api_key", "api_key": ""},
        {"api_key": CANARY + "\r\nX: y"},
        {"hosts": ["*"]},
        {"hosts": ["https://api.jina.ai"]},
        {"hosts": ["a b"]},
        {"provider": "../x"},
        {"type": CANARY},
        {"password": CANARY},
        {"title": ""},
    ],
)
async def test_what_is_refused_is_not_repeated_in_the_answer(client: httpx.AsyncClient, change: Any) -> None:
    answer = await client.post("/api/v1/credentials", json={**KEY, **change})
    assert answer.status_code == 422
    assert CANARY not in answer.text


async def test_a_row_moved_to_another_owner_does_not_open(
    running: Running, client: httpx.AsyncClient
) -> None:
    id_ = await made(client, KEY)
    async with statements(running.edge.pool) as conn:
        row = await Credentials(conn).get(UUID(id_), owner_id=LOCAL_USER_ID)
    from dataclasses import replace

    for stolen in (
        replace(row, account_id=uuid.uuid4()),
        replace(row, provider="exa"),
        replace(row, id=uuid.uuid4()),
    ):
        with pytest.raises(SealBrokenError):
            running.edge.vault.open(stolen)


async def test_a_worker_gets_a_copy_from_redis_and_from_the_edge_when_it_is_lost(
    running: Running, client: httpx.AsyncClient, worker: SealedSecrets
) -> None:
    id_ = await made(client, KEY)
    run = await execution(running)
    await grant(running, run, id_)
    raw = await running.edge.redis.get(name_of(str(run), id_))
    assert isinstance(raw, bytes)
    assert CANARY.encode() not in raw
    assert 0 < await running.edge.redis.ttl(name_of(str(run), id_)) <= 86_400
    assert (await worker.open(str(LOCAL_USER_ID), str(run), id_)).data == {"api_key": CANARY}
    await running.edge.redis.delete(name_of(str(run), id_))  # as after its TTL
    assert (await worker.open(str(LOCAL_USER_ID), str(run), id_)).data == {"api_key": CANARY}
    assert await running.edge.redis.get(name_of(str(run), id_)) is not None


async def test_a_child_gets_what_its_parent_was_granted(
    running: Running, client: httpx.AsyncClient, worker: SealedSecrets
) -> None:
    id_ = await made(client, KEY)
    run = await execution(running)
    await grant(running, run, id_)
    child = await execution(running, parent=await execution(running, parent=run))
    assert (await worker.open(str(LOCAL_USER_ID), str(child), id_)).provider == "jina"
    foreign = await execution(running, owner=uuid.uuid4(), parent=run)
    with pytest.raises(CredentialError):
        await worker.open(str(LOCAL_USER_ID), str(foreign), id_)


async def test_a_run_without_a_grant_gets_nothing(
    running: Running, client: httpx.AsyncClient, worker: SealedSecrets
) -> None:
    id_ = await made(client, KEY)
    with pytest.raises(CredentialError):
        await worker.open(str(LOCAL_USER_ID), str(await execution(running)), id_)


async def test_a_copy_is_for_one_user_and_one_execution(
    running: Running, client: httpx.AsyncClient, worker: SealedSecrets
) -> None:
    id_ = await made(client, KEY)
    mine, other = await execution(running), await execution(running)
    await grant(running, mine, id_)
    raw = await running.edge.redis.get(name_of(str(mine), id_))
    assert isinstance(raw, bytes)
    await running.edge.redis.set(name_of(str(other), id_), raw)
    with pytest.raises(CredentialError):
        await worker.open(str(LOCAL_USER_ID), str(other), id_)


async def test_a_deleted_credential_is_gone_for_runs_too(
    running: Running, client: httpx.AsyncClient, worker: SealedSecrets
) -> None:
    id_ = await made(client, KEY)
    run = await execution(running)
    await grant(running, run, id_)
    await client.delete(f"/api/v1/credentials/{id_}")
    with pytest.raises(CredentialError, match="gone"):
        await worker.open(str(LOCAL_USER_ID), str(run), id_)


async def test_an_execution_that_has_ended_gets_nothing_more(
    running: Running, client: httpx.AsyncClient, worker: SealedSecrets
) -> None:
    id_ = await made(client, KEY)
    run = await execution(running)
    await grant(running, run, id_)
    async with statements(running.edge.pool) as conn:
        await conn.execute("UPDATE executions SET status = 'COMPLETED' WHERE id = %s", [run])
    await running.edge.redis.delete(name_of(str(run), id_))
    with pytest.raises(CredentialError):
        await worker.open(str(LOCAL_USER_ID), str(run), id_)


@pytest.mark.parametrize("token", ["", "Basic x", "Worker x", "Bearer {token}", "Worker {token}"])
async def test_only_workers_ask_at_the_internal_route(
    running: Running, client: httpx.AsyncClient, token: str
) -> None:
    key = WorkerKey(SECRETS.worker_key.get_secret_value())
    answer = await client.post(
        f"/internal/credentials/{uuid.uuid4()}",
        json={"execution_id": str(uuid.uuid4())},
        headers={"Authorization": token.format(token=key.token[:-1])},
    )
    problem(answer, 401, "unauthenticated")
    assert "/internal" not in str((await client.get("/openapi.json")).json()["paths"])


async def test_a_graph_says_which_credentials_a_run_needs(client: httpx.AsyncClient) -> None:
    graph = await saved(client, sending())
    schema = graph["credentials_input_schema"]
    assert schema["required"] == ["http_host_scoped_credentials"]
    found = schema["properties"]["http_host_scoped_credentials"]
    assert found["credentials_provider"] == ["http"]
    assert found["credentials_types"] == ["host_scoped"]


async def refused(client: httpx.AsyncClient, graph_id: str, **given: Any) -> str:
    answer = await client.post(f"/api/v1/graphs/{graph_id}/execute", json={"credentials_inputs": given})
    body = problem(answer, 400, "graph_invalid")
    return str(body["problems"][0]["code"])


async def test_a_run_with_no_or_wrong_or_foreign_credentials_is_refused(
    running: Running, client: httpx.AsyncClient
) -> None:
    graph_id = (await saved(client, sending()))["id"]
    name = "http_host_scoped_credentials"
    key = await made(client, KEY)
    other = uuid.uuid4()
    async with running.edge.pool.connection() as conn:
        await conn.execute("INSERT INTO accounts (id, kind) VALUES (%s, 'user')", [other])
        foreign = await running.edge.vault.add_credential(
            conn,
            {"headers": {"X": CANARY}},
            owner_id=other,
            provider="http",
            kind="host_scoped",
            title="t",
            username=None,
            scopes=[],
            hosts=["x"],
            expires_at=None,
        )
    assert await refused(client, graph_id) == "credentials_required"
    assert await refused(client, graph_id, **{name: {"id": key}}) == "credentials_mismatch"
    assert await refused(client, graph_id, **{name: str(foreign.id)}) == "credentials_unknown"
    assert await refused(client, graph_id, **{name: {"id": "x"}}) == "credentials_unknown"
    assert await refused(client, graph_id, **{name: {}}) == "credentials_required"
    assert await refused(client, graph_id, other_credentials=key) == "credentials_name_unknown"
    stored = await saved(
        client, sending(credentials={"id": str(foreign.id), "provider": "http", "type": "host_scoped"})
    )
    assert await refused(client, stored["id"]) == "credentials_unknown"


async def test_a_run_records_the_choice_and_nothing_else(running: Running, client: httpx.AsyncClient) -> None:
    id_ = await made(client, BODIES[3])
    graph_id = (await saved(client, sending()))["id"]
    given = {"http_host_scoped_credentials": {"id": id_, "provider": "lie", "title": CANARY}}
    answer = await client.post(f"/api/v1/graphs/{graph_id}/execute", json={"credentials_inputs": given})
    assert answer.status_code == 202, answer.text
    run = answer.json()["id"]
    found = (await client.get(f"/api/v1/executions/{run}")).json()
    meta = {"id": id_, "provider": "http", "type": "host_scoped", "title": "h"}
    assert found["credential_inputs"] == {"http_host_scoped_credentials": meta}
    assert await running.edge.redis.get(name_of(run, id_)) is not None
    async with statements(running.edge.pool) as conn:
        cur = await conn.execute("SELECT e::text FROM executions e WHERE id = %s", [run])
        assert CANARY not in str(await cur.fetchone())
    await client.post(f"/api/v1/executions/{run}/stop", json={})


async def test_a_secret_input_is_a_reference_from_the_edge_on(
    running: Running, client: httpx.AsyncClient, worker: SealedSecrets
) -> None:
    graph = graphs.graph([graphs.node("in", graphs.INPUT, name="key", secret=True, value=CANARY)], [])
    made_ = await saved(client, graph)
    default = made_["nodes"][0]["input_default"]["value"]
    assert set(default) == {"$secret"}
    answer = await client.post(
        f"/api/v1/graphs/{made_['id']}/execute", json={"inputs": {"key": CANARY + "2"}}
    )
    run = answer.json()["id"]
    found = (await client.get(f"/api/v1/executions/{run}")).json()
    given = found["inputs"]["key"]
    assert set(given) == {"$secret"}
    opened = await worker.open(str(LOCAL_USER_ID), run, given["$secret"])
    assert opened.data == {"value": CANARY + "2"}
    exported = await client.get(f"/api/v1/graphs/{made_['id']}", params={"for_export": True})
    assert "$secret" not in exported.text
    assert CANARY not in exported.text + str(made_) + str(found)
    put = await client.put(f"/api/v1/graphs/{made_['id']}", json=made_)  # as an editor sends it back
    assert put.json()["nodes"][0]["input_default"]["value"] == default
    await client.post(f"/api/v1/executions/{run}/stop", json={})


async def test_a_reference_to_a_secret_that_is_not_ones_own_is_refused(client: httpx.AsyncClient) -> None:
    strange = {"$secret": str(uuid.uuid4())}
    body = graphs.graph([graphs.node("in", graphs.INPUT, name="key", value=strange)], [])
    answer = await client.post("/api/v1/graphs", json=body)
    assert problem(answer, 400, "graph_invalid")["problems"][0]["code"] == "secret_unknown"
    made_ = await saved(client, graphs.echo())
    answer = await client.post(f"/api/v1/graphs/{made_['id']}/execute", json={"inputs": {"text": strange}})
    problem(answer, 400, "input_invalid")
    block = await client.post(f"/api/v1/blocks/{graphs.STORE}/execute", json={"inputs": {"input": strange}})
    problem(block, 400, "input_invalid")


async def test_many_secrets_are_sealed_at_once_without_waiting_for_each_other(running: Running) -> None:
    async def one(number: int) -> UUID:
        async with running.edge.pool.connection() as conn:
            return await running.edge.vault.add_value(conn, f"{CANARY}{number}", owner_id=LOCAL_USER_ID)

    ids = await asyncio.gather(*(one(number) for number in range(20)))
    async with statements(running.edge.pool) as conn:
        found = await running.edge.vault.opened_values(conn, ids, owner_id=LOCAL_USER_ID)
        assert await running.edge.vault.opened_values(conn, ids, owner_id=uuid.uuid4()) == []
    assert len({opened.data["value"] for opened in found}) == 20


async def test_a_preset_keeps_references_to_secrets(running: Running, client: httpx.AsyncClient) -> None:
    graph = await saved(client, graphs.graph([graphs.node("in", graphs.INPUT, name="key", secret=True)], []))
    body = {"graph_id": graph["id"], "name": "p", "inputs": {"key": CANARY}}
    made_ = (await client.post("/api/v1/presets", json=body)).json()
    assert set(made_["inputs"]["key"]) == {"$secret"}
    path = f"/api/v1/presets/{made_['id']}"
    changed = (await client.patch(path, json={"inputs": {"key": CANARY + "2"}})).json()
    assert set(changed["inputs"]["key"]) == {"$secret"}
    answer = await client.post(f"{path}/execute", json={})
    assert answer.status_code == 202, answer.text
    found = (await client.get(f"/api/v1/executions/{answer.json()['id']}")).json()
    assert found["inputs"] == changed["inputs"]
    async with statements(running.edge.pool) as conn:
        cur = await conn.execute("SELECT p::text FROM presets p")
        assert CANARY not in str(await cur.fetchall())
    await client.post(f"/api/v1/executions/{answer.json()['id']}/stop", json={})
