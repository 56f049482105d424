"""Versions of a graph: saved beside each other, one of them published."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person


async def ran(client: httpx.AsyncClient, graph_id: str) -> Any:
    answer = await client.post(f"/api/v1/graphs/{graph_id}/execute", json={"inputs": {"text": "a"}})
    assert answer.status_code == 202, answer.text
    return answer.json()["graph_version"]


async def test_a_version_is_kept_beside_the_published_one_until_it_is_published(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    graph = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{graph['id']}"
    second = (await client.put(url, json=graph, params={"publish": False})).json()
    assert (second["version"], second["is_active"]) == (2, False)
    assert await ran(client, graph["id"]) == 1
    published = await client.post(f"{url}/publish")
    assert (published.json()["version"], published.json()["is_active"]) == (2, True)
    assert published.headers["ETag"] == '"2"'
    assert await ran(client, graph["id"]) == 2
    back = await client.post(f"{url}/publish", json={"version": 1})
    assert back.json()["version"] == 1
    assert await ran(client, graph["id"]) == 1
    versions = (await client.get(f"{url}/versions")).json()["items"]
    assert [(each["version"], each["is_active"]) for each in versions] == [(2, False), (1, True)]


async def test_what_cannot_run_is_not_published_and_takes_no_place(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    graph = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{graph['id']}"
    odd = {**graph, "nodes": [*graph["nodes"], graphs.node("odd", graphs.UNKNOWN)]}
    draft = (await client.put(url, json=odd)).json()
    assert (draft["version"], draft["draft"], draft["is_active"]) == (2, True, False)
    assert await ran(client, graph["id"]) == 1
    refused = problem(await client.post(f"{url}/publish"), 400, "graph_invalid")
    assert [each["code"] for each in refused["problems"]] == ["block_unknown"]
    problem(await client.post(f"{url}/publish", json={"version": 9}), 404, "not_found")
    problem(await client.post(f"{url}/publish", json={"versions": 1}), 422, "request_invalid")


async def test_others_publish_nothing(running: Running, client: httpx.AsyncClient) -> None:
    graph = await saved(client, graphs.echo())
    async with person(running) as other:
        problem(await other.client.post(f"/api/v1/graphs/{graph['id']}/publish"), 404, "not_found")
