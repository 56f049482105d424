"""What one group commit carries: the records that were decided, their effects, and the rows to write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from millstream.schemas.headers import root_of
from millstream.schemas.messages import Delta, Events, Message, Start
from millstream.streams.cells import End, Head
from millstream.streams.effects import Alarm, Effects, Put, Send
from millstream.streams.engine import decide
from millstream.streams.plan import Plan
from millstream.streams.state import Rows, State, load

EVENTS_BYTES = 400_000
_Decided = tuple[Message, Any, int]


class Burst:
    """Collected while deciding, emptied by a flush."""

    def __init__(self, events: list[Any]) -> None:
        self.events = events
        self.letters: list[tuple[bytes | None, bytes, list[tuple[str, bytes]]]] = []
        self.rows: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        self.alarms: list[tuple[Alarm, bytes, int]] = []
        self.ended: list[bytes] = []
        self.others: list[tuple[Send, bytes]] = []
        """Records to produce besides those of steps, with the id of their topmost execution."""
        self._effects: dict[bytes, list[Effects]] = {}
        self._states: dict[bytes, tuple[State, int, int]] = {}
        self._decided: dict[bytes, list[_Decided]] = defaultdict(list)
        self._roots: dict[bytes, bytes] = {}

    def poison(self, event: Any, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        """A record that nobody can read."""
        self.letters.append((event.message.key, value, headers))

    def apply(
        self, state: State | None, message: Message, record: Any, *, at: int, plan: Plan | None, rows: Rows
    ) -> State | None:
        """Decide one message and keep what it asks for."""
        if record.key not in self._roots:
            self._roots[record.key] = _root(state, message, record)
        state, effects = decide(state, message, at=at, plan=plan, rows=rows)
        execution_id: bytes = record.key
        self._decided[execution_id].append((message, record, at))
        self._effects.setdefault(execution_id, []).append(effects)
        if state is not None:
            state.applied = record.offset
            self._states[execution_id] = (state, record.partition, record.offset)
        return state

    def redo(
        self,
        execution_id: bytes,
        record: Any,
        letter: tuple[bytes, list[tuple[str, bytes]]],
        *,
        plan: Plan | None,
        rows: Rows,
    ) -> State | None:
        """The engine failed in the middle of a step: take this execution back to its rows and decide its other messages of
        this burst again, without the one that failed, which becomes a dead letter. Nothing of it was sent yet."""
        self.letters.append((record.key, *letter))
        decided = self._decided.pop(execution_id, [])
        self._effects.pop(execution_id, None)
        self._states.pop(execution_id, None)
        state = load(execution_id, rows)
        for message, earlier, at in decided:
            state = self.apply(state, message, earlier, at=at, plan=plan, rows=rows)
        return state

    def puts(self) -> Iterator[Put]:
        """Return the objects to write first."""
        for effects in self._effects.values():
            for effect in effects:
                yield from effect.puts

    def sends(self) -> Iterator[tuple[Send, bytes]]:
        """Return the records to produce, each with the id of its topmost execution.

        Events of one execution travel together as far as a record can hold them.
        """
        yield from self.others
        for execution_id, effects in self._effects.items():
            root = self._roots[execution_id]
            events: list[Send] = []
            for effect in effects:
                for send in effect.sends:
                    if isinstance(send.message, Events):
                        events.append(send)
                    else:
                        yield send, root
            for send in _packed(events):
                yield send, root

    def collect_rows(self) -> None:
        """Turn the states that changed into rows, and note their timers."""
        for execution_id, effects in self._effects.items():
            found = self._states.get(execution_id)
            if found is None:
                continue
            state, partition, offset = found
            for name, value in state.flush(offset):
                self.rows[partition][name] = value
            if isinstance(state.head, End):
                self.ended.append(execution_id)
                continue
            for effect in effects:
                self.alarms += [(alarm, execution_id, partition) for alarm in effect.alarms]


def _root(state: State | None, message: Message, record: Any) -> bytes:
    """Return the topmost execution's id. What is left of an ended one does not say: then its message may."""
    execution_id: bytes = record.key
    if state is not None and isinstance(state.head, Head):
        return state.head.root or execution_id
    if isinstance(message, Start):
        return message.root_execution_id or execution_id
    return root_of(record.headers) or execution_id


def _packed(sends: list[Send]) -> Iterator[Send]:
    """Split and join events so that each record has about `EVENTS_BYTES` at most; numbers go on without gaps."""
    if not sends:
        return
    topic, key, first = sends[0]
    assert isinstance(first, Events)
    number, size = first.first, 0
    deltas: list[Delta] = []
    for send in sends:
        assert isinstance(send.message, Events)
        for delta in send.message.deltas:
            weight = _weight(delta)
            if deltas and size + weight > EVENTS_BYTES:
                yield Send(topic, key, msgspec.structs.replace(first, first=number, deltas=deltas))
                number, size, deltas = number + len(deltas), 0, []
            deltas.append(delta)
            size += weight
    yield Send(topic, key, msgspec.structs.replace(first, first=number, deltas=deltas))


def _weight(delta: Delta) -> int:
    inline = delta.value.inline if delta.value is not None else None
    return 200 + len(inline or b"") + len(delta.detail or b"") + 300 * len(delta.slots)
