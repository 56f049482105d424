"""Keeps the processes of one platform running: starts them as their dependencies get ready, restarts those that die,
stops them in the opposite order. One thread, one loop; signals and ended children wake it.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from millstream.local import state
from millstream.local.child import Child, Phase, tail
from millstream.local.home import Home
from millstream.local.spec import ProcessSpec
from millstream.schemas.errors import UnavailableError

TRIES = 3
"""Starts of a process that was never ready, before `up` gives up."""
BUSY_PAUSE_S = 0.05
CALM_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a person who watches wants to know."""

    name: str
    what: str
    """`started`, `ready`, `done`, `died`, `stopped`."""
    seconds: float = 0.0
    """Since its start, for `ready` and `done`."""
    code: int | None = None
    """Exit code of one that died; negative: the signal."""
    port: int | None = None


class Supervisor:
    """Runs `specs` until it is told to stop. Call `run` from the main thread, under the home's lock."""

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        home: Home,
        *,
        report: Callable[[Event], None],
        on_ready: Callable[[], None],
        edge: str = "",
        kafka: str = "",
    ) -> None:
        self._home = home
        self._children = {spec.name: Child(spec, home.logs / f"{spec.name}.log") for spec in specs}
        self._report = report
        self._on_ready = on_ready
        self._edge, self._kafka = edge, kafka
        self._me = state.me()
        self._ready = False
        self._stops = 0
        self._failure: UnavailableError | None = None
        self._written: state.State | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._environ = {**os.environ, "MILLSTREAM_HOME": str(home.path)}

    def run(self) -> None:
        """Run until SIGINT or SIGTERM. Errors: UnavailableError if a process does not come up."""
        before = self._catch_signals()
        try:
            while True:
                now = time.monotonic()
                self._tick(now)
                self._save()
                if self._stopping and not any(child.alive for child in self._children.values()):
                    break
                self._pause()
        finally:
            for child in self._children.values():
                child.kill()
            self._home.state.unlink(missing_ok=True)
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(-1)
        if self._failure:
            raise self._failure

    def request_stop(self) -> None:
        """Stop in order; asked a second time, at once."""
        self._stops += 1
        if self._stops > 1:
            for child in self._children.values():
                child.kill()

    @property
    def _stopping(self) -> bool:
        return self._stops > 0

    def _tick(self, now: float) -> None:
        for child in self._children.values():
            self._watch(child, now)
        if self._stopping:
            self._stop_next(now)
            return
        self._start_next(now)
        if not self._ready:
            self._check_start(now)
            if all(child.settled for child in self._children.values()):
                self._ready = True
                self._save()
                self._on_ready()

    def _watch(self, child: Child, now: float) -> None:
        before, since = child.phase, child.since
        code = child.poll(now)
        spec = child.spec
        if code is not None and child.phase is Phase.WAITING:
            self._report(Event(name=spec.name, what="died", code=code))
        elif child.phase is not before:
            what = {Phase.READY: "ready", Phase.DONE: "done", Phase.STOPPED: "stopped"}[child.phase]
            self._report(Event(name=spec.name, what=what, seconds=now - since, port=spec.port))

    def _start_next(self, now: float) -> None:
        for child in self._children.values():
            if (
                child.phase is Phase.WAITING
                and now >= child.not_before
                and all(self._children[name].settled for name in child.spec.after)
            ):
                child.start(self._environ | {"MILLSTREAM_INSTANCE": child.spec.name}, now)
                self._report(Event(name=child.spec.name, what="started"))

    def _stop_next(self, now: float) -> None:
        needed = {name for child in self._children.values() if child.alive for name in child.spec.after}
        for name, child in self._children.items():
            if name in needed:
                continue
            if child.phase is not Phase.STOPPING:
                child.stop(now)
            elif now - child.since > child.spec.grace_s:
                child.kill()

    def _check_start(self, now: float) -> None:
        for child in self._children.values():
            if child.ever_ready:
                continue
            if child.restarts >= TRIES or (child.spec.once and child.restarts):
                self._give_up(child, "ended before it was ready")
            elif child.phase is Phase.STARTING and now - child.since > child.spec.start_s:
                self._give_up(child, f"was not ready within {child.spec.start_s:g} s")

    def _give_up(self, child: Child, what: str) -> None:
        self._failure = self._failure or UnavailableError(
            f"{child.spec.name} {what}. Its log {str(child.log)!r} ends with:\n{tail(child.log)}",
            process=child.spec.name,
        )
        self._stops = max(self._stops, 1)

    def _save(self) -> None:
        now = state.State(
            supervisor=self._me,
            processes=[running for child in self._children.values() if (running := child.running())],
            ready=self._ready and not self._stopping,
            edge=self._edge,
            kafka=self._kafka,
        )
        if now != self._written:
            now.save(self._home)
            self._written = now

    def _pause(self) -> None:
        calm = self._ready and not self._stopping and all(child.settled for child in self._children.values())
        readable, _, _ = select.select([self._wake_read], [], [], CALM_PAUSE_S if calm else BUSY_PAUSE_S)
        if readable:
            os.read(self._wake_read, 4096)

    def _catch_signals(self) -> dict[signal.Signals, Any]:
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        wanted = [signal.SIGCHLD, signal.SIGINT, signal.SIGTERM]  # SIGCHLD only wakes the loop
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks us to go on
            wanted.append(signal.SIGHUP)
        return {number: signal.signal(number, self._on_signal) for number in wanted}

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self.request_stop()
