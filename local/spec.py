"""What the supervisor knows of a process: how to start it, when it is ready, how to stop it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Check = Callable[[], bool]
"""Says whether a process answers. Must return within a second and never raise."""


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One process of the platform. Secrets go into `env` or into files, never into `argv`."""

    name: str
    argv: tuple[str, ...]
    ready: Check
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's environment."""
    port: int | None = None
    after: tuple[str, ...] = ()
    """Processes that must be ready before it starts; it is stopped before they are."""
    once: bool = False
    """A step that ends by itself: ready when it has ended with 0."""
    before_start: Callable[[], None] = nothing
    """Runs before every start, so also before a restart: clears away what a killed predecessor left."""
    cwd: Path | None = None
    launch: tuple[str, ...] = ()
    """Options of `launch.py`, such as `--unroot`."""
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What Linux sends it when the supervisor was killed."""
    grace_s: float = 15.0
    """Time between `stop_signal` and kill -9."""
    start_s: float = 60.0
    """Time to become ready during `up`."""
