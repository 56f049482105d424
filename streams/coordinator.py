"""The coordinator: `executions.inbox` in; tasks, events, feed out; state in a Faust table.

Group commit: a burst of messages is decided in memory; its effects are sent and acknowledged; then the rows are written
to the changelog and acknowledged, then to RocksDB; then the offsets are acknowledged. Meanwhile the next burst gathers.
Whatever fails in a flush ends the process: the next owner decides the same again from the state before.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Protocol

import faust
import structlog

from millstream.schemas.codec import decode, encode
from millstream.schemas.errors import (
    GraphInvalidError,
    MillstreamError,
    NotFoundError,
    RecordInvalidError,
    SignatureInvalidError,
)
from millstream.schemas.headers import span_of, traceparent
from millstream.schemas.messages import Message, Start, Timer
from millstream.schemas.signing import Signer, commands
from millstream.streams.alarms import Alarms, BrokerClock
from millstream.streams.apps import BYTES, EngineSettings, build
from millstream.streams.batches import Producer
from millstream.streams.burst import Burst
from millstream.streams.cells import Due, Head
from millstream.streams.commit import Committer, DeadLetterOf
from millstream.streams.plan import Plan, decode_plan
from millstream.streams.resting import failed_start
from millstream.streams.state import PLAN, TIMED, State, load, numbers, pack_offset
from millstream.streams.sweeping import KEPT_MS, Sweeper
from millstream.topics import catalogue

log = structlog.get_logger()

CACHED_STATES = 20_000
CACHED_PLANS = 500


class ObjectStore(Protocol):
    """Where plans and values are that are too large for a record."""

    async def get(self, key: str) -> bytes:
        """Return an object. Errors: NotFoundError."""
        ...

    async def put(self, key: str, data: bytes) -> None:
        """Write an object; writing the same again changes nothing."""
        ...


class Coordinator:
    """Owns the states of the executions in the partitions that Faust assigned to this process."""

    def __init__(
        self,
        app: faust.App,
        producer: Producer,
        objects: ObjectStore,
        dead_letter: DeadLetterOf,
        fence_s: float,
        signer: Signer | None = None,
        *,
        ends_kept_ms: int = KEPT_MS,
    ) -> None:
        self.app = app
        self._signer = signer
        self._producer = producer
        self._objects = objects
        self._dead_letter = dead_letter
        self._states: OrderedDict[bytes, State | None] = OrderedDict()
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()
        self._written_plans: set[tuple[int, bytes]] = set()
        self._generation = -1
        self.alarms = Alarms()
        self.clock = BrokerClock()
        self._commit = Committer(app, producer, changelog=catalogue.STATE, fence_s=fence_s, signer=signer)
        self.table = self._commit.table
        self.sweeper = Sweeper(
            self._commit, self.clock, partitions=self._owned, forget=self._forget_rows, kept_ms=ends_kept_ms
        )
        self._inbox = app.topic(catalogue.INBOX.name, partitions=catalogue.PARTITIONS, **BYTES)
        app.agent(self._inbox, name="coordinator")(self._commit.listen)
        app.on_rebalance_complete.connect(self._on_rebalanced)

    async def _on_rebalanced(self, app: Any, **_: Any) -> None:
        """Tables are recovered: forget what was kept in memory and find the timers again."""
        self._forget()

    def _forget(self) -> None:
        self._generation = self.app.consumer_generation_id
        self._states.clear()
        self._written_plans.clear()
        self.alarms.clear()
        for partition in self._owned():
            self._find_timers(partition)

    def _owned(self) -> list[int]:
        """Return the partitions of the inbox that are ours."""
        assigned = self.app.consumer.assignment()
        return sorted(tp.partition for tp in assigned if tp.topic == catalogue.INBOX.name)

    def _forget_rows(self, partition: int, keys: list[bytes]) -> None:
        """Rows are deleted: end markers and plans."""
        for key in keys:
            self._states.pop(key, None)
            self._written_plans.discard((partition, key[len(PLAN) :]))

    def _find_timers(self, partition: int) -> None:
        rows = self.table.data.rows(partition)
        for name, _ in rows.scan(TIMED):
            state = load(name[len(TIMED) :], rows)
            if state is None or not isinstance(state.head, Head):
                continue
            for cell in state.names(b"t"):
                due = state.get(cell, Due)
                if due is not None:
                    self.alarms.add(due.at, state.id, numbers(cell)[0], partition)
        self._commit.backlog.wake()

    # --- the pump ---

    async def pump(self) -> None:
        """Decide and flush bursts for ever. Raises whatever makes going on unsafe."""
        async for events in self._commit.bursts():
            if self._generation != self.app.consumer_generation_id:
                self._forget()
            burst = Burst(events)
            async with self.sweeper.turn:
                await self._decide(burst)
                await self._flush(burst)

    async def _decide(self, burst: Burst) -> None:
        for event in burst.events:
            try:
                message = decode(event.value)
                if message.execution_id != event.message.key:  # type: ignore[attr-defined]
                    raise RecordInvalidError("the key is not the execution id of the message")
                if self._signer is not None and commands(message):
                    self._signer.verify(event.value, event.message.headers)
            except (RecordInvalidError, SignatureInvalidError, AttributeError) as error:
                cause = error if isinstance(error, MillstreamError) else RecordInvalidError(str(error))
                burst.poison(event, *self._dead_letter(event.message, cause))
                continue
            await self._decide_one(burst, event.message, message)

    async def _decide_one(self, burst: Burst, record: Any, message: Message) -> None:
        partition, at = record.partition, round(record.timestamp * 1000)
        self.clock.saw(at)
        execution_id: bytes = record.key
        rows = self.table.data.rows(partition)
        state = self._state(execution_id, rows)
        if state is not None and record.offset <= state.applied:
            return  # its effects were acknowledged before the state was written
        plan = await self._plan(state, message, rows)
        try:
            state = burst.apply(state, message, record, at=at, plan=plan, rows=rows)
        except Exception as error:
            log.error("step_failed", error=repr(error), message=type(message).__name__, exc_info=True)
            self._states.pop(execution_id, None)
            cause = RecordInvalidError(f"the engine failed on a {type(message).__name__}: {error!r}")
            if isinstance(message, Start) and message.parent_node is None:
                burst.others.append((failed_start(message, at), execution_id))
            state = burst.redo(execution_id, record, self._dead_letter(record, cause), plan=plan, rows=rows)
        self._states[execution_id] = state
        if isinstance(message, Start) and plan is not None and message.plan is not None:
            self._keep_plan(burst, partition, message, record.offset)

    def _state(self, execution_id: bytes, rows: Any) -> State | None:
        if execution_id in self._states:
            self._states.move_to_end(execution_id)
            return self._states[execution_id]
        return load(execution_id, rows)

    async def _plan(self, state: State | None, message: Message, rows: Any) -> Plan | None:
        """Return the execution's plan; of a Start, its own. None: it is lost or does not fit its hash."""
        if isinstance(message, Start):
            hash_, data = message.plan_hash, message.plan
        elif state is not None and isinstance(state.head, Head):
            hash_, data = state.head.plan_hash, None
        else:
            return None
        plan = self._plans.get(hash_)
        if plan is not None:
            self._plans.move_to_end(hash_)
            return plan
        row = rows.get(PLAN + hash_)
        try:
            if data is None:
                data = row[8:] if row else await self._objects.get(f"plans/{hash_.hex()}")
            plan = decode_plan(hash_, data)
        except (GraphInvalidError, NotFoundError) as error:
            log.error("plan_missing", plan=hash_.hex(), error=str(error))
            return None
        self._plans[hash_] = plan
        if len(self._plans) > CACHED_PLANS:
            self._plans.popitem(last=False)
        return plan

    def _keep_plan(self, burst: Burst, partition: int, message: Start, offset: int) -> None:
        self.sweeper.wants(message.plan_hash)
        mark = (partition, message.plan_hash)
        if mark in self._written_plans or message.plan is None:
            return
        self._written_plans.add(mark)
        if self.table.data.rows(partition).get(PLAN + message.plan_hash) is None:
            burst.rows[partition][PLAN + message.plan_hash] = pack_offset(offset) + message.plan

    async def _flush(self, burst: Burst) -> None:
        for key, data in burst.puts():
            await self._objects.put(key, data)
        await self._commit.produce(burst.sends(), burst.letters)
        burst.collect_rows()
        await self._commit.write(burst.rows)
        for alarm, execution_id, partition in burst.alarms:
            self.alarms.add(alarm.at, execution_id, alarm.timer, partition)
        await self._commit.acknowledge(burst.events)
        while len(self._states) > CACHED_STATES:
            self._states.popitem(last=False)
        for execution_id in burst.ended:
            self._states.pop(execution_id, None)

    # --- timers ---

    async def ring(self) -> None:
        """Send a Timer for each timer that comes due, for ever."""
        while True:
            now = self.clock.now_ms()
            due = self.alarms.due(now)
            futures = [await self._send_timer(*each) for each in due]
            if futures:
                await asyncio.gather(*futures)
            else:
                await asyncio.sleep(min(0.02, self.alarms.wait_s(now)) if len(self.alarms) else 0.02)

    async def _send_timer(self, execution_id: bytes, timer: int, partition: int) -> asyncio.Future[Any]:
        state = self._state(execution_id, self.table.data.rows(partition))
        root = state.head.root if state is not None and isinstance(state.head, Head) else None
        trace = traceparent(root or execution_id, span_of(execution_id=execution_id))
        value = encode(Timer(execution_id=execution_id, timer=timer))
        return await self._producer.send(
            catalogue.INBOX.name, value, execution_id, partition, headers=[trace]
        )


def build_coordinator(
    settings: EngineSettings,
    producer: Producer,
    objects: ObjectStore,
    dead_letter: DeadLetterOf,
    *,
    signer: Signer | None = None,
) -> Coordinator:
    """Return the coordinator and its app, not started. `signer`: None accepts commands of anybody."""
    app = build(
        "millstream-coordinator",
        settings,
        store="millrocks://",
        stream_wait_empty=True,
        stream_buffer_maxsize=4096,
        broker_max_poll_records=500,
        table_standby_replicas=settings.standbys,
    )
    return Coordinator(app, producer, objects, dead_letter, settings.session_timeout_s / 2, signer)
