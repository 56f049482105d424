"""Killable calls: answers, errors, time, size, memory, death; and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from millstream.processors import isolation
from millstream.schemas.errors import (
    BlockError,
    BlockExecutionError,
    BlockInputError,
    BlockTimeoutError,
    NotFoundError,
)


def echo(value: Any, *, twice: bool = False) -> Any:
    return [value, value] if twice else value


def own_pid() -> int:
    return os.getpid()


def environment() -> list[str]:
    return sorted(os.environ)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def spin() -> None:
    while True:
        pass


def tell_and_spin(path: str) -> None:
    with open(path, "a") as told:
        told.write(f"{os.getpid()}\n")
    spin()


def long_text(chars: int) -> str:
    return "x" * chars


def fail(kind: str) -> None:
    if kind == "input":
        raise BlockInputError("no", pin="a")
    if kind == "value":
        raise ValueError("bad value")
    if kind == "memory":
        bytearray(8 * 1024**3)
    if kind == "exit":
        raise SystemExit(3)
    raise NotFoundError("gone") if kind == "other" else KeyError("k")


@pytest.mark.parametrize("value", [None, 1.5, "é\ud83d", 2**80, [1, {"a": None}], math.inf])
async def test_values_go_there_and_back(value: Any) -> None:
    assert await isolation.call(echo, value) == value
    assert await isolation.call(echo, keywords={"value": value, "twice": True}) == [value, value]


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("input", BlockInputError, "no"),
        ("value", ValueError, "bad value"),
        ("memory", BlockExecutionError, "memory"),
        ("other", NotFoundError, "gone"),
        ("key", BlockError, "k"),
    ],
)
async def test_exceptions_come_back(kind: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        await isolation.call(fail, kind)
    if kind == "input":
        assert isinstance(caught.value, BlockInputError)
        assert caught.value.facts == {"pin": "a"}


async def test_a_call_over_its_time_is_killed_and_the_next_one_works() -> None:
    started = time.monotonic()
    with pytest.raises(BlockTimeoutError, match=r"Spinning took more than 0\.2 s"):
        await isolation.call(spin, timeout_s=0.2, what="Spinning")
    assert time.monotonic() - started < 3
    assert await isolation.call(echo, 1) == 1


async def test_the_loop_goes_on_meanwhile() -> None:
    call = asyncio.create_task(isolation.call(spin, timeout_s=1.0))
    longest, last = 0.0, time.monotonic()
    while not call.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    with pytest.raises(BlockTimeoutError):
        await call
    assert longest < 0.5


async def test_a_result_over_its_size_is_refused() -> None:
    assert len(await isolation.call(long_text, 1000, most_bytes=2000)) == 1000
    with pytest.raises((BlockExecutionError, ValueError), match="2000 bytes"):
        await isolation.call(long_text, 10_000, most_bytes=2000)
    assert len(await isolation.call(long_text, 3_000_000)) == 3_000_000


async def test_a_process_killed_while_idle_is_replaced() -> None:
    pid = await isolation.call(own_pid)
    os.kill(pid, signal.SIGKILL)
    assert await isolation.call(own_pid) != pid


async def test_a_call_whose_process_is_killed_is_made_again_once(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    call = asyncio.create_task(isolation.call(tell_and_spin, str(told), timeout_s=20))
    for death in (1, 2):
        os.kill((await _pids(told, death))[-1], signal.SIGKILL)
    with pytest.raises(BlockExecutionError, match="ended without an answer"):
        await call
    with pytest.raises(BlockExecutionError, match="ended without an answer"):
        await isolation.call(die)
    assert await isolation.call(echo, 1) == 1


async def test_a_cancelled_call_leaves_no_process_at_work(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    call = asyncio.create_task(isolation.call(tell_and_spin, str(told), timeout_s=20))
    [pid] = await _pids(told, 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await _gone(pid)


async def _pids(told: Path, count: int) -> list[int]:
    """Process ids that `tell_and_spin` has written, once there are `count`."""
    for _ in range(1000):
        found = _told(told)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("the call did not start")


def _told(path: Path) -> list[int]:
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


async def _gone(pid: int) -> bool:
    """Wait until a process is gone, or only its end is not yet noticed."""
    for _ in range(500):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_processes_see_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    await isolation.close()
    monkeypatch.setenv("MILLSTREAM_SECRET_KEY", "canary")
    assert "MILLSTREAM_SECRET_KEY" not in await isolation.call(environment)


async def test_the_kernel_ends_a_call_whose_caller_is_gone() -> None:
    """The alarm is the kernel's: it also ends C code that never looks at signals of Python."""
    pid = await isolation.call(own_pid)
    # A caller that dies cannot be played through the front, which always kills its processes.
    asking = asyncio.ensure_future(isolation.pool()._idle[-1].ask(_request(0.1), 1000))
    _, pending = await asyncio.wait([asking], timeout=5)
    assert not pending
    assert type(asking.exception()).__name__ == "_GoneError"
    assert await _gone(pid)


def _request(timeout_s: float) -> bytes:
    return json.dumps(
        {
            "module": __name__,
            "name": "spin",
            "file": __file__,
            "arguments": [],
            "keywords": {},
            "timeout_s": timeout_s,
            "most_bytes": 1000,
            "memory_bytes": 2**30,
        }
    ).encode()


async def test_idle_processes_end() -> None:
    pool = isolation.Pool(1, idle_s=0.2)
    await pool.call(_request(5.0).replace(b'"spin"', b'"own_pid"'), 5.0, 1000, "It")
    assert pool.idle == 1
    await asyncio.sleep(0.6)
    assert pool.idle == 0
    await pool.close()


async def test_many_calls_share_few_processes() -> None:
    results = await asyncio.gather(*(isolation.call(own_pid) for _ in range(50)))
    assert 1 <= len(set(results)) <= max(2, os.cpu_count() or 1)
