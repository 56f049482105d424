"""Sockets whose owner's rights end, and how many one may have: each is over within seconds."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
from websockets.exceptions import InvalidStatus

from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from millstream.schemas.messages import Delta, Events
from tests.integration.api.conftest import Running, serving, with_limits
from tests.integration.api.engine import Engine
from tests.integration.api.people import Person, person
from tests.integration.api.socket import Client, client_to

OVER = 4003


def execution_of(settings: EdgeSettings, owner_id: uuid.UUID) -> uuid.UUID:
    """Note an execution as the edge does."""
    id_ = uuid.uuid4()
    with psycopg.connect(settings.dsn.get_secret_value(), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO executions (id, user_id, accepted_at) VALUES (%s, %s, now())", [id_, owner_id]
        )
    return id_


def event_of(id_: uuid.UUID, user_id: uuid.UUID, number: int) -> Events:
    return Events(
        execution_id=id_.bytes,
        user_id=str(user_id),
        graph_id=str(id_),
        graph_version=1,
        first=number,
        deltas=[Delta(kind="EXECUTION", status="RUNNING")],
        at=1,
    )


@asynccontextmanager
async def following(ws: str, someone: Person, id_: uuid.UUID, org: str = "") -> AsyncIterator[Client]:
    url = f"{ws}?org={org}" if org else ws
    headers = {"Authorization": f"Bearer {someone.tokens['access_token']}"}
    async with client_to(url, token=None, additional_headers=headers) as client:
        await client.subscribe(str(id_))
        yield client


async def test_a_revoked_login_closes_its_sockets_and_leaves_others(
    running: Running, settings: EdgeSettings, registry: Registry, engine: Engine
) -> None:
    async with person(running) as ada, person(running) as bob, serving(settings, registry) as other:
        mine, his = execution_of(settings, ada.id), execution_of(settings, bob.id)
        async with (
            following(running.ws, ada, mine) as here,
            following(other.ws, ada, mine) as there,
            following(other.ws, bob, his) as untouched,
        ):
            await engine.emit(event_of(mine, ada.id, 0))
            assert (await here.read())["sequence"] == (await there.read())["sequence"] == 0
            body = {"refresh_token": ada.tokens["refresh_token"]}
            answer = await running.client.post("/api/v1/auth/token/revoke", json=body)
            assert answer.status_code == 204
            for socket in (here, there):
                frames, code = await socket.frames_to_close()
                assert (frames, code) == ([], OVER)
            await engine.emit(event_of(his, bob.id, 0))
            assert (await untouched.read())["sequence"] == 0


async def test_who_leaves_an_organisation_hears_no_more_of_it(
    running: Running, settings: EdgeSettings, engine: Engine
) -> None:
    async with person(running) as owner, person(running) as member:
        answer = await owner.client.post("/api/v1/organisations", json={"name": "Org"})
        org = answer.json()["id"]
        async with running.edge.pool.connection() as conn:
            await conn.execute(
                "INSERT INTO org_members (org_id, user_id, role) VALUES (%s, %s, 'member')", [org, member.id]
            )
        id_, own = execution_of(settings, uuid.UUID(org)), execution_of(settings, member.id)
        async with (
            following(running.ws, member, id_, org) as socket,
            following(running.ws, member, own) as mine,
        ):
            await engine.emit(event_of(id_, uuid.UUID(org), 0))
            assert (await socket.read())["sequence"] == 0
            gone = await owner.client.delete(f"/api/v1/organisations/{org}/members/{member.id}")
            assert gone.status_code == 204, gone.text
            assert await socket.frames_to_close() == ([], OVER)
            await engine.emit(event_of(own, member.id, 0))
            assert (await mine.read())["sequence"] == 0


async def test_a_record_that_names_another_owner_is_told_to_nobody(
    running: Running, settings: EdgeSettings, engine: Engine
) -> None:
    async with person(running) as ada:
        id_ = execution_of(settings, ada.id)
        async with following(running.ws, ada, id_) as socket:
            await engine.emit(event_of(id_, uuid.uuid4(), 0))
            await engine.emit(event_of(id_, ada.id, 0))
            frame = await socket.read()
            assert (frame["sequence"], frame["data"]["user_id"]) == (0, str(ada.id))


async def test_one_user_has_so_many_sockets_and_others_theirs(
    running: Running, settings: EdgeSettings, registry: Registry
) -> None:
    async with (
        person(running) as ada,
        person(running) as bob,
        serving(with_limits(settings, user_sockets=3), registry) as edge,
        AsyncExitStack() as open_,
    ):
        token = ada.tokens["access_token"]
        for _ in range(3):
            await open_.enter_async_context(client_to(edge.ws, token=token))
        with pytest.raises(InvalidStatus):
            await open_.enter_async_context(client_to(edge.ws, token=token))
        async with client_to(edge.ws, token=bob.tokens["access_token"]) as other:
            await other.ask("heartbeat")
            assert (await other.read())["data"] == "pong"
        await open_.aclose()
        async with client_to(edge.ws, token=token) as again:
            await again.ask("heartbeat")
            assert (await again.read())["data"] == "pong"
