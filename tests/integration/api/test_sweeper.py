"""An edge that died between the commit of a row and the record on Kafka."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx
import psycopg

from millstream.api.auth.principal import LOCAL_USER_ID
from millstream.api.executions import service
from millstream.api.executions.models import ExecuteIn
from millstream.api.executions.repository import Executions, NewExecution
from millstream.api.settings import EdgeSettings
from millstream.api.state import Edge
from millstream.processors.registry import Registry
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Start, Stop
from tests.integration.api import graphs
from tests.integration.api.calls import ended, saved, until
from tests.integration.api.conftest import Running, serving
from tests.integration.api.engine import Engine


async def noted(edge: Edge, client: httpx.AsyncClient) -> UUID:
    """Do what a start does, up to the commit and no further."""
    made = await saved(client, graphs.echo())
    body = ExecuteIn.model_validate({"inputs": {"text": "swept"}})
    wanted = await service.prepare(edge, UUID(made["id"]), body, owner_id=LOCAL_USER_ID)
    id_ = new_id()
    record, _ = await service._record(edge, id_, wanted, LOCAL_USER_ID, wanted.plan.data)
    row = NewExecution(
        id=id_,
        user_id=LOCAL_USER_ID,
        graph_id=wanted.graph_id,
        graph_version=1,
        kind="graph",
        request="{}",
        start_record=record,
        idempotency_key=None,
        is_dry_run=False,
    )
    async with edge.pool.connection() as conn:
        await Executions(conn).add(row)
    return id_


async def test_what_was_noted_is_sent_and_only_once_though_several_edges_sweep(
    running: Running, client: httpx.AsyncClient, engine: Engine, settings: EdgeSettings, registry: Registry
) -> None:
    async with serving(settings, registry):
        ids = [await noted(running.edge, client) for _ in range(5)]
        for id_ in ids:
            assert (await ended(client, str(id_)))["outputs"] == {"said": ["swept"]}
        await asyncio.sleep(settings.limits.sweep_after_s * 2)
    for id_ in ids:
        assert len([m for key, m in engine.seen if key == id_.bytes and isinstance(m, Start)]) == 1


async def test_stopping_what_kafka_does_not_have_yet_sends_it_first(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    async with engine.held():
        id_ = await noted(running.edge, client)
        assert (await client.post(f"/api/v1/executions/{id_}/stop")).status_code == 202
        assert (await ended(client, str(id_)))["status"] == "TERMINATED"
    kinds = [type(m) for key, m in engine.seen if key == id_.bytes]
    assert set(kinds[:2]) == {Start, Stop}  # one by way of admission


async def test_an_accepted_execution_is_marked_and_its_record_dropped(
    running: Running, client: httpx.AsyncClient, settings: EdgeSettings
) -> None:
    made = await saved(client, graphs.echo())
    url = f"/api/v1/graphs/{made['id']}/execute"
    id_ = (await client.post(url, json={"inputs": {"text": "a"}})).json()["id"]

    async def is_marked() -> bool:
        with psycopg.connect(settings.dsn.get_secret_value()) as conn:
            row = conn.execute(
                "SELECT accepted_at, start_record FROM executions WHERE id = %s", [id_]
            ).fetchone()
        return row is not None and row[0] is not None and row[1] is None

    await until(is_marked, 2)
