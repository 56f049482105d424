"""One run of one task: inputs fetched, block run under its time limit, values turned into messages. Never raises for what
the block or its inputs do: failure is a message."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from millstream.processors.confidence import Confidence
from millstream.processors.context import Context, Park
from millstream.processors.convert import compile_converter
from millstream.processors.discretion import Discreet
from millstream.processors.imitation import imitate
from millstream.processors.pins import MISSING, read
from millstream.processors.registry import Registry
from millstream.processors.sdk import Block
from millstream.schemas.errors import (
    BlockError,
    BlockExecutionError,
    BlockTimeoutError,
    BlockUnknownError,
    MillstreamError,
    NotFoundError,
    PayloadTooLargeError,
)
from millstream.schemas.ids import new_id
from millstream.schemas.messages import (
    Emit,
    Failure,
    Finished,
    Message,
    Output,
    Payload,
    Picked,
    Run,
    Started,
)
from millstream.schemas.messages import Park as ParkMessage
from millstream.schemas.pins import is_tool_pin
from millstream.schemas.secrets import REF_BYTES
from millstream.streams.calling import Toolboxes, park_message, put, results_of
from millstream.streams.readiness import json_type

EARLY_OUTPUT_S = 0.05
EARLY_STARTED_S = 0.2
LEASE_RENEWAL_S = 5.0
CHUNK_BYTES = 256 * 1024
CHUNK_OUTPUTS = 500


class Claims(Protocol):
    """Who may run a block that must never run twice."""

    async def claim(self, key: str, owner: str, issued_ms: int) -> bool:
        """Return True to the first who asks; False to all others, for ever, or when the past is not known."""
        ...


class OutputsCache(Protocol):
    """Outputs of earlier runs by their input."""

    async def get(self, task: Run, version: str) -> list[Emit] | None:
        """Return the outputs, or None."""
        ...

    async def put(self, task: Run, version: str, outputs: list[Emit]) -> None:
        """Keep them for `task.cache_ms`."""
        ...


class Offload(Protocol):
    """Turns JSON text into a payload, in the object store when it is large."""

    async def offload(self, data: bytes, user_id: str) -> Payload:
        """Errors: PayloadTooLargeError."""
        ...

    async def fetch(self, payload: Payload) -> bytes:
        """Errors: NotFoundError, UnavailableError."""
        ...


ContextOf = Callable[[Run, Any], Context]
Say = Callable[[Message], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Environment:
    """What runs need besides their task."""

    registry: Registry
    values: Offload
    claims: Claims
    cache: OutputsCache
    context: ContextOf
    worker: str
    """Instance id of this process."""
    converters: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    """By block and edition, as they are needed."""
    toolboxes: Toolboxes = field(default_factory=Toolboxes)


class UnsaidError(Exception):
    """The engine may not have heard something: no failure of the block. The process ends, and the task is run again."""


@dataclass(slots=True, eq=False)
class Running:
    """A run in progress, as the ticker sees it."""

    task: Run
    worker: str
    say: Say
    issued_ms: int
    """When the task was appended to its topic."""
    run_id: bytes = field(default_factory=lambda: new_id().bytes)
    at: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    began: float = field(default_factory=time.monotonic)
    said_at: float = 0.0
    pending: list[Emit] = field(default_factory=list)
    pending_bytes: int = 0
    pending_since: float = 0.0
    sent: int = 0
    waits: str | None = None
    """What keeps the block from beginning."""
    said_waits: str | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Keeps the order of what is said: outputs before the end."""
    context: Context | None = None
    """The block's, once it runs; it knows what was spent."""

    def add(self, emit: Emit, size: int) -> bool:
        """Keep a value for the next message. Returns True when it is time to send."""
        if not self.pending:
            self.pending_since = time.monotonic()
        self.pending.append(emit)
        self.pending_bytes += size
        return self.pending_bytes >= CHUNK_BYTES or len(self.pending) >= CHUNK_OUTPUTS

    async def flush(self) -> None:
        """Send what was emitted so far."""
        async with self.lock:
            if not self.pending:
                return
            outputs, self.pending, self.pending_bytes = self.pending, [], 0
            first, self.sent = self.sent, self.sent + len(outputs)
            self.said_at = time.monotonic()
            said = Output(
                execution_id=self.task.execution_id,
                node=self.task.node,
                k=self.task.k,
                run_id=self.run_id,
                attempt=self.task.attempt,
                worker=self.worker,
                at=self.at,
                first=first,
                outputs=outputs,
            )
            try:
                await self.say(said)
            except Exception as error:
                raise UnsaidError("outputs could not be sent") from error

    async def tick(self, now: float) -> None:
        """Tell that the run goes on, and what it has emitted, when it takes long."""
        if self.pending and now - self.pending_since >= EARLY_OUTPUT_S:
            await self.flush()
        wait = LEASE_RENEWAL_S if self.said_at else EARLY_STARTED_S
        changed = self.said_at and self.waits != self.said_waits
        if (now - (self.said_at or self.began) < wait and not changed) or self.lock.locked():
            return
        async with self.lock:
            self.said_at, self.said_waits = now, self.waits
            await self.say(
                Started(
                    execution_id=self.task.execution_id,
                    node=self.task.node,
                    k=self.task.k,
                    run_id=self.run_id,
                    attempt=self.task.attempt,
                    worker=self.worker,
                    at=self.at,
                    waits=self.waits,
                )
            )

    def finished(self, failure: Failure | None, park: ParkMessage | None) -> Finished:
        """Return the last message of the run, with what was not sent before."""
        return Finished(
            execution_id=self.task.execution_id,
            node=self.task.node,
            k=self.task.k,
            run_id=self.run_id,
            attempt=self.task.attempt,
            worker=self.worker,
            at=self.at,
            elapsed_ms=int((time.monotonic() - self.began) * 1000),
            first=self.sent,
            outputs=self.pending,
            failure=failure,
            park=park,
            cost_microusd=0 if self.context is None else self.context.spent_microusd,
        )


async def run_task(running: Running, env: Environment) -> Finished:
    """Run a task to its end and return its last message. Errors: UnsaidError, CancelledError."""
    failure: Failure | None = None
    park: ParkMessage | None = None
    task = running.task
    try:
        block = env.registry.get(task.block_id, task.execution_id)
        if block.spec.disabled:
            raise BlockUnknownError(f"the block {block.spec.name!r} is switched off here")
        if task.flags.dry_run and block.spec.kind in _IMITATED:
            await _imitate(running, env, block)
        elif (whole := _is_whole(task)) and task.cache_ms and await _from_cache(running, env, block):
            pass
        elif not block.spec.repeatable and not await _claimed(running, env):
            failure = Failure(
                code="interrupted", kind="BlockExecutionError", message=_INTERRUPTED, retryable=False
            )
        else:
            limit = task.timeout_ms / 1000 if task.timeout_ms is not None else block.spec.timeout_s
            async with asyncio.timeout(limit):
                park = await _drive(running, env, block)
            if whole and task.cache_ms and park is None and not running.sent:
                await env.cache.put(task, block.spec.edition, running.pending)
    except UnsaidError:
        raise
    except TimeoutError as error:
        failure = _failure(_as_timeout(error, task), running)
    except MillstreamError as error:
        failure = _failure(error, running)
    except Exception as error:  # noqa: BLE001 - a block may raise anything
        message = _discreetly(running, str(error) or type(error).__name__)
        failure = Failure(code="internal", kind="BlockUnknownError", message=message[:4000])
    return running.finished(failure, park)


_INTERRUPTED = (
    "this block may not run twice, and an earlier run of it was interrupted: nobody knows how far it came. "
    "Look at what it did, then retry if it is safe"
)


_IMITATED = frozenset({"Standard", "Input", "AI", "Ayrshare", "MCP Tool", "Webhook", "Webhook (manual)"})
"""Kinds of blocks that a dry run does not call."""


async def _imitate(running: Running, env: Environment, block: Block) -> None:
    inputs: dict[str, Any] = orjson.loads(running.task.input)
    for pin, value in imitate(block.spec, inputs):
        running.add(*await _emit(running.task, env, pin, value))


def _is_whole(task: Run) -> bool:
    """Tell whether this is a block's only turn: the outputs of a last turn alone are not what its input gives."""
    return task.resumed is None and task.resumed_value is None and task.results is None


async def _from_cache(running: Running, env: Environment, block: Block) -> bool:
    outputs = await env.cache.get(running.task, block.spec.edition)
    if outputs is None:
        return False
    running.pending = outputs
    return True


async def _claimed(running: Running, env: Environment) -> bool:
    task = running.task
    key = f"{task.node_execution_id.hex()}:{task.attempt}"
    issued_ms = running.issued_ms if task.issued_at is None else min(running.issued_ms, task.issued_at)
    running.waits = "redis"  # told only if it takes long
    try:
        return await env.claims.claim(key, running.run_id.hex(), issued_ms)
    finally:
        running.waits = None


async def _drive(running: Running, env: Environment, block: Block) -> ParkMessage | None:
    task = running.task
    state = task.resumed if task.resumed_value is None else await env.values.fetch(task.resumed_value)
    resumed = None if state is None else orjson.loads(state)
    context = running.context = env.context(task, resumed)
    if task.tools is not None:
        context.tools = await env.toolboxes.of(task.tools, env.values.fetch)
        context.results = await results_of(task, env.values.fetch)
    trusted = context.trusted()
    context.progress = Discreet(context.progress, trusted.mask)
    if state is not None and REF_BYTES in state:
        context.resumed = await trusted.resolve(resumed)
    values = await _inputs(task, env, block, trusted)
    trusted.about(block.spec.input_schema, values)
    async with contextlib.aclosing(block.run(values, context)) as items:
        async for item in items:
            if isinstance(item, Park):
                return await park_message(item, trusted.mask, task.user_id, env.values.offload)
            pin, value = item
            if pin == "error":
                raise BlockExecutionError(str(value) or "the block failed without saying why")
            if trusted.mask:
                value = trusted.mask.value(value)
            emit, size = await _emit(task, env, pin, value)
            if running.add(emit, size):
                await running.flush()
    context.progress.close()
    return None


async def _inputs(task: Run, env: Environment, block: Block, trusted: Confidence) -> dict[str, Any]:
    values: dict[str, Any] = orjson.loads(task.input)
    secret = REF_BYTES in task.input
    for slot in task.slots:
        data = await env.values.fetch(slot.value)
        secret = secret or REF_BYTES in data
        put(values, slot.path, orjson.loads(data))
    if secret:
        values = await trusted.resolve(values)
    if task.flags.strict or not (task.slots or secret):
        return values
    converted: dict[str, Any] = _converter(env, block)(values)
    return converted


def _converter(env: Environment, block: Block) -> Callable[[dict[str, Any]], dict[str, Any]]:
    key = f"{block.spec.id} {block.spec.edition}"
    found = env.converters.get(key)
    if found is None:
        found = env.converters[key] = compile_converter(block.spec.input_schema)
    return found


async def _emit(task: Run, env: Environment, pin: str, value: Any) -> tuple[Emit, int]:
    try:
        data = orjson.dumps(value)
    except TypeError as error:
        raise BlockExecutionError(f"the value on pin {pin!r} is not JSON: {error}") from error
    if len(data) <= 16_384:
        return Emit(pin=pin, value=Payload(inline=data, type=json_type(value), size=len(data))), len(
            data
        ) + 64
    payload = await env.values.offload(data, task.user_id)
    picked = []
    for selector in task.selectors:
        if not selector.startswith(pin) or is_tool_pin(selector):
            continue
        found = read(selector, pin, value, sink_id="", sink_pin="")
        part = None
        if found is not MISSING and found is not None:
            part = await env.values.offload(orjson.dumps(found), task.user_id)
        picked.append(Picked(selector=selector, value=part))
    return Emit(pin=pin, value=payload, picked=picked), 300 + sum(p.value.size for p in picked if p.value)


def _as_timeout(error: TimeoutError, task: Run) -> BlockError:
    return BlockTimeoutError(str(error) or f"the block ran over its time limit of {task.timeout_ms} ms")


def _discreetly(running: Running, message: str) -> str:
    return message if running.context is None else running.context.trusted().mask.text(message)


def _failure(error: MillstreamError, running: Running) -> Failure:
    kind = error.kind if isinstance(error, BlockError) else "BlockExecutionError"
    if isinstance(error, (NotFoundError, PayloadTooLargeError)):
        kind = "BlockExecutionError"
    message = _discreetly(running, str(error) or type(error).__name__)
    return Failure(code=error.code, kind=kind, message=message[:4000], retryable=error.retryable)
