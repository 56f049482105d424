"""Agent `worker-<lane>`: tasks in; per task one Finished (and Started, Output before it when it takes long) to the inbox.

A bounded pool: a task's offset is acknowledged when Kafka has all that its run said. A task that is delivered again while it
still runs here (after a rebalance) attaches to that run.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import faust
import structlog

from millstream.schemas.codec import decode, encode
from millstream.schemas.errors import MillstreamError, RecordInvalidError, SignatureInvalidError
from millstream.schemas.headers import TRACEPARENT, Header, find
from millstream.schemas.messages import Cancel, Failure, Message, Run
from millstream.schemas.signing import Signer
from millstream.streams.apps import BYTES, EngineSettings, build
from millstream.streams.batches import Producer
from millstream.streams.commit import DeadLetterOf
from millstream.streams.post import Post
from millstream.streams.running import Environment, Running, run_task
from millstream.topics import catalogue

log = structlog.get_logger()
CANCELLED_KEPT = 100_000
TICK_S = 0.025


class Worker:
    """Runs tasks of some lanes in this process."""

    def __init__(
        self,
        env: Environment,
        producer: Producer,
        dead_letter: DeadLetterOf,
        crash: Callable[[BaseException], None],
        *,
        signer: Signer | None = None,
    ) -> None:
        """`signer`: None runs tasks of anybody."""
        self._signer = signer
        self._env = env
        self._producer = producer
        self._dead_letter = dead_letter
        self._crash = crash
        self._post = Post(producer)
        self._jobs: dict[tuple[bytes, int], asyncio.Task[None]] = {}
        self._running: dict[asyncio.Task[None], Running] = {}
        self._cancelled: OrderedDict[bytes, None] = OrderedDict()
        self._ackers: set[asyncio.Task[None]] = set()

    def attach(self, app: faust.App, lane: str, slots: int) -> None:
        """Have `app` consume the lane's tasks, `slots` at once."""
        topic = app.topic(catalogue.tasks(lane).name, partitions=catalogue.PARTITIONS, **BYTES)
        room = asyncio.Semaphore(slots)

        async def work(stream: Any) -> None:
            async for event in stream.noack().events():
                await room.acquire()
                acker = asyncio.create_task(self._handle(stream, event, room))
                self._ackers.add(acker)
                acker.add_done_callback(self._ackers.discard)

        app.agent(topic, name=f"worker-{lane}")(work)

    async def _handle(self, stream: Any, event: Any, room: asyncio.Semaphore) -> None:
        """Run the task, then acknowledge its offset. What goes wrong outside the block ends the process."""
        try:
            await self._job(event)
            await stream.ack(event)
        except Exception as error:  # noqa: BLE001 - not acknowledged: delivered again
            self._crash(error)
        finally:
            room.release()

    async def _job(self, event: Any) -> None:
        try:
            task = decode(event.value)
            if not isinstance(task, Run):
                raise RecordInvalidError(f"a {type(task).__name__} is no task")
            if self._signer is not None:
                self._signer.verify(event.value, event.message.headers)
        except (RecordInvalidError, SignatureInvalidError) as error:
            await self._bury(event, error)
            return
        if task.execution_id in self._cancelled:
            return
        name = (task.node_execution_id, task.attempt)
        job = self._jobs.get(name)
        if job is None:
            job = self._jobs[name] = asyncio.create_task(self._run(task, event.message))
            job.add_done_callback(lambda _: self._jobs.pop(name, None))
        await asyncio.shield(job)

    async def _run(self, task: Run, record: Any) -> None:
        trace = find(record.headers, TRACEPARENT)
        headers: list[Header] = [] if trace is None else [(TRACEPARENT, trace)]

        async def say(message: Message) -> None:
            inbox, value = catalogue.INBOX.name, encode(message)
            await self._post.send(inbox, task.execution_id, value, headers)

        issued_ms = round(record.timestamp * 1000)
        running = Running(task=task, worker=self._env.worker, say=say, issued_ms=issued_ms)
        me = asyncio.current_task()
        assert me is not None
        self._running[me] = running
        try:
            finished = await run_task(running, self._env)
        except asyncio.CancelledError:
            if task.execution_id in self._cancelled:
                return  # stopped: nobody waits for a result
            if me.cancelling():
                raise
            # A library cancelled what the block awaited. Without a result nobody would ever hear of this run.
            within = Failure(
                code="internal", kind="BlockUnknownError", message="the block was cancelled from within"
            )
            finished = running.finished(within, None)
        finally:
            del self._running[me]
        async with running.lock:
            await say(finished)

    async def _bury(self, event: Any, error: MillstreamError) -> None:
        value, headers = self._dead_letter(event.message, error)
        key = event.message.key
        await (await self._producer.send(catalogue.DEAD_LETTERS.name, value, key, headers=headers))

    async def tick(self) -> None:
        """Look after long runs, for ever."""
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for running in list(self._running.values()):
                await running.tick(now)

    def cancel(self, raw: bytes | None) -> None:
        """Stop what runs for an execution, and what comes later for it. `raw`: a record of `nodes.cancels`."""
        try:
            message = decode(raw)
        except RecordInvalidError as error:
            log.warning("cancel_unreadable", error=str(error))
            return
        if not isinstance(message, Cancel):
            return
        self._cancelled[message.execution_id] = None
        if len(self._cancelled) > CANCELLED_KEPT:
            self._cancelled.popitem(last=False)
        for task, running in list(self._running.items()):
            if running.task.execution_id == message.execution_id:
                task.cancel()

    async def drain(self, timeout_s: float) -> None:
        """Wait for what runs, at most `timeout_s`: the rest is delivered to somebody else."""
        if self._ackers:
            await asyncio.wait(list(self._ackers), timeout=timeout_s)


def build_lane(settings: EngineSettings, lane: str, worker: Worker) -> faust.App:
    """Return the app of one lane, not started. Its group is its own, so that lanes rebalance apart."""
    app = build(
        f"millstream-worker-{lane}",
        settings,
        stream_wait_empty=False,
        stream_buffer_maxsize=max(1000, settings.slots * 4),
        broker_max_poll_records=max(100, settings.slots // 2),
    )
    worker.attach(app, lane, settings.slots)
    return app
