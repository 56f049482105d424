"""One supervised process: starting it, seeing how it does, ending it together with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import psutil

from millstream.local import launch
from millstream.local.spec import ProcessSpec
from millstream.local.state import Running

LOG_BYTES = 10_000_000
"""A log over this size is put aside when its process starts."""
LOGS_KEPT = 3
BACK_OFF_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
CALM_S = 30.0
"""After that long without a crash the back-off begins anew."""


class Phase(StrEnum):
    """Where a process stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Child:
    """State of one process over all its starts. `now` is always seconds of one monotonic clock."""

    def __init__(self, spec: ProcessSpec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self.phase = Phase.WAITING
        self.restarts = 0
        self.ever_ready = False
        self.since = 0.0
        """When the phase began."""
        self.not_before = 0.0
        """Earliest time of the next start."""
        self._crashes = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._created = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def settled(self) -> bool:
        """Whether those that wait for it may start."""
        return self.phase in (Phase.READY, Phase.DONE)

    def start(self, environ: dict[str, str], now: float) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        spec = self.spec
        spec.before_start()
        rotate(self.log)
        options = ("--parent", str(os.getpid()), "--signal", str(int(spec.orphan_signal)), *spec.launch)
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", launch.__file__, *options, "--", *spec.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environ, **spec.env},
                cwd=spec.cwd,
                start_new_session=True,
            )
        with contextlib.suppress(psutil.Error):
            self._created = psutil.Process(self._process.pid).create_time()
        self._enter(Phase.STARTING, now)

    def poll(self, now: float) -> int | None:
        """Notice an end and a change to ready. Returns the exit code if the process has just ended."""
        if self._process is not None and self.phase in (Phase.STARTING, Phase.READY, Phase.STOPPING):
            code = self._process.poll()
            if code is not None:
                self._ended(code, now)
                return code
            if self.phase is Phase.STARTING and not self.spec.once and self.spec.ready():
                self.ever_ready = True
                self._enter(Phase.READY, now)
        return None

    def stop(self, now: float) -> None:
        """Ask the process to end."""
        if self.alive:
            self._enter(Phase.STOPPING, now)
            self.signal(self.spec.stop_signal)
        elif self.phase is not Phase.STOPPED:
            self._enter(Phase.STOPPED, now)

    def kill(self) -> None:
        """End the process and everything that it started, at once."""
        if self.alive:
            self._kill_group()

    def signal(self, number: signal.Signals) -> None:
        if self.alive and self._process is not None:
            self._process.send_signal(number)

    def running(self) -> Running | None:
        """Describe the process for the state file; None if it does not run."""
        if self._process is None or not self.alive:
            return None
        return Running(
            name=self.spec.name,
            pid=self._process.pid,
            created=self._created,
            port=self.spec.port,
            state=str(self.phase),
            restarts=self.restarts,
        )

    def _ended(self, code: int, now: float) -> None:
        self._kill_group()  # what it started and left behind
        if self.phase is Phase.STOPPING:
            self._enter(Phase.STOPPED, now)
        elif self.spec.once and code == 0:
            self.ever_ready = True
            self._enter(Phase.DONE, now)
        else:
            if self.phase is Phase.READY and now - self.since > CALM_S:
                self._crashes = 0
            self.not_before = now + BACK_OFF_S[min(self._crashes, len(BACK_OFF_S) - 1)]
            self._crashes += 1
            self.restarts += 1
            self._enter(Phase.WAITING, now)

    def _kill_group(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _enter(self, phase: Phase, now: float) -> None:
        self.phase = phase
        self.since = now


def rotate(log: Path) -> None:
    """Put a large log aside as `<name>.log.1`, and so on."""
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if not log.exists() or log.stat().st_size < LOG_BYTES:
        return
    for number in range(LOGS_KEPT - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - 200 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
