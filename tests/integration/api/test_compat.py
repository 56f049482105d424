"""AutoGPT's own paths: bodies, answers and error shapes."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from millstream.api.compat import models
from millstream.api.external.router import RunResults
from tests.integration.api import graphs
from tests.integration.api.calls import ended, shown, until
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.engine import Engine
from tests.integration.api.people import key_of, person


async def made(client: httpx.AsyncClient, graph: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/api/graphs", json={"graph": graph, "source": "upload"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ran(client: httpx.AsyncClient, graph: dict[str, Any], **inputs: Any) -> str:
    answer = await client.post(f"/api/graphs/{graph['id']}/execute/1", json={"inputs": inputs})
    assert answer.status_code == 200, answer.text
    models.RunMeta.model_validate(answer.json())
    assert answer.json()["status"] == "QUEUED"
    assert answer.json()["inputs"] == inputs
    return str(answer.json()["id"])


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"message", "detail", "hint"}
    return found


async def test_a_graph_is_made_changed_listed_and_deleted(client: httpx.AsyncClient) -> None:
    graph = await made(client, graphs.echo())
    url = f"/api/graphs/{graph['id']}"
    listed = (await client.get("/api/graphs")).json()
    assert graph["id"] in [models.GraphMeta.model_validate(each).id.__str__() for each in listed]
    second = (await client.put(url, json={**graph, "is_active": False})).json()
    assert (second["version"], second["is_active"]) == (2, False)
    assert [each["version"] for each in (await client.get(f"{url}/versions")).json()] == [2, 1]
    answer = await client.put(f"{url}/versions/active", json={"active_graph_version": 2})
    assert (answer.status_code, answer.json()) == (200, None)
    actives = {v: (await client.get(f"{url}/versions/{v}")).json()["is_active"] for v in (1, 2)}
    assert actives == {1: False, 2: True}
    exported = (await client.get(url, params={"for_export": True})).json()
    assert len(exported["nodes"]) == 2
    refused(await client.put(url, json={**graph, "id": str(uuid.uuid4())}), 400)
    assert (await client.delete(url)).json() == {"version_counts": 2}
    refused(await client.get(url), 404)


async def test_a_run_is_started_read_shared_and_hidden(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    graph = await made(client, graphs.echo())
    id_ = await ran(client, graph, text="hello")
    await ended(client, id_)
    url = f"/api/graphs/{graph['id']}/executions/{id_}"
    found = (await client.get(url)).json()
    models.RunWithNodes.model_validate(found)
    assert set(found) == set(models.RunWithNodes.model_fields)
    assert (found["status"], found["outputs"]) == ("COMPLETED", {"said": ["hello"]})
    assert [node["status"] for node in found["node_executions"]] == ["COMPLETED"] * 2
    paged = (await client.get(f"/api/graphs/{graph['id']}/executions")).json()
    assert [run["id"] for run in paged["executions"]] == [id_]
    assert paged["pagination"] == {"total_items": 1, "total_pages": 1, "current_page": 1, "page_size": 25}
    assert id_ in [run["id"] for run in (await client.get("/api/executions")).json()]
    assert (await client.post(f"{url}/stop")).json() is None

    link = (await client.post(f"{url}/share")).json()
    assert link["share_url"].endswith(f"/api/public/shared/{link['share_token']}")
    async with client_of(running.url, None) as stranger:
        public = (await stranger.get(f"/api/public/shared/{link['share_token']}")).json()
        assert set(public) == set(models.SharedRun.model_fields)
        assert public["outputs"] == {"said": ["hello"]}
        assert (await client.get(url)).json()["share_token"] == link["share_token"]
        assert (await client.delete(f"{url}/share")).status_code == 204
        refused(await stranger.get(f"/api/public/shared/{link['share_token']}"), 404)
    assert (await client.delete(f"/api/executions/{id_}")).status_code == 204
    refused(await client.get(url), 404)
    refused(await client.get(f"/api/graphs/{uuid.uuid4()}/executions/{id_}"), 404)


async def test_a_run_that_goes_on_is_stopped_and_told_as_it_was(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    graph = await made(client, graphs.echo())
    async with engine.held():
        id_ = await ran(client, graph, text="hello")
        before = (await client.post(f"/api/graphs/{graph['id']}/executions/{id_}/stop")).json()
        assert before["status"] in ("QUEUED", "RUNNING")
        assert (await ended(client, id_))["status"] == "TERMINATED"


async def test_reviews_are_listed_and_decided(client: httpx.AsyncClient, engine: Engine) -> None:
    graph = await made(client, graphs.reviewed())
    id_ = await ran(client, graph, text="hello")

    async def waits() -> bool:
        return bool((await shown(client, id_))["status"] == "REVIEW")

    await until(waits)
    [review] = (await client.get(f"/api/review/execution/{id_}")).json()
    models.PendingReview.model_validate(review)
    assert review["payload"] == "hello" or review["payload"]
    pending = (await client.get("/api/review/pending")).json()
    assert review["node_exec_id"] in [each["node_exec_id"] for each in pending]
    item = {"node_exec_id": review["node_exec_id"], "approved": True}
    refused(
        await client.post("/api/review/action", json={"reviews": [{**item, "auto_approve_future": True}]}),
        400,
    )
    done = await client.post("/api/review/action", json={"reviews": [item]})
    assert done.json() == {"approved_count": 1, "rejected_count": 0, "failed_count": 0, "error": None}
    assert (await ended(client, id_))["status"] == "COMPLETED"
    refused(await client.post("/api/review/action", json={"reviews": [item]}), 409)
    unknown = {"reviews": [{**item, "node_exec_id": str(uuid.uuid4())}]}
    refused(await client.post("/api/review/action", json=unknown), 404)
    assert (await client.get(f"/api/review/execution/{id_}")).json() == []


async def test_presets_are_kept_and_run(client: httpx.AsyncClient, engine: Engine) -> None:
    graph = await made(client, graphs.echo())
    body = {
        "graph_id": graph["id"],
        "graph_version": 1,
        "inputs": {"text": "hello"},
        "credentials": {},
        "name": "greeting",
        "description": "",
    }
    preset = (await client.post("/api/library/presets", json=body)).json()
    models.Preset.model_validate(preset)
    url = f"/api/library/presets/{preset['id']}"
    run = (await client.post(f"{url}/execute", json={"inputs": {"text": "hi"}})).json()
    assert (run["preset_id"], run["inputs"]) == (preset["id"], {"text": "hi"})
    assert (await ended(client, run["id"]))["outputs"] == {"said": ["hi"]}
    again = {"graph_execution_id": run["id"], "name": "again", "description": ""}
    assert (await client.post("/api/library/presets", json=again)).json()["inputs"] == {"text": "hi"}
    listed = (await client.get("/api/library/presets", params={"graph_id": graph["id"]})).json()
    assert listed["pagination"]["total_items"] == 2
    assert (await client.patch(url, json={"name": "other"})).json()["name"] == "other"
    assert (await client.delete(url)).status_code == 204
    refused(await client.get(url), 404)


async def test_blocks_files_keys_and_people(running: Running, engine: Engine) -> None:
    async with person(running) as ada:
        client = ada.client
        blocks = (await client.get("/api/blocks")).json()
        calculator = next(block for block in blocks if block["id"] == graphs.CALCULATOR)
        assert set(calculator) == set(models.Block.model_fields)
        inputs = {"a": 6, "b": 7, "operation": "Multiply"}
        answer = await client.post(f"/api/blocks/{graphs.CALCULATOR}/execute", json=inputs)
        assert answer.json() == {"result": [42]}
        refused(await client.post(f"/api/blocks/{uuid.uuid4()}/execute", json={}), 404)
        file = (await client.post("/api/files/upload", files={"file": ("a.txt", b"text")})).json()
        assert set(file) == set(models.Uploaded.model_fields)
        id_ = file["file_uri"].removeprefix("workspace://")
        assert (await client.get(f"/api/workspace/files/{id_}/download")).content == b"text"
        key = await client.post("/api/api-keys", json={"name": "k", "permissions": ["READ_GRAPH"]})
        assert key.json()["plain_text_key"].startswith(key.json()["api_key"]["head"])
        url = f"/api/api-keys/{key.json()['api_key']['id']}"
        assert (await client.get(url)).json()["status"] == "ACTIVE"
        assert (await client.delete(url)).json()["status"] == "REVOKED"
        assert (await client.post("/api/auth/user")).json()["id"] == str(ada.id)
        zone = await client.post("/api/auth/user/timezone", json={"timezone": "Europe/Berlin"})
        assert zone.json() == (await client.get("/api/auth/user/timezone")).json()
        refused(await client.post("/api/auth/user/timezone", json={"timezone": "Nowhere"}), 400)
    async with client_of(running.url, None) as stranger:
        assert (await stranger.get("/health")).json() == {"status": "healthy"}


async def test_errors_have_the_shapes_that_clients_know(running: Running, client: httpx.AsyncClient) -> None:
    graph = await made(client, graphs.graph([graphs.node("sum", graphs.CALCULATOR, a=1)], []))
    answer = await client.post(f"/api/graphs/{graph['id']}/execute/1", json={})
    assert answer.status_code == 400
    assert set(answer.json()) == {"detail"}
    detail = answer.json()["detail"]
    assert detail["type"] == "validation_error"
    assert set(detail["node_errors"][graph["nodes"][0]["id"]]) >= {"b"}
    assert refused(await client.get("/api/graphs/x"), 422)["detail"][0]["loc"] == ["path", "graph_id"]
    assert isinstance(refused(await client.get(f"/api/graphs/{uuid.uuid4()}"), 404)["detail"], str)
    async with client_of(running.url, "x") as stranger:
        answer = await stranger.get("/api/graphs")
        assert (answer.status_code, set(answer.json())) == (401, {"detail"})
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_programs_make_run_and_read_with_a_key(running: Running, engine: Engine) -> None:
    base = "/external-api/v1"
    scopes = [
        "IDENTITY",
        "EXECUTE_GRAPH",
        "READ_GRAPH",
        "WRITE_GRAPH",
        "WRITE_LIBRARY",
        "READ_BLOCK",
        "EXECUTE_BLOCK",
    ]
    async with person(running) as ada, client_of(running.url, None) as program:
        program.headers["X-API-Key"] = (await key_of(ada.client, *scopes))["key"]
        me = (await program.get(f"{base}/me")).json()
        assert (me["id"], me["email"]) == (str(ada.id), ada.email)
        assert "costs" not in (await program.get(f"{base}/blocks")).json()[0]
        inputs = {"a": 6, "b": 7, "operation": "Multiply"}
        answer = await program.post(f"{base}/blocks/{graphs.CALCULATOR}/execute", json=inputs)
        assert answer.json() == {"result": [42]}
        graph = await program.post(f"{base}/graphs", json=graphs.echo())
        assert graph.status_code == 201
        url = f"{base}/graphs/{graph.json()['id']}"
        run = await program.post(f"{url}/execute/1", json={"node_input": {"text": "hello"}})
        assert set(run.json()) == {"id"}
        await ended(ada.client, run.json()["id"])
        results = (await program.get(f"{url}/executions/{run.json()['id']}/results")).json()
        RunResults.model_validate(results)
        assert (results["status"], results["output"]) == ("COMPLETED", [{"said": "hello"}])
        assert results["nodes"][1]["input"] == "hello"
        refused(await program.post(f"{url}/execute/9", json={"node_input": {}}), 404)

        narrow = await key_of(ada.client, "READ_BLOCK", "WRITE_GRAPH")
        program.headers["X-API-Key"] = narrow["key"]
        assert (await program.get(f"{base}/blocks")).status_code == 200
        refused(await program.get(f"{base}/me"), 403)
        refused(await program.post(f"{base}/graphs", json=graphs.echo()), 403)
        refused(await program.post(f"{url}/execute/1", json={}), 403)
        program.headers["X-API-Key"] = "agpt_" + "x" * 40
        assert (await program.get(f"{base}/me")).status_code == 401
