"""What models have cost, as its owner sees it."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg

from tests.integration.api.calls import problem
from tests.integration.api.conftest import Running
from tests.integration.api.people import person

URL = "/api/v1/usage"
INSERT = """
INSERT INTO model_calls (id, user_id, execution_id, node_execution_id, graph_id, provider, model, ability, input_tokens,
    output_tokens, cached_tokens, cost_microusd, priced, elapsed_ms, at, repeats, last_offset)
VALUES (gen_random_uuid(), %(user)s, %(execution)s, gen_random_uuid(), 'g', %(provider)s, %(model)s, 'chat', 10, 5, 2,
    %(cost)s, %(priced)s, 100, %(at)s, %(repeats)s, 0)"""


async def insert(running: Running, user: uuid.UUID, **fields: Any) -> None:
    given: dict[str, Any] = {
        "user": user,
        "execution": uuid.uuid4(),
        "provider": "openai",
        "model": "gpt-4o",
        "cost": 75,
        "priced": True,
        "at": "2026-05-01T12:00:00Z",
        "repeats": 0,
    }
    dsn = running.edge.settings.dsn.get_secret_value()
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        await conn.execute(INSERT, given | fields)


async def test_calls_are_added_up_for_their_owner_alone(running: Running) -> None:
    async with person(running) as ada, person(running) as eve:
        one = uuid.uuid4()
        await insert(running, ada.id, execution=one)
        await insert(running, ada.id, at="2026-05-02T12:00:00Z", repeats=1)
        await insert(running, ada.id, provider="ollama", model="llama", cost=0, priced=False)
        await insert(running, ada.id, at="2026-06-02T12:00:00Z")
        await insert(running, eve.id, model="hers")
        asked = {"since": "2026-05-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"}
        found = (await ada.client.get(URL, params=asked)).json()
        assert found["total"] == {
            "key": "total",
            "calls": 3,
            "repeats": 1,
            "input_tokens": 30,
            "output_tokens": 15,
            "cached_tokens": 6,
            "cost_microusd": 150,
            "unpriced": 1,
            "elapsed_ms": 300,
        }
        assert [(item["key"], item["calls"]) for item in found["items"]] == [
            ("openai:gpt-4o", 2),
            ("ollama:llama", 1),
        ]
        days = (await ada.client.get(URL, params={**asked, "by": "day"})).json()["items"]
        assert [item["key"] for item in days] == ["2026-05-02", "2026-05-01"]
        alone = (await ada.client.get(URL, params={**asked, "execution_id": str(one)})).json()
        assert alone["total"]["calls"] == 1
        assert "hers" not in (await ada.client.get(URL, params=asked)).text
        problem(await ada.client.get(URL, params={"by": "secret"}), 422, "request_invalid")
        problem(await ada.client.get(URL, params={"since": "2026-05-01"}), 422, "request_invalid")
