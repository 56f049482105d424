from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Delta, Events, Payload
from tests.integration.api import graphs
from tests.integration.api.calls import ended, saved, started
from tests.integration.api.conftest import TOKEN, Running, serving, with_limits
from tests.integration.api.engine import Engine
from tests.integration.api.socket import client_to

KEYS = {"method", "data", "success", "channel", "error"}
USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"


def numbers(frames: list[dict[str, Any]]) -> list[int]:
    return [frame["sequence"] for frame in frames if "sequence" in frame]


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong-but-long-enough-token"])
async def test_without_a_valid_token_the_handshake_is_refused(running: Running, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with client_to(running.ws + query, token=None):
            pass
    assert refused.value.response.status_code == 403


async def test_a_page_from_elsewhere_may_not_open_a_socket(running: Running) -> None:
    with pytest.raises(InvalidStatus):
        async with client_to(running.ws, origin="https://evil.example"):
            pass
    async with client_to(running.ws, origin=running.url) as client:
        await client.ask("heartbeat", "ping")
        assert await client.read() == {"method": "heartbeat", "data": "pong", "success": True}


async def test_a_token_in_the_header_will_do(running: Running) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with client_to(running.ws, token=None, additional_headers=headers) as client:
        await client.ask("heartbeat", "ping")
        assert (await client.read())["data"] == "pong"


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"data": 1}',
        '{"method": "dance"}',
        '{"method": "notification", "data": {}}',
        '{"method": "graph_execution_event"}',
        '{"method": "subscribe_graph_execution"}',
        '{"method": "subscribe_graph_execution", "data": {}}',
        '{"method": "subscribe_graph_execution", "data": {"graph_exec_id": 7}}',
        '{"method": "subscribe_graph_execution", "data": {"graph_exec_id": "x"}}',
        '{"method": "subscribe_graph_executions", "data": []}',
        '{"method": "unsubscribe", "data": {"graph_exec_id": null}}',
        '{"method": "subscribe_graph_execution", "data": {"graph_exec_id": "00000000-0000-4000-8000-000000000000"}}',
        '{"method": "subscribe_graph_execution", "data": '
        '{"graph_exec_id": "00000000-0000-4000-8000-000000000000", "since": "1"}}',
    ],
)
async def test_a_wrong_frame_is_complained_about_and_the_socket_stays_open(
    running: Running, text: str
) -> None:
    async with client_to(running.ws) as client:
        await client.connection.send(text)
        frame = await client.read()
        assert set(frame) == KEYS
        assert (frame["method"], frame["success"]) == ("error", False)
        assert frame["error"]
        await client.ask("heartbeat", "ping")
        assert (await client.read())["data"] == "pong"


async def test_live_frames_show_each_node_queued_running_and_completed(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    async with client_to(running.ws) as socket:
        async with engine.held():
            id_ = await started(client, graphs.echo(), inputs={"text": "hi"})
            answer = await socket.subscribe(id_)
            channel = f"{USER}|graph_exec#{id_}"
            assert answer == {
                "method": "subscribe_graph_execution",
                "data": None,
                "success": True,
                "channel": channel,
                "error": None,
            }
        frames = await socket.events_to_end()
    assert all(set(frame) - {"sequence"} == KEYS for frame in frames)
    assert {frame["channel"] for frame in frames} == {channel}
    nodes = [frame["data"] for frame in frames if frame["method"] == "node_execution_event"]
    out = [data for data in nodes if data["block_id"] == graphs.OUTPUT]
    assert [data["status"] for data in out] == ["QUEUED", "RUNNING", "RUNNING", "RUNNING", "COMPLETED"]
    assert [data["output_data"] for data in out][1:4] == [
        {},
        {"output": ["hi"]},
        {"output": ["hi"], "name": ["said"]},
    ]
    assert {data["event_type"] for data in nodes} == {"node_execution_update"}
    last = frames[-1]["data"]
    assert last["event_type"] == "graph_execution_update"
    assert (last["status"], last["outputs"], last["inputs"]) == (
        "COMPLETED",
        {"said": ["hi"]},
        {"text": "hi"},
    )
    assert last["stats"]["node_exec_count"] == 2
    got = numbers(frames)
    assert got == list(range(got[0], got[-1] + 1))


async def test_since_tells_the_past_exactly_as_it_was_told_live(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    async with engine.held():
        id_ = await started(client, graphs.wide(), inputs={"items": list(range(30))})
        async with client_to(running.ws) as live:
            await live.subscribe(id_, since=-1)
            first = [await live.read() for _ in range(2)]
            task = asyncio.create_task(live.events_to_end())
            await asyncio.sleep(0)
            engine._free.set()
            told = first + await task
    assert numbers(told) == list(range(len(numbers(told))))
    middle = numbers(told)[len(numbers(told)) // 2]
    for since in (-1, 0, middle, numbers(told)[-2]):
        async with client_to(running.ws) as again:
            await again.subscribe(id_, since=since)
            frames = await again.events_to_end()
        start = 0 if since < 0 else next(i for i, f in enumerate(told) if f.get("sequence") == since) + 1
        assert frames == told[start:]


def long_execution(count: int, text: str = "", **names: str) -> tuple[uuid.UUID, list[Events]]:
    """An execution with one node that emits `count` values, a record each: numbers, with `text` in front."""
    id_, node = new_id(), new_id()
    common: dict[str, Any] = {"execution_id": id_.bytes, "user_id": USER, "graph_id": str(new_id()), **names}
    about: dict[str, Any] = {"node_execution_id": node.bytes, "node_id": "n", "block_id": graphs.STORE}
    value = Payload(inline=b"{}", type="object", size=2)
    deltas = [
        Delta(kind="EXECUTION", status="QUEUED", detail=b'{"inputs":{}}'),
        Delta(kind="EXECUTION", status="RUNNING"),
        Delta(kind="QUEUED", status="QUEUED", value=value, **about),
        *(
            Delta(
                kind="OUTPUT",
                pin="p",
                value=Payload(inline=b'"%s%d"' % (text.encode(), i), type="string", size=1),
                **about,
            )
            for i in range(count)
        ),
        Delta(kind="NODE", status="COMPLETED", detail=b'{"stats":{"elapsed_ms":1},"started_at":1}', **about),
        Delta(kind="EXECUTION", status="COMPLETED", detail=b'{"verdict":{"result":"ok"}}'),
    ]
    return id_, [
        Events(graph_version=1, first=i, deltas=[delta], at=1_700_000_000_000 + i, **common)
        for i, delta in enumerate(deltas)
    ]


def known(settings: EdgeSettings, id_: uuid.UUID) -> None:
    """Insert an execution as the edge does, so that it may be subscribed to before its first event."""
    with psycopg.connect(settings.dsn.get_secret_value(), autocommit=True) as conn:
        conn.execute("INSERT INTO executions (id, user_id, accepted_at) VALUES (%s, %s, now())", [id_, USER])


@pytest.mark.parametrize("kept", [2000, 0])
async def test_subscribers_who_come_at_any_time_hear_all_without_gap_or_repetition(
    running: Running, settings: EdgeSettings, registry: Registry, engine: Engine, kept: int
) -> None:
    async with serving(with_limits(settings, kept_events=kept), registry) as edge:
        await _check_joiners(edge, settings, engine)


async def _check_joiners(edge: Running, settings: EdgeSettings, engine: Engine) -> None:
    id_, records = long_execution(300)
    known(settings, id_)

    async def write() -> None:
        for record in records:
            await engine.emit(record)

    async def read(delay: float, since: int) -> list[int]:
        await asyncio.sleep(delay)
        async with client_to(edge.ws) as client:
            await client.subscribe(str(id_), since=since)
            return numbers(await client.events_to_end())

    writing = asyncio.create_task(write())
    sinces = [-1, -1, 5, 40, -1, 100, 250, -1]
    found = await asyncio.gather(*(read(0.05 * i, since) for i, since in enumerate(sinces)))
    await writing
    for since, got in zip(sinces, found, strict=True):
        assert got == list(range(since + 1, len(records)))


async def test_without_since_only_what_comes_after_the_answer_is_told(
    running: Running, settings: EdgeSettings, engine: Engine
) -> None:
    id_, records = long_execution(40)
    known(settings, id_)
    for record in records[:30]:
        await engine.emit(record)
    async with client_to(running.ws) as client:
        await client.subscribe(str(id_))
        for record in records[30:]:
            await engine.emit(record)
        frames = await client.events_to_end()
    assert numbers(frames) == list(range(30, len(records)))
    [output] = [frame["data"]["output_data"]["p"] for frame in frames if frame.get("sequence") == 30]
    assert output == [str(i) for i in range(28)]


async def test_a_repeated_record_is_told_once(
    running: Running, settings: EdgeSettings, engine: Engine
) -> None:
    id_, records = long_execution(5)
    known(settings, id_)
    async with client_to(running.ws) as client:
        await client.subscribe(str(id_), since=-1)
        for record in [*records[:4], *records[2:5], *records[5:]]:
            await engine.emit(record)
        assert numbers(await client.events_to_end()) == list(range(len(records)))


async def test_another_edge_goes_on_where_this_one_stopped(
    running: Running, settings: EdgeSettings, registry: Registry, engine: Engine
) -> None:
    id_, records = long_execution(60)
    known(settings, id_)
    async with client_to(running.ws) as client:
        await client.subscribe(str(id_), since=-1)
        for record in records[:30]:
            await engine.emit(record)
        got = numbers([await client.read() for _ in range(20)])
    for record in records[30:]:
        await engine.emit(record)
    async with serving(settings, registry) as other, client_to(other.ws) as client:
        await client.subscribe(str(id_), since=got[-1])
        got += numbers(await client.events_to_end())
    assert got == list(range(len(records)))


async def test_a_slow_reader_is_cut_and_others_are_not_held_up(
    settings: EdgeSettings, registry: Registry, running: Running, engine: Engine
) -> None:
    id_, records = long_execution(400, "x" * 1000)
    known(settings, id_)
    async with serving(with_limits(settings, queue_frames=50), registry) as edge:
        async with client_to(edge.ws) as quick, client_to(edge.ws, max_queue=1) as slow:
            await quick.subscribe(str(id_), since=-1)
            await slow.subscribe(str(id_))
            reading = asyncio.create_task(quick.events_to_end())
            for record in records:
                await engine.emit(record)
            assert numbers(await reading) == list(range(len(records)))
            frames, code = await slow.frames_to_close()
            got = numbers(frames)
        assert code == 4008
        assert 0 < len(got) < len(records)
        async with client_to(edge.ws) as back:
            await back.subscribe(str(id_), since=got[-1])
            got += numbers(await back.events_to_end())
        assert got == list(range(len(records)))
        assert edge.edge.metrics.slow_readers._value.get() == 1


async def test_an_owner_hears_of_all_executions_of_a_graph_and_nobody_else_does(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await saved(client, graphs.echo())
    async with client_to(running.ws) as socket:
        await socket.ask("subscribe_graph_executions", {"graph_id": made["id"]})
        channel = f"{USER}|graph#{made['id']}|executions"
        assert (await socket.read())["channel"] == channel
        for owner in (str(uuid.uuid4()), USER):
            _, records = long_execution(1, graph_id=made["id"], user_id=owner)
            for record in records:
                await engine.emit(record)
        ids = [
            (
                await client.post(f"/api/v1/graphs/{made['id']}/execute", json={"inputs": {"text": "a"}})
            ).json()["id"]
            for _ in range(2)
        ]
        frames: list[dict[str, Any]] = []
        while len([f for f in frames if f["data"]["status"] == "COMPLETED"]) < 3:
            frames.append(await socket.read())
    assert {frame["method"] for frame in frames} == {"graph_execution_event"}
    assert {frame["channel"] for frame in frames} == {channel}
    assert {frame["data"]["user_id"] for frame in frames} == {USER}
    assert set(ids) < {frame["data"]["id"] for frame in frames}
    for id_ in ids:
        mine = [frame["data"] for frame in frames if frame["data"]["id"] == id_]
        assert [data["status"] for data in mine] == ["QUEUED", "RUNNING", "RUNNING", "RUNNING", "COMPLETED"]
        assert mine[-1]["outputs"] == {"said": ["a"]}


async def test_unsubscribing_ends_the_frames_and_subscribing_twice_does_not_double_them(
    running: Running, settings: EdgeSettings, engine: Engine
) -> None:
    id_, records = long_execution(10)
    known(settings, id_)
    channel = f"{USER}|graph_exec#{id_}"
    async with client_to(running.ws) as client:
        assert (await client.subscribe(str(id_)))["channel"] == channel
        assert (await client.subscribe(str(id_)))["channel"] == channel
        for record in records[:5]:
            await engine.emit(record)
        assert numbers([await client.read() for _ in range(6)]) == [0, 1, 2, 3, 4]
        for wanted in (channel, None):
            await client.ask("unsubscribe", {"graph_exec_id": str(id_)})
            frame = await client.read()
            assert (frame["method"], frame["success"], frame["channel"]) == ("unsubscribe", True, wanted)
        for record in records[5:]:
            await engine.emit(record)
        await asyncio.sleep(0.5)
        await client.ask("heartbeat", "ping")
        assert (await client.read())["data"] == "pong"


async def test_nobody_follows_another_owners_execution(
    running: Running, client: httpx.AsyncClient, settings: EdgeSettings, engine: Engine
) -> None:
    id_ = await started(client, graphs.echo(), inputs={"text": "a"})
    await ended(client, id_)
    with psycopg.connect(settings.dsn.get_secret_value(), autocommit=True) as conn:
        conn.execute("UPDATE executions SET user_id = %s WHERE id = %s", [uuid.uuid4(), id_])
    async with client_to(running.ws) as socket:
        await socket.ask("subscribe_graph_execution", {"graph_exec_id": id_, "since": -1})
        frame = await socket.read()
        assert (frame["method"], frame["success"], frame["data"]) == ("error", False, {"code": "not_found"})


async def test_a_forged_record_of_another_owner_is_not_shown(
    running: Running, settings: EdgeSettings, engine: Engine
) -> None:
    id_, records = long_execution(3)
    _, forged = long_execution(3)
    known(settings, id_)
    async with client_to(running.ws) as client:
        await client.subscribe(str(id_))
        foreign = forged[0]
        fake = Events(
            execution_id=id_.bytes,
            user_id=str(uuid.uuid4()),
            graph_id=foreign.graph_id,
            graph_version=1,
            first=0,
            deltas=foreign.deltas,
            at=1,
        )
        await engine.emit(fake)
        for record in records:
            await engine.emit(record)
        frames = await client.events_to_end()
        assert {frame["data"]["user_id"] for frame in frames} == {USER}
        assert numbers(frames) == list(range(len(records)))


async def test_a_socket_has_so_many_subscriptions_and_no_more(
    settings: EdgeSettings, registry: Registry, running: Running
) -> None:
    ids = [new_id() for _ in range(3)]
    for id_ in ids:
        known(settings, id_)
    async with (
        serving(with_limits(settings, subscriptions=2), registry) as edge,
        client_to(edge.ws) as client,
    ):
        for id_ in ids[:2]:
            await client.subscribe(str(id_))
        await client.ask("subscribe_graph_execution", {"graph_exec_id": str(ids[2])})
        assert (await client.read())["data"] == {"code": "conflict"}


async def test_shutting_down_tells_sockets_to_come_back(settings: EdgeSettings, registry: Registry) -> None:
    async with serving(settings, registry) as edge:
        context = client_to(edge.ws)
        client = await context.__aenter__()
    with pytest.raises(ConnectionClosed) as closed:
        await client.read()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    await context.__aexit__(None, None, None)


@pytest.mark.parametrize("error", [RuntimeError("odd"), asyncio.CancelledError()], ids=["odd", "cancelled"])
async def test_a_past_that_cannot_be_read_is_told_and_can_be_asked_for_again(
    running: Running,
    client: httpx.AsyncClient,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    id_ = await started(client, graphs.echo(), inputs={"text": "a"})
    await ended(client, id_)

    async def broken(*asked: Any) -> Any:
        if asked:
            raise error
        yield

    async with client_to(running.ws) as reader:
        with monkeypatch.context() as broke:
            broke.setattr(running.edge.hub.history, "read", broken)
            await reader.ask("subscribe_graph_execution", {"graph_exec_id": id_, "since": -1})
            while (frame := await reader.read())["method"] != "error":
                assert frame["method"] == "subscribe_graph_execution"
            assert "again" in str(frame["error"])
        await reader.ask("subscribe_graph_execution", {"graph_exec_id": id_, "since": -1})
        assert numbers(await reader.events_to_end())[0] == 0
