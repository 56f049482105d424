"""One platform under attack: its processes by name, and guests that join its groups."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.platform import Platform

MEMBER = Path(__file__).with_name("member.py")
SESSION_S = 10.0
"""Session timeout of the engine's groups (`EngineSettings.session_timeout_s`)."""
JOIN_S, LEAVE_S = 30.0, 25.0
"""How long a guest is waited for; one that is late joins while the storm goes on, and leaves at once."""
READY_S = 240.0
"""How long the platform may take to be ready again, on a machine that much else runs on."""


@dataclass
class Arena:
    """`rng` decides who is hit and when; `said` is the story for a failure's message."""

    mill: Platform
    rng: random.Random
    folder: Path
    """Where the guests keep their things."""
    said: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    ending: threading.Event = field(default_factory=threading.Event)

    def say(self, what: str) -> None:
        self.said.append(f"{time.monotonic() - self.began:6.1f} s  {what}")

    def one_of(self, kind: str) -> str:
        """Choose one of the two coordinators or workers."""
        return f"{kind}-{self.rng.randrange(2)}"

    def process(self, name: str, seconds: float = 60.0) -> psutil.Process:
        """Return a process by its name in the state file; one that is being started again is waited for."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, ValueError, StopIteration, psutil.Error):
                state = json.loads((self.mill.home / "run" / "state.json").read_text())
                if name == "supervisor":
                    return psutil.Process(state["supervisor"]["pid"])
                found = next(p for p in state["processes"] if p["name"] == name)
                process = psutil.Process(found["pid"])
                if abs(process.create_time() - found["created"]) < 2:
                    return process
            if time.monotonic() > deadline:
                raise AssertionError(f"there is no {name}{self.mill.tails()}")
            time.sleep(0.05)

    def kill(self, name: str) -> float:
        """Kill -9. Returns when, in Unix seconds."""
        process = self.process(name)
        self.say(f"kill -9 {name}")
        at = time.time()
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
            while process.status() != psutil.STATUS_ZOMBIE:  # one that nobody reaps is as dead
                time.sleep(0.01)
        return at

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop a process as a stall of its machine would, and let it go on as if nothing had been."""
        process = self.process(name)
        self.say(f"freeze {name}")
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
            self.say(f"thaw {name}")

    def drop_tables(self, name: str) -> int:
        """Delete a coordinator's RocksDB folder. Returns how many files were there."""
        folder = self.mill.home / "tables" / name
        files = sum(len(names) for _, _, names in os.walk(folder))
        shutil.rmtree(folder, ignore_errors=True)
        self.say(f"deleted the {files} table files of {name}")
        return files

    def environ_of(self, name: str) -> dict[str, str]:
        """Return what a process was started with: addresses and secrets."""
        return self.process(name).environ()

    @contextlib.contextmanager
    def guests(self, extra: Mapping[str, str] | None = None) -> Iterator[None]:
        """A further coordinator and a further worker for the length of a `with`; they leave in order."""
        guests = {kind: self._guest(kind, extra or {}) for kind in ("worker", "coordinator")}
        try:
            deadline = time.monotonic() + JOIN_S
            for kind, guest in guests.items():
                while not self._ready(kind).exists() and guest.poll() is None and time.monotonic() < deadline:
                    self.ending.wait(0.05)
                self.say(f"guest {kind} {'joined' if self._ready(kind).exists() else 'is still joining'}")
            yield
            died = [kind for kind, guest in guests.items() if guest.poll() is not None]
            died = [kind for kind in died if "FencedError" not in self._log(kind).read_text(errors="replace")]
            assert not died, f"guests died, and not since their group had not answered: {died}"
        finally:
            for guest in guests.values():
                guest.terminate()
            for guest in guests.values():
                try:
                    guest.wait(LEAVE_S)
                except subprocess.TimeoutExpired:
                    guest.kill()
                    guest.wait()
            self.say("guests left")

    def _ready(self, kind: str) -> Path:
        return self.mill.home / "run" / f"guest-{kind}.ready"

    def _log(self, kind: str) -> Path:
        return self.folder / f"guest-{kind}.log"

    def _guest(self, kind: str, extra: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a process with the command line and the environment of the first of its kind, but a name of its own."""
        name, model, ready = f"guest-{kind}", self.process(f"{kind}-0"), self._ready(kind)
        ready.unlink(missing_ok=True)
        command = model.cmdline()
        words = command[command.index("millstream.cli.main") + 1 :]
        environ = model.environ() | {"MILLSTREAM_INSTANCE": name, "MILLSTREAM_READY_FILE": str(ready)}
        with open(self._log(kind), "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", str(MEMBER), *(word.replace(f"{kind}-0", name) for word in words)],
                env={**environ, **extra},
                stdout=log,
                stderr=log,
            )

    def stories(self) -> str:
        """Return what happened, and what the guests said, for a failure's message."""
        logs = "".join(
            f"\n== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in self.folder.glob("*.log")
        )
        return "\n".join(self.said) + logs
