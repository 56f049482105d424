"""Keeps Faust apps and their background work running in one process until it is asked to stop or something breaks."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import faust
import structlog

from millstream.schemas.errors import MillstreamError

log = structlog.get_logger()
STOP_S = 20.0


def calm_collector() -> None:
    """Have Python's cycle collector look at new objects less often, and never again at those that are there now.

    Thousands of records are under way at once here; looking through them took two fifths of a worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Service:
    """Ends with exit code 0 after SIGTERM or SIGINT, with 1 when a part of it broke: the supervisor starts it again."""

    def __init__(self, ready_file: Path | None = None) -> None:
        self._ready_file = ready_file
        self._stop = asyncio.Event()
        self._error: BaseException | None = None

    def crash(self, error: BaseException) -> None:
        """Have the process end: what was not acknowledged is delivered again."""
        if self._error is None and not self._stop.is_set():
            self._error = error
            ours = isinstance(error, MillstreamError)  # a sentence for people, which says what mends it
            log.error("process_broken", error=repr(error), exc_info=None if ours else error)
        self._stop.set()

    async def run(
        self,
        apps: list[faust.App],
        work: list[Callable[[], Coroutine[Any, Any, None]]],
        before_stop: Callable[[], Awaitable[None]] | None = None,
    ) -> int:
        """Run until stopped. `work`: endless coroutines; one that ends is a fault. Returns the exit code 0; after a fault
        the process ends here, with 1."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        tasks = [asyncio.create_task(self._watch(coroutine())) for coroutine in work]
        tasks.append(asyncio.create_task(self._watch(self._watch_apps(apps))))
        starting = asyncio.create_task(self._start(apps))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait([starting, stopping], return_when="FIRST_COMPLETED")
        if not self._stop.is_set():
            calm_collector()
            log.info("process_ready", apps=[app.conf.id for app in apps])
            if self._ready_file is not None:
                self._ready_file.touch()
            await self._stop.wait()
        if self._error is not None:
            # Nothing may be flushed or committed any more, and a broken Faust app may wait for ever for messages that
            # nobody will acknowledge. The supervisor starts this process again; its place in the group is kept.
            sys.stderr.flush()
            os._exit(1)
        watchdog = threading.Timer(STOP_S + 5, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
        await self._shut(apps, tasks, before_stop)
        return 0

    async def _start(self, apps: list[faust.App]) -> None:
        try:
            settled = [self._settled(app) for app in apps]
            await asyncio.gather(*(app.start() for app in apps))
            await asyncio.gather(*(event.wait() for event in settled))
        except Exception as error:  # noqa: BLE001 - a process that does not start ends
            self.crash(error)

    def _settled(self, app: faust.App) -> asyncio.Event:
        """Return an event that is set once the app has its partitions and their tables."""
        event = asyncio.Event()

        async def settle(app: Any, **_: Any) -> None:
            event.set()

        app.on_rebalance_complete.connect(settle, weak=False)
        return event

    async def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            self.crash(RuntimeError("background work ended"))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the process must not go on without this work
            self.crash(error)

    async def _watch_apps(self, apps: list[faust.App]) -> None:
        while True:
            await asyncio.sleep(0.5)
            for app in apps:
                if app.crashed:
                    raise app.crash_reason or RuntimeError(f"the Faust app {app.conf.id} crashed")

    async def _shut(
        self,
        apps: list[faust.App],
        tasks: list[asyncio.Task[None]],
        before_stop: Callable[[], Awaitable[None]] | None,
    ) -> None:
        try:
            async with asyncio.timeout(STOP_S):
                if before_stop is not None:
                    await before_stop()
                await asyncio.gather(*(app.stop() for app in apps), return_exceptions=True)
        except TimeoutError:
            log.warning("stop_timed_out", seconds=STOP_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
