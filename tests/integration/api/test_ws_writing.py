"""Progress and texts, live: from a worker's reporter over `nodes.progress` to the socket that asked, and to no other."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from aiokafka import AIOKafkaProducer

from millstream.connectors.progress import ProgressOf
from millstream.processors.discretion import Discreet
from millstream.processors.masking import Mask
from millstream.schemas.messages import Run
from tests.integration.api import graphs
from tests.integration.api.calls import started
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.socket import Client, client_to


def task_of(execution_id: str, user_id: str) -> Run:
    return Run(
        execution_id=uuid.UUID(execution_id).bytes,
        node_execution_id=uuid.uuid4().bytes,
        node=0,
        k=0,
        user_id=user_id,
        graph_id="g",
        graph_version=1,
        node_id="n",
        block_id="b",
        input=b"{}",
    )


async def progress_of(socket: Client, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        frame = await socket.read()
        if frame["method"] == "node_progress":
            found.append(frame)
    return found


async def test_a_text_arrives_while_it_is_written(
    running: Running, engine: Engine, client: Any, kafka: str
) -> None:
    owner = (await client.get("/api/v1/me")).json()["id"]
    async with engine.held(), AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        id_ = await started(client, graphs.echo(), inputs={"text": "a"})
        reporters = ProgressOf(producer)
        async with client_to(running.ws) as asks, client_to(running.ws) as asks_not:
            await asks.ask("subscribe_graph_execution", {"graph_exec_id": id_, "progress": True})
            answer = await asks.read()
            assert answer["success"] is True
            await asks_not.subscribe(id_)
            mask = Mask()
            mask.add_texts(["sk-very-secret"])
            foreign = reporters.of(task_of(id_, str(uuid.uuid4())))
            foreign.text("of somebody else")
            foreign.close()
            task = task_of(id_, owner)
            mine = Discreet(reporters.of(task), mask)
            mine(0.5, "half way")
            mine.text("the key sk-very")
            await asyncio.sleep(0.2)  # so long that the first piece is a record of its own
            mine.text("-secret is out")
            mine.close()
            first, *texts = await progress_of(asks, 3)
            assert first["data"] == {
                "graph_exec_id": id_,
                "node_exec_id": str(uuid.UUID(bytes=task.node_execution_id)),
                "progress": 0.5,
                "note": "half way",
            }
            assert first["channel"] == answer["channel"]
            assert "".join(frame["data"]["text"] for frame in texts) == "the key ••• is out"
            await asks_not.ask("heartbeat")
            while (frame := await asks_not.read())["method"] != "heartbeat":
                assert frame["method"] != "node_progress"
            await asks.ask("unsubscribe", {"graph_exec_id": id_})
            while (await asks.read())["method"] != "unsubscribe":
                pass
            assert running.edge.hub.writing._readers == {}
