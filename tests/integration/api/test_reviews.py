"""Reviews over the API: what waits for a person, and which answer counts; reasons of what is open meanwhile."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, shown, started, until
from tests.integration.api.engine import Engine

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def waiting(client: httpx.AsyncClient, execution_id: str) -> dict[str, Any]:
    """Return the review that an execution waits for."""

    async def waits() -> bool:
        return bool((await shown(client, execution_id))["status"] == "REVIEW")

    await until(waits)
    [review] = (await client.get(f"/api/v1/executions/{execution_id}/reviews")).json()
    found: dict[str, Any] = review
    return found


async def test_the_first_answer_counts_and_the_second_learns_who_was_first_and_when(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    id_ = await started(client, graphs.reviewed(), inputs={"text": "draft"})
    review = await waiting(client, id_)
    assert (review["status"], review["payload"], review["answer"]) == ("WAITING", "draft", None)
    whole = await shown(client, id_)
    assert review["who"] == [whole["user_id"]]
    assert (whole["reason"]["kind"], whole["reason"]["count"]) == ("review", 1)
    [node] = [n for n in whole["node_executions"] if n["status"] == "REVIEW"]
    assert (node["reason"]["kind"], node["reason"]["since"]) == ("review", review["since"])

    url = f"/api/v1/reviews/{review['node_exec_id']}"
    answer = await client.post(url, json={"approved": True, "data": "final", "message": "ok"})
    assert answer.status_code == 202, answer.text
    counted = answer.json()["answer"]
    assert (counted["status"], counted["by"]) == ("APPROVED", whole["user_id"])

    refused = problem(await client.post(url, json={"approved": False}), 409, "conflict")
    assert (refused["status_of_review"], refused["by"]) == ("APPROVED", whole["user_id"])
    assert refused["at"].startswith("20")
    assert (await ended(client, id_))["outputs"] == {"approved": ["final"]}
    [after] = (await client.get(f"/api/v1/executions/{id_}/reviews")).json()
    assert (after["status"], after["answer"]["message"]) == ("APPROVED", "ok")
    again = await client.post(url, json={"approved": True, "data": "final", "message": "ok"})
    assert again.status_code == 202, "the same answer twice is one"


async def test_of_two_answers_at_once_one_counts(client: httpx.AsyncClient, engine: Engine) -> None:
    id_ = await started(client, graphs.reviewed(), inputs={"text": "draft"})
    url = f"/api/v1/reviews/{(await waiting(client, id_))['node_exec_id']}"
    answers = await asyncio.gather(
        *(client.post(url, json={"approved": True, "data": f"version {i}"}) for i in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 5
    [first] = [i for i, answer in enumerate(answers) if answer.status_code == 202]
    assert (await ended(client, id_))["outputs"] == {"approved": [f"version {first}"]}


async def test_a_review_of_a_stopped_execution_waits_for_nobody(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    id_ = await started(client, graphs.reviewed(), inputs={"text": "draft"})
    review = await waiting(client, id_)
    await client.post(f"/api/v1/executions/{id_}/stop")
    await ended(client, id_)
    url = f"/api/v1/reviews/{review['node_exec_id']}"
    problem(await client.post(url, json={"approved": True}), 409, "conflict")
    [after] = (await client.get(f"/api/v1/executions/{id_}/reviews")).json()
    assert (after["status"], after["answer"]) == ("DROPPED", None)


async def test_what_is_not_there_or_too_large_is_refused(client: httpx.AsyncClient, engine: Engine) -> None:
    unknown = uuid.uuid4()
    problem(await client.post(f"/api/v1/reviews/{unknown}", json={"approved": True}), 404, "not_found")
    problem(await client.get(f"/api/v1/executions/{unknown}/reviews"), 404, "not_found")
    id_ = await started(client, graphs.reviewed(), inputs={"text": "draft"})
    url = f"/api/v1/reviews/{(await waiting(client, id_))['node_exec_id']}"
    large = {"approved": True, "data": "x" * 300_000}
    problem(await client.post(url, json=large), 413, "payload_too_large")
    [out] = [n for n in (await shown(client, id_))["node_executions"] if n["status"] == "COMPLETED"]
    answer = await client.post(f"/api/v1/reviews/{out['id']}", json={"approved": True})
    problem(answer, 404, "not_found")


async def test_a_wait_shows_until_when_in_lists_too(client: httpx.AsyncClient, engine: Engine) -> None:
    graph = graphs.graph([graphs.node("wait", graphs.WAIT, value=1, seconds=600)], [])
    id_ = await started(client, graph)

    async def parked() -> bool:
        return bool(((await shown(client, id_))["reason"] or {}).get("kind") == "timer")

    await until(parked)
    whole = await shown(client, id_)
    [node] = whole["node_executions"]
    assert (node["status"], node["reason"]["kind"]) == ("RUNNING", "timer")
    listed = (await client.get("/api/v1/executions", params={"status": "RUNNING"})).json()["items"]
    assert next(item for item in listed if item["id"] == id_)["reason"] == whole["reason"]
    await client.post(f"/api/v1/executions/{id_}/stop")
    assert (await ended(client, id_))["reason"] is None
