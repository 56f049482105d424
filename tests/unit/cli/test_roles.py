"""The commands that run one process: what they refuse, and what they say while they wait."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-P", "-m", "millstream.cli.main"]


def environ(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
    return kept | {"MILLSTREAM_HOME": str(home), "PYTHONUNBUFFERED": "1"} | more


def refused(home: Path, *words: str, **more: str) -> str:
    done = subprocess.run(
        [*COMMAND, *words], env=environ(home, **more), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("role", "variables"),
    [
        ("coordinator", ["MILLSTREAM_KAFKA"]),
        ("worker", ["MILLSTREAM_KAFKA", "MILLSTREAM_REDIS"]),
        ("sink", ["MILLSTREAM_KAFKA", "MILLSTREAM_POSTGRES"]),
        ("edge", ["MILLSTREAM_KAFKA", "MILLSTREAM_POSTGRES", "MILLSTREAM_REDIS"]),
    ],
)
def test_a_process_without_addresses_names_what_it_needs(
    tmp_path: Path, role: str, variables: list[str]
) -> None:
    said = refused(tmp_path, role)
    assert " and ".join(variables) + " must be set" in said
    assert "millstream up" in said


def test_a_lane_needs_a_name(tmp_path: Path) -> None:
    assert "--lanes" in refused(tmp_path, "worker", "--lanes", " , ")
    assert "--lanes" in refused(tmp_path, "worker", "--lanes", "io,../x")


def test_the_lane_with_the_database_is_served_alone(tmp_path: Path) -> None:
    assert "no other lane" in refused(tmp_path, "worker", "--lanes", "io,data")
    assert "MILLSTREAM_POSTGRES must be set" in refused(tmp_path, "worker", "--lanes", "data")


def test_a_name_is_no_path(tmp_path: Path) -> None:
    said = refused(tmp_path, "coordinator", "--instance", "../x", MILLSTREAM_KAFKA="127.0.0.1:1")
    assert "is no name of a process" in said


def test_it_waits_for_a_broker_that_is_not_there_and_one_name_runs_once(tmp_path: Path) -> None:
    """It says for what, without a trace and without the password; SIGTERM ends the wait."""
    with socket.socket() as reserved:  # bound and not listening: refuses
        reserved.bind(("127.0.0.1", 0))
        kafka = f"127.0.0.1:{reserved.getsockname()[1]}"
        given = {"MILLSTREAM_KAFKA": kafka, "MILLSTREAM_REDIS": "redis://:secret@127.0.0.1:1/0"}
        log = tmp_path / "log"
        ready = tmp_path / "ready"
        ready.touch()  # left over from a predecessor that was killed
        with log.open("wb") as out:
            words = ["worker", "--instance", "w", "--ready-file", str(ready)]
            waiting = subprocess.Popen([*COMMAND, *words], env=environ(tmp_path, **given), stderr=out)
        try:
            deadline = time.monotonic() + 60
            while "waiting for kafka" not in log.read_text():
                assert waiting.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert not ready.exists()
            assert f"waiting for kafka at {kafka}: no broker answers" in log.read_text()
            said = refused(tmp_path, "worker", "--instance", "w", **given)
            assert "A process named 'w' runs already" in said
        finally:
            waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(20) in (0, 143, -signal.SIGTERM)
        assert "Traceback" not in log.read_text()
        assert "secret" not in log.read_text()
