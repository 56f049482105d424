from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from millstream.api.graphql.settings import GraphqlSettings
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved, started, until
from tests.integration.api.conftest import Running, client_of, serving
from tests.integration.api.gql import asked, counted, refused
from tests.integration.api.people import browser, person

pytestmark = pytest.mark.usefixtures("engine")

SAVE = "mutation ($graph: JSON!, $id: UUID, $if: Int) { saveGraph(graph: $graph, id: $id, ifVersion: $if) { id version } }"
WHOLE = """
query ($id: UUID!) { execution(id: $id) {
  id status kind verdict stats reason inputs outputs { name values } graph { id version name }
  nodeExecutions { pageInfo { hasNextPage } edges { node {
    id nodeId status inputs outputs { name values } block { name }
  } } }
} }
"""


async def test_me_is_who_asks(running: Running) -> None:
    async with person(running) as ada:
        found = await asked(ada.client, "{ me { id email role kind accountId scopes } }")
        assert found["me"] == {
            "id": str(ada.id),
            "email": ada.email,
            "role": "user",
            "kind": "jwt",
            "accountId": str(ada.id),
            "scopes": None,
        }


async def test_a_graph_is_saved_shown_published_and_deleted(client: httpx.AsyncClient) -> None:
    first = (await asked(client, SAVE, graph=graphs.echo()))["saveGraph"]
    second = (await asked(client, SAVE, graph=graphs.echo(), id=first["id"], **{"if": 1}))["saveGraph"]
    assert (first["version"], second) == (1, {"id": first["id"], "version": 2})
    stale = await refused(client, SAVE, graph=graphs.echo(), id=first["id"], **{"if": 1})
    assert (stale["extensions"]["code"], stale["extensions"]["status"]) == ("precondition_failed", 412)
    shown = await asked(
        client,
        """query ($id: UUID!) { graph(id: $id) {
            version isActive draft versions { version isActive } nodes { id block { name } inputDefault }
            links { sourceName sinkName } inputSchema problems { code } body
        } }""",
        id=first["id"],
    )
    graph = shown["graph"]
    assert [each["version"] for each in graph["versions"]] == [2, 1]
    assert {node["block"]["name"] for node in graph["nodes"]} == {
        "Agent Input Block",
        "Agent Output Block",
    } or graph["nodes"]
    assert graph["links"] == [{"sourceName": "result", "sinkName": "value"}]
    assert list(graph["inputSchema"]["properties"]) == ["text"]
    rest = (await client.get(f"/api/v1/graphs/{first['id']}")).json()
    assert graph["body"] == rest
    published = await asked(
        client,
        "mutation ($id: UUID!) { publishGraph(id: $id, version: 1) { version isActive } }",
        id=first["id"],
    )
    assert published["publishGraph"] == {"version": 1, "isActive": True}
    gone = await asked(client, "mutation ($id: UUID!) { deleteGraph(id: $id) }", id=first["id"])
    assert gone == {"deleteGraph": 2}
    error = await refused(client, "query ($id: UUID!) { graph(id: $id) { name } }", id=first["id"])
    assert (error["extensions"]["code"], error["path"]) == ("not_found", ["graph"])


async def test_an_execution_is_started_and_shown_as_the_route_does(client: httpx.AsyncClient) -> None:
    graph = await saved(client, graphs.wide())
    begun = await asked(
        client,
        "mutation ($id: UUID!, $input: ExecuteInput, $key: String) "
        "{ a: executeGraph(id: $id, input: $input, idempotencyKey: $key) { id status } }",
        id=graph["id"],
        input={"inputs": {"items": [1, {"b": None}, "ü"]}},
        key=uuid.uuid4().hex,
    )
    execution_id = begun["a"]["id"]
    rest = await ended(client, execution_id)
    found = (await asked(client, WHOLE, id=execution_id))["execution"]
    assert found["status"] == rest["status"] == "COMPLETED"
    for name in ("id", "kind", "verdict", "stats", "inputs", "reason"):
        assert found[name] == rest[name], name
    assert {each["name"]: each["values"] for each in found["outputs"]} == rest["outputs"]
    assert found["graph"] == {"id": graph["id"], "version": 1, "name": "test"}
    nodes = [edge["node"] for edge in found["nodeExecutions"]["edges"]]
    assert [node["id"] for node in nodes] == [node["id"] for node in rest["node_executions"]]
    for node, other in zip(nodes, rest["node_executions"], strict=True):
        assert node["inputs"] == other["input_data"]
        assert {each["name"]: each["values"] for each in node["outputs"]} == other["output_data"]


async def test_the_same_key_starts_nothing_anew(client: httpx.AsyncClient) -> None:
    graph = await saved(client, graphs.echo())
    start = """mutation ($id: UUID!, $key: String) {
        a: executeGraph(id: $id, input: {inputs: {text: "x"}}, idempotencyKey: $key) { id } }"""
    key = uuid.uuid4().hex
    first = await asked(client, start, id=graph["id"], key=key)
    assert await asked(client, start, id=graph["id"], key=key) == first
    error = await refused(client, start, id=graph["id"], key="with space")
    assert error["extensions"]["code"] == "input_invalid"


async def test_an_execution_is_stopped_and_run_again(client: httpx.AsyncClient) -> None:
    execution_id = await started(client, graphs.waiting(), inputs={"seconds": 600})
    await asked(
        client, 'mutation ($id: UUID!) { stopExecution(id: $id, reason: "enough") { id } }', id=execution_id
    )
    assert (await ended(client, execution_id))["status"] == "TERMINATED"
    done = await started(client, graphs.echo(), inputs={"text": "again"})
    await ended(client, done)
    again = await asked(
        client, "mutation ($id: UUID!) { retryExecution(id: $id) { id parent { id status } } }", id=done
    )
    assert again["retryExecution"]["parent"] == {"id": done, "status": "COMPLETED"}
    assert (await ended(client, again["retryExecution"]["id"]))["outputs"] == {"said": ["again"]}


async def test_a_review_is_answered_once(client: httpx.AsyncClient) -> None:
    execution_id = await started(client, graphs.reviewed(), inputs={"text": "hm"})
    waiting = """query ($id: UUID!) { execution(id: $id) { status nodeExecutions { edges { node { id status } } } } }"""
    node = ""

    async def asks() -> bool:
        nonlocal node
        found = (await asked(client, waiting, id=execution_id))["execution"]
        nodes = [edge["node"] for edge in found["nodeExecutions"]["edges"]]
        node = next((each["id"] for each in nodes if each["status"] == "REVIEW"), "")
        return bool(node)

    await until(asks)
    decide = """mutation ($id: UUID!, $yes: Boolean!, $data: JSON) {
        answerReview(nodeExecutionId: $id, approved: $yes, data: $data) { approved answer } }"""
    found = await asked(client, decide, id=node, yes=True, data="better")
    assert found["answerReview"]["answer"]["status"] == "APPROVED"
    late = await refused(client, decide, id=node, yes=False)
    assert (late["extensions"]["code"], late["extensions"]["status"]) == ("conflict", 409)
    assert (await ended(client, execution_id))["outputs"] == {"approved": ["better"]}


async def test_lists_have_pages_and_filters(running: Running) -> None:
    async with person(running) as ada:
        for name in ("a.txt", "b.txt", "c.txt"):
            await ada.client.post("/api/v1/files", files={"file": (name, b"x")})
        page = """query ($after: String) { files(first: 2, after: $after) { pageInfo { hasNextPage endCursor }
            edges { node { name } } } }"""
        one = (await asked(ada.client, page))["files"]
        two = (await asked(ada.client, page, after=one["pageInfo"]["endCursor"]))["files"]
        names = [edge["node"]["name"] for found in (one, two) for edge in found["edges"]]
        assert names == ["c.txt", "b.txt", "a.txt"]
        assert (one["pageInfo"]["hasNextPage"], two["pageInfo"]["hasNextPage"]) == (True, False)
        done = await started(ada.client, graphs.echo(), inputs={"text": "x"})
        await ended(ada.client, done)
        listed = "query ($filter: ExecutionFilter) { executions(filter: $filter) { edges { node { id } } } }"
        for filter_, count in (
            ({}, 1),
            ({"statuses": ["COMPLETED"]}, 1),
            ({"statuses": ["FAILED"]}, 0),
            ({"kind": "block"}, 0),
            ({"graphId": str(uuid.uuid4())}, 0),
            ({"createdAfter": "2999-01-01T00:00:00Z"}, 0),
            ({"verdict": "ok"}, 1),
        ):
            found = await asked(ada.client, listed, filter=filter_)
            assert len(found["executions"]["edges"]) == count, filter_
        for first in (0, -1, 251):
            error = await refused(ada.client, f"{{ files(first: {first}) {{ edges {{ cursor }} }} }}")
            assert error["extensions"]["code"] == "input_invalid"
        error = await refused(ada.client, '{ files(after: "x") { edges { cursor } } }')
        assert error["extensions"]["code"] == "input_invalid"


async def test_a_list_costs_as_many_statements_as_one(running: Running) -> None:
    """No N+1: what all executions of a page ask for is one statement a kind of question."""
    query = """query ($first: Int!) {
        executions(first: $first) { edges { node {
            id reason inputs outputs { name values } parent { id }
            graph { name versions { version } nodes { id block { name } } problems { code } }
            nodeExecutions { edges { node { id inputs outputs { name values } block { name } } } }
        } } }
        graphs(first: $first) { edges { node { name nodes { id } links { id } versions { version } inputSchema } } }
    }"""
    async with person(running) as ada:
        for number in range(6):
            await ended(ada.client, await started(ada.client, graphs.echo(), inputs={"text": str(number)}))
        counts = []
        for first in (1, 6):
            async with counted(running.edge) as statements:
                found = await asked(ada.client, query, first=first)
            assert len(found["executions"]["edges"]) == len(found["graphs"]["edges"]) == first
            assert all(edge["node"]["outputs"] for edge in found["executions"]["edges"])
            counts.append(len(statements))
        assert counts[0] == counts[1] <= 12, statements


async def test_errors_tell_what_problems_do_and_never_a_trace(running: Running) -> None:
    cases = {
        "{": ("graphql_invalid", 400),
        "{ nothing }": ("graphql_invalid", 400),
        "{ me }": ("graphql_invalid", 400),
        '{ execution(id: "x") { id } }': ("graphql_invalid", 400),
        f'{{ execution(id: "{uuid.uuid4()}") {{ id }} }}': ("not_found", 404),
        "subscription { runs { status } }": ("input_invalid", 400),
        "fragment f on Query { me { id } }": ("input_invalid", 400),
        "{ ...f } fragment f on Query { ...f }": ("input_invalid", 400),
        "{" + " me { id }" * 1000 + "}": ("graphql_invalid", 400),
        "{" * 20_000: ("graphql_invalid", 400),
        "[" * 60_000: ("query_too_costly", 400),
        "mutation { saveGraph(graph: {nodes: 1}) { id } }": ("graph_invalid", 400),
        'mutation { saveGraph(graph: "x") { id } }': ("graph_invalid", 400),
    }
    for query, (code, status) in cases.items():
        error = await refused(running.client, query)
        assert (error["extensions"]["code"], error["extensions"]["status"]) == (code, status), query[:80]
    graph = await saved(running.client, graphs.echo())
    error = await refused(
        running.client,
        'mutation ($id: UUID!) { executeGraph(id: $id, input: {timezone: "Mars"}) { id } }',
        id=graph["id"],
    )
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("request_invalid", 422)
    assert error["extensions"]["problems"][0]["path"] == "timezone"


async def test_a_field_that_fails_leaves_the_others(client: httpx.AsyncClient) -> None:
    query = f'{{ blocks {{ id }} block(id: "{uuid.uuid4()}") {{ id }} }}'
    answer = (await client.post("/graphql", json={"query": query})).json()
    assert answer["errors"][0]["extensions"]["code"] == "block_unknown"


async def test_a_server_that_is_away_is_said_to_be(settings: EdgeSettings, registry: Registry) -> None:
    async with serving(settings, registry) as edge:
        await edge.edge.pool.close()
        error = await refused(edge.client, "{ graphs { edges { cursor } } }")
        assert (error["extensions"]["code"], error["extensions"]["status"]) == ("unavailable", 503)


async def test_who_takes_the_media_type_of_graphql_learns_by_the_status(client: httpx.AsyncClient) -> None:
    accept = {"Accept": "application/graphql-response+json"}
    for query, status in (("{ me { id } }", 200), ("{ nothing }", 400), ("{", 400)):
        answer = await client.post("/graphql", json={"query": query}, headers=accept)
        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith("application/graphql-response+json")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{ me { id } }", "application/graphql", 415),
        (b"query={me{id}}", "application/x-www-form-urlencoded", 415),
        (b'{"query": "{ me { id } }"}', "text/plain", 415),
        (b'[{"query": "{ me { id } }"}]', "application/json", 422),
        (b'{"query": 1}', "application/json", 422),
        (b'{"query": "{ me { id } }", "variables": []}', "application/json", 422),
        (
            b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{}\r\n--x--',
            "multipart/form-data; boundary=x",
            415,
        ),
    ],
)
async def test_only_json_is_taken_and_no_batches_or_uploads(
    client: httpx.AsyncClient, content: bytes, kind: str, status: int
) -> None:
    answer = await client.post("/graphql", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_get_asks_and_never_changes(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/graphql",
        params={
            "query": "query ($n: Int!) { graphs(first: $n) { edges { cursor } } }",
            "variables": '{"n": 1}',
        },
    )
    assert "data" in answer.json(), answer.text
    graph = await saved(client, graphs.echo())
    change = f'mutation {{ deleteGraph(id: "{graph["id"]}") }}'
    for query in (change, "query a { me { id } } " + change.replace("mutation", "mutation b", 1)):
        answer = await client.get(
            "/graphql",
            params={"query": query, "operationName": "b"} if "query a" in query else {"query": query},
        )
        assert answer.json()["errors"][0]["extensions"]["code"] == "input_invalid", answer.text
    assert (await client.get(f"/api/v1/graphs/{graph['id']}")).status_code == 200
    problem(
        await client.get("/graphql", params={"query": "{ me { id } }", "variables": "x"}),
        400,
        "input_invalid",
    )


async def test_pages_of_others_cannot_ask_in_the_name_of_a_browser(running: Running) -> None:
    async with person(running) as ada, browser(running, ada.email) as page:
        ask = {"query": "{ me { id } }"}
        assert (await page.post("/graphql", json=ask)).json()["data"]["me"]["id"] == str(ada.id)
        json = {"Content-Type": "application/json"}
        assert "data" in (await page.get("/graphql", params=ask, headers=json)).json()
        problem(await page.get("/graphql", params=ask), 403, "forbidden")
        problem(
            await page.get("/graphql", params=ask, headers={"Content-Type": "text/plain"}), 403, "forbidden"
        )
        foreign = {"Origin": "https://evil.example"}
        problem(await page.get("/graphql", params=ask, headers=json | foreign), 403, "forbidden")
        problem(await page.post("/graphql", json=ask, headers=foreign), 403, "forbidden")
        del page.headers["X-CSRF-Token"]
        problem(await page.post("/graphql", json=ask), 403, "forbidden")


async def test_the_schema_is_told_unless_production_is_on(
    running: Running, settings: EdgeSettings, registry: Registry
) -> None:
    assert (await asked(running.client, get_introspection_query()))["__schema"]["queryType"][
        "name"
    ] == "Query"
    closed = replace(settings, graphql=GraphqlSettings(introspection=False))
    async with serving(closed, registry) as edge:
        for query in (get_introspection_query(), '{ __type(name: "Me") { name } }'):
            error = await refused(edge.client, query)
            assert error["extensions"]["code"] == "forbidden"
        error = await refused(edge.client, "{ grahps { edges { cursor } } }")
        assert "Did you mean" not in error["message"]


async def test_aliases_of_a_change_count_as_many_changes(settings: EdgeSettings, registry: Registry) -> None:
    rates: Any = replace(settings.rates, starts=3)
    async with serving(replace(settings, rates=rates), registry) as edge, person(edge) as ada:
        missing = uuid.uuid4()
        query = " ".join(f'a{n}: stopExecution(id: "{missing}") {{ id }}' for n in range(5))
        error = await refused(ada.client, f"mutation {{ {query} }}")
        assert (error["extensions"]["code"], error["extensions"]["status"]) == ("rate_limited", 429)


async def test_nobody_asks_without_a_login(running: Running) -> None:
    async with client_of(running.url, None) as stranger:
        problem(await stranger.post("/graphql", json={"query": "{ __typename }"}), 401, "unauthenticated")
        problem(await stranger.get("/graphql", params={"query": "{ __typename }"}), 401, "unauthenticated")
