"""Reading audit records in tests. The broker is shared, so there are chains of other databases on the topic."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from millstream.api.database import Pool
from millstream.connectors.audit import read_head
from millstream.schemas.audit import Report, verify
from millstream.schemas.codec import decode
from millstream.schemas.errors import RecordInvalidError
from millstream.schemas.messages import Audit
from millstream.topics.catalogue import AUDIT
from millstream.topics.tail import read
from tests.integration.api.calls import until

Placed = list[tuple[str, Audit]]


async def drained(pool: Pool) -> None:
    """Wait until all that was written down is on the log."""

    async def empty() -> bool:
        async with pool.connection() as conn:
            found = await (await conn.execute("SELECT count(*) FROM audit_outbox")).fetchone()
        return found is not None and found[0] == 0

    await until(empty)


async def chain(kafka: str, dsn: str) -> Placed:
    """Return all records of a database's chain."""
    head = await asyncio.to_thread(read_head, dsn)
    return [(place, record) for place, record in await everything(kafka) if record.chain_id == head.chain_id]


async def everything(kafka: str) -> Placed:
    def reading() -> Placed:
        found: Placed = []
        for record in read({"bootstrap.servers": kafka}, [AUDIT.name]):
            try:
                message = decode(record.value)
            except RecordInvalidError:  # a test has put it there
                continue
            assert isinstance(message, Audit)
            found.append((f"{record.topic}/{record.partition}@{record.offset}", message))
        return found

    return await asyncio.to_thread(reading)


async def report(kafka: str, dsn: str) -> Report:
    return verify(await chain(kafka, dsn), await asyncio.to_thread(read_head, dsn))


def facts(record: Audit) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(record.data)
    return found
