"""A whole platform as a user starts it: `millstream up` in a home of its own, and a client for its edge."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from millstream.local.ports import LOOPBACK, free_ports

END = ("COMPLETED", "FAILED", "TERMINATED")


class Platform:
    """`start` and `stop` frame its life; `kill` is kill -9 of one process."""

    def __init__(self, home: Path, *, workers: int = 1, **environ: str) -> None:
        self.home = home
        [self.port] = free_ports(1)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
        self.environ = {
            **kept,
            "MILLSTREAM_HOME": str(home),
            "MILLSTREAM_PORT": str(self.port),
            "MILLSTREAM_WORKERS": str(workers),
            "MILLSTREAM_WEB": "false",  # only the tests in a browser want its pages
            **environ,
        }
        self.url = f"http://{LOOPBACK}:{self.port}"

    def cli(self, *words: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `millstream ...` against this platform."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "millstream.cli.main", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=options.pop("timeout", 180),
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"millstream {' '.join(words)}: {done.stdout}{done.stderr}{self.tails()}")
        return done

    def start(self) -> None:
        """Come up and stay in the background."""
        self.cli("up", "--detach")
        self.token = self.cli("token").stdout.strip()
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30
        )

    def stop(self) -> None:
        """Go down; nothing is left running."""
        self.client.close()
        self.cli("down")

    def tails(self) -> str:
        """Return the ends of the logs, for a failure's message."""
        return "".join(
            f"\n== {log.name}\n{log.read_text(errors='replace')[-1500:]}"
            for log in sorted(self.home.glob("logs/*.log"))
        )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.cli("status", "--json", check=False).stdout)
        return found

    def pid(self, name: str) -> int:
        return int(next(p["pid"] for p in self.status()["processes"] if p["name"] == name))

    def kill(self, name: str) -> None:
        """Kill -9 a process and wait until it is gone."""
        process = psutil.Process(self.pid(name))
        process.send_signal(signal.SIGKILL)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.wait(10)

    def kill_all(self) -> None:
        """Kill -9 the supervisor and everything below it, at once."""
        pids = [int(p["pid"]) for p in self.status()["processes"] if p.get("pid")]
        for pid in sorted(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until the edge says that all is well again."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if self.client.get("/readyz").status_code == 200 and self.status().get("ready"):
                    return
            time.sleep(0.3)
        raise AssertionError(f"not ready within {seconds} s{self.tails()}")

    # --- what programs do ---

    def save(self, graph: dict[str, Any]) -> str:
        """Save a graph; returns its id."""
        answer = self.client.post("/api/v1/graphs", json=graph)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def execute(self, graph_id: str, inputs: dict[str, Any] | None = None, **more: Any) -> str:
        """Start a run; returns the execution's id."""
        headers = more.pop("headers", {})
        answer = self.client.post(
            f"/api/v1/graphs/{graph_id}/execute", json={"inputs": inputs or {}, **more}, headers=headers
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def execution(self, execution_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/v1/executions/{execution_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def wait(self, execution_id: str, seconds: float = 60, until: tuple[str, ...] = END) -> dict[str, Any]:
        """Wait for the end of a run; returns it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.execution(execution_id)
            if found["status"] in until:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"still {found['status']} after {seconds} s: {found}{self.tails()}")
            time.sleep(0.1)


@contextlib.contextmanager
def running(home: Path, *, workers: int = 1, **environ: str) -> Iterator[Platform]:
    """A platform for the length of a `with`."""
    platform = Platform(home, workers=workers, **environ)
    platform.start()
    try:
        yield platform
    finally:
        platform.stop()
