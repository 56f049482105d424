"""Secrets on a whole platform: they reach the services they are for, and are found nowhere else (A19, A37, A56)."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.canary import Search
from tests.integration.api import graphs
from tests.platform import Platform, running

pytestmark = pytest.mark.integration

SEND = "6595ae1f-b924-42cb-9a41-551a0611c4b4"
LOGIN = "fff86bcd-e001-4bad-a7f6-2eae4720c8dc"


def canary(name: str) -> str:
    return f"canary{name}{uuid.uuid4().hex}"


class Service(ThreadingHTTPServer):
    """A service outside, which repeats in its answers what it was sent, as careless ones do."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, str], str]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.path, headers, body))
        if self.path.startswith("/away"):
            self.send_response(307)
            self.send_header("Location", self.path.removeprefix("/away?to="))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        said = json.dumps({"headers": headers, "body": body, "again": f"<{headers}>"}).encode()
        self.send_response(400 if self.path == "/bad" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="module")
def other() -> Iterator[Service]:
    made = Service()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="module")
def said() -> list[str]:
    """All that the edge has answered."""
    return []


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, service: Service, other: Service, said: list[str]
) -> Iterator[Platform]:
    allowed = f"{service.address},{other.address}"
    with running(tmp_path_factory.mktemp("secrets"), MILLSTREAM_HTTP_ALLOW=allowed) as found:

        def keep(response: httpx.Response) -> None:
            response.read()
            said.append(f"{response.request.url} {dict(response.headers)} {response.text}")

        found.client.event_hooks = {"response": [keep]}
        yield found


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    """What must be found nowhere."""
    return {name: canary(name) for name in ("header", "input", "constant", "mask", "child", "wrong")}


@pytest.fixture(scope="module")
def credential(platform: Platform, service: Service, secrets: dict[str, str]) -> str:
    body = {
        "type": "host_scoped",
        "title": "mine",
        "hosts": [service.address],
        "headers": {"X-Key": secrets["header"], "Authorization": f"Bearer {secrets['header']}"},
    }
    made = platform.client.post("/api/v1/credentials", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def everything(service: Service, secrets: dict[str, str]) -> dict[str, Any]:
    """Secrets in a constant, an input, a header, an error and an output."""
    url = f"http://{service.address}"
    return graphs.graph(
        [
            graphs.node("in", graphs.INPUT, name="key", secret=True),
            graphs.node("constant", graphs.INPUT, name="constant", secret=True, value=secrets["constant"]),
            graphs.node("store", graphs.STORE),
            graphs.node("send", SEND, url=f"{url}/send"),
            graphs.node("bad", SEND, url=f"{url}/bad"),
            graphs.node("login", LOGIN, url=f"{url}/login"),
            graphs.node("decode", graphs.DECODE),
            graphs.node("answer", graphs.OUTPUT, name="answer"),
            graphs.node("logged", graphs.OUTPUT, name="logged"),
            graphs.node("key", graphs.OUTPUT, name="key"),
            graphs.node("told", graphs.OUTPUT, name="told", format="It is {{ told }}!"),
        ],
        [
            graphs.link("in", "result", "store", "input"),
            graphs.link("store", "output", "send", "headers_#_X-Input"),
            graphs.link("constant", "result", "send", "headers_#_X-Constant"),
            graphs.link("constant", "result", "bad", "body_#_constant"),
            graphs.link("send", "response", "answer", "value"),
            graphs.link("login", "response", "logged", "value"),
            graphs.link("in", "result", "key", "value"),
            graphs.link("in", "result", "told", "value"),
            graphs.link("in", "result", "decode", "text"),
        ],
    )


@pytest.fixture(scope="module")
def ran(platform: Platform, service: Service, credential: str, secrets: dict[str, str]) -> dict[str, Any]:
    """A run that uses them all."""
    graph_id = platform.save(everything(service, secrets))
    given = {"http_host_scoped_credentials": {"id": credential}}
    run = platform.execute(graph_id, {"key": secrets["input"]}, credentials_inputs=given)
    return platform.wait(run)


def sent(service: Service, path: str) -> list[tuple[dict[str, str], str]]:
    return [(headers, body) for at, headers, body in service.seen if at == path]


def test_secrets_reach_the_services_they_are_for(
    ran: dict[str, Any], service: Service, secrets: dict[str, str]
) -> None:
    [(headers, _)] = sent(service, "/send")
    assert (headers["x-input"], headers["x-constant"]) == (secrets["input"], secrets["constant"])
    [(headers, _)] = sent(service, "/login")
    assert (headers["x-key"], headers["authorization"]) == (secrets["header"], f"Bearer {secrets['header']}")
    [(_, body)] = sent(service, "/bad")
    assert json.loads(body) == {"constant": secrets["constant"]}


def test_outputs_have_references_and_dots(ran: dict[str, Any], credential: str) -> None:
    outputs = ran["outputs"]
    assert set(outputs["key"][0]) == {"$secret"}
    assert outputs["key"][0] == ran["inputs"]["key"]
    assert outputs["answer"][0]["headers"]["x-input"] == ran["inputs"]["key"]
    told = [
        node["output_data"] for node in ran["node_executions"] if node["input_data"].get("name") == "told"
    ]
    assert told == [{"output": ["It is •••!"]}]
    assert outputs["logged"][0]["headers"]["x-key"] == "•••"
    assert ran["credential_inputs"]["http_host_scoped_credentials"]["id"] == credential


def test_a_run_again_has_its_secrets_too(
    platform: Platform, ran: dict[str, Any], service: Service, secrets: dict[str, str]
) -> None:
    before = len(sent(service, "/send"))
    again = platform.client.post(f"/api/v1/executions/{ran['id']}/retry", json={})
    assert again.status_code == 202, again.text
    platform.wait(again.json()["id"])
    headers, _ = sent(service, "/send")[before]
    assert headers["x-input"] == secrets["input"]
    only = platform.client.post(
        f"/api/v1/executions/{ran['id']}/retry", json={"only_node": node_of(ran, LOGIN)}
    )
    platform.wait(only.json()["id"])
    assert sent(service, "/login")[-1][0]["x-key"] == secrets["header"]


def node_of(ran: dict[str, Any], block: str) -> str:
    return next(str(node["node_id"]) for node in ran["node_executions"] if node["block_id"] == block)


def test_an_agent_inside_gets_the_secrets_of_its_run(
    platform: Platform, service: Service, credential: str, secrets: dict[str, str]
) -> None:
    inner = graphs.graph(
        [
            graphs.node("in", graphs.INPUT, name="key", secret=True),
            graphs.node("send", SEND, url=f"http://{service.address}/child"),
            graphs.node("login", LOGIN, url=f"http://{service.address}/child-login"),
        ],
        [graphs.link("in", "result", "send", "headers_#_X-Child")],
    )
    child = platform.client.get(f"/api/v1/graphs/{platform.save(inner)}").json()
    agent = graphs.node(
        "agent",
        graphs.AGENT,
        graph_id=child["id"],
        graph_version=child["version"],
        input_schema=child["input_schema"],
        output_schema=child["output_schema"],
        inputs={"key": secrets["child"]},
    )
    run = platform.execute(
        platform.save(graphs.graph([agent], [])),
        credentials_inputs={"http_host_scoped_credentials": credential},
    )
    platform.wait(run)
    assert sent(service, "/child")[0][0]["x-child"] == secrets["child"]
    assert sent(service, "/child-login")[0][0]["x-key"] == secrets["header"]


def test_a_credential_goes_to_no_other_host(
    platform: Platform, service: Service, other: Service, credential: str
) -> None:
    given = {"http_host_scoped_credentials": credential}
    for url in (
        f"http://{other.address}/stolen",
        f"http://{service.address}/away?to=http://{other.address}/stolen",
    ):
        graph_id = platform.save(graphs.graph([graphs.node("login", LOGIN, url=url)], []))
        platform.wait(platform.execute(graph_id, credentials_inputs=given))
    for _, headers, _ in other.seen:
        assert "x-key" not in headers
        assert "authorization" not in headers


def test_secrets_survive_the_loss_of_their_copies(
    platform: Platform, service: Service, credential: str, secrets: dict[str, str]
) -> None:
    from millstream.connectors import redis as connector
    from millstream.local import keys, ports, redis
    from millstream.local.home import Home

    home = Home(platform.home)
    found = keys.find(home)
    assert found is not None

    async def forget() -> int:
        client = connector.client(redis.url(found, ports.remembered(home)["redis"]))
        names = [name async for name in client.scan_iter("sealed:*")]
        await client.delete(*names)
        await client.aclose()
        return len(names)

    url = f"http://{service.address}/late"
    graph = graphs.graph(
        [
            graphs.node("in", graphs.INPUT, name="key", secret=True),
            graphs.node("ask", graphs.REVIEW, name="Go on?", editable=False),
            graphs.node("send", SEND, url=url),
        ],
        [
            graphs.link("in", "result", "ask", "data"),
            graphs.link("ask", "approved_data", "send", "headers_#_X-Late"),
        ],
    )
    run = platform.execute(platform.save(graph), {"key": secrets["input"]})
    platform.wait(run, until=("REVIEW",))
    assert asyncio.run(forget()) > 0
    [review] = platform.client.get(f"/api/v1/executions/{run}/reviews").json()
    decided = platform.client.post(f"/api/v1/reviews/{review['node_exec_id']}", json={"approved": True})
    assert decided.status_code < 300, decided.text
    platform.wait(run)
    [(headers, _)] = sent(service, "/late")
    assert headers["x-late"] == secrets["input"]


def test_the_master_key_is_rotated_while_all_runs(
    platform: Platform, service: Service, credential: str, secrets: dict[str, str]
) -> None:
    before = json.loads(platform.cli("secrets", "list-keys", "--json").stdout)
    platform.cli("secrets", "rotate")
    after = json.loads(platform.cli("secrets", "list-keys", "--json").stdout)
    assert [row["status"] for row in after if row["wraps"]] == ["current"]
    assert sum(row["wraps"] for row in after) == sum(row["wraps"] for row in before) > 3
    graph_id = platform.save(
        graphs.graph([graphs.node("login", LOGIN, url=f"http://{service.address}/rotated")], [])
    )
    platform.wait(platform.execute(graph_id, credentials_inputs={"http_host_scoped_credentials": credential}))
    assert sent(service, "/rotated")[0][0]["x-key"] == secrets["header"]


def test_wrong_requests_do_not_repeat_secrets(
    platform: Platform, credential: str, secrets: dict[str, str]
) -> None:
    wrong = secrets["wrong"]
    body = {"type": "host_scoped", "title": "t", "hosts": ["h"], "headers": {"X": wrong + "\n"}}
    assert platform.client.post("/api/v1/credentials", json=body).status_code == 422
    assert (
        platform.client.post("/api/v1/credentials", json={"type": "api_key", "api_key": wrong}).status_code
        == 422
    )
    graph_id = platform.save(graphs.graph([graphs.node("in", graphs.INPUT, name="key", secret=True)], []))
    answer = platform.client.post(f"/api/v1/graphs/{graph_id}/execute", json={"inputs": wrong})
    assert answer.status_code == 422
    block = platform.client.post(
        f"/api/v1/blocks/{graphs.INPUT}/execute",
        json={"inputs": {"name": "x", "secret": True, "value": wrong}},
    )
    assert block.status_code == 200
    masked = platform.save(graphs.graph([graphs.node("in", graphs.INPUT, name="key", secret=True)], []))
    node = platform.client.get(f"/api/v1/graphs/{masked}").json()["nodes"][0]["id"]
    platform.wait(platform.execute(masked, nodes_input_masks={node: {"value": secrets["mask"]}}))


def test_the_search_finds_what_is_there(platform: Platform, said: list[str]) -> None:
    """Before it is believed that it finds nothing."""
    decoy, planned = canary("decoy"), canary("plan")
    graph = graphs.graph(
        [
            graphs.node("in", graphs.INPUT, name="text"),
            graphs.node("ask", graphs.REVIEW, name=planned, editable=True),
        ],
        [graphs.link("in", "result", "ask", "data")],
    )
    run = platform.execute(platform.save(graph), {"text": decoy})
    platform.wait(run, until=("REVIEW",))
    platform.client.get(f"/api/v1/{decoy}")
    large = platform.execute(platform.save(graphs.echo()), {"text": decoy + "x" * 100_000})
    platform.wait(large)
    time.sleep(1)
    found = Search(decoy, planned).everywhere(platform)
    places = found[decoy]
    assert {"topic executions.inbox", "topic executions.events", "topic executions.requests"} <= places, (
        places
    )
    assert {"postgres executions", "objects", "rocksdb", "logs"} <= places, places
    assert any("changelog" in place for place in places), places
    assert "topic executions.requests" in found[planned]  # compressed, in a plan
    assert any(decoy in text for text in said)
    platform.client.post(f"/api/v1/executions/{run}/stop", json={})


def test_secrets_are_found_nowhere(
    platform: Platform, ran: dict[str, Any], said: list[str], secrets: dict[str, str]
) -> None:
    for graph in platform.client.get("/api/v1/graphs").json()["items"]:
        for params in ({}, {"for_export": True}):
            platform.client.get(f"/api/v1/graphs/{graph['id']}", params=params)
    for execution in platform.client.get("/api/v1/executions").json()["items"]:
        platform.client.get(f"/api/v1/executions/{execution['id']}")
        platform.client.get(f"/api/v1/executions/{execution['id']}/events")
    search = Search(*secrets.values())
    for text in said:
        search.look("answers", text.encode())
    found = search.everywhere(platform)
    assert {name: found[secret] for name, secret in secrets.items() if found[secret]} == {}
