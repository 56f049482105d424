"""Processes that a killed supervisor left behind: found by the state file and by their environment, and ended."""

from __future__ import annotations

import contextlib
import signal

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
    _, alive = psutil.wait_procs(processes, timeout=GRACE_S)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE_S)
    home.state.unlink(missing_ok=True)
    return names
