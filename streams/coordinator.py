"""The coordinator: `executions.inbox` in; tasks, events, feed out; state in a Faust table.

Group commit: a burst of messages is decided in memory; its effects are sent and acknowledged; then the rows are written
to the changelog and acknowledged, then to RocksDB; then the offsets are acknowledged. Meanwhile the next burst gathers.
Whatever fails in a flush ends the process: the next owner decides the same again from the state before.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
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
from millstream.schemas.headers import Header, cloud_event, span_of, traceparent
from millstream.schemas.messages import Message, Run, Start, Timer
from millstream.schemas.signing import Signer, commands
from millstream.streams.alarms import Alarms, BrokerClock
from millstream.streams.apps import BYTES, EngineSettings, build
from millstream.streams.backlog import Backlog
from millstream.streams.burst import Burst
from millstream.streams.effects import Send
from millstream.streams.pace import Pace
from millstream.streams.plan import Plan, decode_plan
from millstream.streams.state import PLAN, TIMED, Due, Head, State, load, numbers, pack_offset
from millstream.topics import catalogue

log = structlog.get_logger()

BURST_LIMIT = 1000
CACHED_STATES = 20_000
CACHED_PLANS = 500


class Producer(Protocol):
    """What the coordinator needs of an aiokafka producer."""

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        *,
        headers: list[Header] | None = None,
    ) -> asyncio.Future[Any]:
        """Append to a batch; the future is done when the broker has it."""
        ...


class ObjectStore(Protocol):
    """Where plans and values are that are too large for a record."""

    async def get(self, key: str) -> bytes:
        """Return an object. Errors: NotFoundError."""
        ...

    async def put(self, key: str, data: bytes) -> None:
        """Write an object; writing the same again changes nothing."""
        ...


DeadLetterOf = Callable[[Any, MillstreamError], tuple[bytes, list[tuple[str, bytes]]]]


class FencedError(MillstreamError):
    """The group has not answered for too long: somebody else may own the partitions by now."""

    code = "fenced"


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
    ) -> None:
        self.app = app
        self._signer = signer
        self._producer = producer
        self._objects = objects
        self._dead_letter = dead_letter
        self._fence_s = fence_s
        self._backlog = Backlog()
        self._states: OrderedDict[bytes, State | None] = OrderedDict()
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()
        self._written_plans: set[tuple[int, bytes]] = set()
        self._generation = -1
        self._pace = Pace()
        self.alarms = Alarms()
        self.clock = BrokerClock()
        self.table = app.Table(
            "state",
            partitions=catalogue.PARTITIONS,
            key_type=bytes,
            value_type=bytes,
            extra_topic_configs=catalogue.STATE.extra,
        )
        self._inbox = app.topic(catalogue.INBOX.name, partitions=catalogue.PARTITIONS, **BYTES)
        app.agent(self._inbox, name="coordinator")(self._listen)
        app.on_rebalance_complete.connect(self._on_rebalanced)

    async def _listen(self, stream: Any) -> None:
        self._stream = stream
        async for event in stream.noack().events():
            await self._backlog.put(event)

    async def _on_rebalanced(self, app: Any, **_: Any) -> None:
        """Tables are recovered: forget what was kept in memory and find the timers again."""
        self._forget()

    def _forget(self) -> None:
        self._generation = self.app.consumer_generation_id
        self._states.clear()
        self._written_plans.clear()
        self.alarms.clear()
        for tp in self.app.consumer.assignment():
            if tp.topic == catalogue.INBOX.name:
                self._find_timers(tp.partition)

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
        self._backlog.wake()

    # --- the pump ---

    async def pump(self) -> None:
        """Decide and flush bursts for ever. Raises whatever makes going on unsafe."""
        while True:
            await self._backlog.wait()
            while self._backlog:
                if self._generation != self.app.consumer_generation_id:
                    self._forget()
                if wait_s := self._pace.wait_s():
                    await asyncio.sleep(wait_s)
                burst = self._take()
                self._pace.left(len(burst.events))
                await self._decide(burst)
                await self._flush(burst)

    def _take(self) -> Burst:
        burst = Burst()
        generation = self.app.consumer_generation_id
        while self._backlog and len(burst.events) < BURST_LIMIT:
            event = self._backlog.take()
            if event.message.generation_id == generation:  # else it is delivered again
                burst.events.append(event)
        return burst

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
        mark = (partition, message.plan_hash)
        if mark in self._written_plans or message.plan is None:
            return
        self._written_plans.add(mark)
        if self.table.data.rows(partition).get(PLAN + message.plan_hash) is None:
            burst.rows[partition][PLAN + message.plan_hash] = pack_offset(offset) + message.plan

    async def _flush(self, burst: Burst) -> None:
        self._check_fence()
        send = self._producer.send
        for key, data in burst.puts():
            await self._objects.put(key, data)
        sent = []
        for each, root in burst.sends():
            value = encode(each.message)
            headers = headers_of(each, value, root, self._signer)
            sent.append(await send(each.topic, value, each.key, headers=headers))
        sent += [await self._send_dead(letter) for letter in burst.letters]
        if sent:
            await asyncio.gather(*sent)
        self._check_fence()
        await self._write_rows(burst)
        for alarm, execution_id, partition in burst.alarms:
            self.alarms.add(alarm.at, execution_id, alarm.timer, partition)
        for event in burst.events:
            await self._stream.ack(event)
        while len(self._states) > CACHED_STATES:
            self._states.popitem(last=False)
        for execution_id in burst.ended:
            self._states.pop(execution_id, None)

    async def _send_dead(self, letter: Any) -> asyncio.Future[Any]:
        key, value, headers = letter
        return await self._producer.send(catalogue.DEAD_LETTERS.name, value, key, headers=headers)

    async def _write_rows(self, burst: Burst) -> None:
        burst.collect_rows()
        send, topic = self._producer.send, catalogue.STATE.name
        partitions, futures = [], []
        for partition, rows in burst.rows.items():
            for name, value in rows.items():
                partitions.append(partition)
                futures.append(await send(topic, value, name, partition))
        newest: dict[int, int] = {}
        for partition, metadata in zip(partitions, await asyncio.gather(*futures), strict=True):
            newest[partition] = max(newest.get(partition, -1), metadata.offset)
        for partition, rows in burst.rows.items():
            self.table.data.write(partition, rows.items(), newest[partition])

    def _check_fence(self) -> None:
        age = self.app.consumer.heartbeat_age_s()
        if age > self._fence_s:
            raise FencedError(
                f"the group last answered {age:.1f} s ago; somebody else may own the partitions"
            )

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


def headers_of(send: Send, value: bytes, root: bytes, signer: Signer | None) -> list[Header]:
    """Return the headers of a record: its trace; of a public one, what event it is; of a command, its signature."""
    message: Any = send.message
    node = message.node_execution_id if isinstance(message, Run) else None
    span = span_of(execution_id=message.execution_id, node_execution_id=node)
    headers = [traceparent(root, span), *cloud_event(message)]
    if signer is not None and commands(message):
        headers.append(signer.sign(value))
    return headers


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
        table_standby_replicas=0,
    )
    return Coordinator(app, producer, objects, dead_letter, settings.session_timeout_s / 2, signer)
