"""Server-sent events: the same stream as the WebSocket's."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx

from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, started
from tests.integration.api.conftest import Running
from tests.integration.api.engine import Engine
from tests.integration.api.people import person
from tests.integration.api.socket import client_to

SSE = {"Accept": "text/event-stream"}


async def told(client: httpx.AsyncClient, id_: str, **headers: str) -> list[tuple[str, str | None, Any]]:
    """Read a stream to its end: type, id, data of each event."""
    found = []
    async with client.stream("GET", f"/api/v1/executions/{id_}/events", headers=SSE | headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                found.append((event["event"], event.get("id"), json.loads(event["data"])))
                event = {}
    return found


async def test_a_stream_tells_what_the_socket_tells(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    async with engine.held():
        id_ = await started(client, graphs.echo(), inputs={"text": "hello"})
        live = told(client, id_)
        first = [await anext(aiter_of(running, client, id_))]
    events = await live
    assert first
    assert events[-1][0] == "end"
    async with client_to(running.ws) as socket:
        await socket.ask("subscribe_graph_execution", {"graph_exec_id": id_, "since": -1})
        frames: list[dict[str, Any]] = []
        while (
            not frames or frames[-1]["data"]["status"] != "COMPLETED" or "outputs" not in frames[-1]["data"]
        ):
            frame = await socket.read()
            if frame["method"].endswith("_event"):
                frames.append(frame)
    again = await told(client, id_)
    numbered = [(e[0], int(e[1]), e[2]) for e in again if e[1] is not None]
    assert numbered == [(f["method"], f["sequence"], f["data"]) for f in frames if "sequence" in f]
    assert [e[1] for e in events] == [e[1] for e in again]


async def aiter_of(running: Running, client: httpx.AsyncClient, id_: str) -> Any:
    """Yield the first line of a stream that is then left."""
    async with client.stream("GET", f"/api/v1/executions/{id_}/events", headers=SSE) as answer:
        async for line in answer.aiter_lines():
            yield line
            return


async def test_a_stream_goes_on_behind_the_last_event(client: httpx.AsyncClient, engine: Engine) -> None:
    id_ = await started(client, graphs.echo(), inputs={"text": "hello"})
    await ended(client, id_)
    whole = await told(client, id_)
    numbers = [number for _, number, _ in whole if number is not None]
    assert numbers == [str(n) for n in range(len(numbers))]
    for number in (numbers[0], numbers[3]):
        rest = await told(client, id_, **{"Last-Event-ID": number})
        place = [number for _, number, _ in whole].index(number)
        assert rest == whole[place + 1 :]
    url = f"/api/v1/executions/{id_}/events"
    over = await client.get(url, headers=SSE | {"Last-Event-ID": numbers[-1]})
    assert (over.status_code, over.content) == (204, b"")
    problem(await client.get(url, headers=SSE | {"Last-Event-ID": "x"}), 400, "input_invalid")


async def test_nobody_hears_of_what_others_run(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    id_ = await started(client, graphs.echo(), inputs={"text": "hello"})
    async with person(running) as other:
        problem(await other.client.get(f"/api/v1/executions/{id_}/events", headers=SSE), 404, "not_found")
    problem(await client.get(f"/api/v1/executions/{uuid.uuid4()}/events", headers=SSE), 404, "not_found")


async def test_a_stream_ends_when_its_reader_may_not_read_on(running: Running, engine: Engine) -> None:
    async with person(running) as reader:
        async with engine.held():
            id_ = await started(reader.client, graphs.echo(), inputs={"text": "hello"})
            url = f"/api/v1/executions/{id_}/events"
            async with reader.client.stream("GET", url, headers=SSE) as answer:
                lines = answer.aiter_lines()
                assert await anext(lines)
                await running.edge.auth.known.forget_user(reader.id, ends=True)
                rest = [line async for line in lines]
        assert not any(line.startswith("event: end") for line in rest)
    assert running.edge.streams == 0
