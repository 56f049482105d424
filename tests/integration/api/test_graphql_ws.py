from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from millstream.api.graphql.settings import GraphqlSettings
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from tests.integration.api import graphs
from tests.integration.api.calls import ended, saved, started, until
from tests.integration.api.conftest import TOKEN, Running, serving, with_limits
from tests.integration.api.engine import Engine
from tests.integration.api.gql import socket_to
from tests.integration.api.people import browser, key_of, person

pytestmark = pytest.mark.usefixtures("engine")

EVENTS = "subscription ($id: UUID!, $since: Int) { e: executionEvents(id: $id, since: $since) { kind sequence data } }"
RUNS = "subscription ($graph: UUID) { runs(graphId: $graph) { executionId graphId status sequence } }"


def sequences(events: list[dict[str, Any]]) -> list[int]:
    return [event["e"]["sequence"] for event in events if event["e"]["sequence"] is not None]


async def test_an_execution_is_told_from_its_first_event_to_its_end(running: Running) -> None:
    execution_id = await started(running.client, graphs.wide(), inputs={"items": [1, 2, 3]})
    async with socket_to(running) as socket:
        await socket.init()
        await socket.subscribe("1", EVENTS, id=execution_id, since=-1)
        events = await socket.to_end("1")
        numbers = sequences(events)
        assert numbers == sorted(set(numbers))
        assert events[-1]["e"]["kind"] == "EXECUTION"
        assert events[-1]["e"]["data"]["status"] == "COMPLETED"
        assert {event["e"]["kind"] for event in events} == {"EXECUTION", "NODE"}
        half = numbers[len(numbers) // 2]
        await socket.subscribe("2", EVENTS, id=execution_id, since=half)
        assert sequences(await socket.to_end("2")) == [number for number in numbers if number > half]
        await socket.subscribe("3", EVENTS, id=execution_id, since=numbers[-1])
        assert sequences(await socket.to_end("3")) == []
        await socket.subscribe("4", EVENTS, id=execution_id)
        assert await socket.to_end("4") == []


async def test_runs_are_told_of_one_graph_or_of_all(running: Running, engine: Engine) -> None:
    async with person(running) as ada, socket_to(running) as socket:
        await socket.init({"Authorization": f"Bearer {ada.tokens['access_token']}"})
        one, other = await saved(ada.client, graphs.echo()), await saved(ada.client, graphs.echo())
        before = _graphs_followed(running)
        await socket.subscribe("all", RUNS)
        await socket.subscribe("one", RUNS, graph=one["id"])
        await until(partial(_followed, running, before + 2))
        await socket.send("ping")
        assert (await socket.read())["type"] == "pong"
        for graph in (other, one):
            body = {"inputs": {"text": "x"}}
            answer = await ada.client.post(f"/api/v1/graphs/{graph['id']}/execute", json=body)
            await ended(ada.client, answer.json()["id"])
        ends: dict[str, list[str]] = {"all": [], "one": []}
        while len(ends["all"]) < 2 or len(ends["one"]) < 1:
            message = await socket.read()
            run = message["payload"]["data"]["runs"]
            if run["status"] == "COMPLETED":
                ends[message["id"]].append(run["graphId"])
        assert set(ends["all"]) == {one["id"], other["id"]}
        assert set(ends["one"]) == {one["id"]}


@pytest.mark.parametrize("subprotocols", [[], ["graphql-ws"], ["graphql-ws", "x"]])
async def test_the_old_protocol_is_refused(running: Running, subprotocols: list[str]) -> None:
    """A49."""
    async with socket_to(running, subprotocols=subprotocols) as socket:
        assert await socket.closed() == 4406


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": RUNS}}], 4401),
        ([{"type": "start", "id": "1", "payload": {"query": RUNS}}], 4400),
        ([{"type": "connection_init", "payload": {"token": "wrong"}}], 4403),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"token": TOKEN}}] * 2, 4429),
        (
            [{"type": "connection_init", "payload": {"token": TOKEN}}]
            + [{"type": "subscribe", "id": "1", "payload": {"query": RUNS}}] * 2,
            4409,
        ),
    ],
)
async def test_who_breaks_the_protocol_is_closed(
    running: Running, messages: list[dict[str, Any]], code: int
) -> None:
    async with socket_to(running) as socket:
        for message in messages:
            rest = {name: value for name, value in message.items() if name != "type"}
            await socket.send(message["type"], **rest)
        assert await socket.closed() == code


async def test_only_subscriptions_run_over_a_socket(running: Running) -> None:
    async with socket_to(running) as socket:
        await socket.init()
        for number, query in enumerate(("{ me { id } }", 'mutation { deleteGraph(id: "x") }', "{ x }", "{")):
            await socket.subscribe(str(number), query)
            message = await socket.read()
            assert (message["type"], message["id"]) == ("error", str(number))
            assert message["payload"][0]["extensions"]["code"] in ("input_invalid", "graphql_invalid")


async def test_a_browser_comes_in_with_its_cookie_from_our_pages_only(running: Running) -> None:
    async with person(running) as ada, browser(running, ada.email) as page:
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in page.cookies.items())}
        async with socket_to(running, origin=running.url, additional_headers=cookie) as socket:
            await socket.init({})
        async with socket_to(running, additional_headers=cookie) as socket:
            await socket.send("connection_init")
            assert await socket.closed() == 4403
        with pytest.raises(InvalidStatus):
            async with socket_to(running, origin="https://evil.example", additional_headers=cookie):
                pass


async def test_a_key_that_is_revoked_ends_its_sockets(running: Running) -> None:
    async with person(running) as ada:
        key = await key_of(ada.client, "READ_GRAPH")
        async with socket_to(running) as socket:
            await socket.init({"token": key["key"]})
            await socket.subscribe("1", RUNS)
            assert (await ada.client.delete(f"/api/v1/api-keys/{key['id']}")).is_success
            assert await socket.closed() == 4403


async def test_a_socket_that_says_nothing_is_closed(settings: EdgeSettings, registry: Registry) -> None:
    hasty = replace(settings, graphql=GraphqlSettings(init_s=0.2))
    async with serving(hasty, registry) as edge, socket_to(edge) as socket:
        assert await socket.closed() == 4408


def _graphs_followed(running: Running) -> int:
    return sum(map(len, running.edge.hub._graphs.values()))


async def _followed(running: Running, graphs_: int, sockets: int | None = None) -> bool:
    return _graphs_followed(running) == graphs_ and sockets in (None, len(running.edge.sockets))


async def test_subscriptions_are_counted_by_socket_and_by_user(
    settings: EdgeSettings, registry: Registry
) -> None:
    """A50."""
    few = replace(with_limits(settings, subscriptions=3), graphql=GraphqlSettings(user_subscriptions=5))
    async with serving(few, registry) as edge, socket_to(edge) as one, socket_to(edge) as two:
        for socket in (one, two):
            await socket.init()
        for number in range(4):
            await one.subscribe(str(number), RUNS)
        message = await one.read()
        assert (message["type"], message["id"]) == ("error", "3")
        for number in range(3):
            await two.subscribe(str(number), RUNS)
        message = await two.read()
        assert (message["type"], message["id"]) == ("error", "2")
        assert message["payload"][0]["extensions"]["code"] == "conflict"
        await one.send("complete", id="0")
        await until(partial(_followed, edge, 4))
        await two.subscribe("again", RUNS)
        await two.send("ping")
        assert (await two.read())["type"] == "pong"


async def test_sockets_leave_nothing_behind(running: Running) -> None:
    before = (_graphs_followed(running), len(running.edge.sockets))
    execution_id = await started(running.client, graphs.waiting(), inputs={"seconds": 600})
    async with socket_to(running) as socket:
        await socket.init()
        await socket.subscribe("1", RUNS)
        await socket.subscribe("2", EVENTS, id=execution_id, since=-1)
        assert (await socket.read())["type"] == "next"
    await until(partial(_followed, running, *before))
    await running.client.post(f"/api/v1/executions/{execution_id}/stop")
