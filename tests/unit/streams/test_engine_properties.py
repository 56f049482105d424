"""Random graphs under random interruptions end as the reference says.

Deliveries are repeated; a step is cut off after its effects were sent and before its state was written, and done again from
the rows alone; runs of tasks are repeated with other run ids, at once and long after; silences are followed by nudges.
Nothing of this may change the outcome.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.codec import decode, encode
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.graph_links import link_static
from millstream.schemas.ids import derived
from millstream.schemas.messages import (
    Call,
    Delta,
    Emit,
    Events,
    Failure,
    Finished,
    Message,
    Nudge,
    Park,
    Run,
    Start,
    Taken,
)
from millstream.streams import joins, stepping
from millstream.streams.calling import put
from millstream.streams.cells import End
from millstream.streams.engine import decide
from millstream.streams.notes import NOTE_LIMIT
from millstream.streams.nudging import GIVEN_LIMIT
from millstream.streams.plan import compile_plan, decode_plan
from millstream.streams.readiness import inline
from millstream.streams.state import MemoryRows, load
from tests.unit.streams import transitions
from tests.unit.streams.reference import Function, Part, Reference, Values, Wire

EXECUTION = derived(b"execution", 1)
ANY: dict[str, Any] = {}
RELEASED = 2


def emit_many(values: Values) -> list[tuple[str, Any]]:
    count = values["count"]
    return [("item", i) for i in range(count if isinstance(count, int) else 2)]


def add(values: Values) -> list[tuple[str, Any]]:
    return [("sum", [values["a"], values["b"]])]


def fail_on_odd(values: Values) -> list[tuple[str, Any]]:
    if values["value"] == 1:
        return [("sum", "before"), ("error", "one is odd")]
    return [("sum", values["value"])]


def null(values: Values) -> list[tuple[str, Any]]:
    return [("item", None), ("item", 7)]


def join(values: Values) -> list[tuple[str, Any]]:
    return [("sum", [values.get("a"), values.get("b"), values.get("missing", [])])]


def told(values: Values) -> list[tuple[str, Any]]:
    return [("sum", values.get("results") or [])]


KINDS: dict[str, tuple[Function, list[str], list[str], bool]] = {
    # name: function, input pins (required ones first, upper case), output pins, static
    "many": (emit_many, ["count"], ["item"], False),
    "keep": (lambda v: [("item", v["VALUE"])], ["VALUE"], ["item"], True),
    "add": (add, ["a", "b"], ["sum"], False),
    "odd": (fail_on_odd, ["value"], ["sum", "error"], False),
    "null": (null, ["value"], ["item"], False),
    "none": (lambda _: [], ["value"], ["item"], False),
    "join": (join, ["a", "b"], ["sum"], False),
    "both": (join, ["a", "b", "c"], ["sum"], False),
    "ask": (told, ["value"], ["sum", "tools"], False),
    "insist": (told, ["value"], ["sum", "tools"], False),
}


JOINS = ("join", "both")
CALLERS = {"ask": (2, False), "insist": (1, True)}
"""How many calls at once, and whether they stop at a failure."""


def spec(kind: str) -> BlockSpec:
    _, pins, outputs, static = KINDS[kind]
    return BlockSpec(
        id=f"{kind:0>36}",
        name=kind,
        description=kind,
        input_schema={
            "type": "object",
            "properties": dict.fromkeys(pins, ANY),
            "required": [p for p in pins if p.isupper()],
        },
        output_schema={"type": "object", "properties": dict.fromkeys(outputs, ANY)},
        static_output=static,
        join=kind in JOINS,
        calls="always" if kind in CALLERS else "",
    )


SPECS = {spec(kind).id: spec(kind) for kind in KINDS}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, dict[str, str], dict[str, Values]]:
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=2, max_size=6))
    names = [f"n{i}" for i in range(len(kinds))]
    nodes = []
    for name, kind in zip(names, kinds, strict=True):
        defaults = {"count": draw(st.integers(0, 3))} if kind == "many" else {}
        if kind == "both":
            defaults = {"at_least": 2}
        if kind in ("keep", "odd", "null", "add"):
            defaults = {pin: draw(st.integers(0, 2)) for pin in KINDS[kind][1]}
        nodes.append({"id": name, "block_id": spec(kind).id, "input_default": defaults})
    links = []
    for _ in range(draw(st.integers(1, 8))):
        source = draw(st.integers(0, len(kinds) - 2))
        sink = draw(st.integers(source + 1, len(kinds) - 1))
        links.append(
            {
                "source_id": names[source],
                "source_name": draw(st.sampled_from(KINDS[kinds[source]][2])),
                "sink_id": names[sink],
                "sink_name": draw(st.sampled_from(KINDS[kinds[sink]][1])),
            }
        )
    masks: dict[str, Values] = {}
    if draw(st.booleans()):
        victim = draw(st.integers(0, len(kinds) - 1))
        masks[names[victim]] = {KINDS[kinds[victim]][1][0]: 2}
    nodes = draw(st.permutations(nodes))  # the order in the graph is not that of the links
    graph = parse_graph({"name": "g", "description": "", "nodes": nodes, "links": links})
    return link_static(graph, SPECS), dict(zip(names, kinds, strict=True)), masks


class Interrupted:
    """The engine in a world that repeats and interrupts, as `draw` decides."""

    def __init__(self, graph: Graph, kinds: dict[str, str], masks: dict[str, Values], draw: Any) -> None:
        compiled = compile_plan(graph, SPECS)
        self.plan = decode_plan(compiled.hash, compiled.data)
        self.kinds, self.draw = kinds, draw
        self.rows = MemoryRows()
        self.offset = 0
        self.nudges = 0
        self.results = 0
        self.objects: dict[str, bytes] = {}
        self.tasks: dict[tuple[bytes, int], Run] = {}
        self.events: dict[int, Delta] = {}
        self.say(
            Start(
                execution_id=EXECUTION,
                user_id="u",
                graph_id="g",
                graph_version=1,
                plan_hash=compiled.hash,
                plan=compiled.data,
                masks=orjson.dumps(masks) if masks else None,
            )
        )

    def say(self, message: Message) -> None:
        """Append to the inbox and have it decided, perhaps interrupted and done again, perhaps repeated."""
        for _ in range(1 + (self.draw(st.integers(0, 9)) == 0)):
            self.offset += 1
            for _ in range(self.draw(st.integers(0, 9)) == 0):
                self.decide(message, write=False)
            self.decide(message, write=True)
            if self.draw(st.integers(0, 9)) == 0:
                self.decide(message, write=True)  # delivered again after it was applied

    def decide(self, message: Message, write: bool) -> None:
        state = load(EXECUTION, self.rows)
        if state is not None and self.offset <= state.applied:
            return
        open_ = state is None or not isinstance(state.head, End)
        state, effects = decide(
            state, decode(encode(message)), at=self.offset, plan=self.plan if open_ else None, rows=self.rows
        )
        self.objects |= {put.key: put.data for put in effects.puts}
        for send in effects.sends:
            self.sent(decode(encode(send.message)))
        if write and state is not None:
            self.results += open_ and isinstance(message, Finished)
            self.rows.write(state.flush(self.offset))

    def sent(self, message: Message) -> None:
        if isinstance(message, Run):
            known = self.tasks.setdefault((message.node_execution_id, message.attempt), message)
            assert known == message, "a repeated step changed a task, or when it was issued"
        elif isinstance(message, Events):
            for number, delta in enumerate(message.deltas, message.first):
                assert self.events.setdefault(number, delta) == delta, "a repeated step changed an event"

    def nudge(self) -> None:
        """A long silence, and somebody asks what goes on. A task may be lost so often and no oftener."""
        if self.nudges == GIVEN_LIMIT:
            return
        self.nudges += 1
        self.offset += 60_000
        lanes = [Taken(lane=spec.lane, age_ms=0) for spec in SPECS.values()]
        taken = lanes if self.draw(st.booleans()) else []
        self.say(Nudge(execution_id=EXECUTION, at=self.offset, silent_ms=30_000, taken=taken))

    def given(self, task: Run) -> list[list[Any]]:
        """Return status and outputs of each call, as a worker would fetch them."""
        whole = orjson.loads(task.results or b"[]")
        for slot in task.result_slots:
            value = orjson.loads(self.objects[slot.value.ref or ""])
            if slot.path:
                put(whole, slot.path, value)
            else:
                whole = value
        return [[each["status"], each["outputs"]] for each in whole]

    def finish(self, task: Run, run: int) -> None:
        kind, values, park = self.kinds[task.node_id], orjson.loads(task.input), None
        tools = orjson.loads(task.tools.inline or b"[]") if task.tools is not None else []
        if kind in CALLERS and tools and task.results is None:
            parallel, stop = CALLERS[kind]
            calls = [
                Call(node=tool["node"], input=orjson.dumps(dict.fromkeys(tool["pins"].values(), i)))
                for tool in tools
                for i in range(2)
            ]
            park = Park(state=b"{}", calls=calls, parallel=parallel, stop=stop)
        elif kind in CALLERS:
            values["results"] = self.given(task)
        outputs = [] if park else KINDS[kind][0](values)
        failure = next((v for pin, v in outputs if pin == "error"), None)
        self.say(
            Finished(
                execution_id=EXECUTION,
                node=task.node,
                k=task.k,
                run_id=derived(task.node_execution_id, run),
                attempt=task.attempt,
                worker=f"w{run}",
                at=0,
                elapsed_ms=0,
                outputs=[Emit(pin=pin, value=inline(v)) for pin, v in outputs if pin != "error"],
                failure=None if failure is None else Failure(code="x", kind="y", message=failure),
                park=park,
            )
        )

    def outcome(self) -> dict[str, list[tuple[str, Values, list[tuple[str, Any]]]]]:
        found: dict[bytes, list[Any]] = {}
        for number in range(len(self.events)):
            delta = self.events[number]  # KeyError: a gap in the numbers
            if delta.node_execution_id is None or delta.value is None and delta.kind != "NODE":
                continue
            value = None if delta.value is None else orjson.loads(delta.value.inline or b"null")
            if delta.kind == "QUEUED":
                found[delta.node_execution_id] = [delta.node_id, "QUEUED", value, []]
            elif delta.kind == "OUTPUT":
                found[delta.node_execution_id][3].append((delta.pin, value))
            elif delta.kind == "NODE":
                found[delta.node_execution_id][1] = delta.status
        by_node: dict[str, list[tuple[str, Values, list[tuple[str, Any]]]]] = {}
        for node, status, values, outputs in found.values():
            by_node.setdefault(node, []).append((status, values, outputs))
        return by_node


def reference(graph: Graph, kinds: dict[str, str], masks: dict[str, Values]) -> Reference:
    parts = {
        node.id: Part(
            KINDS[kinds[node.id]][0],
            dict(node.input_default),
            frozenset(p for p in KINDS[kinds[node.id]][1] if p.isupper()),
            join=kinds[node.id] in JOINS,
            calls=kinds[node.id] in CALLERS,
            parallel=CALLERS.get(kinds[node.id], (1, False))[0],
            stop=CALLERS.get(kinds[node.id], (1, False))[1],
        )
        for node in graph.nodes
    }
    wires = [Wire(w.source_id, w.source_name, w.sink_id, w.sink_name, w.is_static) for w in graph.links]
    return Reference(parts, wires, masks)


@pytest.fixture(autouse=True)
def _few_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "IN_FLIGHT_LIMIT", 3)
    monkeypatch.setattr(joins, "RELEASED", RELEASED)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), st.data())
def test_interrupted_runs_end_as_the_reference_says(
    found: tuple[Graph, dict[str, str], dict[str, Values]], data: st.DataObject
) -> None:
    graph, kinds, masks = found
    expected = reference(graph, kinds, masks)
    real = Interrupted(graph, kinds, masks, data.draw)
    finished: set[tuple[bytes, int]] = set()
    order: dict[str, list[bytes]] = {}
    for _ in range(400):
        waiting = [task for name, task in real.tasks.items() if name not in finished]
        if not waiting:
            break
        task = waiting[data.draw(st.integers(0, len(waiting) - 1))]
        queued = [d.node_execution_id for d in map(real.events.get, range(len(real.events))) if d is not None
                  and d.kind == "QUEUED" and d.node_id == task.node_id]  # fmt: skip
        order[task.node_id] = [q for q in queued if q is not None]
        expected.finish(task.node_id, order[task.node_id].index(task.node_execution_id))
        expected.settle(RELEASED)
        finished.add((task.node_execution_id, task.attempt))
        real.finish(task, 1)
        if data.draw(st.integers(0, 5)) == 0:
            late = data.draw(st.sampled_from(sorted(finished)))
            expected.late()
            real.finish(real.tasks[late], 2)
        if data.draw(st.integers(0, 5)) == 0:
            expected.nudge()
            real.nudge()
    assert expected.unfinished() == []
    assert real.outcome() == expected.outcome()
    notes = [delta for delta in real.events.values() if delta.kind == "NOTE"]
    assert len(notes) == min(NOTE_LIMIT, real.results - len(finished)), "each result counts or is noted"
    assert len(notes) >= min(NOTE_LIMIT, expected.notes)
    transitions.check(real.events[number] for number in range(len(real.events)))
    last = real.events[len(real.events) - 1]
    assert last.kind == "EXECUTION"
    assert last.status == "COMPLETED"
    verdict = orjson.loads(last.detail or b"{}")["verdict"]
    assert verdict.get("waiting_count", 0) == expected.waiting()
    assert verdict.get("errors", 0) == expected.uncaught()
    head = load(EXECUTION, real.rows)
    assert head is not None
    assert isinstance(head.head, End)
    assert len(real.rows.rows) == 1, "an ended execution leaves one row"
