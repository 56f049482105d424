"""What one edge changes, the others forget: they keep it for an hour here, so nothing but the record makes them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from millstream.api.settings import EdgeSettings
from millstream.api.state import Edge
from millstream.processors.registry import Registry
from millstream.schemas.codec import encode
from millstream.schemas.messages import Changed
from millstream.schemas.signing import Signer
from millstream.topics.catalogue import CHANGES
from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved, until
from tests.integration.api.conftest import Running, client_of, serving
from tests.integration.api.people import PASSWORD, browser, key_of, person
from tests.integration.api.socket import client_to

HOUR_S = 3600


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def others(settings: EdgeSettings, registry: Registry) -> AsyncIterator[tuple[Running, Running]]:
    """Two edges that keep what they know for an hour."""
    access = replace(settings.access, process_s=HOUR_S, session_idle_s=5 * HOUR_S)
    keeping = replace(settings, access=access, signer=Signer(uuid.uuid4().hex))
    async with serving(keeping, registry) as here, serving(keeping, registry) as there:
        yield here, there


async def refused(client: httpx.AsyncClient, path: str = "/api/v1/me", status: int = 401) -> None:
    async def is_refused() -> bool:
        return (await client.get(path)).status_code == status

    await until(is_refused)


async def test_a_key_revoked_on_one_edge_is_refused_by_the_other(others: tuple[Running, Running]) -> None:
    here, there = others
    async with person(here) as ada:
        key, kept = await key_of(ada.client, "IDENTITY"), await key_of(ada.client, "IDENTITY")
        async with client_of(there.url, key["key"]) as gone, client_of(there.url, kept["key"]) as stays:
            assert (await gone.get("/api/v1/me")).status_code == 200
            assert (await stays.get("/api/v1/me")).status_code == 200
            assert (await ada.client.delete(f"/api/v1/api-keys/{key['id']}")).status_code == 200
            await refused(gone)
            assert (await stays.get("/api/v1/me")).status_code == 200


async def test_a_session_ended_on_one_edge_is_over_on_the_other(others: tuple[Running, Running]) -> None:
    here, there = others
    async with person(here) as ada, browser(there, ada.email) as first, browser(there, ada.email) as second:
        assert (await first.get("/api/v1/me")).status_code == 200
        assert (await second.get("/api/v1/me")).status_code == 200
        sessions = (await second.get("/api/v1/sessions")).json()["items"]
        [mine] = [each["id"] for each in sessions if each["current"]]
        assert (await ada.client.delete(f"/api/v1/sessions/{mine}")).status_code == 204
        await refused(second)
        assert (await first.get("/api/v1/me")).status_code == 200
        answer = await ada.client.post(
            "/api/v1/me/password", json={"password": PASSWORD, "new_password": PASSWORD + " again"}
        )
        assert answer.is_success, answer.text
        await refused(first)


async def test_a_role_changed_on_one_edge_counts_on_the_other(others: tuple[Running, Running]) -> None:
    here, there = others
    async with person(here, role="admin") as admin, person(here, role="admin") as ada:
        key = await key_of(ada.client, "IDENTITY")
        async with client_of(there.url, key["key"]) as client:
            assert (await client.get("/api/v1/me")).json()["role"] == "admin"
            answer = await admin.client.patch(f"/api/v1/users/{ada.id}", json={"role": "user"})
            assert answer.status_code == 200, answer.text

            async def is_user() -> bool:
                return bool((await client.get("/api/v1/me")).json()["role"] == "user")

            await until(is_user)
            await admin.client.patch(f"/api/v1/users/{ada.id}", json={"disabled": True})
            await refused(client)


async def test_a_member_who_becomes_a_viewer_writes_nowhere(others: tuple[Running, Running]) -> None:
    here, there = others
    async with person(here) as owner, person(here) as member:
        org = (await owner.client.post("/api/v1/organisations", json={"name": "Org"})).json()["id"]
        async with here.edge.pool.connection() as conn:
            await conn.execute(
                "INSERT INTO org_members (org_id, user_id, role) VALUES (%s, %s, 'member')", [org, member.id]
            )
        async with client_of(there.url, member.tokens["access_token"]) as client:
            client.headers["X-Millstream-Org"] = org
            made = await client.post("/api/v1/graphs", json=graphs.echo())
            assert made.status_code == 201, made.text
            members = f"/api/v1/organisations/{org}/members/{member.id}"
            assert (await owner.client.put(members, json={"role": "viewer"})).is_success

            async def may_not_write() -> bool:
                return (await client.post("/api/v1/graphs", json=graphs.echo())).status_code == 403

            await until(may_not_write)
            assert (await owner.client.delete(members)).status_code == 204
            await refused(client, "/api/v1/graphs", 404)


async def test_a_graph_that_is_deleted_leaves_the_memory_of_all(others: tuple[Running, Running]) -> None:
    here, there = others
    async with person(here) as ada:
        made = await saved(ada.client, graphs.echo())
        url = f"/api/v1/graphs/{made['id']}"
        async with client_of(there.url, ada.tokens["access_token"]) as client:
            for each in (ada.client, client):
                answer = await each.post(f"{url}/execute", json={"inputs": {"text": "a"}})
                assert answer.status_code == 202, answer.text
            assert kept(here.edge, made["id"]) == kept(there.edge, made["id"]) == 1
            assert (await ada.client.delete(url)).status_code == 200
            problem(await client.post(f"{url}/execute", json={"inputs": {}}), 404, "not_found")

            async def is_forgotten() -> bool:
                return not kept(here.edge, made["id"]) and not kept(there.edge, made["id"])

            await until(is_forgotten)


def kept(edge: Edge, graph_id: str) -> int:
    return sum(str(key[1]) == graph_id for key in edge.known._graphs)


async def test_a_record_that_nobody_understands_is_passed_over(
    others: tuple[Running, Running], settings: EdgeSettings
) -> None:
    here, there = others
    async with producing(settings.kafka) as producer:
        await producer.send_and_wait(CHANGES.name, b"nonsense", key=b"k")
        await producer.send_and_wait(CHANGES.name, None, key=b"k")
    async with person(here) as ada:
        key = await key_of(ada.client, "IDENTITY")
        async with client_of(there.url, key["key"]) as client:
            assert (await client.get("/api/v1/me")).status_code == 200
            await ada.client.delete(f"/api/v1/api-keys/{key['id']}")
            await refused(client)


async def test_nobody_is_put_out_by_a_record_that_is_not_signed(
    others: tuple[Running, Running], settings: EdgeSettings
) -> None:
    """A55: who reaches the brokers does not thereby end the sessions of others."""
    here, there = others
    async with person(here) as ada, browser(there, ada.email) as page, producing(settings.kafka) as producer:
        key = await key_of(ada.client, "IDENTITY")
        forged = encode(Changed(edge="x", user_id=str(ada.id), ends=True, at=0))
        other = [Signer("another key").sign(forged)]
        async with client_to(there.ws, token=ada.tokens["access_token"]) as socket:
            for headers in ([], other):
                await producer.send_and_wait(CHANGES.name, forged, key=b"k", headers=headers)
            async with client_of(there.url, key["key"]) as client:  # what follows is heard after it
                assert (await client.get("/api/v1/me")).status_code == 200
                await ada.client.delete(f"/api/v1/api-keys/{key['id']}")
                await refused(client)
            await socket.ask("heartbeat")
            assert (await socket.read())["data"] == "pong"
            assert (await page.get("/api/v1/me")).status_code == 200


async def test_after_a_gap_everything_is_forgotten(others: tuple[Running, Running]) -> None:
    here, there = others
    async with person(here) as ada:
        key = await key_of(ada.client, "IDENTITY")
        async with client_of(there.url, key["key"]) as client:
            assert (await client.get("/api/v1/me")).status_code == 200
            async with here.edge.pool.connection() as conn:  # a change of which nobody is told
                await conn.execute("UPDATE api_keys SET revoked_at = now() WHERE id = %s", [key["id"]])
            assert (await client.get("/api/v1/me")).status_code == 200
            consumer: Any = there.edge.changes._consumer
            consumer.seek(next(iter(consumer.assignment())), 1 << 40)  # such as after the topic was cut off
            await refused(client)


async def test_what_changes_while_a_fact_is_asked_for_is_not_written_back(running: Running) -> None:
    """An edge that had asked PostgreSQL before a change must not put the old answer into Redis after it."""
    known = running.edge.auth.known
    async with person(running, role="admin") as ada:
        await known.forget_user(ada.id)
        key = f"auth:user:{ada.id}"
        assert not await running.edge.redis.set(key, b'"admin"', nx=True)  # as `Knowledge` would
        async with running.edge.pool.connection() as conn:
            await conn.execute("UPDATE users SET role = 'user' WHERE id = %s", [ada.id])
        found = await known.find_user(ada.id)
        assert found is not None
        assert found.role == "user"


@contextlib.asynccontextmanager
async def producing(kafka: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**kafka, client_id=uuid.uuid4().hex)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
