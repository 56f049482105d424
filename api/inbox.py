"""The edge's one way into the engine: records on `executions.requests` and `executions.inbox`, acknowledged by all replicas or
not accepted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from millstream.schemas.codec import RECORD_LIMIT_BYTES, encode
from millstream.schemas.errors import UnavailableError
from millstream.schemas.headers import Header, span_of, traceparent
from millstream.schemas.messages import Answer, Audit, Changed, Nudge, Request, Stop, Withdraw
from millstream.schemas.signing import Signer
from millstream.topics.catalogue import AUDIT, CHANGES, INBOX, REQUESTS

BATCH_BYTES = 256 * 1024
ROOM_BYTES = 65_536
"""What headers and the record's frame may add to a record of the largest size."""

NO_ACK = "Kafka did not acknowledge in time; try again in a moment."


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

    async def request(self, execution_id: bytes, user_id: str, start: bytes) -> None:
        """Ask that an execution begin when its owner has room. `start`: the encoded Start. Errors: UnavailableError."""
        at = int(time.time() * 1000)
        request = Request(user_id=user_id, execution_id=execution_id, start=start, at=at)
        await self._append(REQUESTS.name, user_id.encode(), encode(request), execution_id)

    async def request_all(self, user_id: str, starts: list[tuple[bytes, bytes]]) -> None:
        """Ask for many executions of one user, in this order: (id, encoded Start). Errors: UnavailableError: some may be
        appended."""
        assert self._producer is not None
        at = int(time.time() * 1000)
        key = user_id.encode()
        acks = []
        try:
            async with asyncio.timeout(self._ack_s):
                for execution_id, start in starts:
                    request = Request(user_id=user_id, execution_id=execution_id, start=start, at=at)
                    value = encode(request)
                    headers = self._headers(execution_id, value)
                    acks.append(await self._producer.send(REQUESTS.name, value, key=key, headers=headers))
                found = await asyncio.gather(*acks, return_exceptions=True)
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(NO_ACK) from error
        if bad := next((each for each in found if isinstance(each, BaseException)), None):
            raise UnavailableError(NO_ACK) from bad

    async def withdraw(self, execution_id: bytes, user_id: str) -> None:
        """Have an execution that was stopped wait no longer. Errors: UnavailableError."""
        value = encode(Withdraw(user_id=user_id, execution_id=execution_id))
        await self._append(REQUESTS.name, user_id.encode(), value, execution_id)

    async def send(self, message: Stop | Answer | Nudge) -> None:
        """Append a record and wait for all replicas. Errors: UnavailableError: it may, or may not, be appended."""
        await self._append(INBOX.name, message.execution_id, encode(message), message.execution_id)

    async def _append(self, topic: str, key: bytes, value: bytes, execution_id: bytes) -> None:
        """Append an encoded record, signed. Errors: UnavailableError."""
        assert self._producer is not None
        headers = self._headers(execution_id, value)
        try:
            async with asyncio.timeout(self._ack_s):
                await self._producer.send_and_wait(topic, value, key=key, headers=headers)
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(NO_ACK) from error

    def _headers(self, execution_id: bytes, value: bytes) -> list[Header]:
        headers: list[Header] = [traceparent(execution_id, span_of(execution_id=execution_id))]
        if self._signer is not None:
            headers.append(self._signer.sign(value))
        return headers

    async def audit(self, records: Sequence[Audit]) -> None:
        """Append records to `audit.log` in their order, and wait until Kafka has all. Errors: UnavailableError."""
        assert self._producer is not None
        try:
            async with asyncio.timeout(self._ack_s):
                acks = [
                    await self._producer.send(AUDIT.name, encode(record), key=record.actor_id.encode())
                    for record in records
                ]
                await asyncio.gather(*acks)
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError("Kafka did not acknowledge in time; try again in a moment.") from error

    async def change(self, changed: Changed) -> None:
        """Tell the other edges what has changed. Errors: UnavailableError."""
        assert self._producer is not None
        named = changed.graph_id or changed.session_id or changed.account_id or changed.user_id or ""
        value = encode(changed)
        headers = [] if self._signer is None else [self._signer.sign(value)]
        try:
            async with asyncio.timeout(self._ack_s):
                await self._producer.send_and_wait(CHANGES.name, value, key=named.encode(), headers=headers)
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(NO_ACK) from error

    async def ping(self) -> None:
        """Ask for fresh metadata. Errors: UnavailableError."""
        assert self._producer is not None
        try:
            async with asyncio.timeout(5):
                if not await self._producer.client.fetch_all_metadata():
                    raise UnavailableError("Kafka has no topics.")
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(f"Kafka does not answer: {type(error).__name__}.") from error
