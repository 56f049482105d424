"""The generated client against a running edge: start, wait, outputs."""

from __future__ import annotations

import uuid

import httpx
from millstream_client import AuthenticatedClient
from millstream_client.api.executions import execute_graph, get_execution, get_outputs
from millstream_client.api.graphs import create_graph, list_graphs
from millstream_client.models import (
    ExecuteIn,
    ExecutionHead,
    ExecutionOut,
    Graph,
    GraphOut,
    GraphPage,
    OutputsOut,
    Problem,
)

from tests.integration.api import graphs
from tests.integration.api.conftest import TOKEN, Running
from tests.integration.api.engine import Engine


async def test_start_wait_outputs(running: Running, engine: Engine) -> None:
    client = AuthenticatedClient(
        base_url=running.url, token=TOKEN, timeout=httpx.Timeout(30), httpx_args={"trust_env": False}
    )
    async with client:
        graph = await create_graph.asyncio(client=client, body=Graph.from_dict(graphs.echo()))
        assert isinstance(graph, GraphOut)
        listed = await list_graphs.asyncio(client=client, limit=1)
        assert isinstance(listed, GraphPage)
        assert str(listed.items[0].id) == graph.id
        body = ExecuteIn.from_dict({"inputs": {"text": "hello"}})
        started = await execute_graph.asyncio(uuid.UUID(graph.id), client=client, body=body)
        assert isinstance(started, ExecutionHead)
        ended = await get_execution.asyncio(started.id, client=client, wait_s=20)
        assert isinstance(ended, ExecutionOut)
        assert ended.status == "COMPLETED"
        outputs = await get_outputs.asyncio(started.id, client=client)
        assert isinstance(outputs, OutputsOut)
        assert outputs.outputs.to_dict() == {"said": ["hello"]}
        missing = await get_execution.asyncio(uuid.uuid4(), client=client)
        assert isinstance(missing, Problem)
        assert missing.code == "not_found"
