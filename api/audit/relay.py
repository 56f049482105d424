"""From the outbox to the topic `audit.log`, in order, by one edge at a time (an advisory lock says which)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg import OperationalError
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from millstream.api.database import Connection, Pool
from millstream.api.inbox import Inbox
from millstream.schemas.audit import link_hash
from millstream.schemas.errors import UnavailableError
from millstream.schemas.messages import Audit

log = structlog.get_logger(__name__)

EVERY_S = 1.0
AT_ONCE = 200
_LOCK = 0x6D73_6175

NEW = (
    "SELECT id, audit_id, actor_id, action, subject, data, at_ms, sequence, previous, hash FROM audit_outbox "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: int
    audit_id: UUID
    actor_id: str
    action: str
    subject: str
    data: str
    at_ms: int
    sequence: int | None
    previous: bytes | None
    hash: bytes | None

    def message(self, chain_id: UUID, sequence: int, previous: bytes) -> Audit:
        bare = Audit(
            audit_id=self.audit_id.bytes,
            actor_id=self.actor_id,
            action=self.action,
            subject=self.subject,
            data=self.data.encode(),
            at=self.at_ms,
            chain_id=str(chain_id),
            sequence=sequence,
            previous=previous,
        )
        return msgspec.structs.replace(bare, hash=link_hash(bare))


async def run(pool: Pool, inbox: Inbox) -> None:
    """Relay until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            while await relay(pool, inbox) == AT_ONCE:
                pass
        except (UnavailableError, OperationalError, PoolTimeout) as error:
            log.warning("audit_postponed", error=type(error).__name__)
        except Exception:  # a background task
            log.exception("audit_failed")


async def relay(pool: Pool, inbox: Inbox) -> int:
    """Send what waits, in the order of the chain; returns how many. Another edge that is at it has it done: 0.

    First the links are numbered and committed, then sent: an edge that dies in between leaves numbered rows, and the next
    one sends the very same links again. Errors: UnavailableError.
    """
    async with pool.connection() as conn:  # the lock is the session's, not the transaction's
        got = await (await conn.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])).fetchone()
        await conn.commit()
        if not (got and got[0]):
            return 0
        try:
            await _number(conn)
            await conn.commit()
            count = await _send(conn, inbox)
            await conn.commit()
        finally:
            await _unlock(conn)
    return count


async def _unlock(conn: Connection) -> None:
    if conn.closed:
        return  # the lock went with it
    await conn.rollback()
    await conn.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    await conn.commit()


async def _number(conn: Connection) -> None:
    rows = await _rows(conn, NEW + "WHERE sequence IS NULL ORDER BY id LIMIT %s", [AT_ONCE])
    if not rows:
        return
    found = await conn.execute("SELECT chain_id, sequence, hash FROM audit_chain FOR UPDATE")
    head = await found.fetchone()
    assert head is not None
    chain_id, sequence, previous = head
    links = []
    for row in rows:
        sequence += 1
        message = row.message(chain_id, sequence, previous)
        links.append((sequence, previous, message.hash, row.id))
        previous = message.hash
    async with conn.cursor() as cur:
        await cur.executemany(
            "UPDATE audit_outbox SET sequence = %s, previous = %s, hash = %s WHERE id = %s", links
        )
    await conn.execute("UPDATE audit_chain SET sequence = %s, hash = %s", [sequence, previous])


async def _send(conn: Connection, inbox: Inbox) -> int:
    rows = await _rows(conn, NEW + "WHERE sequence IS NOT NULL ORDER BY sequence LIMIT %s", [AT_ONCE])
    if not rows:
        return 0
    head = await (await conn.execute("SELECT chain_id FROM audit_chain")).fetchone()
    assert head is not None
    messages = []
    for row in rows:
        assert row.sequence is not None
        assert row.previous is not None
        message = row.message(head[0], row.sequence, row.previous)
        if message.hash != row.hash:
            log.error("audit_row_changed", sequence=row.sequence)
            message = msgspec.structs.replace(message, hash=row.hash)  # so that `verify` shows it
        messages.append(message)
    await inbox.audit(messages)
    await conn.execute("DELETE FROM audit_outbox WHERE id = ANY(%s)", [[row.id for row in rows]])
    await conn.execute("UPDATE audit_chain SET sent = %s", [rows[-1].sequence])
    return len(rows)


async def _rows(conn: Connection, query: str, values: list[Any]) -> list[_Row]:
    async with conn.cursor(row_factory=class_row(_Row)) as cur:
        await cur.execute(query.encode(), values)
        return await cur.fetchall()
