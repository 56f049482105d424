"""Connections to a user's brokers. Each one, also to a broker that only the cluster names, goes through the guard: its name is
resolved once, inner addresses are refused, and the connection goes to the address that was checked.

aiokafka has no hook for that, so two of its inner methods are overridden here; its version is pinned.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
)
from aiokafka.protocol.metadata import MetadataRequest

from millstream.processors.kafka.cluster import Cluster
from millstream.processors.services import Http
from millstream.schemas.errors import BlockExecutionError, CredentialError, MillstreamError, UpstreamError

T = TypeVar("T")

START_S = 30.0


class _Pinned:
    """An event loop whose `create_connection` goes to one address, while TLS checks the name."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str) -> None:
        self._loop = loop
        self._address = address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(self, factory: Any, host: str, port: int, *, ssl: Any = None) -> Any:
        name = host if ssl else None
        return await self._loop.create_connection(factory, self._address, port, ssl=ssl, server_hostname=name)


class GuardedClient(AIOKafkaClient):  # type: ignore[misc]
    """A client that connects through the guard."""

    _http: Http
    _where: Cluster
    refused: MillstreamError | None
    """Why it could not connect."""
    stopped: asyncio.Event
    """Set with `refused`, for whoever waits: aiokafka itself would try for ever."""

    @classmethod
    def instead_of(cls, client: AIOKafkaClient, http: Http, cluster: Cluster) -> GuardedClient:
        """Make one of a client that a consumer or producer has made for itself, before it connects."""
        client.__class__ = cls
        client._http, client._where, client.refused, client.stopped = http, cluster, None, asyncio.Event()
        found: GuardedClient = client
        return found

    async def bootstrap(self) -> None:
        """Ask one of the named brokers for all of them. Errors: AddressRefusedError, UpstreamError, CredentialError."""
        last: Exception | None = None
        for host, port in self._where.servers:
            try:
                conn = await self._open(host, port)
            except (OSError, KafkaError, TimeoutError) as error:
                last = error
                continue
            try:
                self.cluster.update_metadata(await conn.send(MetadataRequest([])))
            except (KafkaError, TimeoutError) as error:
                last = error
                continue
            finally:
                conn.close()
            self._sync_task = asyncio.create_task(self._md_synchronizer())
            return
        raise explained(last or KafkaConnectionError("no broker answers"))

    async def _get_conn(
        self, node_id: Any, *, group: Any = ConnectionGroup.DEFAULT, no_hint: bool = False
    ) -> Any:
        broker, name = self.cluster.broker_metadata(node_id), (node_id, group)
        async with self._get_conn_lock:
            known = self._conns.get(name)
            if broker is not None and (known is None or not known.connected()):
                self._conns.pop(name, None)
                try:
                    self._conns[name] = await self._open(broker.host, broker.port)
                except MillstreamError as error:
                    return self._refuse(error)
                except (OSError, KafkaError, TimeoutError) as error:
                    if isinstance(error, SaslAuthenticationFailed):
                        return self._refuse(explained(error))
                    self.force_metadata_update()
                    return None
        return await super()._get_conn(node_id, group=group, no_hint=no_hint)

    def _refuse(self, error: MillstreamError) -> None:
        self.refused = error
        self.stopped.set()

    async def _open(self, host: str, port: int) -> Any:
        self._where.check(host, port)
        last: Exception | None = None
        for address in await self._http.addresses(host, port):
            conn = AIOKafkaConnection(
                host,
                port,
                client_id=self._client_id,
                request_timeout_ms=self._request_timeout_ms,
                ssl_context=self._ssl_context,
                security_protocol=self._security_protocol,
                on_close=self._on_connection_closed,
                max_idle_ms=None,
                sasl_mechanism=self._sasl_mechanism,
                sasl_plain_username=self._sasl_plain_username,
                sasl_plain_password=self._sasl_plain_password,
            )
            conn._loop = _Pinned(conn._loop, address)
            try:
                await conn.connect()
            except SaslAuthenticationFailed:
                raise
            except (OSError, KafkaError, TimeoutError) as error:
                last = error
            else:
                return conn
        raise last or OSError(f"{host} has no address")


async def answered(client: GuardedClient, asked: Awaitable[T], within_s: float) -> T:
    """Wait for what the cluster was asked, but not longer than it makes sense.

    Errors: what the guard refused meanwhile; UpstreamError after `within_s`; those of Kafka as ours.
    """
    task = asyncio.ensure_future(asked)
    stopped = asyncio.ensure_future(client.stopped.wait())
    try:
        await asyncio.wait({task, stopped}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            with translated(client):
                return task.result()
        raise client.refused or UpstreamError(f"The cluster did not do this within {within_s:g} s.")
    finally:
        task.cancel()
        stopped.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


async def find_topic(client: GuardedClient, topic: str) -> None:
    """Look once whether there is such a topic: aiokafka would ask again and again. Errors: BlockExecutionError."""
    found = await client.fetch_all_metadata()
    if topic not in found.topics():
        raise BlockExecutionError(
            f"The cluster has no topic {topic!r}, or does not show it to this credential."
        )


@asynccontextmanager
async def consumer(http: Http, cluster: Cluster, *, group: str | None, **options: Any) -> AsyncIterator[Any]:
    """A started consumer without partitions, closed in the end. It joins no group; `group` keeps its offsets."""
    told = {**cluster.options(), **options}
    made = AIOKafkaConsumer(
        group_id=group,
        enable_auto_commit=False,
        isolation_level=cluster.properties.get("isolation.level", "read_uncommitted"),
        fetch_max_wait_ms=cluster.properties.get("fetch.max.wait.ms", 500),
        fetch_min_bytes=cluster.properties.get("fetch.min.bytes", 1),
        **told,
    )
    client = GuardedClient.instead_of(made._client, http, cluster)
    try:
        await answered(client, made.start(), START_S)
        yield made
    finally:
        await _closed(made.stop(), client)


@asynccontextmanager
async def producer(http: Http, cluster: Cluster) -> AsyncIterator[Any]:
    """A started producer, closed in the end."""
    given = cluster.properties
    compression = given.get("compression.type", "none")
    made = AIOKafkaProducer(
        acks=given.get("acks", "all"),
        compression_type=None if compression == "none" else compression,
        enable_idempotence=given.get("enable.idempotence", given.get("acks", "all") == "all"),
        linger_ms=given.get("linger.ms", 0),
        **cluster.options(),
    )
    client = GuardedClient.instead_of(made.client, http, cluster)
    try:
        await answered(client, made.start(), START_S)
        yield made
    finally:
        await _closed(made.stop(), client)


async def _closed(stop: Any, client: GuardedClient) -> None:
    try:
        async with asyncio.timeout(10):
            await stop
    except (KafkaError, TimeoutError, MillstreamError):
        pass
    finally:
        await client.close()


@contextmanager
def translated(client: GuardedClient) -> Iterator[None]:
    """Errors of Kafka leave as ours; what the guard refused goes before whatever came of it."""
    try:
        yield
    except (KafkaError, TimeoutError, OSError, AssertionError) as error:
        raise (client.refused or explained(error)) from error


def explained(error: BaseException) -> MillstreamError:
    """Return an error of Kafka as ours."""
    if isinstance(error, SaslAuthenticationFailed):
        return CredentialError("The cluster does not accept this name and password.")
    if isinstance(error, TopicAuthorizationFailedError):
        return CredentialError("The cluster does not let this credential use the topic.")
    if isinstance(error, (CommitFailedError, UnknownMemberIdError, IllegalGenerationError)):
        return BlockExecutionError(
            "This consumer group has members, or is being shared out: give the block a group of its own."
        )
    if isinstance(error, UnknownTopicOrPartitionError):
        return BlockExecutionError("The cluster has no such topic.")
    if isinstance(error, (TimeoutError, OSError, KafkaConnectionError)):
        return UpstreamError("The cluster does not answer.")
    retriable = bool(getattr(error, "retriable", False))
    text = f"The cluster refused this: {type(error).__name__}: {str(error)[:300]}"
    return UpstreamError(text) if retriable else BlockExecutionError(text)
