from __future__ import annotations

import pytest

from millstream.schemas.messages import Payload
from millstream.streams.cells import Arrived, Due, End, Head, Ready
from millstream.streams.state import (
    INLINE_LIMIT_BYTES,
    TIMED,
    MemoryRows,
    State,
    applied_of,
    is_open,
    key,
    load,
    numbers,
)

ID = bytes(range(16))


def head() -> Head:
    return Head(user_id="u", graph_id="g", graph_version=1, plan_hash=b"h" * 32)


def fresh() -> tuple[State, MemoryRows]:
    rows = MemoryRows()
    return State(ID, head(), rows), rows


def arrived(number: int) -> Arrived:
    return Arrived(number, Payload(inline=b'"%d"' % number, type="string", size=8))


def fill(state: State, rows: MemoryRows, count: int, first: int = 0) -> None:
    """Put cells, one a step."""
    for number in range(first, first + count):
        state.put(key(b"a", 0, number), arrived(number))
        rows.write(state.flush(number))


def reloaded(rows: MemoryRows) -> State:
    state = load(ID, rows)
    assert state is not None
    return state


def test_a_small_execution_is_one_row() -> None:
    state, rows = fresh()
    fill(state, rows, 20)
    assert list(rows.rows) == [ID]
    assert is_open(rows.rows[ID])
    assert applied_of(rows.rows[ID]) == 19
    again = reloaded(rows)
    assert again.applied == 19
    assert again.get(key(b"a", 0, 7), Arrived) == arrived(7)
    assert again.get(key(b"a", 0, 20), Arrived) is None


def test_cells_beyond_the_limit_become_rows_of_their_own() -> None:
    state, rows = fresh()
    fill(state, rows, 1_000)
    assert len(rows.rows) > 500
    assert len(rows.rows[ID]) < INLINE_LIMIT_BYTES + 500
    again = reloaded(rows)
    assert all(again.get(key(b"a", 0, n), Arrived) == arrived(n) for n in range(1_000))
    assert again.names(b"a") == [key(b"a", 0, n) for n in range(1_000)]
    assert again.names(b"o") == []


@pytest.mark.parametrize("reload", [True, False])
def test_cells_are_deleted_wherever_they_are(reload: bool) -> None:
    state, rows = fresh()
    fill(state, rows, 1_000)
    for number in range(1_000):
        if reload:
            state = reloaded(rows)
        state.pop(key(b"a", 0, number))
        if number % 2 == 0:
            assert key(b"a", 0, number) not in state.names(b"a")  # before the step is written
        rows.write(state.flush(1_000 + number))
    assert list(rows.rows) == [ID]
    assert reloaded(rows).names(b"a") == []


def test_a_cell_that_shrinks_comes_back_inside_and_leaves_no_row() -> None:
    state, rows = fresh()
    fill(state, rows, 200)
    assert len(rows.rows) > 1
    for number in range(150):
        state.pop(key(b"a", 0, number))
    rows.write(state.flush(1_000))
    for number in range(150, 200):
        state.put(key(b"a", 0, number), arrived(1))
    rows.write(state.flush(1_001))
    assert list(rows.rows) == [ID]
    assert len(reloaded(rows).names(b"a")) == 50


def test_a_cell_that_is_put_and_deleted_in_one_step_leaves_nothing() -> None:
    state, rows = fresh()
    fill(state, rows, 300)
    before = dict(rows.rows)
    state.put(key(b"o", 1, 1), Ready(1, 1))
    state.pop(key(b"o", 1, 1))
    written = state.flush(400)
    assert [name for name, _ in written] == [ID]
    rows.write(written)
    assert rows.rows.keys() == before.keys()


def test_names_of_a_kind_are_numbers_in_order() -> None:
    state, _ = fresh()
    for number in (300, 2, 70_000, 1):
        state.put(key(b"t", number), Due(number, "resume"))
    assert [numbers(name)[0] for name in state.names(b"t")] == [1, 2, 300, 70_000]


@pytest.mark.parametrize("count", [3, 1_000])
def test_an_end_leaves_one_row(count: int) -> None:
    state, rows = fresh()
    assert isinstance(state.head, Head)
    state.head.due = 1
    state.put(key(b"t", 0), Due(5, "wall"))
    fill(state, rows, count)
    assert TIMED + ID in rows.rows
    state = reloaded(rows)
    state.head = End("COMPLETED", 9, "u", "g", 1, 0)
    rows.write(state.flush(5_000))
    assert list(rows.rows) == [ID]
    assert not is_open(rows.rows[ID])
    again = reloaded(rows)
    assert isinstance(again.head, End)
    assert again.applied == 5_000


def test_a_row_tells_which_executions_have_timers() -> None:
    state, rows = fresh()
    assert isinstance(state.head, Head)
    for due, expected in ((1, True), (2, True), (0, False), (1, True)):
        state.head.due = due
        rows.write(state.flush(1))
        assert (TIMED + ID in rows.rows) is expected


@pytest.mark.parametrize("reload", [True, False])
def test_a_step_of_a_wide_execution_costs_what_a_step_of_a_narrow_one_costs(reload: bool) -> None:
    """A fan-in: every step adds a cell. Bytes of the last steps at 10,000 cells over those at 1,000."""
    state, rows = fresh()
    fill(state, rows, 1_000)
    narrow = _bytes(state, rows, 1_000, reload)
    state = reloaded(rows)
    fill(state, rows, 9_000, 1_100)
    wide = _bytes(reloaded(rows), rows, 20_000, reload)
    assert wide < 1.1 * narrow


def _bytes(state: State, rows: MemoryRows, first: int, reload: bool) -> int:
    """Return the bytes that a hundred more steps write."""
    total = 0
    for number in range(first, first + 100):
        if reload:
            state = reloaded(rows)
        state.put(key(b"a", 0, number), arrived(number))
        written = state.flush(number)
        total += sum(len(name) + len(value or b"") for name, value in written)
        rows.write(written)
    return total
