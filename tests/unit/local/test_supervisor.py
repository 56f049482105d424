from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from millstream.local import state
from millstream.local.home import Home
from millstream.local.state import Running, State
from tests.unit.local import stand_in

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, stand_in.__file__, str(home.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "MILLSTREAM_HOME": "", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def until(check: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def ready_state(home: Home) -> State:
    until(lambda: (found := state.find(home)) is not None and found.ready)
    found = state.find(home)
    assert found is not None
    return found


def running(home: Home, name: str) -> Running | None:
    found = state.find(home)
    return next((process for process in found.processes if process.name == name), None) if found else None


def test_starts_in_the_order_of_needs_and_stops_in_the_opposite_one(home: Home, start: Start) -> None:
    supervisor = start()
    ready_state(home)
    supervisor.send_signal(signal.SIGINT)
    said, _ = supervisor.communicate(timeout=20)
    lines = said.splitlines()
    assert supervisor.returncode == 0
    assert [line for line in lines if not line.endswith("stopped")] == [
        "store started",
        "store ready",
        "setup started",
        "setup done",
        "app started",
        "app ready",
        "READY",
    ]
    assert (home.path / "order").read_text().split() == ["app", "store"]
    assert not home.state.exists()
    assert "step setup" in (home.logs / "setup.log").read_text()


def test_a_killed_child_is_back_within_a_second_and_its_own_children_are_gone(
    home: Home, start: Start
) -> None:
    start()
    ready_state(home)
    before = running(home, "app")
    assert before is not None
    until(lambda: psutil.Process(before.pid).children())
    [grandchild] = psutil.Process(before.pid).children()
    os.kill(before.pid, signal.SIGKILL)
    killed = time.monotonic()

    def is_back() -> bool:
        now = running(home, "app")
        return now is not None and now.pid != before.pid and now.state == "ready"

    until(is_back)
    assert time.monotonic() - killed < 2
    after = running(home, "app")
    assert after is not None
    assert after.restarts == 1
    until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_children_die_with_a_killed_supervisor(home: Home, start: Start) -> None:
    supervisor = start()
    children = [process.find() for process in ready_state(home).processes]
    supervisor.kill()
    supervisor.wait()
    _, alive = psutil.wait_procs([child for child in children if child], timeout=10)
    assert alive == []


def test_the_next_start_ends_what_a_killed_one_left(home: Home, start: Start) -> None:
    home.prepare()
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={**os.environ, "MILLSTREAM_HOME": str(home.path), "MILLSTREAM_INSTANCE": "worker-0"},
    )
    written_down = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    created = psutil.Process(written_down.pid).create_time()
    State(
        supervisor=Running(name="supervisor", pid=1, created=0.0),
        processes=[
            Running(name="kafka", pid=written_down.pid, created=created),
            # The pid of a process that ended long ago, now a stranger's.
            Running(name="redis", pid=stranger.pid, created=created - 1000),
        ],
    ).save(home)
    try:
        start()
        ready_state(home)
        assert left.wait(10) is not None
        assert written_down.wait(10) is not None
        assert stranger.poll() is None
    finally:
        for process in (left, written_down, stranger):
            process.kill()
            process.wait()


def test_a_child_that_never_gets_ready_ends_the_start_with_its_log(home: Home, start: Start) -> None:
    home.prepare()
    (home.run / "app.ready.broken").touch()
    supervisor = start()
    said, _ = supervisor.communicate(timeout=20)
    assert supervisor.returncode != 0
    assert "app ended before it was ready" in said
    assert "this one is broken" in said
    assert (home.path / "order").read_text().split() == ["store"]


def test_a_second_supervisor_says_who_runs(home: Home, start: Start) -> None:
    first = start()
    ready_state(home)
    said, _ = start().communicate(timeout=20)
    assert f"already runs in {str(home.path)!r} (pid {first.pid})" in said
    assert first.poll() is None


def test_a_second_signal_does_not_wait_for_the_children(home: Home, start: Start) -> None:
    supervisor = start()
    found = ready_state(home)
    stopped = next(process for process in found.processes if process.name == "app")
    os.kill(stopped.pid, signal.SIGSTOP)  # deaf to SIGTERM
    supervisor.terminate()
    until(lambda: (now := running(home, "app")) is not None and now.state == "stopping")
    supervisor.terminate()
    supervisor.wait(4)  # less than the grace
    assert not psutil.pid_exists(stopped.pid)
