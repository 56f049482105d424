"""From the outbox to the log: nothing lost, nothing twice in the chain, and no change goes unseen."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from millstream.api.audit import relay as relaying
from millstream.api.audit.record import note, record
from millstream.api.audit.relay import AT_ONCE, relay
from millstream.api.database import Pool
from millstream.api.inbox import Inbox
from millstream.cli import audit as command
from millstream.connectors import database
from millstream.schemas.audit import link_hash
from millstream.schemas.codec import encode
from millstream.schemas.errors import UnavailableError
from millstream.schemas.messages import Audit
from millstream.topics.admin import apply
from millstream.topics.catalogue import AUDIT
from millstream.topics.clients import producer
from tests.integration.api import audits

USER = uuid.UUID(int=7)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Pool]:
    pool = database.pool(dsn)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@pytest_asyncio.fixture
async def pool(dsn: str, kafka: str) -> AsyncIterator[Pool]:
    apply({"bootstrap.servers": kafka})
    database.migrate(dsn)
    async with opened(dsn) as found:
        yield found


@pytest_asyncio.fixture
async def inbox(kafka: str) -> AsyncIterator[Inbox]:
    made = Inbox({"bootstrap_servers": kafka}, ack_s=10)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def test_a_deed_that_is_undone_is_not_written_down(
    pool: Pool, inbox: Inbox, kafka: str, dsn: str
) -> None:
    async with pool.connection() as conn:
        await record(conn, USER, "graph.deleted", "never")
        await conn.rollback()
    await note(pool, USER, "graph.deleted", "done", versions=3)
    assert await relay(pool, inbox) == 1
    [(_, found)] = await audits.chain(kafka, dsn)
    assert (found.actor_id, found.action, found.subject) == (str(USER), "graph.deleted", "done")
    assert audits.facts(found) == {"versions": 3}


async def test_many_edges_relay_one_chain_without_a_gap(
    pool: Pool, inbox: Inbox, kafka: str, dsn: str
) -> None:
    count = AT_ONCE + 50
    stop = asyncio.Event()

    async def relays() -> None:
        while not stop.is_set():
            await relay(pool, inbox)

    async with opened(dsn) as other:
        tasks = [asyncio.create_task(relays()) for _ in range(2)]
        for number in range(count):
            await note(other, uuid.UUID(int=number % 5), "graph.saved", number)
        await audits.drained(pool)
        stop.set()
        await asyncio.gather(*tasks)
    report = await audits.report(kafka, dsn)
    assert not report.breaks
    assert (report.records, report.first, report.last, report.repeated) == (count, 1, count, 0)


async def test_an_edge_that_dies_after_sending_has_it_sent_again_just_the_same(
    pool: Pool, inbox: Inbox, kafka: str, dsn: str
) -> None:
    for number in range(5):
        await note(pool, uuid.UUID(int=number), "graph.saved", number)

    class Dying:
        async def audit(self, records: list[Audit]) -> None:
            await inbox.audit(records)
            raise UnavailableError("the edge is gone, and what Kafka has was not noted")

    dying: Any = Dying()
    with pytest.raises(UnavailableError):
        await relay(pool, dying)
    async with (
        pool.connection() as conn
    ):  # written earlier, committed later: it comes behind what has its place
        await conn.execute(
            "INSERT INTO audit_outbox (id, audit_id, actor_id, action, subject, data, at_ms) OVERRIDING SYSTEM VALUE "
            "VALUES (0, gen_random_uuid(), 'late', 'graph.saved', 'late', '{}', 0)"
        )
    while await relay(pool, inbox):
        pass
    report = await audits.report(kafka, dsn)
    assert not report.breaks
    assert (report.last, report.repeated) == (6, 5)


async def test_the_lock_is_given_back_when_kafka_is_away(
    pool: Pool, inbox: Inbox, kafka: str, dsn: str
) -> None:
    await note(pool, USER, "graph.saved", 1)

    class Away:
        async def audit(self, records: list[Audit]) -> None:
            raise UnavailableError("away")

    away: Any = Away()
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await relay(pool, away)
    async with opened(dsn) as other:
        assert await relay(other, inbox) == 1
    assert not (await audits.report(kafka, dsn)).breaks


async def test_verify_of_the_command_line_finds_what_was_tampered_with(
    pool: Pool, inbox: Inbox, kafka: str, dsn: str
) -> None:
    conf = {"bootstrap.servers": kafka}

    def own_faults() -> set[str]:
        found = command.check(conf, dsn).breaks
        return {each.fault for each in found if each.fault != "foreign"}  # chains of other tests

    for number in range(4):
        await note(pool, USER, "graph.saved", number)
    await relay(pool, inbox)
    assert await asyncio.to_thread(own_faults) == set()
    chain = [record for _, record in await audits.chain(kafka, dsn)]
    changed = msgspec.structs.replace(chain[1], action="nothing")
    hidden = msgspec.structs.replace(changed, hash=link_hash(changed))
    sender = producer(conf)
    sender.produce(AUDIT.name, key=b"forger", value=encode(hidden))
    sender.produce(AUDIT.name, key=b"forger", value=b"no record of ours")
    assert sender.flush(20) == 0
    assert "forked" in await asyncio.to_thread(own_faults)
    report = await asyncio.to_thread(command.check, conf, dsn)
    assert any("BROKEN" in line for line in command.report_lines(report))
    assert not command.report_dict(report)["whole"]


async def test_a_row_that_somebody_changes_before_it_is_sent_shows(
    pool: Pool, inbox: Inbox, kafka: str, dsn: str
) -> None:
    await note(pool, USER, "graph.deleted", "x")
    async with pool.connection() as conn:
        await relaying._number(conn)
    async with pool.connection() as conn:
        await conn.execute("UPDATE audit_outbox SET action = 'graph.saved'")
    await relay(pool, inbox)
    assert {each.fault for each in (await audits.report(kafka, dsn)).breaks} == {"changed"}
