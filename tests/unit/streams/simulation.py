"""The engine without Kafka: an inbox in a list, rows in a dict, tasks run at once by the real blocks.

State is written and read back between any two messages, so that what is not in a row is lost, as after a crash.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from millstream.processors.context import Context
from millstream.processors.registry import Registry
from millstream.schemas.codec import decode, encode
from millstream.schemas.graph import Graph
from millstream.schemas.graph_links import link_static
from millstream.schemas.ids import derived
from millstream.schemas.messages import (
    Delta,
    Emit,
    Events,
    Finished,
    Flags,
    Message,
    Named,
    Payload,
    Run,
    Start,
    Timer,
)
from millstream.streams.cells import End
from millstream.streams.engine import decide
from millstream.streams.plan import Plan, compile_plan, decode_plan
from millstream.streams.readiness import inline
from millstream.streams.running import Environment, Running, run_task
from millstream.streams.state import MemoryRows, State, load
from tests.unit.streams.context import context

USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"


class Values:
    """Payloads by reference, in a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def offload(self, data: bytes, user_id: str) -> Payload:
        if len(data) <= 16_384:
            return inline(orjson.loads(data))
        ref = derived(b"o", data.hex()).hex()
        self.objects[ref] = data
        kind = {b"[": "array", b"{": "object", b'"': "string"}.get(data[:1], "number")
        return Payload(ref=ref, type=kind, size=len(data), sha256=b"")

    async def fetch(self, payload: Payload) -> bytes:
        return self.objects[payload.ref] if payload.ref else payload.inline or b"null"


class NoClaims:
    async def claim(self, key: str, owner: str, issued_ms: int) -> bool:
        return True


class DictCache:
    def __init__(self) -> None:
        self.kept: dict[bytes, list[Emit]] = {}

    async def get(self, task: Run, version: str) -> list[Emit] | None:
        return self.kept.get(task.input)

    async def put(self, task: Run, version: str, outputs: list[Emit]) -> None:
        self.kept[task.input] = list(outputs)


@dataclass
class Simulation:
    """One execution from Start to end."""

    registry: Registry
    graph: Graph
    inputs: Mapping[str, Any] = field(default_factory=dict)
    masks: Mapping[str, Any] | None = None
    flags: Flags = field(default_factory=Flags)
    rows: MemoryRows = field(default_factory=MemoryRows)
    values: Values = field(default_factory=Values)
    inbox: list[tuple[bytes, Message]] = field(default_factory=list)
    events: list[tuple[int, Delta]] = field(default_factory=list)
    tasks: list[Run] = field(default_factory=list)
    timers: list[tuple[int, bytes, int]] = field(default_factory=list)
    plans: dict[bytes, Plan] = field(default_factory=dict)
    now: int = 1_000_000
    offset: int = 0
    execution_id: bytes = derived(b"x", 1)
    recorded: Mapping[str, Any] | None = None
    wall_time_ms: int | None = None
    cache: DictCache = field(default_factory=DictCache)
    topics: set[str] = field(default_factory=set)
    context: Callable[[Run, Any], Context] = context

    def __post_init__(self) -> None:
        specs = {spec.id: spec for spec in self.registry.specs()}
        self.graph = link_static(self.graph, specs)
        compiled = compile_plan(self.graph, specs)
        start = Start(
            execution_id=self.execution_id,
            user_id=USER,
            graph_id=self.graph.id,
            graph_version=1,
            plan_hash=compiled.hash,
            plan=compiled.data,
            inputs=[Named(name=n, value=inline(v)) for n, v in self.inputs.items()],
            masks=orjson.dumps(self.masks) if self.masks else None,
            flags=self.flags,
            recorded=orjson.dumps(self.recorded) if self.recorded else None,
            wall_time_ms=self.wall_time_ms,
        )
        self.inbox.append((self.execution_id, start))

    def step(self) -> None:
        """Decide the oldest inbox message from the rows alone."""
        key, message = self.inbox.pop(0)
        message = decode(encode(message))
        self.now += 1
        self.offset += 1
        state = load(key, self.rows)
        if state is not None and self.offset <= state.applied:
            return
        state, effects = decide(state, message, at=self.now, plan=self._plan(state, message), rows=self.rows)
        for send in effects.sends:
            self._sent(key, send.topic, send.key, decode(encode(send.message)))
        for put in effects.puts:
            self.values.objects[put.key] = put.data
        for alarm in effects.alarms:
            heapq.heappush(self.timers, (alarm.at, key, alarm.timer))
        if state is not None:
            self.rows.write(state.flush(self.offset))

    def _sent(self, key: bytes, topic: str, to: bytes, message: Message) -> None:
        self.topics.add(topic)
        if isinstance(message, Events) and key == self.execution_id:
            self.events += [(message.first + i, delta) for i, delta in enumerate(message.deltas)]
        elif isinstance(message, Run):
            self.tasks.append(message)
        elif topic == "executions.inbox":
            self.inbox.append((to, message))

    def _plan(self, state: State | None, message: Message) -> Plan | None:
        if isinstance(message, Start):
            if message.plan is not None:
                self.plans[message.plan_hash] = decode_plan(message.plan_hash, message.plan)
            return self.plans.get(message.plan_hash)
        return None if state is None or isinstance(state.head, End) else self.plans[state.head.plan_hash]

    async def work(self, task: Run) -> list[Message]:
        """Run a task; returns what the worker says, Finished last."""
        said: list[Message] = []

        async def say(message: Message) -> None:
            said.append(message)

        env = Environment(
            registry=self.registry,
            values=self.values,
            claims=NoClaims(),
            cache=self.cache,
            context=self.context,
            worker="w",
        )
        said.append(await run_task(Running(task=task, worker="w", say=say, issued_ms=0), env))
        return said

    async def run(self, order: Any = None, limit: int = 5000) -> None:
        """Run to the end. `order`: picks the index of the task to finish next; default the oldest."""
        for _ in range(limit):
            if self.inbox:
                self.step()
            elif self.tasks:
                task = self.tasks.pop(0 if order is None else order(len(self.tasks)))
                self.inbox += [(task.execution_id, m) for m in await self.work(task)]
            elif self.timers:
                at, key, timer = heapq.heappop(self.timers)
                self.now = max(self.now, at)
                self.inbox.append((key, Timer(execution_id=key, timer=timer)))
            else:
                return
            await asyncio.sleep(0)
        raise AssertionError("the execution does not end")

    # --- what came of it ---

    @property
    def status(self) -> str:
        return [d.status or "" for _, d in self.events if d.kind == "EXECUTION"][-1]

    @property
    def detail(self) -> dict[str, Any]:
        last = [d.detail for _, d in self.events if d.kind == "EXECUTION" and d.detail][-1]
        result: dict[str, Any] = orjson.loads(last)
        return result

    def executions(self) -> dict[str, list[dict[str, Any]]]:
        """Return node id -> its ready executions in order, each with status, input, output."""
        found: dict[bytes, dict[str, Any]] = {}
        for _, delta in self.events:
            if delta.node_execution_id is None:
                continue
            if delta.kind == "QUEUED":
                assert delta.value is not None
                values = orjson.loads(delta.value.inline or b"null")
                found[delta.node_execution_id] = {
                    "node": delta.node_id,
                    "status": "QUEUED",
                    "input": values,
                    "output": {},
                }
            elif delta.kind == "OUTPUT":
                assert delta.value is not None
                value = orjson.loads(delta.value.inline or b'"by reference"')
                found[delta.node_execution_id]["output"].setdefault(delta.pin, []).append(value)
            elif delta.kind == "NODE":
                found[delta.node_execution_id]["status"] = delta.status
        by_node: dict[str, list[dict[str, Any]]] = {}
        for entry in found.values():
            by_node.setdefault(entry.pop("node"), []).append(entry)
        return by_node

    def outputs(self) -> dict[str, list[Any]]:
        """Return the outputs of the run."""
        found: dict[str, list[Any]] = {}
        for _, delta in self.events:
            if delta.kind == "QUEUED" and delta.pin is not None and delta.value is not None:
                found.setdefault(delta.pin, []).append(orjson.loads(delta.value.inline or b"{}").get("value"))
        return found


__all__ = ["Finished", "Simulation"]
