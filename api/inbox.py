"""The edge's one way into the engine: records on `executions.inbox`, acknowledged by all replicas or not accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from millstream.schemas.codec import RECORD_LIMIT_BYTES, encode
from millstream.schemas.errors import UnavailableError
from millstream.schemas.headers import Header, span_of, traceparent
from millstream.schemas.messages import Answer, Start, Stop
from millstream.schemas.signing import Signer
from millstream.topics.catalogue import INBOX

BATCH_BYTES = 256 * 1024
ROOM_BYTES = 65_536
"""What headers and the record's frame may add to a record of the largest size."""


class Inbox:
    """A producer. Its partitioner is murmur2, as everybody's here."""

    def __init__(self, kafka: Mapping[str, Any], *, ack_s: float, signer: Signer | None = None) -> None:
        """`signer`: None sends commands without a signature."""
        self._kafka = kafka
        self._signer = signer
        self._ack_s = ack_s
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Errors: KafkaError."""
        producer = AIOKafkaProducer(
            **self._kafka,
            client_id="millstream-edge",
            acks="all",
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=RECORD_LIMIT_BYTES + ROOM_BYTES,
            request_timeout_ms=int(self._ack_s * 1000),
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Send what is under way, and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, message: Start | Stop | Answer) -> None:
        """Append a record and wait for all replicas. Errors: UnavailableError: it may, or may not, be appended."""
        await self.send_bytes(message.execution_id, encode(message))

    async def send_bytes(self, key: bytes, value: bytes) -> None:
        """Append an encoded record, signed. `key`: the execution id. Errors: UnavailableError."""
        assert self._producer is not None
        headers: list[Header] = [traceparent(key, span_of(execution_id=key))]
        if self._signer is not None:
            headers.append(self._signer.sign(value))
        try:
            async with asyncio.timeout(self._ack_s):
                await self._producer.send_and_wait(INBOX.name, value, key=key, headers=headers)
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError("Kafka did not acknowledge in time; try again in a moment.") from error

    async def ping(self) -> None:
        """Ask for fresh metadata. Errors: UnavailableError."""
        assert self._producer is not None
        try:
            async with asyncio.timeout(5):
                if not await self._producer.client.fetch_all_metadata():
                    raise UnavailableError("Kafka has no topics.")
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(f"Kafka does not answer: {type(error).__name__}.") from error
