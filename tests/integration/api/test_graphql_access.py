"""Every field at the top of the schema: without a token, as somebody else, with a low role, with a narrow key."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from millstream.api.auth.guards import Guard
from millstream.api.auth.principal import READING, Scope
from millstream.api.graphql.fields import facts_of
from millstream.api.graphql.schema import make, root_fields
from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved, started, until
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.gql import asked, refused, socket_to
from tests.integration.api.people import Person, key_of, person

pytestmark = pytest.mark.usefixtures("engine")

FIELDS = root_fields(make().core)
ASKED = {
    "Query.me": "{ me { id } }",
    "Query.graphs": "{ graphs { edges { node { id } } } }",
    "Query.graph": '{ graph(id: "GRAPH") { id } }',
    "Query.executions": "{ executions { edges { node { id } } } }",
    "Query.execution": '{ execution(id: "EXECUTION") { id inputs nodeExecutions { edges { node { inputs } } } } }',
    "Query.blocks": "{ blocks { id } }",
    "Query.block": f'{{ block(id: "{graphs.INPUT}") {{ id }} }}',
    "Query.files": "{ files { edges { node { id } } } }",
    "Mutation.saveGraph": 'mutation ($graph: JSON!) { saveGraph(graph: $graph, id: "GRAPH") { id } }',
    "Mutation.publishGraph": 'mutation { publishGraph(id: "GRAPH", version: 1) { id } }',
    "Mutation.deleteGraph": 'mutation { deleteGraph(id: "GRAPH") }',
    "Mutation.executeGraph": 'mutation { executeGraph(id: "GRAPH", input: {inputs: {text: "x"}}) { id } }',
    "Mutation.stopExecution": 'mutation { stopExecution(id: "EXECUTION") { id } }',
    "Mutation.retryExecution": 'mutation { retryExecution(id: "EXECUTION") { id } }',
    "Mutation.answerReview": 'mutation { answerReview(nodeExecutionId: "NODE", approved: true) { id } }',
    "Subscription.executionEvents": 'subscription { executionEvents(id: "EXECUTION", since: -1) { data } }',
    "Subscription.runs": "subscription { runs { status } }",
}
"""How each field is asked for. One that is new fails the test below until it is here."""
NAMED = sorted(
    name for name, query in ASKED.items() if any(mark in query for mark in ('GRAPH"', 'EXECUTION"', 'NODE"'))
)
SHARED = {"Query.blocks", "Query.block"}
"""Blocks are everybody's."""
OVER_HTTP = sorted(name for name in ASKED if not name.startswith("Subscription."))
OVER_SOCKET = sorted(set(ASKED) - set(OVER_HTTP))


def guard_of(name: str) -> Guard:
    guard = facts_of(FIELDS[name]).guard
    assert guard is not None
    return guard


def filled(query: str, ids: dict[str, str]) -> str:
    for mark, id_ in ids.items():
        query = query.replace(f'"{mark}"', f'"{id_}"')
    return query


async def things_of(ada: Person) -> dict[str, str]:
    """A graph, an execution that waits for a review, and its node."""
    graph = await saved(ada.client, graphs.reviewed())
    execution_id = await started(ada.client, graphs.reviewed(), inputs={"text": "mine"})
    node = ""

    async def waits() -> bool:
        nonlocal node
        found = (await ada.client.get(f"/api/v1/executions/{execution_id}")).json()
        node = next((n["id"] for n in found["node_executions"] if n["status"] == "REVIEW"), "")
        return bool(node)

    await until(waits)
    return {"GRAPH": graph["id"], "EXECUTION": execution_id, "NODE": node}


def test_every_field_is_asked_for_here() -> None:
    assert set(ASKED) == set(FIELDS)


async def test_nothing_is_answered_without_a_token(running: Running) -> None:
    ids = dict.fromkeys(("GRAPH", "EXECUTION", "NODE"), str(uuid.uuid4()))
    async with client_of(running.url, None) as stranger:
        for name in OVER_HTTP:
            query = filled(ASKED[name], ids)
            problem(await stranger.post("/graphql", json={"query": query}), 401, "unauthenticated")
            problem(await stranger.get("/graphql", params={"query": query}), 401, "unauthenticated")
    for name in OVER_SOCKET:
        async with socket_to(running) as socket:
            await socket.subscribe("1", filled(ASKED[name], ids))
            assert await socket.closed() == 4401


async def test_what_is_of_others_is_not_there(running: Running) -> None:
    """A23, A25: every field that takes an id, asked with a real id of somebody else; and lists are one's own."""
    variables: dict[str, Any] = {"graph": graphs.echo()}
    async with person(running) as ada, person(running) as eve:
        ids = await things_of(ada)
        for name in OVER_HTTP:
            query = filled(ASKED[name], ids)
            if name in NAMED and name not in SHARED:
                error = await refused(eve.client, query, **variables)
                assert (error["extensions"]["code"], error["extensions"]["status"]) == ("not_found", 404), (
                    name
                )
            elif name not in SHARED:
                found = str(await asked(eve.client, query))
                assert not any(id_ in found for id_ in [*ids.values(), str(ada.id)]), name
        async with socket_to(running) as socket:
            await socket.init({"token": eve.tokens["access_token"]})
            await socket.subscribe("1", filled(ASKED["Subscription.executionEvents"], ids))
            message = await socket.read()
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "not_found"
            await socket.subscribe("2", ASKED["Subscription.runs"])
            await started(ada.client, graphs.echo(), inputs={"text": "mine"})
            mine = await started(eve.client, graphs.echo(), inputs={"text": "hers"})
            await socket.subscribe("3", filled(ASKED["Subscription.executionEvents"], {"EXECUTION": mine}))
            seen = set()
            while (message := await socket.read())["type"] != "complete":
                seen.add(str(message))
            assert not any(str(ada.id) in text or "mine" in text for text in seen)
        rest = (await ada.client.get(f"/api/v1/executions/{ids['EXECUTION']}")).json()
        assert rest["status"] not in ("TERMINATED", "COMPLETED")  # nobody has stopped or answered it
        assert (await ada.client.get(f"/api/v1/graphs/{ids['GRAPH']}")).json()["version"] == 1


async def test_a_key_reaches_what_its_scopes_allow_and_nothing_else(running: Running) -> None:
    """A54: scope x field."""
    ids = dict.fromkeys(("GRAPH", "EXECUTION", "NODE"), str(uuid.uuid4()))
    async with person(running) as ada:
        for scope in sorted({guard_of(name).scope or Scope.IDENTITY for name in FIELDS}):
            secret = (await key_of(ada.client, scope))["key"]
            async with client_of(running.url, secret) as client:
                for name in OVER_HTTP:
                    answer = await client.post(
                        "/graphql",
                        json={"query": filled(ASKED[name], ids), "variables": {"graph": graphs.echo()}},
                    )
                    errors = answer.json().get("errors", [])
                    forbidden = any(error["extensions"]["code"] == "forbidden" for error in errors)
                    assert forbidden is (guard_of(name).scope not in (None, scope)), (name, scope)
            async with socket_to(running) as socket:
                await socket.init({"Authorization": f"Bearer {secret}"})
                for name in OVER_SOCKET:
                    await socket.subscribe(name, filled(ASKED[name], ids))
                    if guard_of(name).scope not in (None, scope):
                        message = await socket.read()
                        assert (message["type"], message["id"]) == ("error", name)
                        assert message["payload"][0]["extensions"]["code"] == "forbidden"


async def test_a_scope_does_not_reach_through_nested_fields(running: Running) -> None:
    nested = "{ executions { edges { node { nodeExecutions { edges { node { block { name } } } } } } } }"
    async with person(running) as ada:
        secret = (await key_of(ada.client, Scope.READ_GRAPH))["key"]
        async with client_of(running.url, secret) as client:
            assert (await refused(client, nested))["extensions"]["code"] == "forbidden"
            hidden = "query { executions { edges { cursor } } ...f @skip(if: true) } fragment f on Query { blocks { id } }"
            assert (await refused(client, hidden))["extensions"]["code"] == "forbidden"


async def test_a_viewer_of_an_organisation_reads_and_changes_nothing(running: Running) -> None:
    ids = dict.fromkeys(("GRAPH", "EXECUTION", "NODE"), str(uuid.uuid4()))
    async with person(running) as ada, person(running) as eve:
        org = (await ada.client.post("/api/v1/organisations", json={"name": "Ours"})).json()
        async with running.edge.pool.connection() as conn:
            await conn.execute(
                "INSERT INTO org_members (org_id, user_id, role) VALUES (%s, %s, 'viewer')",
                [org["id"], eve.id],
            )
        eve.client.headers["X-Millstream-Org"] = org["id"]
        for name in OVER_HTTP:
            answer = await eve.client.post(
                "/graphql", json={"query": filled(ASKED[name], ids), "variables": {"graph": graphs.echo()}}
            )
            codes = {error["extensions"]["code"] for error in answer.json().get("errors", [])}
            scope = guard_of(name).scope
            assert ("forbidden" in codes) is (scope is not None and scope not in READING), (name, codes)
