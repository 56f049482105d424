"""Many executions in one request."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest

from millstream.api.executions.queues import Queues
from millstream.api.ingest import service
from millstream.api.settings import EdgeSettings
from millstream.schemas.messages import Start
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved, until
from tests.integration.api.conftest import TOKEN, Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person

log = logging.getLogger(__name__)
NDJSON = {"Content-Type": "application/x-ndjson"}


def body_of(*lines: Any) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


async def ingest(client: httpx.AsyncClient, graph_id: str, *lines: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/ingest/{graph_id}", content=body_of(*lines), headers=NDJSON)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_line_starts_an_execution_in_order_and_a_bad_one_costs_only_itself(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    good = [{"inputs": {"text": f"t{i}"}} for i in range(20)]
    found = await ingest(
        client, made["id"], *good[:10], b"no json", {"inputs": 5}, {"what": 1}, b"", *good[10:]
    )
    assert (found["started"], found["repeated"], found["failed"], found["stopped"]) == (20, 0, 3, None)
    lines = [result["line"] for result in found["results"]]
    assert lines == [*range(1, 14), *range(15, 25)]
    errors = {r["line"]: r["error"]["code"] for r in found["results"] if "error" in r}
    assert errors == {11: "input_invalid", 12: "input_invalid", 13: "input_invalid"}
    ids = [r["id"] for r in found["results"] if "id" in r]
    for number, id_ in enumerate(ids):
        execution = await ended(client, id_)
        assert execution["outputs"] == {"said": [f"t{number}"]}
    begun = [m.execution_id.hex() for _, m in engine.seen if isinstance(m, Start)]
    in_log = [id_ for id_ in begun if id_ in {each.replace("-", "") for each in ids}]
    assert sorted(in_log) == sorted(each.replace("-", "") for each in ids)
    listed = (await client.get("/api/v1/executions", params={"graph_id": made["id"], "limit": 50})).json()
    assert [item["id"] for item in reversed(listed["items"])] == ids


async def test_a_key_starts_once_whether_it_comes_again_in_a_line_or_in_a_request(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    lines = [{"inputs": {"text": str(i)}, "key": f"{made['id']}-{i}"} for i in range(5)]
    first = await ingest(
        client, made["id"], *lines, lines[0], {"inputs": {"text": "x"}, "key": lines[1]["key"]}
    )
    assert (first["started"], first["repeated"], first["failed"]) == (5, 1, 1)
    assert first["results"][5] == {"line": 6, "id": first["results"][0]["id"], "repeated": True}
    assert first["results"][6]["error"]["code"] == "conflict"
    again = await ingest(client, made["id"], *reversed(lines))
    assert (again["started"], again["repeated"]) == (0, 5)
    assert [r["id"] for r in again["results"]] == [r["id"] for r in reversed(first["results"][:5])]


async def test_two_requests_with_the_same_keys_in_other_orders_start_each_once(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    lines = [{"inputs": {"text": str(i)}, "key": f"{made['id']}-{i}"} for i in range(300)]
    found = await asyncio.gather(
        ingest(client, made["id"], *lines), ingest(client, made["id"], *reversed(lines))
    )
    assert sum(each["started"] for each in found) == 300
    assert sum(each["repeated"] for each in found) == 300
    first, second = found
    assert [r["id"] for r in first["results"]] == [r["id"] for r in reversed(second["results"])]


async def test_what_stands_against_all_lines_is_an_error(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.echo())
    path = f"/api/v1/ingest/{made['id']}"
    unknown = await client.post(f"/api/v1/ingest/{graphs.UNKNOWN}", content=b"{}", headers=NDJSON)
    problem(unknown, 404, "not_found")
    assert (await client.post(path, json={"inputs": {}})).status_code == 415
    assert (await client.post(path, content=b"", headers=NDJSON)).json()["results"] == []
    endless = await client.post(path, content=b"x" * 1_200_000, headers=NDJSON)
    problem(endless, 413, "payload_too_large")


async def test_a_sender_is_held_back_until_the_queue_has_room(
    running: Running, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAIT_S", 2.0)
    before, engine.admits = running.edge.queues, False
    running.edge.queues = Queues(running.edge.pool, limit=30)
    try:
        async with person(running) as sender:  # nobody else's executions wait in this queue
            made = await saved(sender.client, graphs.echo())
            found = await ingest(sender.client, made["id"], *[{"inputs": {"text": "a"}}] * 100)
    finally:
        running.edge.queues, engine.admits = before, True
    assert found["started"] == 30
    assert found["stopped"]["code"] == "queue_full"
    assert found["started"] + found["failed"] == 100
    assert len({r["id"] for r in found["results"] if "id" in r}) == found["started"]


async def test_the_first_lines_start_before_the_last_ones_come(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    seen = asyncio.Event()

    async def begun() -> bool:
        return bool((await client.get("/api/v1/executions", params={"graph_id": made["id"]})).json()["items"])

    async def slowly() -> AsyncIterator[bytes]:
        yield body_of({"inputs": {"text": "first"}})
        await until(begun)
        seen.set()
        yield body_of({"inputs": {"text": "last"}})

    answer = await client.post(f"/api/v1/ingest/{made['id']}", content=slowly(), headers=NDJSON)
    assert seen.is_set()
    assert answer.json()["started"] == 2


async def test_what_came_before_the_sender_went_away_is_started(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    url = httpx.URL(running.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    line = body_of({"inputs": {"text": "a"}})
    head = (
        f"POST /api/v1/ingest/{made['id']} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/x-ndjson\r\nContent-Length: 100000\r\n\r\n"
    )
    writer.write(head.encode() + line + line[:5])
    await writer.drain()

    async def begun() -> bool:
        return bool((await client.get("/api/v1/executions", params={"graph_id": made["id"]})).json()["items"])

    await until(begun)
    writer.close()
    await asyncio.sleep(0.2)
    items = (await client.get("/api/v1/executions", params={"graph_id": made["id"]})).json()["items"]
    assert len(items) == 1
    assert (await ingest(client, made["id"], {"inputs": {"text": "b"}}))["started"] == 1


async def test_lines_start_many_times_faster_than_requests(
    settings: EdgeSettings, client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    engine.admits = False
    try:
        path, one = f"/api/v1/graphs/{made['id']}/execute", {"inputs": {"text": "a"}}
        for _ in range(5):
            await client.post(path, json=one)
        began = time.perf_counter()
        for _ in range(100):
            assert (await client.post(path, json=one)).status_code == 202
        single = 100 / (time.perf_counter() - began)
        began = time.perf_counter()
        found = await ingest(client, made["id"], *[one] * 5000)
        many = 5000 / (time.perf_counter() - began)
    finally:
        engine.admits = True
        with psycopg.connect(settings.dsn.get_secret_value(), autocommit=True) as conn:
            conn.execute("UPDATE executions SET status = 'TERMINATED' WHERE status = 'QUEUED'")
    assert found["started"] == 5000
    log.info("%.0f starts/s by lines, %.0f by requests", many, single)
    assert many > 10 * single
