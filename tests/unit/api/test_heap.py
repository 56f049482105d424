from __future__ import annotations

from millstream.api.ws.heap import STEP, Heap


def test_open_sockets_are_put_out_of_sight_in_steps_and_come_back_when_half_have_gone() -> None:
    done: list[str] = []
    heap = Heap(lambda: done.append("freeze"), lambda: done.append("unfreeze"))
    for _ in range(4 * STEP):
        heap.opened()
    assert done == ["freeze"] * 4
    for _ in range(2 * STEP - 1):
        heap.closed()
    assert done == ["freeze"] * 4
    heap.closed()
    assert done[4:] == ["unfreeze"]


def test_few_sockets_change_nothing() -> None:
    done: list[str] = []
    heap = Heap(lambda: done.append("freeze"), lambda: done.append("unfreeze"))
    for _ in range(10 * STEP):
        heap.opened()
        heap.closed()
    assert done.count("freeze") - done.count("unfreeze") in (0, 1)
    few = Heap(lambda: done.append("x"), lambda: done.append("x"))
    for _ in range(STEP - 1):
        few.opened()
    for _ in range(STEP - 1):
        few.closed()
    assert "x" not in done
