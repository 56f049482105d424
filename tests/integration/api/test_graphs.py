from __future__ import annotations

import httpx

from millstream.api.graphs.models import GraphOut
from tests.integration.api import graphs


async def saved(client: httpx.AsyncClient, graph: dict[str, object]) -> dict[str, object]:
    answer = await client.post("/api/v1/graphs", json=graph)
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_a_saved_graph_comes_back_with_new_ids_and_schemas(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/graphs", json={"graph": graphs.echo(), "source": "builder"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    GraphOut.model_validate(made)
    assert set(made) == set(GraphOut.model_fields)
    assert "in" not in {node["id"] for node in made["nodes"]}
    assert made["input_schema"]["required"] == ["text"]
    assert list(made["output_schema"]["properties"]) == ["said"]
    assert made["draft"] is False
    again = await client.get(answer.headers["Location"])
    assert again.json() == made
    assert again.headers["ETag"] == '"1"'
