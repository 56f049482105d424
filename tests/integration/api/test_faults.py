"""Servers that go away while the edge serves."""

from __future__ import annotations

import time
import uuid

import httpx

from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved, shown, until
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.socket import client_to
from tests.servers import Servers


def again(servers: Servers, name: str) -> None:
    """Start a server that was killed. In this thread: the kernel ends it with the thread that started it."""
    servers.restart(name)


async def test_while_kafka_is_away_nothing_is_accepted_and_nothing_noted_is_lost(
    running: Running, client: httpx.AsyncClient, engine: Engine, servers: Servers
) -> None:
    made = await saved(client, graphs.echo())
    url, key = f"/api/v1/graphs/{made['id']}/execute", {"Idempotency-Key": uuid.uuid4().hex}
    servers.kill("kafka")
    try:
        answer = await client.post(url, json={"inputs": {"text": "late"}}, headers=key)
        found = problem(answer, 503, "unavailable")
        assert (found["down"], answer.headers["Retry-After"]) == (["kafka"], "2")
        id_ = found["execution_id"]
        second = await client.post(url, json={"inputs": {"text": "late"}}, headers=key)
        assert problem(second, 503, "unavailable")["execution_id"] == id_
        ready = await client.get("/readyz")
        assert "kafka" in problem(ready, 503, "unavailable")["down"]
        assert (await client.get("/healthz")).status_code == 200
        events = await client.get(f"/api/v1/executions/{id_}/events")
        assert problem(events, 503, "unavailable")["down"] == ["kafka"]
        assert (await shown(client, id_))["status"] == "QUEUED"
    finally:
        again(servers, "kafka")
    last = await ended(client, id_)
    assert last["outputs"] == {"said": ["late"]}
    third = await client.post(url, json={"inputs": {"text": "late"}}, headers=key)
    assert (third.status_code, third.json()["id"]) == (202, id_)

    async def is_ready() -> bool:
        return (await client.get("/readyz")).status_code == 200

    await until(is_ready, 30)


async def test_while_postgresql_is_away_requests_hear_so_and_sockets_go_on(
    running: Running, client: httpx.AsyncClient, engine: Engine, servers: Servers
) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}/execute"
    async with client_to(running.ws) as socket:
        async with engine.held():
            id_ = (await client.post(url, json={"inputs": {"text": "on"}})).json()["id"]
            await socket.subscribe(id_)
            servers.kill("postgres")
        try:
            frames = await socket.events_to_end()
            assert frames[-1]["data"]["outputs"] == {"said": ["on"]}
            began = time.monotonic()
            found = problem(await client.get(f"/api/v1/executions/{id_}"), 503, "unavailable")
            assert found["down"] == ["postgresql"]
            assert time.monotonic() - began < 15
            await socket.ask("subscribe_graph_execution", {"graph_exec_id": str(uuid.uuid4())})
            assert (await socket.read())["data"] == {"code": "unavailable"}
        finally:
            again(servers, "postgres")
    assert (await ended(client, id_))["outputs"] == {"said": ["on"]}


async def test_events_go_on_after_kafka_was_away(
    running: Running, client: httpx.AsyncClient, engine: Engine, servers: Servers
) -> None:
    made = await saved(client, graphs.wide())
    url = f"/api/v1/graphs/{made['id']}/execute"
    async with client_to(running.ws) as socket:
        async with engine.held():
            id_ = (await client.post(url, json={"inputs": {"items": [1, 2, 3]}})).json()["id"]
            await socket.subscribe(id_, since=-1)
            first = [await socket.read() for _ in range(2)]
            servers.kill("kafka")
            again(servers, "kafka")
        frames = first + await socket.events_to_end()
    got = [frame["sequence"] for frame in frames if "sequence" in frame]
    assert got == list(range(len(got)))
    assert frames[-1]["data"]["outputs"] == {"item": [1, 2, 3]}


async def test_without_postgresql_nothing_starts_and_with_it_all_does_again(
    running: Running, client: httpx.AsyncClient, engine: Engine, servers: Servers
) -> None:
    made = await saved(client, graphs.echo())
    url, key = f"/api/v1/graphs/{made['id']}/execute", {"Idempotency-Key": uuid.uuid4().hex}
    body = {"inputs": {"text": "again"}}
    id_ = (await client.post(url, json=body, headers=key)).json()["id"]  # the edge knows the graph now
    await ended(client, id_)
    servers.kill("postgres")
    try:
        answer = await client.post(url, json=body)
        assert problem(answer, 503, "unavailable")["down"] == ["postgresql"]
        assert int(answer.headers["Retry-After"]) > 0
        listed = await client.get("/api/v1/executions")
        assert problem(listed, 503, "unavailable")["down"] == ["postgresql"]
        assert "postgresql" in problem(await client.get("/readyz"), 503, "unavailable")["down"]
        assert (await client.get("/healthz")).status_code == 200
    finally:
        again(servers, "postgres")

    async def is_ready() -> bool:
        return (await client.get("/readyz")).status_code == 200

    await until(is_ready, 30)
    repeated = await client.post(url, json=body, headers=key)
    assert (repeated.status_code, repeated.json()["id"]) == (202, id_)
    new = await client.post(url, json=body)
    assert (await ended(client, new.json()["id"]))["outputs"] == {"said": ["again"]}


async def test_without_redis_executions_go_on(
    running: Running, client: httpx.AsyncClient, engine: Engine, servers: Servers
) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}/execute"
    servers.kill("redis")
    try:
        answer = await client.post(url, json={"inputs": {"text": "on"}})
        assert answer.status_code == 202, answer.text
        assert (await ended(client, answer.json()["id"]))["outputs"] == {"said": ["on"]}
        assert problem(await client.get("/readyz"), 503, "unavailable")["down"] == ["redis"]
        assert (await client.get("/healthz")).status_code == 200
    finally:
        again(servers, "redis")

    async def is_ready() -> bool:
        return (await client.get("/readyz")).status_code == 200

    await until(is_ready, 30)
