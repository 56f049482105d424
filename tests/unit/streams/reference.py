"""A second reading of the execution rules, as plain as can be: everything in memory, lists instead of cells, nothing lost.

Written apart from the engine and compared with it. It is told which node execution finishes next, since that is what a run
leaves open, and knows the blocks as functions from inputs to a list of (pin, value), `error` meaning failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]
Function = Callable[[Values], list[tuple[str, Any]]]


@dataclass
class Part:
    """A node: what it does, its defaults, its required pins, whether its outputs are static."""

    function: Function
    defaults: Values
    required: frozenset[str] = frozenset()
    static: bool = False
    join: bool = False
    calls: bool = False
    """First it calls what is linked from its pin `tools`; its function then gets `results`."""
    parallel: int = 1
    stop: bool = False


@dataclass
class Wire:
    source: str
    source_pin: str
    sink: str
    sink_pin: str
    static: bool


@dataclass(eq=False)
class Attempt:
    """One execution of a node."""

    node: str
    arrived: Values = field(default_factory=dict)
    status: str = "INCOMPLETE"
    input: Values = field(default_factory=dict)
    outputs: list[tuple[str, Any]] = field(default_factory=list)
    caller: Attempt | None = None
    number: int = 0
    """Which of the caller's calls it is."""
    todo: list[tuple[str, Values]] = field(default_factory=list)
    results: list[list[Any]] | None = None


class Reference:
    """One run."""

    def __init__(self, parts: dict[str, Part], wires: list[Wire], masks: dict[str, Values]) -> None:
        self.parts, self.wires, self.masks = parts, wires, masks
        self.attempts: dict[str, list[Attempt]] = {name: [] for name in parts}
        self.ready: dict[str, list[Attempt]] = {name: [] for name in parts}
        self.routed: dict[str, int] = dict.fromkeys(parts, 0)
        self.notes = 0
        self.kept: dict[str, Values] = {name: {} for name in parts}
        self.held: list[tuple[Attempt, str, Values, int]] = []
        for name in parts:
            if not any(wire.sink == name for wire in wires):
                attempt = Attempt(name)
                self.attempts[name].append(attempt)
                assert self.try_to_queue(attempt)

    def linked(self, node: str) -> set[str]:
        return {wire.sink_pin for wire in self.wires if wire.sink == node}

    def tools(self, node: str) -> dict[str, list[str]]:
        """Return what a node may call: sink -> pins, in the order of the links."""
        found: dict[str, list[str]] = {}
        for wire in self.wires:
            if wire.source == node and wire.source_pin == "tools" and self.parts[node].calls:
                pins = found.setdefault(wire.sink, [])
                pins += [wire.sink_pin] if wire.sink_pin not in pins else []
        return found

    def called(self, node: str) -> set[str]:
        """Return the pins that callers fill."""
        return {pin for source in self.parts for pin in self.tools(source).get(node, [])}

    def go_on(self, caller: Attempt) -> None:
        """Begin calls as far as there is room; when all have ended the caller may finish once more."""
        part = self.parts[caller.node]
        assert caller.results is not None
        while caller.todo:
            running = sum(result[0] == "RUNNING" for result in caller.results)
            failed = any(result[0] == "FAILED" for result in caller.results)
            if running >= part.parallel or (part.stop and failed):
                break
            node, values = caller.todo.pop(0)
            caller.results.append(["RUNNING", []])
            self.begin(caller, node, values, len(caller.results) - 1, wait=True)
        if not any(result[0] == "RUNNING" for result in caller.results):
            caller.results += [["SKIPPED", []] for _ in caller.todo]
            caller.todo = []
            caller.status = "QUEUED"

    def begin(self, caller: Attempt, node: str, values: Values, number: int, *, wait: bool) -> None:
        """Begin one call, or let it wait for values from elsewhere, or refuse it."""
        assert caller.results is not None
        data = {**self.kept[node], **values, **self.masks.get(node, {})}
        merged = {**self.parts[node].defaults, **data}
        lacking = self.linked(node) - self.called(node) - set(data)
        if lacking and wait:
            self.held.append((caller, node, values, number))
        elif lacking or any(merged.get(pin) is None for pin in self.parts[node].required):
            caller.results[number] = ["FAILED", []]
        else:
            attempt = Attempt(node, status="QUEUED", input=merged, caller=caller, number=number)
            self.attempts[node].append(attempt)
            self.ready[node].append(attempt)

    def again(self, nodes: list[str], *, wait: bool) -> None:
        """Try calls once more that wait for values."""
        for node in nodes:
            held = [entry for entry in self.held if entry[1] == node]
            self.held = [entry for entry in self.held if entry[1] != node]
            refused = []
            for caller, _, values, number in held:
                self.begin(caller, node, values, number, wait=wait)
                assert caller.results is not None
                if caller.results[number][0] == "FAILED" and caller not in refused:
                    refused.append(caller)
            for caller in refused:
                self.go_on(caller)

    def deliver(self, wire: Wire, value: Any) -> None:
        if self.called(wire.sink):
            self.kept[wire.sink][wire.sink_pin] = value
            self.again([wire.sink], wait=True)
            return
        mine = self.attempts[wire.sink]
        lacking = [a for a in mine if a.status == "INCOMPLETE" and wire.sink_pin not in a.arrived]
        if lacking:
            attempt = lacking[0]
        else:
            attempt = Attempt(wire.sink)
            mine.append(attempt)
        attempt.arrived[wire.sink_pin] = value
        data = dict(attempt.arrived)
        for pin in self.static_pins(wire.sink) - set(data):
            if self.ready[wire.sink]:
                data[pin] = self.ready[wire.sink][-1].input[pin]
        if not self.try_to_queue(attempt, data) or not wire.static:
            return
        for other in reversed([a for a in mine if a.status == "INCOMPLETE"]):
            late = dict(other.arrived)
            for pin in self.static_pins(wire.sink) - set(late):
                late[pin] = attempt.input[pin]
            self.try_to_queue(other, late)

    def static_pins(self, node: str) -> set[str]:
        return {wire.sink_pin for wire in self.wires if wire.sink == node and wire.static}

    def try_to_queue(self, attempt: Attempt, data: Values | None = None) -> bool:
        part = self.parts[attempt.node]
        data = {**(data or {}), **self.masks.get(attempt.node, {})}
        if not self.linked(attempt.node) <= set(data):
            return False
        merged = {**part.defaults, **data}
        if any(merged.get(pin) is None for pin in part.required):
            return False
        attempt.input, attempt.status = merged, "QUEUED"
        self.ready[attempt.node].append(attempt)
        return True

    def unfinished(self) -> list[tuple[str, int]]:
        """Return (node, dispatch number) of what may finish next."""
        return [
            (node, d)
            for node, ready in self.ready.items()
            for d, attempt in enumerate(ready)
            if attempt.status == "QUEUED"
        ]

    def finish(self, node: str, d: int) -> None:
        """The d-th ready execution of a node ends now."""
        attempt = self.ready[node][d]
        part = self.parts[node]
        tools = self.tools(node)
        if tools and attempt.results is None:
            calls = [(sink, dict.fromkeys(pins, i)) for sink, pins in tools.items() for i in range(2)]
            attempt.todo, attempt.results, attempt.status = calls, [], "CALLING"
            self.go_on(attempt)
            return
        attempt.outputs = part.function(
            {**attempt.input, **({"results": attempt.results} if part.calls else {})}
        )
        failed = any(pin == "error" for pin, _ in attempt.outputs)
        attempt.status = "FAILED" if failed else "COMPLETED"
        self.route(node)
        if attempt.caller is not None:
            assert attempt.caller.results is not None
            attempt.caller.results[attempt.number] = [attempt.status, [list(o) for o in attempt.outputs]]
            self.go_on(attempt.caller)

    def route(self, node: str) -> None:
        while self.routed[node] < len(self.ready[node]):
            front = self.ready[node][self.routed[node]]
            if front.status in ("QUEUED", "CALLING"):
                return
            self.routed[node] += 1
            for pin, value in front.outputs:
                for wire in [w for w in self.wires if w.source == node and w.source_pin == pin]:
                    self.deliver(wire, value)

    def settle(self, most: int) -> None:
        """When nothing is left to finish, let the first join go on that can, with at most `most` of its executions."""
        while not self.unfinished():
            if any(self.release(node, most) for node in self.in_order()):
                continue
            if not self.held:
                return
            held = {entry[1] for entry in self.held}
            self.again([node for node in self.parts if node in held], wait=False)

    def in_order(self) -> list[str]:
        """Return the joins as the graph lists them, each behind those that lead to it."""
        found: list[str] = []
        seen: set[str] = set()

        def add(node: str) -> None:
            if node in seen:
                return
            seen.add(node)
            for wire in self.wires:
                if wire.sink == node:
                    add(wire.source)
            found.append(node)

        for node in self.parts:
            add(node)
        return [node for node in found if self.parts[node].join]

    def release(self, node: str, most: int) -> bool:
        linked = self.linked(node)
        if len(linked) < 2:
            return False
        waiting = [a for a in self.attempts[node] if a.status == "INCOMPLETE"]
        mask = self.masks.get(node, {})
        released = False
        for attempt in waiting[:most]:
            data = dict(attempt.arrived)
            for pin in self.static_pins(node) - set(data):
                if self.ready[node]:
                    data[pin] = self.ready[node][-1].input[pin]
            data |= mask
            merged = {**self.parts[node].defaults, **data}
            if len((linked & set(data)) - {"at_least"}) < merged.get("at_least", 1):
                continue
            merged["missing"] = sorted(linked - set(data))
            attempt.input, attempt.status, released = merged, "QUEUED", True
            self.ready[node].append(attempt)
        return released

    def nudge(self) -> None:
        """Somebody asks whether the run still goes on. What is asked for is what it was before."""

    def late(self) -> None:
        """A run speaks whose node execution has ended by another. It is noted if the run goes on; the outcome is the same."""
        self.notes += bool(self.unfinished())

    def outcome(self) -> dict[str, list[tuple[str, Values, list[tuple[str, Any]]]]]:
        """Return node -> its ready executions in order: status, input, outputs."""
        return {
            n: [(a.status, a.input, a.outputs) for a in ready] for n, ready in self.ready.items() if ready
        }

    def uncaught(self) -> int:
        """Return how many failures are no caller's affair."""
        return sum(a.status == "FAILED" and a.caller is None for ready in self.ready.values() for a in ready)

    def waiting(self) -> int:
        return sum(a.status == "INCOMPLETE" for attempts in self.attempts.values() for a in attempts)
