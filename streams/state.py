"""State of one execution: a head of constant size and cells, each about one node, one value or one timer.

A step writes only the cells that it changed. Small executions keep their cells inside the head's record (one changelog record
a step); beyond `INLINE_LIMIT_BYTES` a cell becomes a row of its own, so that a wide execution still writes O(1) bytes a step.
Rows start with the inbox offset that made them, 8 bytes big endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

import msgspec

from millstream.schemas.messages import Payload, Slot

INLINE_LIMIT_BYTES = 4096
FORMAT = 1
"""Version of the encoding below; kept in every head."""

TIMED = b"\0\0\0\0\0\0timed:"
"""Prefix of the rows that name executions with timers: read when a partition is assigned. Execution ids never start so."""
PLAN = b"\0\0\0\0\0\0plan:"
"""Prefix of the rows that keep plans by hash."""
pack_offset = struct.Struct(">q").pack
_encode = msgspec.msgpack.Encoder().encode


class Cell(msgspec.Struct, array_like=True):
    """Base of all cells. Fields may be appended with defaults, never moved: older records are read by newer code."""


class Head(Cell):
    """What every step needs. Times in Unix milliseconds."""

    user_id: str
    graph_id: str
    graph_version: int
    plan_hash: bytes
    status: str = "QUEUED"
    sequence: int = 0
    """Number of the next event."""
    strict: bool = False
    review_safe: bool = True
    sensitive_safe: bool = False
    dry_run: bool = False
    timezone: str = "UTC"
    test: bool = False
    node_count: int = 0
    error_count: int = 0
    failed: list[int] = []
    """Plan indices of the first nodes that failed, for the verdict."""
    in_flight: int = 0
    parked: int = 0
    """Wait for a timer or a child."""
    reviews: int = 0
    """Wait for a person."""
    waiting: int = 0
    """Node executions that lack inputs."""
    ready_first: int = 0
    ready_next: int = 0
    timers: int = 0
    """Number of the next timer."""
    masks: bytes | None = None
    recorded: int = 0
    """Bytes of recorded outputs, which are a cell of their own; 0: none."""
    started_at: int = 0
    parent: bytes | None = None
    parent_node: int = -1
    parent_k: int = -1
    root: bytes | None = None
    depth: int = 0
    said: int = 0
    """Outputs told to the parent so far."""
    gate: int = 0
    """Starting nodes with static outputs that run before anything else may."""
    due: int = 0
    """Timers that are set."""
    marked: bool = False
    """There is a row that names this execution as one with timers."""
    format: int = FORMAT
    troubled: int = 0
    """Child executions that did not end well, though their nodes completed."""
    in_flight_limit: int = 256
    """Tasks of this execution that may be with workers at once."""
    resting: int = 0
    """Of `parked`, those that wait for a time far away or for a child that rests."""
    fed: str = ""
    """Status that the owner's feed has."""
    active: bool = True
    """What the owner's feed, or the parent, was told: it uses workers."""
    budget_microusd: int = -1
    """-1: no limit."""
    cost_microusd: int = 0
    """Spent so far, also by children."""


class End(Cell):
    """What is left of an execution that ended: enough to see a late or repeated message for what it is."""

    status: str
    sequence: int
    user_id: str
    graph_id: str
    graph_version: int
    at: int
    stopped_early: bool = False
    """Stopped before its Start arrived."""
    by: str = ""
    """Who stopped it early."""
    reason: str | None = None


class Node(Cell):
    """Counters of one node of the graph within the execution."""

    created: int = 0
    """Number `k` of its next execution."""
    oldest: int = 0
    """No execution below this one lacks inputs."""
    queued: int = 0
    """Dispatch number of the next execution that becomes ready."""
    front: int = 0
    """Dispatch number whose outputs are being routed; those of later ones are held back."""


class Missing(Cell):
    """An execution of a node that lacks linked pins."""

    plain: int
    """Pins missing that only a delivery can fill."""
    static: int
    """Pins missing that an earlier execution's static value can fill."""
    arrived: int = 0
    pins: list[str] = []
    """Pins that do not fit or lack a value although all linked ones arrived."""
    why: str = ""


class Arrived(Cell):
    """A value on a pin of an execution that lacks others."""

    order: int
    value: Payload


class Statics(Cell):
    """Static pins of the node's newest ready execution."""

    values: dict[str, Payload]


class Open(Cell):
    """A node execution that is ready, runs or is parked."""

    order: int
    """Dispatch number `d`."""
    input: bytes
    slots: list[Slot] = []
    state: str = "ready"
    """ready, running, timer, review, approval (of a sensitive block), child."""
    attempt: int = 0
    """Number of the newest task; a result that names another is late."""
    retries: int = 0
    seen: int = 0
    """Outputs of the newest task that were taken."""
    run_id: bytes | None = None
    worker: str = ""
    heard_at: int = 0
    started_at: int = 0
    resumed: bytes | None = None
    child: bytes | None = None
    approved: bool = False
    spare: bytes | None = None
    """Encoded Finished of another run, kept until the bound run's lease ends."""
    issued_at: int = 0
    """When the newest task was decided; broker's clock."""
    given_at: int = 0
    """The same, or when it was last given again."""
    given: int = 0
    """How often the newest task was given again."""
    rests: bool = False
    """Parked for a time far away, or for a child that rests."""
    cost_microusd: int = 0
    """Of its child, as far as it was told."""


class Ready(Cell):
    """An entry of the queue of ready node executions."""

    node: int
    k: int


class Held(Cell):
    """Outputs of a node execution whose predecessors have not ended. Its chunks are cells of their own."""

    chunks: int = 0
    done: bool = False


class Chunk(Cell):
    """Some outputs that are held back: (pin, value, selections)."""

    outputs: list[tuple[str, Payload, dict[str, Payload | None]]]


class Recorded(Cell):
    """Outputs that nodes emit instead of running: JSON object node id -> list of runs."""

    data: bytes


class Failed(Cell):
    """The first failure of a node, for the verdict."""

    code: str
    message: str
    child: bytes | None = None
    """The child execution that did not end well."""


class Due(Cell):
    """A timer. `kind`: resume, lease, review, wall."""

    at: int
    kind: str
    node: int = -1
    k: int = -1


C = TypeVar("C", bound=Cell)
_KINDS: dict[int, type[Cell]] = {
    ord("n"): Node,
    ord("m"): Missing,
    ord("a"): Arrived,
    ord("s"): Statics,
    ord("o"): Open,
    ord("r"): Ready,
    ord("h"): Held,
    ord("c"): Chunk,
    ord("t"): Due,
    ord("x"): Recorded,
    ord("f"): Failed,
    ord("p"): Ready,  # cursor of a pin: Ready(node=next k, k=0)
}
_DECODERS = {kind: msgspec.msgpack.Decoder(cls) for kind, cls in _KINDS.items()}
_HEAD = msgspec.msgpack.Decoder(tuple[Head, int, dict[bytes, bytes]])
_END = msgspec.msgpack.Decoder(End)


def key(kind: bytes, *numbers: int) -> bytes:
    """Name of a cell: its kind and up to three numbers below 2**32, sortable."""
    return kind + struct.pack(f">{len(numbers)}I", *numbers)


def numbers(name: bytes) -> tuple[int, ...]:
    """Return the numbers in a cell's name."""
    return struct.unpack(f">{(len(name) - 1) // 4}I", name[1:])


class Rows(Protocol):
    """Where the rows of one partition are; keys are execution id, then the cell's name (the head's is empty)."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the rows whose key starts with `prefix`."""
        ...


class State:
    """One execution's state in memory; `rows` is asked for cells that live in rows of their own."""

    def __init__(self, execution_id: bytes, head: Head | End, rows: Rows, applied: int = -1) -> None:
        self.id = execution_id
        self.head = head
        self.applied = applied
        self._rows = rows
        self._inline: dict[bytes, bytes] = {}
        self._spilled = 0
        self._inline_size = 0
        self._live: dict[bytes, Cell | None] = {}
        self._dirty: dict[bytes, None] = {}
        self._marked = isinstance(head, Head) and head.marked

    def get(self, name: bytes, cls: type[C]) -> C | None:
        """Return a cell, or None. The object is shared: after a change call `put`."""
        try:
            return self._live[name]  # type: ignore[return-value]  # the kind byte says the class
        except KeyError:
            pass
        raw = self._inline.get(name)
        if raw is None and self._spilled:
            row = self._rows.get(self.id + name)
            raw = row[8:] if row else None
        cell = None if raw is None else _DECODERS[name[0]].decode(raw)
        self._live[name] = cell
        return cell  # type: ignore[return-value]

    def put(self, name: bytes, cell: Cell) -> None:
        """Write a cell."""
        self._live[name] = cell
        self._dirty[name] = None

    def pop(self, name: bytes) -> None:
        """Delete a cell."""
        self._live[name] = None
        self._dirty[name] = None

    def names(self, kind: bytes) -> list[bytes]:
        """Return the names of all cells of a kind, sorted. Costs a scan when there are rows."""
        found = {n for n in self._inline if n[:1] == kind}
        if self._spilled:
            found |= {k[16:] for k, _ in self._rows.scan(self.id + kind)}
        found |= {n for n, c in self._live.items() if n[:1] == kind and c is not None}
        return sorted(n for n in found if n not in self._live or self._live[n] is not None)

    def flush(self, applied: int) -> list[tuple[bytes, bytes | None]]:
        """Return the rows to write, (key, value or None), after the step at inbox offset `applied`; the head's is last."""
        self.applied = applied
        stamp = pack_offset(applied)
        if isinstance(self.head, End):
            return self._flush_end(stamp)
        out: list[tuple[bytes, bytes | None]] = []
        for name in self._dirty:
            self._flush_cell(name, self._live[name], stamp, out)
        self._dirty.clear()
        if (self.head.due > 0) != self.head.marked:
            self.head.marked = not self.head.marked
            self._marked = self.head.marked
            out.append((TIMED + self.id, stamp if self._marked else None))
        if self._spilled and len(self._live) > 256:
            self._live.clear()
        out.append((self.id, stamp + b"H" + _encode((self.head, self._spilled, self._inline))))
        return out

    def _flush_cell(
        self, name: bytes, cell: Cell | None, stamp: bytes, out: list[tuple[bytes, bytes | None]]
    ) -> None:
        old = self._inline.pop(name, None)
        had_row = False
        if old is not None:
            self._inline_size -= len(old) + len(name)
        elif self._spilled:
            had_row = self._rows.get(self.id + name) is not None
        raw = None if cell is None else _encode(cell)
        if raw is not None and self._inline_size + len(raw) + len(name) > INLINE_LIMIT_BYTES:
            self._spilled += not had_row
            out.append((self.id + name, stamp + raw))
            return
        if raw is not None:
            self._inline[name] = raw
            self._inline_size += len(raw) + len(name)
        if had_row:
            self._spilled -= 1
            out.append((self.id + name, None))

    def _flush_end(self, stamp: bytes) -> list[tuple[bytes, bytes | None]]:
        out: list[tuple[bytes, bytes | None]] = []
        if self._spilled:
            out += [(k, None) for k, _ in self._rows.scan(self.id) if len(k) > 16]
        if self._marked:
            out.append((TIMED + self.id, None))
        self._inline, self._live, self._dirty, self._spilled = {}, {}, {}, 0
        out.append((self.id, stamp + b"E" + _encode(self.head)))
        return out


def load(execution_id: bytes, rows: Rows) -> State | None:
    """Read an execution's state, or None when nothing is known of it."""
    row = rows.get(execution_id)
    if row is None:
        return None
    applied = int.from_bytes(row[:8], "big", signed=True)
    body = row[9:]
    if row[8:9] == b"E":
        return State(execution_id, _END.decode(body), rows, applied)
    head, spilled, inline = _HEAD.decode(body)
    state = State(execution_id, head, rows, applied)
    state._inline, state._spilled = inline, spilled
    state._inline_size = sum(len(k) + len(v) for k, v in inline.items())
    return state


def is_open(row: bytes) -> bool:
    """Tell whether a head's row is of an execution that has not ended."""
    return row[8:9] == b"H"


class MemoryRows:
    """Rows in a dict: for tests, and for whoever replays a history."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        return self.rows.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the rows below a prefix, sorted."""
        return iter(sorted((k, v) for k, v in self.rows.items() if k.startswith(prefix)))

    def write(self, rows: list[tuple[bytes, bytes | None]]) -> None:
        """Apply what `State.flush` returned."""
        for name, value in rows:
            if value is None:
                self.rows.pop(name, None)
            else:
                self.rows[name] = value


def applied_of(row: Any) -> int:
    """Return the inbox offset that made a row."""
    return int.from_bytes(row[:8], "big", signed=True)
