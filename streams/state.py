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

from millstream.streams.cells import (
    Arrived,
    Calls,
    Cell,
    Chunk,
    Due,
    End,
    Failed,
    Given,
    Head,
    Held,
    Missing,
    Node,
    Open,
    Pending,
    Ready,
    Recorded,
    Statics,
    Waiting,
)

INLINE_LIMIT_BYTES = 4096

TIMED = b"\0\0\0\0\0\0timed:"
"""Prefix of the rows that name executions with timers: read when a partition is assigned. Execution ids never start so."""
PLAN = b"\0\0\0\0\0\0plan:"
"""Prefix of the rows that keep plans by hash."""
pack_offset = struct.Struct(">q").pack
_encode = msgspec.msgpack.Encoder().encode


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
    ord("g"): Calls,
    ord("q"): Pending,
    ord("y"): Chunk,  # what a called node execution has emitted so far
    ord("z"): Given,  # by one call
    ord("v"): Given,  # by all calls of a round, for the caller's next run
    ord("w"): Waiting,
    ord("k"): Statics,  # newest values on the pins of a called node that its callers do not fill
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
