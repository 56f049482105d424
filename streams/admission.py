"""Which of a user's executions may begin: `admit(desk, message) -> grants`. Pure: no clock, no randomness, no I/O.

A user has a number of executions in flight, the rest waits in order. Two topics come in, `executions.requests` (what is
wanted) and `executions.feed` (what began, rests, goes on, ended). Each is applied in its own order and once, by its offset;
how they interleave is free: whatever a crash repeats is known by its execution id.

A step writes a few small rows: a head of counters, one row an execution, and one a place in the queue.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from millstream.schemas.messages import Feed, Request, Withdraw
from millstream.streams.cells import Cell
from millstream.streams.state import Rows, pack_offset

SHARE_MOST = 256
"""What one execution can use: see `stepping.IN_FLIGHT_LIMIT`."""
SHARE_LEAST = 8
"""Less would make a graph of any width crawl; so `user_nodes` may be passed by this much an execution."""
_ENDED = frozenset({"COMPLETED", "FAILED", "TERMINATED"})
_HEAD, _EXECUTION, _PLACE = b"", b"x", b"q"
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one user may use at once."""

    executions: int = 32
    """Executions in flight; those that wait for people or for times far away do not count."""
    nodes: int = 512
    """Node executions in flight, over all of the user's executions."""


class Head(Cell):
    """Counters of one user."""

    requests: int = -1
    """Newest offset of `executions.requests` that was applied."""
    feed: int = -1
    first: int = 0
    """No place of the queue below this one is taken."""
    next: int = 0
    waiting: int = 0
    flying: int = 0
    reserved: int = 0
    """Shares of what is in flight, together."""


class Entry(Cell):
    """An execution that has not ended."""

    status: Literal["waits", "flies", "rests"]
    share: int = 0
    place: int = 0
    start: bytes = b""
    """While it waits: the encoded Start."""


class Place(Cell):
    """A place in the queue."""

    execution_id: bytes


class Grant(NamedTuple):
    """Let an execution begin, with so many node executions in flight."""

    execution_id: bytes
    start: bytes
    share: int


_DECODERS: dict[bytes, msgspec.msgpack.Decoder[Cell]] = {
    _HEAD: msgspec.msgpack.Decoder(Head),
    _EXECUTION: msgspec.msgpack.Decoder(Entry),
    _PLACE: msgspec.msgpack.Decoder(Place),
}


class Desk:
    """One user's state: what changed is in memory, the rest is asked of `rows`."""

    def __init__(self, user_id: str, rows: Rows) -> None:
        self._prefix = hashlib.sha256(user_id.encode()).digest()[:16]
        self._rows = rows
        self._live: dict[bytes, Cell | None] = {}
        self._dirty: dict[bytes, None] = {}
        head = self._get(_HEAD)
        self.head = head if isinstance(head, Head) else Head()

    def entry(self, execution_id: bytes) -> Entry | None:
        """Return what is known of an execution."""
        found = self._get(_EXECUTION + execution_id)
        return found if isinstance(found, Entry) else None

    def place(self, number: int) -> Place | None:
        """Return a place of the queue; None: it is free again."""
        found = self._get(_PLACE + number.to_bytes(8, "big"))
        return found if isinstance(found, Place) else None

    def put(self, execution_id: bytes, entry: Entry | None) -> None:
        """Write an execution; None forgets it."""
        self._put(_EXECUTION + execution_id, entry)

    def put_place(self, number: int, place: Place | None) -> None:
        """Write a place of the queue; None frees it."""
        self._put(_PLACE + number.to_bytes(8, "big"), place)

    def flush(self) -> list[tuple[bytes, bytes | None]]:
        """Return the rows to write, the head's last. They start with the sum of the applied offsets: of two owners of the
        partition the one that has applied all that the other has has the higher one (see `store.Store`)."""
        stamp = pack_offset(self.head.requests + self.head.feed + 2)
        rows: list[tuple[bytes, bytes | None]] = []
        for name in self._dirty:
            cell = self._live[name]
            rows.append((self._prefix + name, None if cell is None else stamp + _encode(cell)))
        rows.append((self._prefix, stamp + _encode(self.head)))
        self._dirty.clear()
        return rows

    def _get(self, name: bytes) -> Cell | None:
        if name not in self._live:
            row = self._rows.get(self._prefix + name)
            self._live[name] = None if row is None else _DECODERS[name[:1]].decode(row[8:])
        return self._live[name]

    def _put(self, name: bytes, cell: Cell | None) -> None:
        self._live[name] = cell
        self._dirty[name] = None


def admit(
    desk: Desk, message: Request | Withdraw | Feed, *, offset: int, limits: Limits
) -> tuple[bool, list[Grant]]:
    """Apply a record at `offset` of its topic. Returns whether the state has changed, and what may begin now."""
    head, grants = desk.head, list[Grant]()
    if isinstance(message, Feed):
        if offset <= head.feed or message.child:
            return False, grants
        head.feed = offset
        _heard(desk, message)
    else:
        if offset <= head.requests:
            return False, grants
        head.requests = offset
        if isinstance(message, Request):
            _asked(desk, message, limits, grants)
        else:
            _withdrawn(desk, message, grants)
    _advance(desk, limits, grants)
    return True, grants


def _asked(desk: Desk, message: Request, limits: Limits, grants: list[Grant]) -> None:
    """Let it begin, or give it a place at the end of the queue. A repeated one is known by its id."""
    if desk.entry(message.execution_id) is not None:
        return
    head = desk.head
    if not head.waiting and head.flying < limits.executions:
        _let_fly(desk, message.execution_id, message.start, limits, grants)
        return
    desk.put(message.execution_id, Entry("waits", place=head.next, start=message.start))
    desk.put_place(head.next, Place(message.execution_id))
    head.next += 1
    head.waiting += 1


def _withdrawn(desk: Desk, message: Withdraw, grants: list[Grant]) -> None:
    """It was stopped. The engine knows, and ends it as soon as it begins: so let it begin, past the queue and the limit."""
    entry = desk.entry(message.execution_id)
    if entry is not None and entry.status == "waits":
        grants.append(Grant(message.execution_id, entry.start, SHARE_LEAST))
        _leave(desk, message.execution_id, entry)


def _heard(desk: Desk, message: Feed) -> None:
    """An execution began, rests, goes on or ended. One that is not known came past admission: it counts all the same."""
    head = desk.head
    entry = desk.entry(message.execution_id)
    share = SHARE_LEAST
    if entry is not None:
        _leave(desk, message.execution_id, entry)
        share = entry.share or share
    if message.status in _ENDED:
        return
    desk.put(message.execution_id, Entry("flies" if message.active else "rests", share=share))
    if message.active:
        head.flying += 1
        head.reserved += share


def _leave(desk: Desk, execution_id: bytes, entry: Entry) -> None:
    """Take an execution out of all counts."""
    head = desk.head
    if entry.status == "waits":
        desk.put_place(entry.place, None)
        head.waiting -= 1
    elif entry.status == "flies":
        head.flying -= 1
        head.reserved -= entry.share
    desk.put(execution_id, None)


def _advance(desk: Desk, limits: Limits, grants: list[Grant]) -> None:
    """Let those begin that wait longest, while there is room."""
    head = desk.head
    while head.waiting and head.flying < limits.executions and head.first < head.next:
        place = desk.place(head.first)
        entry = None if place is None else desk.entry(place.execution_id)
        if place is not None and entry is not None:
            _leave(desk, place.execution_id, entry)
            _let_fly(desk, place.execution_id, entry.start, limits, grants)
        head.first += 1
    if not head.waiting:
        head.first = head.next


def _let_fly(desk: Desk, execution_id: bytes, start: bytes, limits: Limits, grants: list[Grant]) -> None:
    share = share_of(desk.head, limits)
    desk.put(execution_id, Entry("flies", share=share))
    desk.head.flying += 1
    desk.head.reserved += share
    grants.append(Grant(execution_id, start, share))


def share_of(head: Head, limits: Limits) -> int:
    """Return how many node executions the next execution may have in flight.

    Half of what is left, so that one alone is fast and there is always something for the next; but no more than an even part
    among all that want to run now, so that in a long queue all get the same.
    """
    wanted = min(limits.executions, head.flying + head.waiting + 1)
    left = (limits.nodes - head.reserved) // 2
    return max(SHARE_LEAST, min(SHARE_MOST, left, limits.nodes // wanted))
