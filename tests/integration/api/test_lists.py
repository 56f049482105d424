"""Lists of executions, by what is asked for; and outputs alone."""

from __future__ import annotations

from typing import Any

import httpx

from millstream.api.executions.models import OutputsOut
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved, started
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person

URL = "/api/v1/executions"


async def listed(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    answer = await client.get(URL, params=asked)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


async def test_executions_are_found_by_graph_status_verdict_and_time(
    running: Running, engine: Engine
) -> None:
    async with person(running) as ada:
        client = ada.client
        good = await ended(client, await started(client, graphs.echo(), inputs={"text": "a"}))
        bad = await ended(client, await started(client, graphs.failing(), inputs={"text": "{"}))
        assert await listed(client) == [bad["id"], good["id"]]
        assert await listed(client, graph_id=good["graph_id"]) == [good["id"]]
        assert await listed(client, verdict="ok") == [good["id"]]
        assert await listed(client, verdict="errors") == [bad["id"]]
        assert await listed(client, verdict="stopped") == []
        assert await listed(client, status="COMPLETED") == [bad["id"], good["id"]]
        assert await listed(client, status=["FAILED", "TERMINATED"]) == []
        assert await listed(client, status=["FAILED", "COMPLETED"], limit=1) == [bad["id"]]
        assert await listed(client, created_after=good["created_at"]) == [bad["id"]]
        assert await listed(client, created_before=bad["created_at"]) == [good["id"]]
        first = (await client.get(URL, params={"limit": 1, "verdict": "ok"})).json()
        assert first["next_cursor"] is None
        problem(await client.get(URL, params={"verdict": "x"}), 422, "request_invalid")
        problem(await client.get(URL, params={"created_after": "2026-01-01"}), 422, "request_invalid")


async def test_outputs_alone(client: httpx.AsyncClient, engine: Engine) -> None:
    id_ = await started(client, graphs.wide(), inputs={"items": [1, 2, 3]})
    await ended(client, id_)
    found = (await client.get(f"{URL}/{id_}/outputs")).json()
    OutputsOut.model_validate(found)
    assert (found["status"], found["verdict"]["result"]) == ("COMPLETED", "ok")
    assert found["outputs"] == {"item": [1, 2, 3]}


async def test_only_what_has_ended_is_deleted(client: httpx.AsyncClient, engine: Engine) -> None:
    async with engine.held():
        id_ = await started(client, graphs.echo(), inputs={"text": "a"})
        problem(await client.delete(f"{URL}/{id_}"), 409, "conflict")
    await ended(client, id_)
    assert (await client.delete(f"{URL}/{id_}")).status_code == 204
    problem(await client.get(f"{URL}/{id_}"), 404, "not_found")
    assert id_ not in await listed(client)
    assert (await saved(client, graphs.echo()))["id"]
