from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from millstream.api.app import create_app
from millstream.api.auth.guards import guard_of
from millstream.api.auth.principal import Role
from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import address, browser, key_of, person
from tests.integration.api.test_access import iter_routes

SHARED = {"block_id", "provider"}
"""Blocks are everybody's, and so are the services whose accounts one may connect."""

CREDENTIAL = {
    "type": "api_key",
    "provider": "jina",
    "title": "mine",
    "api_key": "x" * 20,
    "hosts": ["api.jina.ai"],
}
BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "/api/v1/graphs/{graph_id}"): graphs.echo(),
    ("PUT", "/api/graphs/{graph_id}"): graphs.echo(),
    ("PUT", "/api/graphs/{graph_id}/versions/active"): {"active_graph_version": 1},
    ("POST", "/api/v1/graphs/{graph_id}/execute"): {"inputs": {}},
    ("PUT", "/api/api-keys/{key_id}/permissions"): {"permissions": ["READ_GRAPH"]},
    ("PATCH", "/api/v1/credentials/{credential_id}"): {"title": "Mine"},
    ("PATCH", "/api/v1/organisations/{org_id}"): {"name": "Mine"},
    ("PUT", "/api/v1/organisations/{org_id}/members/{user_id}"): {"role": "owner"},
    ("POST", "/api/v1/organisations/{org_id}/invitations"): {"email": "eve@example.com"},
}
"""Bodies that would do something, were it one's own. A route that takes another one answers 422, which the test refuses."""


@pytest.mark.usefixtures("engine")
async def test_no_route_shows_or_changes_what_is_of_others(running: Running, engine: Engine) -> None:
    """A25, A23: every route that has an id, asked with a real id of somebody else."""
    async with person(running) as ada, person(running) as eve, browser(running, ada.email) as page:
        graph = await saved(ada.client, graphs.reviewed())
        ran = await ada.client.post(
            f"/api/v1/graphs/{graph['id']}/execute", json={"inputs": {"text": "mine"}}
        )
        execution_id = ran.json()["id"]
        node = await _waiting_node(ada.client, execution_id)
        file = (await ada.client.post("/api/v1/files", files={"file": ("a.txt", b"mine")})).json()
        org = (await ada.client.post("/api/v1/organisations", json={"name": "Ours"})).json()
        invitation = await ada.client.post(
            f"/api/v1/organisations/{org['id']}/invitations", json={"email": address()}
        )
        secret = await ada.client.post("/api/v1/credentials", json=CREDENTIAL)
        preset = await ada.client.post(
            "/api/v1/presets", json={"graph_id": graph["id"], "name": "mine", "inputs": {"text": "mine"}}
        )
        sessions = (await page.get("/api/v1/sessions")).json()["items"]
        ids = {
            "graph_id": graph["id"],
            "execution_id": execution_id,
            "node_execution_id": node,
            "file_id": file["id"],
            "key_id": (await key_of(ada.client, "IDENTITY"))["id"],
            "org_id": org["id"],
            "user_id": str(ada.id),
            "invitation_id": invitation.json()["id"],
            "session_id": next(each["id"] for each in sessions if each["kind"] == "browser"),
            "ref": f"values/{ada.id}/x",
            "preset_id": preset.json()["id"],
            "credential_id": secret.json()["id"],
            "cred_id": secret.json()["id"],
            "provider": "jina",
            "graph_exec_id": execution_id,
            "graph_version": "1",
            "version": "1",
        }
        asked = 0
        for route in iter_routes(create_app(running.edge.settings, [])):
            names = set(re.findall(r"\{(\w+)", route.path)) - SHARED
            guard = guard_of(route.endpoint)
            if not names or guard is None or guard.role is not Role.USER or guard.open:
                continue
            assert names <= ids.keys(), f"{route.path}: say here which id of others to ask with"
            path = re.sub(r"\{(\w+)[^}]*\}", lambda match: ids[match[1]], route.path)
            for method in sorted(route.methods or ()):
                body = BODIES.get((method, route.path), {})
                answer = await eve.client.request(method, path, json=body)
                if answer.status_code == 422:  # only the body was looked at: give one that fits
                    body = body | _filled(answer.json())
                    answer = await eve.client.request(method, path, json=body)
                if answer.status_code == 415:
                    lines = {"Content-Type": "application/x-ndjson"}
                    answer = await eve.client.request(method, path, content=b"{}", headers=lines)
                _refused(answer, route.path)
                assert "mine" not in answer.text
                asked += 1
        assert asked > 20
        assert (await ada.client.get(f"/api/v1/graphs/{graph['id']}")).json()["version"] == 1
        assert (await page.get("/api/v1/me")).status_code == 200
        answered = await ada.client.get(f"/api/v1/executions/{execution_id}")
        assert answered.json()["status"] == "REVIEW"


async def test_lists_show_only_what_is_ones_own(running: Running) -> None:
    async with person(running) as ada, person(running) as eve:
        await saved(ada.client, graphs.echo())
        await ada.client.post("/api/v1/files", files={"file": ("a.txt", b"mine")})
        await key_of(ada.client, "IDENTITY")
        await ada.client.post("/api/v1/organisations", json={"name": "Ours"})
        for path in ("graphs", "files", "api-keys", "organisations", "executions", "presets"):
            assert (await eve.client.get(f"/api/v1/{path}")).json()["items"] == []
        own = [str(eve.id) in (await eve.client.get("/api/v1/me")).text]
        assert own == [True]
        assert len((await eve.client.get("/api/v1/sessions")).json()["items"]) == 1


def _refused(answer: httpx.Response, path: str) -> None:
    """It is not there, in the shape of the family."""
    if path.startswith("/api/v1/"):
        problem(answer, 404, "not_found")
        return
    assert answer.status_code == 404, (path, answer.text)
    assert set(answer.json()) == {"message", "detail", "hint"}


def _filled(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a body with something for each field that was missed."""
    if "problems" in answer:
        fields = {each["path"].removeprefix("body.") for each in answer["problems"]}
    else:
        fields = {".".join(map(str, each["loc"][1:])) for each in answer["detail"]}
    return {name: True for name in fields if name not in ("body", "")}


async def _waiting_node(client: Any, execution_id: str) -> str:
    from tests.integration.api.calls import shown, until

    found: list[str] = []

    async def waits() -> bool:
        nodes = (await shown(client, execution_id))["node_executions"]
        found[:] = [node["node_exec_id"] for node in nodes if node["status"] == "REVIEW"]
        return bool(found)

    await until(waits)
    return found[0]
