from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import orjson
import psycopg
import pytest

from millstream.api.executions.models import EventPage, ExecutionOut, ExecutionPage
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from millstream.schemas.messages import Start
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved, shown, started, until
from tests.integration.api.conftest import Running, serving, with_limits
from tests.integration.api.engine import Engine


async def test_an_execution_is_found_right_after_202_and_ends_with_its_outputs(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    async with engine.held():
        id_ = await started(client, graphs.echo(), inputs={"text": "hello"})
        first = await shown(client, id_)
        assert first["status"] in ("QUEUED", "RUNNING")
        assert first["inputs"] == {"text": "hello"}
    last = await ended(client, id_)
    ExecutionOut.model_validate(last)
    assert set(last) == set(ExecutionOut.model_fields)
    assert last["status"] == "COMPLETED"
    assert last["outputs"] == {"said": ["hello"]}
    assert [n["status"] for n in last["node_executions"]] == ["COMPLETED", "COMPLETED"]
    assert [n["output_data"] for n in last["node_executions"]] == [
        {"result": ["hello"]},
        {"output": ["hello"], "name": ["said"]},
    ]
    assert last["node_executions"][1]["input_data"]["value"] == "hello"
    assert last["stats"]["node_exec_count"] == 2
    assert last["verdict"] == {"result": "ok"}


async def test_a_failed_node_does_not_fail_the_execution_but_the_verdict_says_so(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    last = await ended(client, await started(client, graphs.failing(), inputs={"text": "{"}))
    assert (last["status"], last["verdict"]["result"]) == ("COMPLETED", "errors")
    [failed] = [n for n in last["node_executions"] if n["status"] == "FAILED"]
    assert failed["output_data"]["error"] == [failed["error"]]
    assert failed["failure"]["kind"] == "BlockExecutionError"


async def test_what_keeps_a_graph_from_running_is_named(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.graph([graphs.node("sum", graphs.CALCULATOR, a=1)], []))
    sum_id = made["nodes"][0]["id"]
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json={})
    problems = problem(answer, 400, "graph_invalid")["problems"]
    assert {(p["node"], p["pin"], p["code"]) for p in problems} >= {(sum_id, "b", "input_required")}


async def test_a_draft_is_kept_but_running_it_names_the_unknown_block(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.graph([graphs.node("odd", graphs.UNKNOWN)], []))
    assert made["draft"] is True
    assert [p["code"] for p in made["problems"]] == ["block_unknown"]
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json={})
    body = problem(answer, 400, "graph_invalid")
    assert graphs.UNKNOWN in body["detail"]


async def test_a_mask_for_a_node_that_is_not_there_is_refused(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.echo())
    body = {"inputs": {"text": "a"}, "nodes_input_masks": {"nobody": {"value": 1}}}
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json=body)
    assert [p["code"] for p in problem(answer, 400, "graph_invalid")["problems"]] == ["mask_node_unknown"]


async def test_a_mask_takes_the_place_of_what_arrives(client: httpx.AsyncClient, engine: Engine) -> None:
    made = await saved(client, graphs.echo())
    [out] = [n["id"] for n in made["nodes"] if n["block_id"] == graphs.OUTPUT]
    body = {"inputs": {"text": "a"}, "nodes_input_masks": {out: {"value": "masked"}}}
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json=body)
    last = await ended(client, answer.json()["id"])
    assert last["outputs"] == {"said": ["masked"]}
    assert last["nodes_input_masks"] == {out: {"value": "masked"}}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"input": {"text": "a"}}, "body.input"),
        ({"inputs": {}, "timezone": "Mars"}, "body.timezone"),
        ({"inputs": []}, "body.inputs"),
    ],
)
async def test_a_misspelt_or_odd_body_is_refused_by_name(
    client: httpx.AsyncClient, body: dict[str, Any], path: str
) -> None:
    made = await saved(client, graphs.echo())
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json=body)
    assert [p["path"] for p in problem(answer, 422, "request_invalid")["problems"]] == [path]


# --- idempotency ---


async def test_a_key_gives_the_same_execution_twice_and_refuses_another_body(
    client: httpx.AsyncClient,
) -> None:
    made = await saved(client, graphs.echo())
    url, headers = f"/api/v1/graphs/{made['id']}/execute", {"Idempotency-Key": uuid.uuid4().hex}
    answers = await asyncio.gather(
        *(client.post(url, json={"inputs": {"text": "a\x00b"}}, headers=headers) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers].count(None) == 1
    other = await client.post(url, json={"inputs": {"text": "b"}}, headers=headers)
    assert problem(other, 409, "conflict")["execution_id"] == answers[0].json()["id"]


async def test_without_a_key_each_request_starts_one(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}/execute"
    ids = {(await client.post(url, json={"inputs": {"text": "a"}})).json()["id"] for _ in range(3)}
    assert len(ids) == 3


# --- large values ---


async def test_a_large_input_travels_by_reference_and_is_shown_whole(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    text = "x" * 200_000
    id_ = await started(client, graphs.echo(), inputs={"text": text, "other": 1})
    last = await ended(client, id_)
    [start] = [m for key, m in engine.seen if key == uuid.UUID(id_).bytes and isinstance(m, Start)]
    sent = {named.name: named.value for named in start.inputs}
    assert (sent["text"].inline, sent["text"].size) == (None, len(text) + 2)
    assert last["inputs"] == {"text": text, "other": 1}
    assert last["outputs"] == {"said": [text]}


async def test_values_beyond_the_answer_are_links_to_download(
    settings: EdgeSettings, registry: Registry, running: Running, engine: Engine
) -> None:
    async with serving(with_limits(settings, answer_bytes=50_000), registry) as small:
        id_ = await started(small.client, graphs.echo(), inputs={"text": "y" * 100_000})
        last = await ended(small.client, id_)
        [found] = last["outputs"]["said"]
        assert found["size"] == 100_002
        value = await small.client.get(found["$ref"])
        assert value.json() == "y" * 100_000
        assert value.headers["content-type"] == "application/json"
        other = found["$ref"].replace("3e53486c-cf57-477e-ba2a-cb02dc828e1a", str(uuid.uuid4()))
        problem(await small.client.get(other), 404, "not_found")


async def test_small_values_beyond_the_answer_are_left_out_with_their_size(
    settings: EdgeSettings, registry: Registry, running: Running, engine: Engine
) -> None:
    async with serving(with_limits(settings, answer_bytes=900), registry) as small:
        id_ = await started(small.client, graphs.wide(), inputs={"items": ["z" * 98] * 12})
        last = await ended(small.client, id_)
    assert last["outputs"]["item"] == ["z" * 98] * 9 + [{"$left_out": 100}] * 3
    assert {"$left_out": 100} in last["node_executions"][1]["output_data"]["item"]
    assert any("$left_out" in node["input_data"] for node in last["node_executions"])


async def test_a_large_plan_goes_into_the_object_store(client: httpx.AsyncClient, engine: Engine) -> None:
    noise = "".join(uuid.uuid4().hex for _ in range(20_000))
    graph = graphs.graph(
        [graphs.node("a", graphs.STORE, input=noise), graphs.node("b", graphs.STORE, input=1)], []
    )
    id_ = await started(client, graph)
    last = await ended(client, id_)
    [start] = [m for key, m in engine.seen if key == uuid.UUID(id_).bytes and isinstance(m, Start)]
    assert start.plan is None
    assert last["status"] == "COMPLETED"


async def test_a_value_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.echo())
    body = orjson.dumps({"inputs": {"text": "x" * 25_000_001}})
    answer = await client.post(
        f"/api/v1/graphs/{made['id']}/execute", content=body, headers={"Content-Type": "application/json"}
    )
    problem(answer, 413, "payload_too_large")


# --- stop, review ---


async def test_stop_ends_an_execution_and_may_be_repeated(client: httpx.AsyncClient, engine: Engine) -> None:
    async with engine.held():
        id_ = await started(client, graphs.echo(), inputs={"text": "a"})
        for _ in range(2):
            answer = await client.post(f"/api/v1/executions/{id_}/stop", json={"reason": "enough"})
            assert answer.status_code == 202
        last = await ended(client, id_)
    assert last["status"] == "TERMINATED"
    assert last["verdict"] == {"result": "stopped", "by": last["user_id"], "reason": "enough"}
    assert (await client.post(f"/api/v1/executions/{id_}/stop")).json()["status"] == "TERMINATED"


async def test_a_review_waits_for_the_first_decision(client: httpx.AsyncClient, engine: Engine) -> None:
    id_ = await started(client, graphs.reviewed(), inputs={"text": "draft"})

    async def waits() -> bool:
        return bool((await shown(client, id_))["status"] == "REVIEW")

    await until(waits)
    [node] = [n for n in (await shown(client, id_))["node_executions"] if n["status"] == "REVIEW"]
    url = f"/api/v1/executions/{id_}/nodes/{node['id']}/answer"
    answer = await client.post(url, json={"approved": True, "data": "final", "message": "ok"})
    assert answer.status_code == 202, answer.text
    last = await ended(client, id_)
    assert last["outputs"] == {"approved": ["final"]}
    problem(await client.post(url, json={"approved": False}), 409, "conflict")
    problem(
        await client.post(url.replace(node["id"], str(uuid.uuid4())), json={"approved": True}),
        404,
        "not_found",
    )


# --- lists, events, owners ---


async def test_pages_follow_each_other_without_gap_or_repetition(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}/execute"
    ids = [(await client.post(url, json={"inputs": {"text": "a"}})).json()["id"] for _ in range(5)]
    found: list[str] = []
    params: dict[str, Any] = {"graph_id": made["id"], "limit": 2}
    while True:
        page = (await client.get("/api/v1/executions", params=params)).json()
        ExecutionPage.model_validate(page)
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert found == ids[::-1]
    problem(await client.get("/api/v1/executions", params={"cursor": "??"}), 400, "input_invalid")


async def test_node_executions_come_in_pages(client: httpx.AsyncClient, engine: Engine) -> None:
    id_ = await started(client, graphs.wide(), inputs={"items": list(range(12))})
    whole = await ended(client, id_)
    assert whole["outputs"] == {"item": list(range(12))}
    found: list[dict[str, Any]] = []
    offset: int | None = 0
    while offset is not None:
        params = {"node_limit": 5, "node_offset": offset}
        page = (await client.get(f"/api/v1/executions/{id_}", params=params)).json()
        found += page["node_executions"]
        offset = page["next_node_offset"]
    assert found == whole["node_executions"]
    assert len(found) == 14


async def test_recorded_events_retell_the_execution(client: httpx.AsyncClient, engine: Engine) -> None:
    id_ = await started(client, graphs.echo(), inputs={"text": "a"})
    last = await ended(client, id_)
    page = (await client.get(f"/api/v1/executions/{id_}/events")).json()
    EventPage.model_validate(page)
    events = page["items"]
    assert [e["sequence"] for e in events] == list(range(last["sequence"] + 1))
    assert events[0]["detail"]["inputs"] == {"text": "a"}
    assert events[-1]["status"] == "COMPLETED"
    params = {"since": 2, "limit": 2}
    some = (await client.get(f"/api/v1/executions/{id_}/events", params=params)).json()
    assert some == {"items": events[3:5], "next_since": 4}
    lines = await client.get(f"/api/v1/executions/{id_}/events", headers={"Accept": "application/x-ndjson"})
    assert [orjson.loads(line) for line in lines.text.splitlines()] == events


async def test_another_owners_things_are_not_there(
    client: httpx.AsyncClient, engine: Engine, settings: EdgeSettings
) -> None:
    id_ = await started(client, graphs.echo(), inputs={"text": "mine"})
    last = await ended(client, id_)
    with psycopg.connect(settings.dsn.get_secret_value(), autocommit=True) as conn:
        other = uuid.uuid4()
        conn.execute("INSERT INTO users (id, email) VALUES (%s, %s)", [other, f"{other}@x"])
        conn.execute("UPDATE executions SET user_id = %s WHERE id = %s", [other, id_])
        conn.execute("UPDATE graphs SET user_id = %s WHERE id = %s", [other, last["graph_id"]])
    node = last["node_executions"][0]["id"]
    for method, path, body in (
        ("GET", f"/api/v1/executions/{id_}", None),
        ("GET", f"/api/v1/executions/{id_}/events", None),
        ("GET", f"/api/v1/executions/{id_}/values/values/x/y", None),
        ("POST", f"/api/v1/executions/{id_}/stop", None),
        ("POST", f"/api/v1/executions/{id_}/nodes/{node}/answer", {"approved": True}),
        ("GET", f"/api/v1/graphs/{last['graph_id']}", None),
        ("GET", f"/api/v1/graphs/{last['graph_id']}/versions", None),
        ("PUT", f"/api/v1/graphs/{last['graph_id']}", graphs.echo()),
        ("DELETE", f"/api/v1/graphs/{last['graph_id']}", None),
        ("POST", f"/api/v1/graphs/{last['graph_id']}/execute", {"inputs": {"text": "a"}}),
    ):
        problem(await client.request(method, path, json=body), 404, "not_found")
    listed = (await client.get("/api/v1/executions", params={"limit": 250})).json()["items"]
    assert id_ not in {item["id"] for item in listed}
