"""Calls that can be killed: a few processes of our own for templates, regexes, parsers and plain `def`
blocks.

A call is a function of a module and JSON arguments; the answer is JSON. Never pickle: what comes back from a
process that handled hostile input is only data. A call over its time limit kills its process; the next call
starts a new one. Processes start at the first call (about 0.1 s each), serve one call at a time (a warm hop
costs about 0.2 ms) and end when idle. They get no environment variables, and the kernel ends them by an alarm
even if this process is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import sys
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from millstream.processors.texts import texts_of
from millstream.schemas import errors
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockTimeoutError, MillstreamError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

LONGEST_S: Final = 1800.0
"""Limit of a call whose caller names none."""
MEMORY_LIMIT_BYTES: Final = 1024**3
"""Address space of one process, on systems that can limit it."""
IDLE_S: Final = 30.0
_START: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from millstream.processors.isolated import main
main()
"""
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_HEAD = struct.Struct(">I")


class _GoneError(Exception):
    """The process ended before it answered."""


class _Worker:
    """One process and its pipe."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.timer: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls) -> _Worker:
        """Start a process that waits for calls."""
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", _START, json.dumps([path for path in sys.path if path])),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=env,
            limit=2**20,
            start_new_session=True,  # Ctrl-C in a terminal goes to us alone; we end our processes ourselves.
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether the process still runs, as far as the loop has heard."""
        return self._process.returncode is None

    async def ask(self, request: bytes, most_bytes: int) -> Any:
        """Send one call and read its answer. Errors: _GoneError; BlockExecutionError if the answer is too
        large.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(_HEAD.pack(len(request)) + request)
            await stdin.drain()
            (size,) = _HEAD.unpack(await stdout.readexactly(_HEAD.size))
            if size > most_bytes + 1024:
                raise BlockExecutionError(f"The result has more than {most_bytes} bytes; make it smaller.")
            return json.loads(await stdout.readexactly(size))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise _GoneError from error

    async def kill(self) -> None:
        """End the process now and wait until it is gone."""
        if self.timer is not None:
            self.timer.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()


class Pool:
    """At most `size` processes of one event loop."""

    def __init__(self, size: int, idle_s: float = IDLE_S) -> None:
        self._slots = asyncio.Semaphore(size)
        self._idle_s = idle_s
        self._idle: list[_Worker] = []
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> int:
        """How many processes wait for a call."""
        return len(self._idle)

    async def call(
        self, request: bytes, timeout_s: float, most_bytes: int, what: str, *, alone: bool = False
    ) -> Any:
        """Send a call to a free process; a process that died is replaced once, then the call fails.

        With `alone` the process is a new one, serves this call only, and is not replaced.
        """
        async with self._slots:
            for last in (alone, True):
                worker = await (_Worker.start() if alone else self._take())
                try:
                    async with asyncio.timeout(timeout_s + 0.5):
                        answer = await worker.ask(request, most_bytes)
                except TimeoutError:
                    await worker.kill()
                    raise BlockTimeoutError(f"{what} took more than {timeout_s:g} s and was ended.") from None
                except _GoneError:
                    await worker.kill()
                    if last:
                        raise BlockExecutionError(
                            f"{what}: its process ended without an answer{' (too much memory?)' if alone else ', twice'}."
                        ) from None
                except BaseException:
                    await asyncio.shield(asyncio.ensure_future(worker.kill()))
                    raise
                else:
                    if alone:
                        await worker.kill()
                    else:
                        self._give_back(worker)
                    return answer
        raise AssertionError("unreachable")

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.timer is not None:
                worker.timer.cancel()
            if worker.alive:
                return worker
            await worker.kill()
        return await _Worker.start()

    def _give_back(self, worker: _Worker) -> None:
        worker.timer = asyncio.get_running_loop().call_later(self._idle_s, self._retire, worker)
        self._idle.append(worker)

    def _retire(self, worker: _Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            ending = asyncio.ensure_future(worker.kill())
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def close(self) -> None:
        """End all idle processes; those at work end with their calls."""
        while self._idle:
            await self._idle.pop().kill()
        await asyncio.gather(*self._endings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What the processes of one pool may have. Those of blocks are one kind; models that stay loaded are another."""

    size: int = max(2, os.cpu_count() or 1)
    memory_bytes: int = MEMORY_LIMIT_BYTES
    idle_s: float = IDLE_S


PLAIN: Final = Kind()
MODELS: Final = Kind(size=1, memory_bytes=256 * 1024**3, idle_s=600.0)
"""Libraries of models map far more memory than they use; what limits them is the machine or the container."""

_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Kind, Pool]] = weakref.WeakKeyDictionary()
"""Pools of an event loop, made at their first call: the SDK has to serve plain `def` blocks without a
composition root.
"""


def pool(kind: Kind = PLAIN) -> Pool:
    """A pool of the running event loop."""
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    if kind not in pools:
        pools[kind] = Pool(kind.size, kind.idle_s)
    return pools[kind]


async def close() -> None:
    """End the processes of the running event loop; call it before the loop ends."""
    for found in _pools.pop(asyncio.get_running_loop(), {}).values():
        await found.close()


async def call(
    fn: Callable[..., Any],
    *arguments: Any,
    keywords: Mapping[str, Any] | None = None,
    timeout_s: float = 10.0,
    most_bytes: int = VALUE_LIMIT_BYTES,
    what: str = "The call",
    memory_bytes: int = MEMORY_LIMIT_BYTES,
    alone: bool = False,
    kind: Kind = PLAIN,
) -> Any:
    """Call a module-level function in another process; arguments and result are JSON.

    A generator function gives the list of what it yielded. The function may be called twice if its process
    dies. With `alone` the process serves nobody before or after, and the function is called once; only then
    may `memory_bytes` differ (0: the function keeps to a limit of its own). `kind`: whose processes serve it.
    Errors: BlockTimeoutError; what the function raised (ours by class, ValueError as itself, others as
    BlockError); BlockExecutionError if the result is too large or the process dies twice.
    """
    code = fn.__code__
    texts = texts_of(fn.__globals__)
    request = json.dumps(
        {
            "module": fn.__module__,
            "name": fn.__qualname__,
            "file": code.co_filename,
            "texts": None if texts is None else [texts.digest, texts.modules],
            "arguments": list(arguments),
            "keywords": keywords or {},
            "timeout_s": timeout_s,
            "most_bytes": most_bytes,
            "memory_bytes": memory_bytes if kind is PLAIN else kind.memory_bytes,
        }
    ).encode()
    answer = await pool(kind).call(request, timeout_s, most_bytes, what, alone=alone)
    if "error" in answer:
        raise _revived(answer["error"])
    return answer["value"]


def _revived(error: Mapping[str, Any]) -> Exception:
    """The exception that the function raised over there."""
    ours = getattr(errors, error["ours"], None)
    if isinstance(ours, type) and issubclass(ours, MillstreamError):
        return ours(error["message"], **error["facts"])
    if error["value_error"]:
        return ValueError(error["message"])
    return BlockError(error["message"], exception=error["type"])
