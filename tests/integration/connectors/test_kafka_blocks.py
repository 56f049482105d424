"""Kafka blocks against the real broker, and a small schema registry on a real port."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from millstream.processors.blocks import kafka as blocks
from millstream.processors.context import Context, Park
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.runnable import Block
from millstream.schemas.errors import AddressRefusedError, BlockError, BlockExecutionError
from millstream.testing import context, emits
from tests.unit.processors.conftest import Request, answer, serving

pytestmark = pytest.mark.integration
SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}


@pytest.fixture
def topic(kafka: str) -> str:
    name = f"orders-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(name, num_partitions=3)])[name].result(30)
    return name


@pytest.fixture
async def http(kafka: str) -> AsyncIterator[GuardedHttp]:
    async with GuardedHttp(allow=frozenset({kafka})) as made:
        yield made


Run = Callable[..., Any]


@pytest.fixture
def run(kafka: str, topic: str, http: GuardedHttp) -> Run:
    async def said(block: Block, ctx: Context | None = None, **inputs: Any) -> dict[str, Any]:
        given = {"bootstrap_servers": kafka, "topic": topic, "security": "PLAINTEXT"} | inputs
        return dict(await emits(block, given, ctx or context(http=http)))

    return said


def committed(kafka: str, group: str, topic: str) -> dict[int, int]:
    from confluent_kafka import Consumer

    consumer = Consumer({"bootstrap.servers": kafka, "group.id": group})
    try:
        found = consumer.committed([TopicPartition(topic, number) for number in range(3)], timeout=10)
    finally:
        consumer.close()
    return {part.partition: part.offset for part in found if part.offset >= 0}


async def test_records_are_written_and_read_once_and_in_order(run: Run, kafka: str, topic: str) -> None:
    values = [{"n": n} for n in range(10)]
    ctx = context(http=GuardedHttp(allow=frozenset({kafka})))
    done = await run(blocks.kafka_produce, ctx, values=values, keys=["same"] * 10, headers={"kind": "order"})
    assert done["count"] == 10
    assert [place["offset"] for place in done["places"]] == list(range(10))
    first = await run(blocks.kafka_consume, group="g", most_records=6)
    assert (first["values"], first["count"], first["more"]) == (values[:6], 6, True)
    record = first["records"][0]
    assert (record["key"], record["headers"]["kind"], record["problem"]) == ("same", "order", "")
    assert record["headers"]["millstream-id"] == f"{ctx.node_execution_id}:0"
    second = await run(blocks.kafka_consume, group="g")
    assert (second["values"], second["more"]) == (values[6:], False)
    nothing = await run(blocks.kafka_consume, group="g", wait_s=0.5)
    assert (nothing["count"], nothing["records"], nothing["offsets"]) == (0, [], {})
    again = await run(blocks.kafka_consume, group="another", most_records=1)
    assert again["values"] == values[:1]


async def test_offsets_are_committed_when_the_engine_has_the_batch_and_not_before(
    run: Run, kafka: str, topic: str, http: GuardedHttp
) -> None:
    await run(blocks.kafka_produce, values=["a", "b"], keys=["k", "k"])
    inputs = {"bootstrap_servers": kafka, "topic": topic, "security": "PLAINTEXT", "group": "g"}

    async def called(ctx: Context) -> tuple[list[Any], Park | None]:
        found = [each async for each in blocks.kafka_consume.run(dict(inputs), ctx)]
        parks = [each for each in found if isinstance(each, Park)]
        return [each[1] for each in found if not isinstance(each, Park) and each[0] == "values"], parks[
            0
        ] if parks else None

    lost, _ = await called(context(http=http))  # a run whose worker dies before the engine hears of it
    assert committed(kafka, "g", topic) == {}
    ctx = context(http=http)
    given, park = await called(ctx)
    assert given == lost == [["a", "b"]]
    assert park is not None
    assert committed(kafka, "g", topic) == {}
    ctx.resumed = park.state
    assert await called(ctx) == ([], None)
    assert list(committed(kafka, "g", topic).values()) == [2]
    assert await called(ctx) == ([], None), "a repeat of the second call"


async def test_a_block_commits_where_the_graph_says_and_never_goes_back(
    run: Run, kafka: str, topic: str
) -> None:
    await run(blocks.kafka_produce, values=[1, 2, 3], keys=["k"] * 3)
    batch = await run(blocks.kafka_consume, group="g", commit="by_block")
    assert committed(kafka, "g", topic) == {}
    done = await run(blocks.kafka_commit, group="g", offsets=batch["offsets"])
    assert done["committed"] == batch["offsets"]
    [part] = batch["offsets"]
    late = await run(blocks.kafka_commit, group="g", offsets={part: 1})
    assert late["committed"] == {}
    assert committed(kafka, "g", topic) == {int(part): 3}
    with pytest.raises(BlockError, match="no partition 7"):
        await run(blocks.kafka_commit, group="g", offsets={"7": 1})


async def test_a_group_that_begins_at_the_end_misses_nothing_afterwards(run: Run, topic: str) -> None:
    await run(blocks.kafka_produce, values=["old"], keys=["k"])
    first = await run(blocks.kafka_consume, group="g", start_at="latest", wait_s=0.2)
    await run(blocks.kafka_produce, values=["new"], keys=["k"])
    second = await run(blocks.kafka_consume, group="g", start_at="latest")
    assert (first["values"], second["values"]) == ([], ["new"])


async def test_a_group_with_members_is_left_alone(run: Run, kafka: str, topic: str) -> None:
    from aiokafka import AIOKafkaConsumer

    await run(blocks.kafka_produce, values=[1], keys=["k"])
    member = AIOKafkaConsumer(topic, bootstrap_servers=kafka, group_id="theirs", enable_auto_commit=False)
    await member.start()
    try:
        with pytest.raises(BlockExecutionError, match="has members"):
            await run(blocks.kafka_commit, group="theirs", offsets={"0": 1, "1": 1, "2": 1})
    finally:
        await member.stop()
    assert committed(kafka, "theirs", topic) == {}


async def test_a_continuous_reader_goes_on_behind_what_it_gave(
    run: Run, kafka: str, topic: str, http: GuardedHttp
) -> None:
    await run(blocks.kafka_produce, values=[1, 2, 3], keys=["k"] * 3)
    given = {
        "bootstrap_servers": kafka,
        "topic": topic,
        "security": "PLAINTEXT",
        "group": "g",
        "most_records": 2,
        "run_continuously": True,
        "wait_s": 1.0,
    }
    found = await emits(blocks.kafka_consume, given, context(http=http), wakes=2)
    assert [value for pin, value in found if pin == "values"] == [[1, 2], [3]]
    assert list(committed(kafka, "g", topic).values()) == [3]


async def test_large_batches_end_at_their_bytes(run: Run) -> None:
    await run(blocks.kafka_produce, values=["x" * 5_000] * 6, keys=["k"] * 6, value_format="text")
    first = await run(blocks.kafka_consume, group="g", value_format="text", most_bytes=12_000)
    rest = await run(blocks.kafka_consume, group="g", value_format="text")
    assert (first["count"], rest["count"]) == (2, 4)
    one = await run(blocks.kafka_consume, group="h", value_format="text", most_bytes=1_000)
    assert one["count"] == 1


async def test_a_record_that_cannot_be_read_says_so(run: Run) -> None:
    await run(blocks.kafka_produce, values=["{", "1"], keys=["k", "k"], value_format="text")
    got = await run(blocks.kafka_consume, group="g")
    assert [(each["value"], each["problem"]) for each in got["records"]] == [
        (None, "this is no JSON; read it as text"),
        (1, ""),
    ]


def registry(schemas: list[str]) -> Callable[[Request, asyncio.StreamWriter], Any]:
    """A registry of one subject, in the HTTP form of Confluent's."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        status, said = 404, dict[str, Any](message="Subject not found.")
        if request.method == "POST":
            text = json.loads(request.body)["schema"]
            if text not in schemas:
                schemas.append(text)
            status, said = 200, {"id": schemas.index(text) + 100}
        elif request.path.startswith("/schemas/ids/"):
            status, said = 200, {"schema": schemas[int(request.path.rpartition("/")[2]) - 100]}
        elif schemas:
            status, said = 200, {"id": 99 + len(schemas), "schema": schemas[-1]}
        await answer(writer, status, json.dumps(said).encode(), Content_Type="application/json")

    return handle


async def test_avro_goes_by_the_schema_registry(run: Run, kafka: str, topic: str) -> None:
    schemas: list[str] = []

    async with (
        serving(registry(schemas)) as server,
        GuardedHttp(allow=frozenset({kafka, server.origin})) as http,
    ):
        avro = {"value_format": "avro", "schema_registry_url": server.url}

        async def said(block: Block, **inputs: Any) -> dict[str, Any]:
            done: dict[str, Any] = await run(block, context(http=http), **avro, **inputs)
            return done

        with pytest.raises(BlockExecutionError, match="Subject not found"):
            await said(blocks.kafka_produce, values=[{"id": 1}])
        await said(blocks.kafka_produce, values=[{"id": 1}], value_schema=SCHEMA, keys=["k"])
        await said(blocks.kafka_produce, values=[{"id": 2}, None], keys=["k", "k"])
        with pytest.raises(BlockError, match="do not fit the schema"):
            await said(blocks.kafka_produce, values=[{"id": "x"}])
        got = await said(blocks.kafka_consume, group="g")
        assert got["values"] == [{"id": 1}, {"id": 2}, None]
        await run(blocks.kafka_produce, values=["no frame"], keys=["k"], value_format="text")
        plain = await said(blocks.kafka_consume, group="g")
        assert "no schema id" in plain["records"][0]["problem"]
    assert len(schemas) == 1
    assert any(request.path == f"/subjects/{topic}-value/versions/latest" for request in server.requests)


async def test_a_topic_that_is_not_there_is_no_endless_wait(run: Run, kafka: str) -> None:
    with pytest.raises(BlockError, match="topic"):
        await run(blocks.kafka_consume, topic="nothing-here", group="g")


async def forwarding(kafka: str) -> tuple[asyncio.Server, int]:
    """A door to the broker under another port, which the broker does not name."""
    host, _, port = kafka.rpartition(":")

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, back), pipe(there, writer))

    server = await asyncio.start_server(joined, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def test_a_broker_that_only_the_cluster_names_is_checked_too(run: Run, kafka: str) -> None:
    """The door is allowed, the broker's own address, which is an inner one, is not."""
    door, port = await forwarding(kafka)
    try:
        async with GuardedHttp(allow=frozenset({f"127.0.0.1:{port}"})) as http:
            for block, inputs in (
                (blocks.kafka_consume, {"group": "g", "wait_s": 1.0}),
                (blocks.kafka_produce, {"values": [1]}),
            ):
                with pytest.raises(AddressRefusedError, match=kafka):
                    await run(block, context(http=http), bootstrap_servers=f"127.0.0.1:{port}", **inputs)
    finally:
        door.close()
