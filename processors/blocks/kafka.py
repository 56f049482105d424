"""Kafka clusters of users: write records to a topic, read them, and note how far one has read.

Nothing is lost: offsets are committed when what was read is safe, never before. With `commit` set to `when_taken` the block
gives a batch and parks; it is called again once the engine has taken the batch, and commits then. With `by_block` a
KafkaCommitBlock does it, at the place in the graph where the records count as done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, Emit, LongText, Outputs
from millstream.processors.context import Context, Park
from millstream.processors.credentials import Credentials, Provider
from millstream.processors.kafka.cluster import Cluster, Mechanism, Security, cluster_of, name_of
from millstream.processors.kafka.formats import Format, read, write
from millstream.processors.kafka.registry import SchemaRegistry
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

WHERE_TESTED = "needs a Kafka cluster; see tests/integration/connectors/test_kafka_blocks.py"
BATCH_LIMIT = 1_000
BYTES_LIMIT = 8_000_000
REPEAT_HEADER = "millstream-id"
"""The same for each attempt to write a record, so that a reader can drop repeats."""

Login = Annotated[Credentials | None, Provider("kafka", types=("user_password",))]
RegistryLogin = Annotated[
    Credentials | None, Provider("schema_registry", types=("user_password", "api_key", "host_scoped"))
]


class Record(TypedDict):
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str | None
    value: Any
    headers: dict[str, str]
    problem: str


class Place(TypedDict):
    """Where a record was written."""

    partition: int
    offset: int


class Written(Outputs):
    """Pins of KafkaProduceBlock."""

    places: list[Place]
    count: int


class Taken(Outputs):
    """Pins of KafkaConsumeBlock."""

    records: list[Record]
    values: list[Any]
    count: int
    offsets: dict[str, int]
    more: bool


class Committed(Outputs):
    """Pins of KafkaCommitBlock."""

    committed: dict[str, int]


@block(categories=("OUTPUT", "DATA"), no_samples=WHERE_TESTED, timeout_s=300)
async def kafka_produce(
    bootstrap_servers: str,
    topic: str,
    values: list[Any],
    keys: list[str] = EMPTY,
    headers: Advanced[dict[str, str]] = EMPTY,
    value_format: Format = "json",
    schema_registry_url: Advanced[str] = "",
    value_schema: Advanced[dict[str, Any]] = EMPTY,
    credentials: Login = None,
    registry_credentials: Advanced[RegistryLogin] = None,
    security: Security = "SASL_SSL",
    mechanism: Advanced[Mechanism] = "SCRAM-SHA-512",
    ca: Advanced[LongText] = "",
    properties: Advanced[dict[str, Any]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Written]]:
    """Write records to a topic of your own Kafka cluster, and wait until it has them all.

    After a crash they may be written again: each carries a header `millstream-id` that is the same in each attempt.

    bootstrap_servers: Brokers to begin with, `host:port`, separated by commas.
    topic: The topic; it has to exist.
    values: The values, one record each; null writes a tombstone. At most 1,000 records of together 8 MB.
    keys: Their keys, one each; without them records have none.
    headers: Headers of every record.
    value_format: How values become bytes: `json`, `text` as it is, `base64` for any bytes, `avro` with a schema registry.
    schema_registry_url: The schema registry, for Avro.
    value_schema: The Avro schema, registered under `<topic>-value`; without it the newest one there is used.
    credentials: Name and password for SASL. They go to the hosts that the credential names, such as `*.example.com:9092`.
    registry_credentials: The log-in of the schema registry.
    security: SASL_SSL and SSL encrypt; SASL logs in.
    mechanism: How SASL proves the password.
    ca: Certificate in PEM form of the authority to trust, if it is not a public one.
    properties: Settings of the client: acks, compression.type, client.id, linger.ms, request.timeout.ms, enable.idempotence.
    places: Partition and offset of each record.
    count: How many records were written.
    """
    from millstream.processors.kafka.writing import Outgoing, put

    if not 0 < len(values) <= BATCH_LIMIT:
        raise BlockInputError(f"Give 1 to {BATCH_LIMIT:,} values; these are {len(values):,}.")
    if keys and len(keys) != len(values):
        raise BlockInputError(f"There are {len(values)} values and {len(keys)} keys; give one for each.")
    name_of(topic, "topic")
    cluster = await cluster_of(
        ctx, bootstrap_servers, security, mechanism, credentials, ca=ca, properties=properties
    )
    registry = _registry(ctx, schema_registry_url, registry_credentials)
    bodies = await write(values, value_format, registry, f"{topic}-value", value_schema)
    if (size := sum(len(body or b"") for body in bodies)) > BYTES_LIMIT:
        raise BlockInputError(f"The records have {size:,} bytes together, the limit is {BYTES_LIMIT:,}.")
    given = [(name, text.encode()) for name, text in headers.items() if name != REPEAT_HEADER]
    records = [
        Outgoing(
            key=keys[number].encode() if keys else None,
            value=body,
            headers=[*given, (REPEAT_HEADER, f"{ctx.idempotency_key}:{number}".encode())],
        )
        for number, body in enumerate(bodies)
    ]
    places = await put(ctx.http, cluster, topic, records)
    yield "places", places
    yield "count", len(places)


@block(categories=("INPUT", "DATA"), no_samples=WHERE_TESTED, timeout_s=300)
async def kafka_consume(
    bootstrap_servers: str,
    topic: str,
    group: str,
    value_format: Format = "json",
    most_records: Annotated[int, Field(ge=1, le=BATCH_LIMIT)] = 100,
    wait_s: Annotated[float, Field(ge=0.1, le=60)] = 5.0,
    run_continuously: bool = False,
    poll_s: Advanced[Annotated[float, Field(ge=1, le=86_400)]] = 10.0,
    commit: Advanced[Literal["when_taken", "by_block", "never"]] = "when_taken",
    start_at: Advanced[Literal["earliest", "latest"]] = "earliest",
    most_bytes: Advanced[Annotated[int, Field(ge=1_000, le=BYTES_LIMIT)]] = 1_000_000,
    schema_registry_url: Advanced[str] = "",
    credentials: Login = None,
    registry_credentials: Advanced[RegistryLogin] = None,
    security: Security = "SASL_SSL",
    mechanism: Advanced[Mechanism] = "SCRAM-SHA-512",
    ca: Advanced[LongText] = "",
    properties: Advanced[dict[str, Any]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Taken]]:
    """Read a batch of records from a topic of your own Kafka cluster, or batch after batch. The next run goes on behind it.

    Each record comes at least once. The group has to be this block's own: it keeps offsets and has no members, so two nodes
    that read with one group at the same time get the same records.

    bootstrap_servers: Brokers to begin with, `host:port`, separated by commas.
    topic: The topic.
    group: The consumer group under which the cluster keeps how far was read.
    value_format: What the bytes are: `json`, `text`, `base64` for any bytes, `avro` with a schema registry.
    most_records: Largest batch.
    wait_s: How long to wait for the first record.
    run_continuously: Go on reading until the run is stopped. Between batches nothing is held up.
    poll_s: Seconds to the next look when there was nothing.
    commit: `when_taken` once the batch is safe in the run, `by_block` where a KafkaCommitBlock stands, or `never`.
    start_at: Where a group begins that has read nothing.
    most_bytes: Largest batch in bytes of keys and values; a single larger record still comes.
    schema_registry_url: The schema registry, for Avro.
    credentials: Name and password for SASL. They go to the hosts that the credential names, such as `*.example.com:9092`.
    registry_credentials: The log-in of the schema registry.
    security: SASL_SSL and SSL encrypt; SASL logs in.
    mechanism: How SASL proves the password.
    ca: Certificate in PEM form of the authority to trust, if it is not a public one.
    properties: Settings of the client: isolation.level, fetch.max.wait.ms, fetch.min.bytes, client.id, request.timeout.ms.
    records: The records; one that cannot be read has the value null and says its problem.
    values: Their values alone.
    count: How many there are.
    offsets: By partition, the offset of the next record: for KafkaCommitBlock.
    more: Whether there may be more already.
    """
    from millstream.processors.kafka import reading

    name_of(topic, "topic")
    name_of(group, "group")
    cluster = await cluster_of(
        ctx, bootstrap_servers, security, mechanism, credentials, ca=ca, properties=properties
    )
    state = ctx.resumed if isinstance(ctx.resumed, dict) else {}
    done = dict(state.get("offsets", {}))
    if commit == "when_taken" and done:
        # Called again: so the engine has what the last call gave.
        await reading.commit(ctx.http, cluster, topic, group, done)
    if state and not run_continuously:
        return
    registry = _registry(ctx, schema_registry_url, registry_credentials)
    batch = await reading.take(
        ctx.http,
        cluster,
        topic,
        group,
        start_at=start_at,
        most_records=most_records,
        most_bytes=most_bytes,
        wait_s=wait_s,
        after=done,
    )
    records = await _shown(batch.records, value_format, registry)
    if records or not run_continuously:
        yield "records", records
        yield "values", [record["value"] for record in records]
        yield "count", len(records)
        yield "offsets", batch.offsets
        yield "more", batch.full
    if run_continuously:
        yield Park(0.0 if records else poll_s, {"offsets": {**done, **batch.offsets}})
    elif batch.offsets and commit == "when_taken":
        yield Park(0.0, {"offsets": batch.offsets})


@block(categories=("OUTPUT", "DATA"), no_samples=WHERE_TESTED, timeout_s=120)
async def kafka_commit(
    bootstrap_servers: str,
    topic: str,
    group: str,
    offsets: dict[str, int],
    credentials: Login = None,
    security: Security = "SASL_SSL",
    mechanism: Advanced[Mechanism] = "SCRAM-SHA-512",
    ca: Advanced[LongText] = "",
    properties: Advanced[dict[str, Any]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Committed]]:
    """Note in a Kafka cluster how far a group has come: behind what was read with KafkaConsumeBlock. A group never goes back.

    bootstrap_servers: Brokers to begin with, `host:port`, separated by commas.
    topic: The topic.
    group: The consumer group.
    offsets: By partition, the offset of the next record, as KafkaConsumeBlock gives them.
    credentials: Name and password for SASL. They go to the hosts that the credential names, such as `*.example.com:9092`.
    security: SASL_SSL and SSL encrypt; SASL logs in.
    mechanism: How SASL proves the password.
    ca: Certificate in PEM form of the authority to trust, if it is not a public one.
    properties: Settings of the client, such as client.id, request.timeout.ms.
    committed: What was noted now; partitions that are there already are left out.
    """
    from millstream.processors.kafka import reading

    name_of(topic, "topic")
    name_of(group, "group")
    cluster: Cluster = await cluster_of(
        ctx, bootstrap_servers, security, mechanism, credentials, ca=ca, properties=properties
    )
    yield "committed", await reading.commit(ctx.http, cluster, topic, group, offsets)


def _registry(ctx: Context, url: str, credentials: Mapping[str, Any] | None) -> SchemaRegistry | None:
    return SchemaRegistry(ctx, url, credentials) if url else None


async def _shown(
    records: list[Any], value_format: Format, registry: SchemaRegistry | None
) -> list[dict[str, Any]]:
    found = await read([record.value for record in records], value_format, registry)
    return [
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": None if record.key is None else record.key.decode("utf-8", "replace"),
            "value": each.value,
            "headers": {name: (raw or b"").decode("utf-8", "replace") for name, raw in record.headers},
            "problem": each.problem,
        }
        for record, each in zip(records, found, strict=True)
    ]
