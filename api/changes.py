"""What edges keep in memory and one has changed: told on `edge.changes`, which each edge reads whole, without a group."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from millstream.api.inbox import Inbox
from millstream.schemas.codec import decode
from millstream.schemas.errors import RecordInvalidError, SignatureInvalidError, UnavailableError
from millstream.schemas.messages import Changed
from millstream.schemas.signing import Signer
from millstream.topics.catalogue import CHANGES
from millstream.topics.closing import stop_consumer

log = structlog.get_logger(__name__)

OnChange = Callable[[Changed], None]
OnLost = Callable[[], None]

POLL_MS = 1000
AGAIN_S = 1.0
UNSENT_MOST = 10_000
"""What waits for Kafka to come back. Beyond it the oldest go: what is kept in memory ends within seconds by itself."""
_POINT = TopicPartition(CHANGES.name, 0)


class Changes:
    """Tells the other edges, and hears them. What this edge says it hears itself at once."""

    def __init__(self, kafka: Mapping[str, Any], inbox: Inbox, *, signer: Signer | None = None) -> None:
        """`signer`: None believes whoever can write to the topic."""
        self.edge = uuid4().hex
        self._signer = signer
        self._kafka = kafka
        self._inbox = inbox
        self._hearers: list[tuple[OnChange, OnLost]] = []
        self._unsent: deque[Changed] = deque(maxlen=UNSENT_MOST)
        self._waiting = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None

    def hear(self, on_change: OnChange, on_lost: OnLost) -> None:
        """Have functions called: for each change; and when some were missed, so that everything may be wrong."""
        self._hearers.append((on_change, on_lost))

    async def start(self) -> None:
        """Connect, at the end of the log: who starts keeps nothing yet. Errors: KafkaError."""
        consumer = AIOKafkaConsumer(
            **self._kafka,
            client_id="millstream-edge-changes",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
        )
        try:
            await consumer.start()
            ends = await consumer.end_offsets([_POINT])
        except BaseException:
            await stop_consumer(consumer)
            raise
        consumer.assign([_POINT])
        consumer.seek(_POINT, ends[_POINT])
        self._consumer = consumer

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await stop_consumer(self._consumer)

    async def tell(self, **what: UUID | str | bool | None) -> None:
        """Say what has changed, after the commit; returns when Kafka has it, or is away: then it is said later.

        `what`: `user_id`, `account_id`, `session_id`, `graph_id`; `ends`: whoever has come in by it is out.
        """
        changed = self._heard(what)
        try:
            await self._inbox.change(changed)
        except UnavailableError:
            log.warning("change_told_later")
            self._later(changed)

    def mention(self, **what: UUID | str | bool | None) -> None:
        """Say what has changed, without waiting: of what is asked for again anyway."""
        self._later(self._heard(what))

    def _heard(self, what: Mapping[str, UUID | str | bool | None]) -> Changed:
        facts = {name: str(value) if isinstance(value, UUID) else value for name, value in what.items()}
        changed = Changed(edge=self.edge, at=int(time.time() * 1000), **facts)  # type: ignore[arg-type]
        for on_change, _ in self._hearers:
            on_change(changed)
        return changed

    def _later(self, changed: Changed) -> None:
        self._unsent.append(changed)
        self._waiting.set()

    async def run(self) -> None:
        """Read, and send what waits, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_all())
            group.create_task(self._send_all())

    async def _send_all(self) -> None:
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self._unsent:
                changed = (
                    self._unsent.popleft()
                )  # while it is sent, a full queue drops others and not this one
                try:
                    await self._inbox.change(changed)
                except UnavailableError:
                    if len(self._unsent) < UNSENT_MOST:
                        self._unsent.appendleft(changed)
                    await asyncio.sleep(AGAIN_S)

    async def _read_all(self) -> None:
        consumer = self._consumer
        assert consumer is not None
        while True:
            try:
                batches = await consumer.getmany(_POINT, timeout_ms=POLL_MS)
            except OffsetOutOfRangeError:  # the log was cut off under us: nobody knows what was said
                log.error("changes_lost")
                consumer.seek(_POINT, (await consumer.end_offsets([_POINT]))[_POINT])
                for _, on_lost in self._hearers:
                    on_lost()
                continue
            except KafkaError as error:
                log.warning("changes_unreadable", error=type(error).__name__)
                await asyncio.sleep(AGAIN_S)
                continue
            for record in batches.get(_POINT, ()):
                self._take(record)

    def _take(self, record: ConsumerRecord) -> None:
        try:
            if self._signer is not None:
                self._signer.verify(record.value or b"", record.headers)
            changed = decode(record.value)
        except (RecordInvalidError, SignatureInvalidError) as error:
            log.error("change_unreadable", error=str(error))
            return
        if isinstance(changed, Changed) and changed.edge != self.edge:
            for on_change, _ in self._hearers:
                on_change(changed)
