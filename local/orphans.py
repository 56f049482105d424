"""Processes that a killed supervisor left behind: found by the state file and by their environment, and ended."""

from __future__ import annotations

import contextlib
import signal
import time

import psutil

from millstream.local import state
from millstream.local.home import Home

GRACE_S = 10.0


def find(home: Home) -> list[psutil.Process]:
    """Return what still runs of this home. Call it under the home's lock, or with no supervisor alive.

    The state file tells name, pid and time of creation. A process that was started and not yet written down, or the
    child of one, is known by its environment: only a supervisor sets both of these variables.
    """
    found: dict[int, psutil.Process] = {}
    left = state.find(home)
    for running in left.processes if left else ():
        process = running.find()
        if process is not None:
            found[process.pid] = process
    mine = psutil.Process()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.uids().real != mine.uids().real or process.pid == mine.pid:
                continue
            environ = process.environ()
            if environ.get("MILLSTREAM_HOME") == str(home.path) and environ.get("MILLSTREAM_INSTANCE"):
                found[process.pid] = process
    ancestors = {process.pid for process in mine.parents()}
    return [process for pid, process in found.items() if pid not in ancestors]


def end(home: Home) -> list[str]:
    """End what `find` returns, gently first, and forget the old state. Returns their names."""
    processes = find(home)
    names = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            names.append(f"{process.name()} ({process.pid})")
            # SIGTERM would make PostgreSQL wait for its sessions.
            process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
    for process in _still_alive(processes):
        with contextlib.suppress(psutil.Error):
            process.kill()
    _still_alive(processes)
    home.state.unlink(missing_ok=True)
    return names


def _still_alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for the processes to end. A zombie has ended: in a container nobody may be there to reap it."""
    deadline = time.monotonic() + GRACE_S
    while True:
        alive = []
        for process in processes:
            with contextlib.suppress(psutil.Error):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(process)
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.05)
