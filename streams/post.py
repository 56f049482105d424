"""Outgoing records of many coroutines: while one group is on its way to the brokers the next gathers."""

from __future__ import annotations

import asyncio

from millstream.schemas.headers import Header
from millstream.streams.batches import Producer, Record, send_all
from millstream.streams.pace import Pace


class _Group:
    """Records that travel together, and what tells their senders that they arrived."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Post:
    """Sends at once when it is quiet; under load a group follows the one before, after a little gathering."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._pace = Pace()
        self._gathering: _Group | None = None
        self._carrier: asyncio.Task[None] | None = None

    async def send(self, topic: str, key: bytes, value: bytes, headers: list[Header]) -> None:
        """Append a record; return when the brokers have it. Errors: KafkaError: it may be appended or not."""
        if self._gathering is None:
            self._gathering = _Group()
        group = self._gathering
        group.records.append(Record(topic, key, value, headers))
        if self._carrier is None:
            self._carrier = asyncio.create_task(self._carry())
        await asyncio.shield(group.done)

    async def _carry(self) -> None:
        while self._gathering is not None:
            if wait_s := self._pace.wait_s():
                await asyncio.sleep(wait_s)
            group, self._gathering = self._gathering, None
            self._pace.left(len(group.records))
            try:
                await send_all(self._producer, group.records)
            except Exception as error:  # noqa: BLE001 - its senders tell
                group.done.set_exception(error)
            except BaseException:  # also a future that aiokafka cancelled: nobody waits for ever
                group.done.set_exception(ConnectionError("the records were not sent"))
                self._carrier = None
                raise
            else:
                group.done.set_result(None)
        self._carrier = None
