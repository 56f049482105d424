"""What runs: written by the supervisor at every change, read by `status`, `down` and the next `up`."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field

import psutil

from millstream.local.home import Home, write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One process. `pid` and `created` together name it: a pid alone may belong to a stranger by now."""

    name: str
    pid: int
    created: float
    """Seconds since 1970, as the system says it."""
    port: int | None = None
    state: str = "starting"
    """`starting`, `ready`, `stopping`."""
    restarts: int = 0

    def find(self) -> psutil.Process | None:
        """Return the process if it is still the one that was written down."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < 2 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The whole platform of one home. No secrets in it."""

    supervisor: Running
    processes: list[Running] = field(default_factory=list)
    ready: bool = False
    edge: str = ""
    """URL of the edge."""
    kafka: str = ""
    """Bootstrap servers, embedded or outside."""

    def save(self, home: Home) -> None:
        write_private(home.state, json.dumps(asdict(self), indent=2) + "\n")


def me() -> Running:
    """Describe the calling process as supervisor."""
    process = psutil.Process()
    return Running(name="supervisor", pid=process.pid, created=process.create_time(), state="ready")


def find(home: Home) -> State | None:
    """Read the state, None if there is none or it is damaged (it is rewritten at every change)."""
    try:
        stored = json.loads(home.state.read_text())
        processes = [Running(**process) for process in stored.pop("processes")]
        return State(supervisor=Running(**stored.pop("supervisor")), processes=processes, **stored)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
