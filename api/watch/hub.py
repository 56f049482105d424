"""Who follows what: executions by id, all executions of a graph, and waiting for one to say something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from millstream.api.database import Pool
from millstream.api.metrics import Metrics
from millstream.api.settings import EdgeLimits
from millstream.api.watch.feed import Feed, Listener
from millstream.api.watch.history import History, decode_events, partition_of
from millstream.api.watch.origin import Origin, origin_of
from millstream.api.watch.peek import peek
from millstream.api.watch.snapshot import snapshot_of
from millstream.api.watch.tail import Tail
from millstream.api.watch.writing import Writing
from millstream.schemas.errors import MillstreamError, UnavailableError
from millstream.schemas.messages import Events
from millstream.topics.catalogue import EVENTS

log = structlog.get_logger(__name__)

GraphOf = tuple[str, str]
"""User id and graph id, as records have them."""
ANY_GRAPH = ""
"""In place of the graph's id: all executions of a user."""


class Hub:
    """Takes each watched record to those whom it concerns, and only to its owner."""

    def __init__(self, kafka: Mapping[str, Any], pool: Pool, metrics: Metrics, limits: EdgeLimits) -> None:
        self.history = History(kafka)
        self.writing = Writing(kafka)
        self.tail = Tail(kafka, self.history, on_record=self._on_record, on_lost=self._on_lost)
        self._pool = pool
        self._metrics = metrics
        self._limits = limits
        self._feeds: dict[bytes, Feed] = {}
        self._owners: dict[bytes, str] = {}
        self._waiting: dict[bytes, asyncio.Queue[Events]] = {}
        self._graphs: dict[GraphOf, set[Listener]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect to Kafka. Errors: KafkaError."""
        await self.tail.start()

    async def stop(self) -> None:
        """Disconnect."""
        for task in list(self._tasks):
            task.cancel()
        await self.tail.stop()
        await self.writing.stop()
        await self.history.stop()

    # --- one execution ---

    async def follow(self, execution_id: UUID, listener: Listener, *, owner_id: UUID, past: bool) -> Feed:
        """Let a listener hear of an execution: from now on, or (`past`) after it has called the feed's `catch_up`.

        Each call needs one `leave`. Errors: NotFoundError, also if another owner has it; UnavailableError.
        """
        key = execution_id.bytes
        partition = partition_of(key)
        origin = await origin_of(self._pool, execution_id, partition=partition, owner_id=owner_id)
        await self._watch(partition)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._open(key, partition, str(origin.user_id))
            work = self._load(feed, origin, self.tail.next_offset(partition))
            self._spawn(self._loading(feed, work))
        if past:
            feed.joining += 1
        else:
            feed.whole.add(listener)
        return feed

    def leave(self, feed: Feed, listener: Listener, *, past: bool) -> None:
        """End one `follow`."""
        feed.whole.discard(listener)
        if past:
            feed.joining -= 1
        self.tail.unwatch(feed.partition)
        self._close_if_idle(feed)

    def _open(self, key: bytes, partition: int, user_id: str) -> Feed:
        feed = self._feeds[key] = Feed(key, partition, self.history, self._limits)
        self._owners[key] = user_id
        self._metrics.watched.set(len(self._feeds))
        return feed

    def _close_if_idle(self, feed: Feed) -> None:
        over = feed.projection is not None and feed.projection.ended
        if (
            self._feeds.get(feed.key) is feed
            and not (feed.whole or feed.joining)
            and (over or not feed.brief)
        ):
            del self._feeds[feed.key], self._owners[feed.key]
            self._metrics.watched.set(len(self._feeds))

    async def _load(self, feed: Feed, origin: Origin, until: int) -> None:
        snapshot = None
        if origin.sequence >= self._limits.kept_events:
            id_, frame_bytes = UUID(bytes=feed.key), self._limits.frame_bytes
            try:
                snapshot = await snapshot_of(self._pool, id_, frame_bytes=frame_bytes)
            except (psycopg.Error, PoolTimeout):  # the log tells the same, if more slowly
                log.exception("snapshot_failed", execution_id=str(id_))
        await feed.load(origin.start, until, snapshot=snapshot)

    async def _loading(self, feed: Feed, work: Coroutine[Any, Any, None]) -> None:
        """Nobody waits for ever for a feed whose loading broke, whatever broke it."""
        try:
            await work
        except MillstreamError as error:
            self._fail(feed, error)
        except BaseException as error:
            self._fail(feed, UnavailableError("The events cannot be read now; subscribe again in a moment."))
            if isinstance(error, KafkaError | OperationalError | PoolTimeout):
                return
            log.exception("feed_not_loaded", execution_id=str(UUID(bytes=feed.key)))
            raise

    def _fail(self, feed: Feed, error: MillstreamError) -> None:
        feed.fail(error)
        if self._feeds.get(feed.key) is feed:
            del self._feeds[feed.key], self._owners[feed.key]

    # --- all executions of a graph ---

    async def follow_graph(self, graph_id: UUID | None, listener: Listener, *, owner_id: UUID) -> None:
        """Let a listener hear of each execution of a graph as a whole, from now on. Needs one `leave_graph`.

        `graph_id`: None for whatever the owner runs.
        """
        await asyncio.gather(*(self._watch(partition) for partition in range(EVENTS.partitions)))
        self._graphs.setdefault((str(owner_id), str(graph_id or ANY_GRAPH)), set()).add(listener)

    def leave_graph(self, graph_id: UUID | None, listener: Listener, *, owner_id: UUID) -> None:
        """End one `follow_graph`."""
        pair = (str(owner_id), str(graph_id or ANY_GRAPH))
        listeners = self._graphs.get(pair, set())
        listeners.discard(listener)
        if not listeners:
            self._graphs.pop(pair, None)
        for partition in range(EVENTS.partitions):
            self.tail.unwatch(partition)
        for feed in list(self._feeds.values()):
            feed.brief = feed.brief - {listener}
            self._close_if_idle(feed)

    async def _load_late(self, feed: Feed, until: int) -> None:
        """Load an execution that was under way when its graph began to be followed."""
        origin = await origin_of(self._pool, UUID(bytes=feed.key), partition=feed.partition)
        await self._load(feed, origin, until)

    # --- waiting for one ---

    @asynccontextmanager
    async def listen(self, execution_id: UUID) -> AsyncIterator[asyncio.Queue[Events]]:
        """Give the records of an execution that is about to be started here."""
        key = execution_id.bytes
        partition = partition_of(key)
        await self._watch(partition)
        queue = self._waiting[key] = asyncio.Queue()
        try:
            yield queue
        finally:
            del self._waiting[key]
            self.tail.unwatch(partition)

    async def _watch(self, partition: int) -> None:
        try:
            await self.tail.watch(partition)
        except KafkaError as error:
            raise UnavailableError("Kafka does not answer now; try again later.") from error

    # --- records ---

    def _on_record(self, record: ConsumerRecord) -> None:
        key = record.key
        if key not in self._feeds and key not in self._waiting and not self._is_of_graph(record.value):
            return
        events = decode_events(record.value)
        if events is None or events.execution_id != key:
            return
        self._metrics.delay.observe(max(0.0, time.time() - record.timestamp / 1000))
        if key in self._waiting:
            self._waiting[key].put_nowait(events)
        brief = self._followers(events)
        feed = self._feeds.get(key)
        if feed is None and brief and any(delta.kind != "NOTE" for delta in events.deltas):
            feed = self._open(key, record.partition, events.user_id)
            if events.first == 0:
                feed.begin(record.offset)
            else:
                self._spawn(self._loading(feed, self._load_late(feed, record.offset)))
        if feed is None:
            return
        if events.user_id != self._owners[key]:
            log.error("events_of_another_owner", execution_id=str(UUID(bytes=key)), offset=record.offset)
            return
        feed.brief = brief
        self._take(feed, record.offset, events)

    def _is_of_graph(self, value: bytes | None) -> bool:
        """Tell whether a record may be of a graph that is followed."""
        if not self._graphs:
            return False
        owner = peek(value)
        return owner is None or owner in self._graphs or (owner[0], ANY_GRAPH) in self._graphs

    def _followers(self, events: Events) -> set[Listener]:
        """Return who follows the graph of an execution, or all that its owner runs."""
        of_graph = self._graphs.get((events.user_id, events.graph_id), set())
        return of_graph | self._graphs.get((events.user_id, ANY_GRAPH), set())

    def _take(self, feed: Feed, offset: int, events: Events) -> None:
        try:
            feed.take(offset, events)
        except Exception:  # the background task of all sockets must not end by one odd record
            log.exception("events_not_projected", execution_id=str(UUID(bytes=feed.key)), offset=offset)
            self._fail(
                feed, MillstreamError("An event of this execution cannot be shown; GET the execution.")
            )
            return
        self._close_if_idle(feed)

    def _on_lost(self, partition: int) -> None:
        for feed in [feed for feed in self._feeds.values() if feed.partition == partition]:
            self._fail(feed, UnavailableError("Events were missed; subscribe again with `since`."))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
