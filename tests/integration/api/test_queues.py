"""What waits for its turn: its place, and the end of the queue."""

from __future__ import annotations

import pytest

from millstream.api.executions.queues import Queues
from millstream.schemas.errors import QueueFullError
from tests.integration.api import graphs
from tests.integration.api.calls import problem, started
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person


async def test_what_waits_has_a_place_and_a_full_queue_takes_no_more(
    engine: Engine, running: Running
) -> None:
    async with person(running) as ada:  # whose queue nobody else is in
        client = ada.client
        engine.admits = False
        try:
            ids = [await started(client, graphs.echo(), inputs={"text": "a"}) for _ in range(3)]
            found = [(await client.get(f"/api/v1/executions/{id_}")).json() for id_ in ids]
            assert [each["status"] for each in found] == ["QUEUED"] * 3
            reasons = [each["reason"] for each in found]
            assert reasons == [{"kind": "admission", "place": place} for place in (1, 2, 3)]
            queues = Queues(running.edge.pool, limit=4)
            await queues.join(ada.id)
            with pytest.raises(QueueFullError):
                await queues.join(ada.id)
            before, running.edge.queues = running.edge.queues, queues
            made = found[0]["graph_id"]
            answer = await client.post(f"/api/v1/graphs/{made}/execute", json={"inputs": {"text": "a"}})
            running.edge.queues = before
            problem(answer, 429, "queue_full")
            assert int(answer.headers["Retry-After"]) > 0
        finally:
            engine.admits = True
