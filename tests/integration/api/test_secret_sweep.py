"""Secret values go when nothing refers to them any more, and not before."""

from __future__ import annotations

import uuid
from uuid import UUID

import httpx
import psycopg
import pytest

from millstream.api.credentials import sweeping
from millstream.api.credentials.repository import SecretValues
from millstream.api.database import statements
from millstream.api.settings import EdgeSettings
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person

CANARY = "canary-" + uuid.uuid4().hex
WITHOUT = {
    "audit_outbox",
    "execution_outputs",
    "executions",
    "node_executions",
    "node_inputs",
    "node_outputs",
    "vector_documents",
}
"""Tables with JSON whose references are those of runs (`execution_secrets` says which), or that has none."""


def secretive(**defaults: object) -> dict[str, object]:
    return graphs.graph([graphs.node("in", graphs.INPUT, name="key", secret=True, **defaults)], [])


async def there(running: Running, owner_id: UUID) -> set[UUID]:
    async with statements(running.edge.pool) as conn:
        found = await conn.execute("SELECT id FROM secret_values WHERE account_id = %s", [owner_id])
        return {row[0] for row in await found.fetchall()}


def ref_of(graph: dict[str, object]) -> UUID:
    nodes = graph["nodes"]
    assert isinstance(nodes, list)
    return UUID(nodes[0]["input_default"]["value"]["$secret"])


async def swept(running: Running) -> int:
    return await sweeping.sweep(running.edge.pool, age_s=-1)


async def test_what_nothing_refers_to_is_removed(running: Running) -> None:
    async with person(running) as ada:
        kept, gone = [await saved(ada.client, secretive(value=CANARY)) for _ in range(2)]
        body = {"graph_id": kept["id"], "name": "p", "inputs": {"key": CANARY}}
        preset = (await ada.client.post("/api/v1/presets", json=body)).json()
        preset_ref = UUID(preset["inputs"]["key"]["$secret"])
        await swept(running)
        assert await there(running, ada.id) == {ref_of(kept), ref_of(gone), preset_ref}
        await ada.client.delete(f"/api/v1/graphs/{gone['id']}")
        assert (await ada.client.delete(f"/api/v1/presets/{preset['id']}")).status_code == 204
        assert await swept(running) >= 2
        assert await there(running, ada.id) == {ref_of(kept)}


async def test_young_ones_stay(running: Running) -> None:
    async with person(running) as ada:
        graph = await saved(ada.client, secretive(value=CANARY))
        await ada.client.delete(f"/api/v1/graphs/{graph['id']}")
        await sweeping.sweep(running.edge.pool)
        assert await there(running, ada.id) == {ref_of(graph)}


async def test_a_run_keeps_what_it_was_given_until_it_is_deleted(running: Running, engine: Engine) -> None:
    async with person(running) as ada:
        graph = await saved(ada.client, secretive())
        answer = await ada.client.post(
            f"/api/v1/graphs/{graph['id']}/execute", json={"inputs": {"key": CANARY}}
        )
        run = answer.json()["id"]
        await swept(running)
        [held] = await there(running, ada.id)
        await ended(ada.client, run)
        await swept(running)
        assert await there(running, ada.id) == {held}
        again = await ada.client.post(f"/api/v1/executions/{run}/retry", json={})
        assert again.is_success, again.text
        await ended(ada.client, again.json()["id"])
        for id_ in (run, again.json()["id"]):
            assert (await ada.client.delete(f"/api/v1/executions/{id_}")).status_code == 204
        await swept(running)
        assert await there(running, ada.id) == set()


async def test_whoever_saves_a_reference_keeps_the_sweep_off(running: Running) -> None:
    async with person(running) as ada:
        graph = await saved(ada.client, secretive(value=CANARY))
        ref = ref_of(graph)
        await ada.client.delete(f"/api/v1/graphs/{graph['id']}")
        async with running.edge.pool.connection() as conn:
            assert await SecretValues(conn).hold([ref], owner_id=ada.id) == {ref}
            await swept(running)  # does not wait
        assert await there(running, ada.id) == {ref}
        await swept(running)
        answer = await ada.client.post("/api/v1/graphs", json=secretive(value={"$secret": str(ref)}))
        assert problem(answer, 400, "graph_invalid")["problems"][0]["code"] == "secret_unknown"


@pytest.mark.parametrize("path", ["/api/graphs", "/external-api/v1/graphs"])
async def test_autogpts_routes_seal_secrets_too(
    running: Running, client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.post(path, json={"graph": secretive(value=CANARY)})
    assert answer.is_success, answer.text
    assert CANARY not in answer.text
    made = answer.json()
    if path == "/api/graphs":
        changed = {**made, "nodes": [{**made["nodes"][0], "input_default": {"name": "key", "secret": True}}]}
        changed["nodes"][0]["input_default"]["value"] = CANARY + "2"
        put = await client.put(f"{path}/{made['id']}", json=changed)
        assert put.status_code == 200, put.text
        assert CANARY not in put.text
    async with statements(running.edge.pool) as conn:
        found = await conn.execute("SELECT body::text FROM graphs WHERE id = %s", [made["id"]])
        assert CANARY not in str(await found.fetchall())
    foreign = await client.post(path, json={"graph": secretive(value={"$secret": str(uuid.uuid4())})})
    assert foreign.status_code == 400


def test_every_column_of_json_is_known_to_the_sweep(settings: EdgeSettings, running: Running) -> None:
    """A new table that keeps inputs or graphs must be in `sweeping.PLACES`, else what it refers to is removed."""
    with psycopg.connect(settings.dsn.get_secret_value()) as conn:
        found = conn.execute(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') "
            "AND NOT c.relispartition AND a.atttypid IN ('json'::regtype, 'jsonb'::regtype) AND NOT a.attisdropped"
        ).fetchall()
    swept_ = {(place.table, column) for place in sweeping.PLACES for column in place.columns}
    assert swept_ <= set(found)
    assert {pair for pair in found if pair[0] not in WITHOUT} == swept_
