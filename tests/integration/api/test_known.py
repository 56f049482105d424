"""Starting the same graph again, and how many statements requests send."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog

from millstream.api.auth.principal import LOCAL_USER_ID
from millstream.api.executions import service
from millstream.api.executions.models import ExecuteIn
from millstream.api.graphs.known import KnownGraphs
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person
from tests.integration.api.statements import counted
from tests.integration.api.test_graphs import parent

pytestmark = pytest.mark.integration
log = structlog.get_logger(__name__)


def version_of(made: dict[str, Any], said: str) -> dict[str, Any]:
    """The next version of an echo, with another name of its output."""
    nodes = [
        {**node, "input_default": {"name": said}} if node["block_id"] == graphs.OUTPUT else node
        for node in graphs.echo()["nodes"]
    ]
    return {**graphs.echo(), "nodes": nodes, "is_active": True}


async def said(client: httpx.AsyncClient, graph_id: str, **inputs: str) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/graphs/{graph_id}/execute", json={"inputs": inputs})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = (await ended(client, answer.json()["id"]))["outputs"]
    return found


async def test_a_graph_is_read_once_and_every_change_of_it_is_seen(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}"
    assert await said(client, made["id"], text="a") == {"said": ["a"]}
    hits = running.edge.known.hits
    async with counted(running.edge) as statements:
        assert (await client.post(f"{url}/execute", json={"inputs": {"text": "b"}})).status_code == 202
    assert running.edge.known.hits == hits + 1
    assert not [text for text in statements if "FROM graphs" in text and "body" in text]
    answer = await client.put(url, json=version_of(made, "told"))
    assert answer.status_code == 200, answer.text
    assert await said(client, made["id"], text="c") == {"told": ["c"]}
    async with person(running) as other:
        foreign = await other.client.post(f"{url}/execute", json={"inputs": {"text": "d"}})
        problem(foreign, 404, "not_found")
    await client.delete(url)
    problem(await client.post(f"{url}/execute", json={"inputs": {"text": "e"}}), 404, "not_found")


async def test_an_agent_that_is_gone_is_missed_by_who_was_started_before(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, parent({**graphs.echo(), "id": "child", "version": 1}))
    assert await said(client, made["id"], q="a") == {"a": ["a"]}
    assert await said(client, made["id"], q="b") == {"a": ["b"]}
    await client.delete(f"/api/v1/graphs/{made['sub_graphs'][0]['id']}")
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json={"inputs": {"q": "hi"}})
    assert [p["code"] for p in problem(answer, 400, "graph_invalid")["problems"]] == ["agent_graph_missing"]


def family(children: int) -> dict[str, Any]:
    """A graph with so many agents, each another graph."""
    parts = [parent({**graphs.echo(), "id": f"child-{n}", "version": 1}) for n in range(children)]
    nodes = [{**part["nodes"][1], "id": f"agent-{n}"} for n, part in enumerate(parts)]
    links = [graphs.link("in", "result", f"agent-{n}", "text") for n in range(children)]
    subs = [sub for part in parts for sub in part["sub_graphs"]]
    return graphs.graph([graphs.node("in", graphs.INPUT, name="q"), *nodes], links, sub_graphs=subs)


async def test_a_request_sends_as_many_statements_for_many_rows_as_for_few(
    running: Running, engine: Engine
) -> None:
    async def of(few: int) -> dict[str, int]:
        async with person(running) as someone:
            client = someone.client
            made = await saved(client, family(few))
            wide = await saved(client, graphs.wide())
            for _ in range(few):
                await saved(client, graphs.echo())
                await client.post("/api/v1/files/upload", files={"file": ("a.txt", b"text")})
            url = f"/api/v1/graphs/{wide['id']}/execute"
            ids = [
                (await client.post(url, json={"inputs": {"items": list(range(few))}})).json()["id"]
                for _ in range(few)
            ]
            for id_ in ids:
                await ended(client, id_)
            counts = {}
            for name, method, path in (
                ("start", "POST", f"/api/v1/graphs/{made['id']}/execute"),
                ("start again", "POST", f"/api/v1/graphs/{made['id']}/execute"),
                ("graph", "GET", f"/api/v1/graphs/{made['id']}"),
                ("graphs", "GET", "/api/v1/graphs"),
                ("executions", "GET", "/api/v1/executions"),
                ("of a graph", "GET", f"/api/v1/executions?graph_id={wide['id']}"),
                ("execution", "GET", f"/api/v1/executions/{ids[0]}"),
                ("reviews", "GET", f"/api/v1/executions/{ids[0]}/reviews"),
                ("files", "GET", "/api/v1/files"),
                ("keys", "GET", "/api/v1/api-keys"),
            ):
                async with counted(running.edge) as statements:
                    body = {"inputs": {"q": uuid.uuid4().hex}} if method == "POST" else None
                    answer = await client.request(method, path, json=body)
                assert answer.is_success, (name, answer.text)
                counts[name] = len(statements)
                if method == "POST":  # what runs yet is asked for its reason
                    await ended(client, answer.json()["id"])
            return counts

    few, many = await of(2), await of(9)
    assert many == few
    assert few["start again"] < few["start"]
    assert max(few.values()) <= 16


async def test_a_large_graph_is_prepared_again_in_less_than_half_of_the_time(
    running: Running, client: httpx.AsyncClient
) -> None:
    nodes = [graphs.node(f"n{n}", graphs.STORE, input="x" * 50) for n in range(150)]
    made = await saved(client, graphs.graph(nodes, []))

    async def cpu_s(known: KnownGraphs) -> float:
        edge = replace(running.edge, known=known)
        graph_id, body = uuid.UUID(made["id"]), ExecuteIn.model_validate({"inputs": {}})
        began = time.thread_time()
        await service.prepare(edge, graph_id, body, owner_id=LOCAL_USER_ID)
        return time.thread_time() - began

    kept = KnownGraphs()
    await cpu_s(kept)
    again = min([await cpu_s(kept) for _ in range(8)])
    first = min([await cpu_s(KnownGraphs()) for _ in range(8)])
    assert kept.hits == 8
    assert again < first / 2
