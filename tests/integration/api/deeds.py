"""A walk through all routes that change something, and the list of those that leave no audit record."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import httpx
import pyotp

from millstream.api.app import create_app
from millstream.api.settings import EdgeSettings
from tests.integration.api import graphs
from tests.integration.api.calls import ended, saved, shown, started, until
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.people import PASSWORD, Postbox, address, browser, key_of, person, with_account
from tests.integration.api.test_access import iter_routes

HISTORY = "an execution's row and its events tell who began it, and with what"
NEEDS_NONE = {
    ("POST", "/api/v1/graphs/validate"): "changes nothing",
    ("POST", "/api/v1/graphs/{graph_id}/execute"): HISTORY,
    ("POST", "/mcp"): HISTORY,
    ("POST", "/api/v1/blocks/{block_id}/execute"): HISTORY,
    ("POST", "/api/v1/executions/{execution_id}/retry"): HISTORY,
    ("POST", "/api/v1/ingest/{graph_id}"): HISTORY,
    ("POST", "/api/v1/presets/{preset_id}/execute"): HISTORY,
    ("POST", "/api/graphs/{graph_id}/execute/{graph_version}"): HISTORY,
    ("POST", "/api/blocks/{block_id}/execute"): HISTORY,
    ("POST", "/api/library/presets/{preset_id}/execute"): HISTORY,
    ("POST", "/external-api/v1/graphs/{graph_id}/execute/{graph_version}"): HISTORY,
    ("POST", "/external-api/v1/blocks/{block_id}/execute"): HISTORY,
    ("POST", "/api/v1/files"): "adds a file, whose row has its owner; takes nothing from anybody",
    ("POST", "/api/files/upload"): "as above",
    ("POST", "/api/workspace/files/upload"): "as above",
    (
        "POST",
        "/api/integrations/{provider}/callback",
    ): "needs a provider: it is kept as POST /credentials does",
    ("PATCH", "/api/v1/me"): "name and time zone",
    ("POST", "/api/auth/user"): "changes nothing",
    ("POST", "/api/auth/user/timezone"): "time zone",
    (
        "POST",
        "/internal/credentials/{secret_id}",
    ): "to workers; that a run uses a credential is written at its start",
    (
        "POST",
        "/api/v1/credentials/oauth/{provider}/authorize",
    ): "begins only; what comes of it is written down",
    (
        "POST",
        "/api/v1/credentials/oauth/{provider}/callback",
    ): "needs a provider: it is kept as POST /credentials does",
    ("POST", "/api/v1/me/totp"): "begins only; its confirmation is written down",
    (
        "POST",
        "/api/v1/auth/token/refresh",
    ): "goes on with a log-in; a token that is used twice is written down",
    ("POST", "/api/v1/auth/password/forgot"): "has a mail sent; using its link is written down",
}
"""Routes that change something and write no record, with the reason. Whoever adds a line says why in the review."""

Asked = tuple[str, str]


SECRET = "a-secret-that-nobody-reads"


class Walk:
    """Notes every call that succeeded, with its request id."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._routes = [
            (method, route.path_regex, route.path)
            for route in iter_routes(create_app(settings, []))
            for method in route.methods or ()
        ]
        self.done: dict[Asked, list[str]] = defaultdict(list)

    @property
    def changing(self) -> set[Asked]:
        return {(method, path) for method, _, path in self._routes if method not in ("GET", "HEAD")}

    def watch(self, client: httpx.AsyncClient) -> httpx.AsyncClient:
        client.event_hooks["response"].append(self._seen)
        return client

    async def _seen(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            return
        method, path = answer.request.method, answer.request.url.path
        fitting = [shape for m, regex, shape in self._routes if m == method and regex.fullmatch(path)]
        plainest = min(fitting, key=lambda shape: shape.count("{"))
        self.done[method, plainest].append(answer.headers["X-Request-ID"])


async def _accounts(walk: Walk, running: Running, box: Postbox) -> None:
    email = address()
    async with client_of(running.url, None) as client:
        walk.watch(client)
        who = {"email": email, "password": PASSWORD}
        await _ok(client.post("/api/v1/auth/register", json=who))
        await _ok(
            client.post("/api/v1/auth/verify", json={"token": await box.link(email), "password": PASSWORD})
        )
        await _ok(client.post("/api/v1/auth/password/forgot", json={"email": email}))
        reset = {"token": await box.link(email, 2), "password": PASSWORD + "2"}
        await _ok(client.post("/api/v1/auth/password/reset", json=reset))
        who["password"] = PASSWORD + "2"
        tokens = (await _ok(client.post("/api/v1/auth/token", json=who))).json()
        refresh = {"refresh_token": tokens["refresh_token"]}
        tokens = (await _ok(client.post("/api/v1/auth/token/refresh", json=refresh))).json()
        refresh = {"refresh_token": tokens["refresh_token"]}
        await _ok(client.post("/api/v1/auth/token/revoke", json=refresh))
        csrf = (await _ok(client.post("/api/v1/auth/login", json=who))).json()["csrf_token"]
        client.headers["X-CSRF-Token"] = csrf
        await _ok(client.patch("/api/v1/me", json={"name": "Ada"}))
        new = {"password": who["password"], "email": address()}
        await _ok(client.post("/api/v1/me/email", json=new))
        await _ok(client.post("/api/v1/auth/logout"))


async def _second_factor(walk: Walk, running: Running) -> None:
    _, email = await with_account(running.edge)
    async with browser(running, email) as other, browser(running, email) as client:
        walk.watch(client)
        sessions = (await other.get("/api/v1/sessions")).json()["items"]
        [theirs] = [each["id"] for each in sessions if each["current"]]
        await _ok(client.delete(f"/api/v1/sessions/{theirs}"))
        made = await key_of(client, "READ_GRAPH")
        await _ok(client.delete(f"/api/v1/api-keys/{made['id']}"))
        factor = (await _ok(client.post("/api/v1/me/totp", json={"password": PASSWORD}))).json()
        code = {"code": pyotp.TOTP(factor["secret"]).now()}
        recovery = (await _ok(client.post("/api/v1/me/totp/confirm", json=code))).json()["recovery_codes"]
        await _ok(client.post("/api/v1/me/totp/remove", json={"password": PASSWORD, "code": recovery[0]}))
        new = {"password": PASSWORD, "new_password": PASSWORD + "3"}
        await _ok(client.post("/api/v1/me/password", json=new))
    async with browser(running, email, PASSWORD + "3") as client:
        await _ok(walk.watch(client).delete("/api/v1/sessions"))
    async with browser(running, email, PASSWORD + "3") as client:
        await _ok(walk.watch(client).post("/api/v1/me/delete", json={"password": PASSWORD + "3"}))


async def _organisations(walk: Walk, running: Running, box: Postbox) -> None:
    async with person(running) as ada, person(running) as bob:
        walk.watch(ada.client)
        walk.watch(bob.client)
        org = (await _ok(ada.client.post("/api/v1/organisations", json={"name": "one"}))).json()
        url = f"/api/v1/organisations/{org['id']}"
        await _ok(ada.client.patch(url, json={"name": "two"}))
        await _ok(ada.client.post(f"{url}/invitations", json={"email": bob.email}))
        accept = {"token": await box.link(bob.email)}
        await _ok(bob.client.post("/api/v1/organisations/invitations/accept", json=accept))
        await _ok(ada.client.put(f"{url}/members/{bob.id}", json={"role": "viewer"}))
        await _ok(ada.client.delete(f"{url}/members/{bob.id}"))
        second = (await _ok(ada.client.post(f"{url}/invitations", json={"email": bob.email}))).json()
        await _ok(ada.client.delete(f"{url}/invitations/{second['id']}"))
        await _ok(ada.client.delete(url))


async def _graphs(local: httpx.AsyncClient) -> None:
    made = await saved(local, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}"
    await _ok(local.put(url, json=graphs.echo()))
    await _ok(local.post(f"{url}/publish"))
    await _ok(local.delete(url))
    file = (await _ok(local.post("/api/v1/files", files={"file": ("a.txt", b"a", "text/plain")}))).json()
    await _ok(local.delete(f"/api/v1/files/{file['id']}"))


async def _executions(local: httpx.AsyncClient) -> None:
    for shape in ("/api/v1/reviews/{node}", "/api/v1/executions/{id}/nodes/{node}/answer"):
        id_ = await started(local, graphs.reviewed(), inputs={"text": "draft"})
        node = await _waits(local, id_)
        await _ok(local.post(shape.format(id=id_, node=node), json={"approved": True}))
        await ended(local, id_)
    await _shares(local, f"/api/v1/executions/{id_}/share")
    await _ok(local.delete(f"/api/v1/executions/{id_}"))
    id_ = await started(local, graphs.reviewed(), inputs={"text": "draft"})
    await _waits(local, id_)
    await _ok(local.post(f"/api/v1/executions/{id_}/stop", json={"reason": "enough"}))


async def _waits(local: httpx.AsyncClient, id_: str) -> str:
    async def waits() -> bool:
        return bool((await shown(local, id_))["status"] == "REVIEW")

    await until(waits)
    [review] = (await local.get(f"/api/v1/executions/{id_}/reviews")).json()
    return str(review["node_exec_id"])


async def _people(local: httpx.AsyncClient, running: Running) -> None:
    user_id, _ = await with_account(running.edge)
    await _ok(local.post("/api/v1/users/invitations", json={"email": address()}))
    await _ok(local.patch(f"/api/v1/users/{user_id}", json={"role": "creator"}))


async def _shares(local: httpx.AsyncClient, url: str) -> None:
    await _ok(local.post(url))
    await _ok(local.delete(url))


async def _presets(local: httpx.AsyncClient, url: str) -> None:
    graph = await saved(local, graphs.echo())
    given = {
        "graph_id": graph["id"],
        "graph_version": 1,
        "name": "a",
        "description": "",
        "inputs": {"text": "x"},
    }
    made = (await _ok(local.post(url, json=given))).json()
    await _ok(local.patch(f"{url}/{made['id']}", json={"name": "b"}))
    await _ok(local.delete(f"{url}/{made['id']}"))


async def _credentials(local: httpx.AsyncClient) -> None:
    given = {"provider": "github", "title": "mine", "type": "api_key", "api_key": SECRET}
    made = (await _ok(local.post("/api/v1/credentials", json=given))).json()
    url = f"/api/v1/credentials/{made['id']}"
    await _ok(local.patch(url, json={"title": "ours"}))
    await _ok(local.delete(url))


async def _autogpt(walk: Walk, running: Running, local: httpx.AsyncClient) -> None:
    """The same deeds by the paths of AutoGPT, of its API for programs, and of GraphQL."""
    made = (await _ok(local.post("/api/graphs", json={"graph": graphs.echo()}))).json()
    url = f"/api/graphs/{made['id']}"
    await _ok(local.put(url, json=graphs.echo()))
    await _ok(local.put(f"{url}/versions/active", json={"active_graph_version": 1}))
    await _ok(local.delete(url))
    mutation = {"query": "mutation($id: UUID!) { deleteGraph(id: $id) }"}
    gone = (await saved(local, graphs.echo()))["id"]
    answer = await _ok(local.post("/graphql", json=mutation | {"variables": {"id": gone}}))
    assert "errors" not in answer.json(), answer.text
    async with person(running) as ada:
        key = await key_of(ada.client, "WRITE_GRAPH", "WRITE_LIBRARY")
        async with client_of(running.url, None) as program:
            program.headers["X-API-Key"] = key["key"]
            await _ok(walk.watch(program).post("/external-api/v1/graphs", json=graphs.echo()))
        walk.watch(ada.client)
        given = {"name": "a", "permissions": ["READ_GRAPH"]}
        new = (await _ok(ada.client.post("/api/api-keys", json=given))).json()
        changed = f"/api/api-keys/{new['api_key']['id']}/permissions"
        await _ok(ada.client.put(changed, json={"permissions": ["READ_BLOCK"]}))
        await _ok(ada.client.delete(f"/api/api-keys/{new['api_key']['id']}"))
    file = (await _ok(local.post("/api/workspace/files/upload", files={"file": ("a.txt", b"a")}))).json()
    await _ok(local.delete(f"/api/workspace/files/{file['file_id']}"))
    secrets = "/api/integrations/github/credentials"
    kept = (await _ok(local.post(secrets, json={"type": "api_key", "api_key": SECRET}))).json()
    await _ok(local.delete(f"{secrets}/{kept['id']}"))
    await _presets(local, "/api/library/presets")
    await _autogpt_executions(local)


async def _autogpt_executions(local: httpx.AsyncClient) -> None:
    id_ = await started(local, graphs.reviewed(), inputs={"text": "draft"})
    node = await _waits(local, id_)
    decisions = {"reviews": [{"node_exec_id": node, "approved": True}]}
    await _ok(local.post("/api/review/action", json=decisions))
    graph_id = (await ended(local, id_))["graph_id"]
    await _shares(local, f"/api/graphs/{graph_id}/executions/{id_}/share")
    await _ok(local.delete(f"/api/executions/{id_}"))
    id_ = await started(local, graphs.reviewed(), inputs={"text": "draft"})
    await _waits(local, id_)
    graph_id = (await shown(local, id_))["graph_id"]
    await _ok(local.post(f"/api/graphs/{graph_id}/executions/{id_}/stop"))


async def _ok(call: Any) -> httpx.Response:
    answer: httpx.Response = await call
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer


async def walked(walk: Walk, running: Running, box: Postbox) -> None:
    """Use all of them, each so that it succeeds."""
    async with client_of(running.url) as local:
        walk.watch(local)
        await _accounts(walk, running, box)
        await _second_factor(walk, running)
        await _organisations(walk, running, box)
        await _graphs(local)
        await _executions(local)
        await _people(local, running)
        await _presets(local, "/api/v1/presets")
        await _credentials(local)
        await _autogpt(walk, running, local)
