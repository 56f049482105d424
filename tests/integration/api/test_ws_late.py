"""Who begins to follow a long execution late: from the read model and the tail of the log, not from its first event."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import orjson

from millstream.api.events import Projection
from millstream.api.settings import EdgeSettings
from millstream.api.watch.history import partition_of
from millstream.api.watch.snapshot import snapshot_of
from millstream.processors.registry import Registry
from millstream.schemas.messages import Events
from tests.integration.api import graphs
from tests.integration.api.calls import ended, started, until
from tests.integration.api.conftest import Running, serving, with_limits
from tests.integration.api.engine import Engine
from tests.integration.api.socket import client_to
from tests.integration.api.test_ws import known, long_execution, numbers

FRAME_BYTES = 1 << 20


async def sunk(edge: Running, id_: uuid.UUID, sequence: int) -> None:
    """Wait until the read model has an event."""

    async def is_there() -> bool:
        async with edge.edge.pool.connection() as conn:
            cur = await conn.execute("SELECT sequence FROM executions WHERE id = %s", [id_])
            row = await cur.fetchone()
        return row is not None and row[0] >= sequence

    await until(is_there)


def shown(projection: Projection) -> dict[str, Any]:
    """What a projection tells."""
    nodes = [orjson.loads(projection.node_json(node, 10**13)) for node in projection.nodes.values()]
    whole = orjson.loads(projection.graph_json(10**13, whole=True))
    return {"sequence": projection.sequence, "whole": whole, "nodes": nodes}


def agree(tables: Projection, log: Projection) -> None:
    """Both tell the same, but for the one thing that the tables lack: when a node began that has only told outputs yet."""
    found, wanted = shown(tables), shown(log)
    lacking = {node["node_exec_id"] for node in found["nodes"] if node["start_time"] is None}
    for told in (found, wanted):
        dropped = [node for node in told["nodes"] if node["node_exec_id"] in lacking]
        for node in dropped:
            del node["start_time"]
        for each in (told["whole"], *dropped) if lacking else ():
            if (each.get("reason") or {}).get("kind") == "running":
                del each["reason"]["since"]
    assert found == wanted


def of_log(records: list[Events]) -> Projection:
    projection = Projection.of(records[0], frame_bytes=FRAME_BYTES)
    for record in records:
        projection.apply(record, quiet=True)
    return projection


async def test_the_read_model_and_the_log_tell_the_same_half_way(
    running: Running, settings: EdgeSettings, engine: Engine
) -> None:
    id_, records = long_execution(60)
    known(settings, id_)
    for record in records[:40]:
        await engine.emit(record)
    await sunk(running, id_, 39)
    found = await snapshot_of(running.edge.pool, id_, frame_bytes=FRAME_BYTES)
    assert found is not None
    agree(found[0], of_log(records[:40]))


async def test_they_tell_the_same_of_runs_of_real_blocks(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    hub = running.edge.hub
    for graph, inputs in ((graphs.wide(), {"items": list(range(20))}), (graphs.reviewed(), {"text": "a"})):
        id_ = uuid.UUID(await started(client, graph, inputs=inputs))
        if graph["name"] and inputs.get("items"):
            await ended(client, str(id_))
        else:

            async def waits(execution_id: uuid.UUID = id_) -> bool:
                answer = await client.get(f"/api/v1/executions/{execution_id}")
                return bool(answer.json()["status"] == "REVIEW")

            await until(waits)
        found = await snapshot_of(running.edge.pool, id_, frame_bytes=FRAME_BYTES)
        assert found is not None
        partition = partition_of(id_.bytes)
        past = hub.history.read(partition, None, found[1], id_.bytes)
        records = [events async for batch in past for _, events in batch]
        agree(found[0], of_log(records))


async def test_a_late_joiner_is_told_what_comes_as_if_he_had_been_there(
    running: Running, settings: EdgeSettings, registry: Registry, engine: Engine
) -> None:
    id_, records = long_execution(200)
    known(settings, id_)
    for record in records[:150]:
        await engine.emit(record)
    await sunk(running, id_, 149)
    async with (
        serving(with_limits(settings, kept_events=20), registry) as edge,
        client_to(edge.ws) as late,
        client_to(edge.ws) as whole,
    ):
        await late.subscribe(str(id_))
        await whole.subscribe(str(id_), since=-1)
        for record in records[150:]:
            await engine.emit(record)
        frames = await late.events_to_end()
        assert numbers(await whole.events_to_end()) == list(range(len(records)))
    assert numbers(frames) == list(range(150, len(records)))
    [output] = [frame["data"]["output_data"]["p"] for frame in frames if frame.get("sequence") == 150]
    assert output == [str(i) for i in range(148)]
    last = frames[-1]["data"]
    assert (last["status"], last["stats"]["node_exec_count"]) == ("COMPLETED", 1)
