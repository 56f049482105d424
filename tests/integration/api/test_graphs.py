from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from millstream.api.graphs.models import GraphOut, GraphPage, GraphVersions, Validated
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved
from tests.integration.api.engine import Engine


async def test_a_saved_graph_comes_back_with_new_ids_and_schemas(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/graphs", json={"graph": graphs.echo(), "source": "builder"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    GraphOut.model_validate(made)
    assert set(made) == set(GraphOut.model_fields)
    assert "in" not in {node["id"] for node in made["nodes"]}
    assert made["input_schema"]["required"] == ["text"]
    assert list(made["output_schema"]["properties"]) == ["said"]
    assert made["draft"] is False
    [given] = [node for node in made["nodes"] if node["block_id"] == graphs.INPUT]
    assert (given["input_links"], given["output_links"]) == ([], made["links"])
    again = await client.get(answer.headers["Location"])
    assert again.json() == made
    assert again.headers["ETag"] == '"1"'


async def test_a_body_without_a_content_type_is_read_as_json(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/graphs", content=b'{"name": "a", "description": "", "nodes": []}')
    assert answer.status_code == 201, answer.text


async def test_an_exported_graph_imports_again_but_for_ids_and_secrets(client: httpx.AsyncClient) -> None:
    graph = graphs.echo()
    graph["nodes"][0]["input_default"]["api_key"] = "sk-1"
    made = await saved(client, graph)
    exported = (await client.get(f"/api/v1/graphs/{made['id']}", params={"for_export": True})).json()
    assert "sk-1" not in str(exported)
    again = await saved(client, exported)
    assert [n["block_id"] for n in again["nodes"]] == [n["block_id"] for n in made["nodes"]]
    assert [n["metadata"] for n in again["nodes"]] == [n["metadata"] for n in made["nodes"]]
    assert again["input_schema"] == made["input_schema"]
    assert again["id"] != made["id"]


async def test_problems_name_the_nodes_as_the_caller_knows_them(client: httpx.AsyncClient) -> None:
    graph = graphs.echo()
    graph["links"][0]["sink_name"] = "valeu"
    body = problem(await client.post("/api/v1/graphs", json=graph), 400, "graph_invalid")
    [found] = body["problems"]
    assert (found["node"], found["pin"], found["code"]) == ("out", "valeu", "input_pin_unknown")
    assert "did you mean 'value'" in found["reason"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "json_invalid"),
        (b"[]", "graph_not_object"),
        (b'{"name": "a"}', "field_missing"),
        (b'{"name": "\\ud800", "description": ""}', "json_lone_surrogate"),
        (b'{"name": NaN, "description": ""}', "json_not_finite"),
        (b'{"name": "a\\u0000", "description": ""}', "json_nul"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "json_too_deep"),
    ],
)
async def test_what_is_no_graph_is_refused_with_a_reason(
    client: httpx.AsyncClient, content: bytes, code: str
) -> None:
    body = problem(await client.post("/api/v1/graphs", content=content), 400, "graph_invalid")
    assert body["problems"][0]["code"] == code


async def test_an_update_makes_a_version_and_keeps_ids(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}"
    answer = await client.put(url, json={**made, "name": "second"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    second = answer.json()
    assert (second["version"], second["name"], answer.headers["ETag"]) == (2, "second", '"2"')
    assert [n["id"] for n in second["nodes"]] == [n["id"] for n in made["nodes"]]
    assert (await client.get(url)).json() == second
    assert (await client.get(url, params={"version": 1})).json()["name"] == "test"
    problem(await client.get(url, params={"version": 3}), 404, "not_found")
    versions = (await client.get(url + "/versions")).json()
    GraphVersions.model_validate(versions)
    assert [(v["version"], v["is_active"]) for v in versions["items"]] == [(2, True), (1, False)]


async def test_of_two_who_changed_the_same_version_the_second_hears_of_it(client: httpx.AsyncClient) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}"
    answers = await asyncio.gather(
        *(client.put(url, json=made, headers={"If-Match": '"1"'}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    [late, *_] = [answer for answer in answers if answer.status_code == 412]
    assert problem(late, 412, "precondition_failed")["version"] == 2
    unconditional = await asyncio.gather(*(client.put(url, json=made) for _ in range(4)))
    assert sorted(answer.json()["version"] for answer in unconditional) == [3, 4, 5, 6]


async def test_an_inactive_version_is_kept_aside(client: httpx.AsyncClient, engine: Engine) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}"
    draft = {
        **made,
        "is_active": False,
        "nodes": [{**n, "input_default": {**n["input_default"], "name": "x"}} for n in made["nodes"]],
    }
    assert (await client.put(url, json=draft)).json()["version"] == 2
    answer = await client.post(url + "/execute", json={"inputs": {"text": "a"}})
    assert answer.json()["graph_version"] == 1
    assert (await ended(client, answer.json()["id"]))["outputs"] == {"said": ["a"]}
    newer = await client.post(url + "/execute", json={"inputs": {"x": "b"}, "version": 2})
    assert (await ended(client, newer.json()["id"]))["outputs"] == {"x": ["b"]}


async def test_a_deleted_graph_is_gone_but_its_executions_are_not(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}"
    await client.put(url, json=made)
    id_ = (await client.post(url + "/execute", json={"inputs": {"text": "a"}})).json()["id"]
    assert (await client.delete(url)).json() == {"version_counts": 2}
    problem(await client.get(url), 404, "not_found")
    problem(await client.delete(url), 404, "not_found")
    problem(await client.post(url + "/execute", json={"inputs": {"text": "a"}}), 404, "not_found")
    assert (await ended(client, id_))["outputs"] == {"said": ["a"]}


async def test_graphs_are_listed_once_each_in_pages(client: httpx.AsyncClient) -> None:
    made = [await saved(client, graphs.echo()) for _ in range(3)]
    await client.put(f"/api/v1/graphs/{made[1]['id']}", json={**made[1], "name": "renamed"})
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = (await client.get("/api/v1/graphs", params=params)).json()
        GraphPage.model_validate(page)
        found += page["items"]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    ids = [item["id"] for item in found]
    assert len(ids) == len(set(ids))
    assert {graph["id"] for graph in made} <= set(ids)
    assert [item["name"] for item in found if item["id"] == made[1]["id"]] == ["renamed"]


def parent(child: dict[str, Any]) -> dict[str, Any]:
    """A graph that runs `child`, which travels along."""
    agent = graphs.node(
        "agent",
        graphs.AGENT,
        graph_id=child["id"],
        graph_version=child["version"],
        input_schema={"type": "object", "properties": {"text": {}}, "required": ["text"]},
        output_schema={"type": "object", "properties": {"said": {}}},
    )
    return graphs.graph(
        [graphs.node("in", graphs.INPUT, name="q"), agent, graphs.node("out", graphs.OUTPUT, name="a")],
        [graphs.link("in", "result", "agent", "text"), graphs.link("agent", "said", "out", "value")],
        sub_graphs=[child],
    )


async def test_an_agent_inside_travels_along_and_runs(client: httpx.AsyncClient, engine: Engine) -> None:
    child = {**graphs.echo(), "id": "child", "version": 1}
    made = await saved(client, parent(child))
    [sub] = made["sub_graphs"]
    [agent] = [n for n in made["nodes"] if n["block_id"] == graphs.AGENT]
    assert agent["input_default"]["graph_id"] == sub["id"] != "child"
    assert (await client.get(f"/api/v1/graphs/{sub['id']}")).json()["name"] == "test"
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json={"inputs": {"q": "hi"}})
    last = await ended(client, answer.json()["id"])
    assert last["outputs"] == {"a": ["hi"]}
    children = (await client.get("/api/v1/executions", params={"graph_id": sub["id"]})).json()["items"]
    assert [c["parent_execution_id"] for c in children] == [last["id"]]


async def test_an_agent_whose_graph_is_gone_does_not_start(client: httpx.AsyncClient) -> None:
    made = await saved(client, parent({**graphs.echo(), "id": "child", "version": 1}))
    await client.delete(f"/api/v1/graphs/{made['sub_graphs'][0]['id']}")
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json={"inputs": {"q": "hi"}})
    assert [p["code"] for p in problem(answer, 400, "graph_invalid")["problems"]] == ["agent_graph_missing"]


async def test_validation_says_what_saving_and_running_would(client: httpx.AsyncClient) -> None:
    for graph, params, expected in (
        (graphs.echo(), {}, (True, False, [])),
        (graphs.graph([graphs.node("a", graphs.UNKNOWN)], []), {}, (False, True, ["block_unknown"])),
        (
            graphs.graph([graphs.node("a", graphs.CALCULATOR, operation="Add", a=1)], []),
            {},
            (True, False, []),
        ),
        (
            graphs.graph([graphs.node("a", graphs.CALCULATOR, operation="Add", a=1)], []),
            {"for_run": True},
            (False, False, ["input_required"]),
        ),
        ({"name": "a"}, {}, (False, False, ["field_missing"])),
    ):
        answer = await client.post("/api/v1/graphs/validate", json=graph, params=params)
        assert answer.status_code == 200
        found = Validated.model_validate(answer.json())
        assert (found.valid, found.draft, [p.code for p in found.problems]) == expected
