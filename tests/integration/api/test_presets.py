"""Presets: saved inputs of a graph."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from millstream.api.presets.router import PresetOut, PresetPage
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person

URL = "/api/v1/presets"


async def made(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    graph = await saved(client, graphs.echo())
    body = {"graph_id": graph["id"], "name": "greeting", "inputs": {"text": "hello"}, **more}
    answer = await client.post(URL, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{URL}/{found['id']}"
    return found


async def test_a_preset_is_kept_changed_listed_and_removed(client: httpx.AsyncClient) -> None:
    preset = await made(client)
    PresetOut.model_validate(preset)
    assert set(preset) == set(PresetOut.model_fields)
    url = f"{URL}/{preset['id']}"
    assert (await client.get(url)).json() == preset
    changed = (await client.patch(url, json={"name": "another", "inputs": {"text": "hi"}})).json()
    assert changed == {
        **preset,
        "name": "another",
        "inputs": {"text": "hi"},
        "updated_at": changed["updated_at"],
    }
    listed = (await client.get(URL, params={"graph_id": preset["graph_id"]})).json()
    PresetPage.model_validate(listed)
    assert [each["id"] for each in listed["items"]] == [preset["id"]]
    assert (await client.delete(url)).status_code == 204
    problem(await client.get(url), 404, "not_found")
    problem(await client.delete(url), 404, "not_found")


async def test_inputs_of_the_call_go_over_those_of_the_preset(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    preset = await made(client)
    said = []
    for body in ({}, {"inputs": {"text": "hi"}}):
        answer = await client.post(f"{URL}/{preset['id']}/execute", json=body)
        assert answer.status_code == 202, answer.text
        assert answer.json()["preset_id"] == preset["id"]
        said.append((await ended(client, answer.json()["id"]))["outputs"]["said"])
    assert said == [["hello"], ["hi"]]
    runs = (await client.get("/api/v1/executions", params={"preset_id": preset["id"]})).json()["items"]
    assert [run["preset_id"] for run in runs] == [preset["id"]] * 2


async def test_a_preset_runs_its_version_or_the_active_one(client: httpx.AsyncClient, engine: Engine) -> None:
    preset = await made(client)
    fixed = await client.patch(f"{URL}/{preset['id']}", json={"graph_version": 1})
    assert fixed.json()["graph_version"] == 1
    problem(await client.patch(f"{URL}/{preset['id']}", json={"graph_version": 9}), 404, "not_found")
    graph = (await client.get(f"/api/v1/graphs/{preset['graph_id']}")).json()
    assert (await client.put(f"/api/v1/graphs/{graph['id']}", json=graph)).json()["version"] == 2
    for version in (1, None):
        await client.patch(f"{URL}/{preset['id']}", json={"graph_version": version})
        run = (await client.post(f"{URL}/{preset['id']}/execute")).json()
        assert run["graph_version"] == (version or 2)


async def test_the_same_key_starts_a_preset_once(client: httpx.AsyncClient, engine: Engine) -> None:
    url = f"{URL}/{(await made(client))['id']}/execute"
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = await client.post(url, headers=key)
    again = await client.post(url, headers=key)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    problem(await client.post(url, headers=key, json={"inputs": {"text": "x"}}), 409, "conflict")


async def test_one_that_is_switched_off_or_does_not_fit_is_refused(client: httpx.AsyncClient) -> None:
    off = await made(client, is_active=False)
    problem(await client.post(f"{URL}/{off['id']}/execute"), 409, "conflict")
    odd = await made(client, nodes_input_masks={"nobody": {"value": 1}})
    problem(await client.post(f"{URL}/{odd['id']}/execute"), 400, "graph_invalid")
    for body in ({"name": "x"}, {"graph_id": str(uuid.uuid4()), "name": ""}, {**off}):
        problem(await client.post(URL, json=body), 422, "request_invalid")
    body = {"graph_id": str(uuid.uuid4()), "name": "x"}
    problem(await client.post(URL, json=body), 404, "not_found")


async def test_presets_of_others_are_not_there(running: Running, client: httpx.AsyncClient) -> None:
    preset = await made(client)
    url = f"{URL}/{preset['id']}"
    async with person(running) as other:
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/execute")):
            problem(await other.client.request(method, url + path), 404, "not_found")
        problem(await other.client.patch(url, json={"name": "mine"}), 404, "not_found")
        body = {"graph_id": preset["graph_id"], "name": "mine"}
        problem(await other.client.post(URL, json=body), 404, "not_found")
        assert (await other.client.get(URL)).json()["items"] == []
