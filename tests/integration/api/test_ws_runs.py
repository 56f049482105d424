"""Sockets that follow whatever a user runs."""

from __future__ import annotations

import uuid

import httpx

from tests.integration.api import graphs
from tests.integration.api.calls import ended, started
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.socket import client_to
from tests.integration.api.test_ws import USER, long_execution


async def test_an_owner_hears_of_whatever_he_runs_until_he_ends_that(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    channel = f"{USER}|executions"
    async with client_to(running.ws) as socket:
        await socket.ask("subscribe_executions")
        assert (await socket.read())["channel"] == channel
        ids = [await started(client, graphs.echo(), inputs={"text": "a"}) for _ in range(2)]
        _, records = long_execution(1, user_id=str(uuid.uuid4()))
        for record in records:
            await engine.emit(record)
        done: set[str] = set()
        while done != set(ids):
            frame = await socket.read()
            assert (frame["method"], frame["channel"]) == ("graph_execution_event", channel)
            assert frame["data"]["user_id"] == USER
            if frame["data"]["status"] == "COMPLETED":
                done |= {frame["data"]["id"]} & set(ids)
        await socket.ask("unsubscribe", {"channel": channel})
        assert (await socket.read())["success"] is True
        await ended(client, await started(client, graphs.echo(), inputs={"text": "b"}))
        await socket.ask("heartbeat", "ping")
        assert (await socket.read())["data"] == "pong"
