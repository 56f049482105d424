"""Group commit, as far as it is the same for every app with a table: records in bursts, the fence, dead letters, rows.

The order is the caller's: `produce`, then `write`, then `acknowledge`. Whatever fails on the way ends the process; the next
owner of the partitions finds the state before, and the records again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import faust

from millstream.schemas.codec import encode
from millstream.schemas.errors import MillstreamError
from millstream.schemas.headers import Header, cloud_event, span_of, traceparent
from millstream.schemas.messages import Run
from millstream.schemas.signing import Signer, commands
from millstream.streams import store
from millstream.streams.backlog import Backlog
from millstream.streams.batches import Producer, Record, send_all
from millstream.streams.effects import Send
from millstream.streams.pace import Pace
from millstream.topics import catalogue

BURST_LIMIT = 1000
Letter = tuple[bytes | None, bytes, list[tuple[str, bytes]]]
"""A dead letter: key, value, headers."""
DeadLetterOf = Callable[[Any, MillstreamError], tuple[bytes, list[tuple[str, bytes]]]]
"""Makes value and headers of a dead letter from a record that nobody can handle."""


class FencedError(MillstreamError):
    """The group has not answered for too long: somebody else may own the partitions by now."""

    code = "fenced"


class Committer:
    """The table `state` of an app, and the way of records from its stream to their acknowledgement."""

    def __init__(
        self,
        app: faust.App,
        producer: Producer,
        *,
        changelog: catalogue.Topic,
        fence_s: float,
        signer: Signer | None,
    ) -> None:
        self._app = app
        self._producer = producer
        self._changelog = changelog.name
        self._fence_s = fence_s
        self._signer = signer
        self._pace = Pace()
        self._stream: Any = None
        self.backlog = Backlog()
        self.table = app.Table(
            "state",
            partitions=catalogue.PARTITIONS,
            key_type=bytes,
            value_type=bytes,
            extra_topic_configs=changelog.extra,
        )

    async def listen(self, stream: Any) -> None:
        """The body of the app's agent."""
        self._stream = stream
        async for event in stream.noack().events():
            await self.backlog.put(event)

    async def bursts(self) -> AsyncIterator[list[Any]]:
        """Give what came meanwhile, for ever. Events of a generation that is over are left out: they come again."""
        while True:
            await self.backlog.wait()
            while self.backlog:
                if wait_s := self._pace.wait_s():
                    await asyncio.sleep(wait_s)
                events: list[Any] = []
                generation = self._app.consumer_generation_id
                while self.backlog and len(events) < BURST_LIMIT:
                    event = self.backlog.take()
                    if event.message.generation_id == generation:
                        events.append(event)
                self._pace.left(len(events))
                yield events

    def rows(self, partition: int) -> Any:
        """Return the rows of a partition, as `streams.state.Rows`."""
        return self.table.data.rows(partition)

    def check_fence(self) -> None:
        """Errors: FencedError."""
        age = self._app.consumer.heartbeat_age_s()
        if age > self._fence_s:
            raise FencedError(
                f"the group last answered {age:.1f} s ago; somebody else may own the partitions"
            )

    async def produce(self, sends: Iterable[tuple[Send, bytes]], letters: Iterable[Letter]) -> None:
        """Send effects, each with the id of its topmost execution, and dead letters; wait until the brokers have all."""
        self.check_fence()
        records = []
        for send, root in sends:
            value = encode(send.message)
            records.append(Record(send.topic, send.key, value, headers_of(send, value, root, self._signer)))
        futures = [
            await self._producer.send(catalogue.DEAD_LETTERS.name, value, key, headers=headers)
            for key, value, headers in letters
        ]
        await send_all(self._producer, records)
        if futures:
            await asyncio.gather(*futures)
        self.check_fence()

    async def write(self, changed: Mapping[int, Mapping[bytes, bytes | None]]) -> None:
        """Write rows by partition: to the changelog, and when that has them to RocksDB."""
        applied = {partition: _Applied(rows) for partition, rows in changed.items()}
        newest = await send_all(
            self._producer,
            (
                Record(
                    self._changelog,
                    name,
                    value,
                    applied[partition].of(name) if value is None else [],
                    partition,
                )
                for partition, rows in changed.items()
                for name, value in rows.items()
            ),
        )
        for partition, rows in changed.items():
            if rows:
                self.table.data.write(partition, rows.items(), newest[self._changelog, partition])

    async def acknowledge(self, events: list[Any]) -> None:
        """Let the offsets of these events be committed."""
        for event in events:
            await self._stream.ack(event)


class _Applied:
    """The header of deletions: up to where the input was applied, as the rows say that are written with them.

    Rows of one execution (or user) have the same first 16 bytes in their keys, and are written together with their head: that
    has the offset. Other rows take the highest. Later rows of the same key have more, older ones less.
    """

    def __init__(self, rows: Mapping[bytes, bytes | None]) -> None:
        self._by_owner: dict[bytes, bytes] = {}
        for name, row in rows.items():
            if row is not None:
                self._by_owner[name[:16]] = max(row[:8], self._by_owner.get(name[:16], b""))
        self._highest = max(self._by_owner.values(), default=None)

    def of(self, name: bytes) -> list[Header]:
        """Return the header of a row's deletion."""
        stamp = self._by_owner.get(name[:16], self._highest)
        return [] if stamp is None else [(store.APPLIED, stamp)]


def headers_of(send: Send, value: bytes, root: bytes, signer: Signer | None) -> list[Header]:
    """Return the headers of a record: its trace; of a public one, what event it is; of a command, its signature."""
    message: Any = send.message
    node = message.node_execution_id if isinstance(message, Run) else None
    span = span_of(execution_id=message.execution_id, node_execution_id=node)
    headers = [traceparent(root, span), *cloud_event(message)]
    if signer is not None and commands(message):
        headers.append(signer.sign(value))
    return headers
