"""Killable calls: answers, errors, time, size, memory, death; and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import time
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
    call = asyncio.create_task(isolation.call(spin, timeout_s=0.3))
    longest, last = 0.0, time.monotonic()
    while not call.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    with pytest.raises(BlockTimeoutError):
        await call
    assert longest < 0.25


async def test_a_result_over_its_size_is_refused() -> None:
    assert len(await isolation.call(long_text, 1000, most_bytes=2000)) == 1000
    with pytest.raises((BlockExecutionError, ValueError), match="2000 bytes"):
        await isolation.call(long_text, 10_000, most_bytes=2000)
    assert len(await isolation.call(long_text, 3_000_000)) == 3_000_000


async def test_a_process_killed_while_idle_or_at_work_is_replaced() -> None:
    pid = await isolation.call(own_pid)
    os.kill(pid, signal.SIGKILL)
    assert await isolation.call(own_pid) != pid
    call = asyncio.create_task(isolation.call(spin, timeout_s=20))
    await asyncio.sleep(0.3)
    [spinning] = [p for p in psutil.Process().children() if p.cpu_percent(0.1) > 20]
    spinning.kill()
    await asyncio.sleep(0.5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(BlockExecutionError, match="ended without an answer"):
        await isolation.call(die)
    assert await isolation.call(echo, 1) == 1


async def test_a_cancelled_call_leaves_no_process_at_work() -> None:
    call = asyncio.create_task(isolation.call(spin, timeout_s=20))
    await asyncio.sleep(0.4)
    before = len(psutil.Process().children())
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.sleep(0.1)
    assert len(psutil.Process().children()) == before - 1


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
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


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
