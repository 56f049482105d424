"""The whole platform as a newcomer starts it: `up`, the printed call, kills, `up` again, `down`. One home for all."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from millstream.local.ports import free_ports
from tests.servers import temporary

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

BLOCK = "b1ab9b19-67a6-406d-abf5-2dba76d00c79"
SERVERS = ("kafka", "postgres", "redis")


class Platform:
    """One home; `run` calls a command in it."""

    def __init__(self, folder: Path) -> None:
        [self.port] = free_ports(1)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
        self.environ = kept | {"MILLSTREAM_HOME": str(folder / "home"), "MILLSTREAM_PORT": str(self.port)}

    def run(self, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "millstream.cli.main", *arguments],
            env=self.environ | (environ or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    def up(self) -> str:
        done = self.run("up", "--detach")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def pids(self) -> dict[str, int]:
        return {process["name"]: process["pid"] for process in self.status()["processes"]}

    def call(self) -> Any:
        """Run one block, on Kafka, through the engine."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/api/v1/blocks/{BLOCK}/execute",
            json={"inputs": {"operation": "Multiply", "a": 6, "b": 7}},
            headers={"Authorization": f"Bearer {self.run('token').stdout.strip()}"},
            timeout=70,
        )
        return answer.json()

    def calls_until_it_works(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.call().get("status") == "COMPLETED":
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, self.run("logs", "-n", "15").stdout
            time.sleep(0.2)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="millstream-up-", ignore_cleanup_errors=True) as folder:
        found = Platform(Path(folder))
        try:
            yield found
        finally:
            found.run("down")


def test_before_the_first_start_everything_says_what_to_do(platform: Platform) -> None:
    token = platform.run("token")
    assert token.returncode == 1
    assert token.stdout == ""
    assert "millstream up" in token.stderr
    assert platform.status()["ready"] is False
    assert "nothing runs" in platform.run("down").stdout
    assert platform.run("doctor").returncode == 1


def test_up_prints_a_call_that_works_as_printed(platform: Platform) -> None:
    said = platform.up()
    printed = re.search(r"curl (.*?)\n\s*first run", said, re.DOTALL)
    assert printed, said
    words = shlex.split(printed[1].replace("\\\n", " "))
    [address] = [word for word in words if word.startswith("http")]
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    answer = httpx.post(address, headers=headers, content=words[words.index("-d") + 1], timeout=60)
    assert answer.status_code == 200
    assert answer.json()["outputs"] == [["result", 42]]


def test_status_names_every_process_and_its_memory(platform: Platform) -> None:
    found = platform.status()
    assert found["ready"] is True
    names = [process["name"] for process in found["processes"]]
    assert names == [
        "supervisor",
        *SERVERS,
        "coordinator-0",
        "worker-0",
        "data-worker",
        "sink",
        "echo-model",
        "edge",
    ]
    ports = {process["name"]: process["port"] for process in found["processes"]}
    assert ports["edge"] == platform.port
    assert all(isinstance(ports[name], int) for name in SERVERS)
    assert sum(process["memory_mb"] for process in found["processes"]) < 900
    assert all(records >= 0 for records in found["lag"].values())


def test_doctor_finds_nothing(platform: Platform) -> None:
    done = platform.run("doctor")
    assert done.returncode == 0, done.stdout


def test_token_prints_the_token_alone(platform: Platform) -> None:
    done = platform.run("token")
    assert re.fullmatch(r"ms_[\w-]{40,}\n", done.stdout)


def test_a_second_up_says_who_runs(platform: Platform) -> None:
    done = platform.run("up")
    assert done.returncode == 1
    assert f"pid {platform.pids()['supervisor']}" in done.stderr


def test_another_platform_on_the_same_port_says_who_has_it(platform: Platform, tmp_path: Path) -> None:
    done = platform.run("up", environ={"MILLSTREAM_HOME": str(tmp_path / "other")})
    assert done.returncode == 1
    assert f"Port {platform.port} is already taken (pid {platform.pids()['edge']}" in done.stderr
    assert "MILLSTREAM_PORT=" in done.stderr


@pytest.mark.parametrize("name", ["redis", "postgres", "sink", "worker-0", "coordinator-0", "edge", "kafka"])
def test_a_killed_process_comes_back_and_blocks_run_again(platform: Platform, name: str) -> None:
    before = platform.pids()[name]
    os.kill(before, signal.SIGKILL)
    platform.calls_until_it_works(60)
    deadline = time.monotonic() + 30
    while not (found := platform.status())["ready"]:
        assert time.monotonic() < deadline, found
    assert platform.pids()[name] != before


def test_up_again_after_the_whole_tree_was_killed(platform: Platform) -> None:
    answer = platform.call()
    assert answer["status"] == "COMPLETED"
    pids = platform.pids().values()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    said = platform.up()
    assert "ready after" in said
    platform.calls_until_it_works(30)
    token = platform.run("token").stdout.strip()
    kept = httpx.get(
        f"http://127.0.0.1:{platform.port}/api/v1/executions/{answer['id']}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert kept.json()["status"] == "COMPLETED"


def test_down_leaves_nothing_behind(platform: Platform) -> None:
    pids = platform.pids().values()
    assert "stopped" in platform.run("down").stdout
    assert not [
        pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]
    assert "nothing runs" in platform.run("down").stdout
    assert platform.status() == platform.status() | {"ready": False, "processes": []}


def test_outside_servers_are_used_instead_of_own_ones(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    with temporary() as outside:
        platform.environ |= {
            "MILLSTREAM_KAFKA": outside.kafka,
            "MILLSTREAM_POSTGRES": outside.postgres,
            "MILLSTREAM_REDIS": outside.redis,
        }
        platform.up()
        try:
            ours = {"supervisor", "coordinator-0", "worker-0", "data-worker", "sink", "echo-model", "edge"}
            assert set(platform.pids()) == ours
            platform.calls_until_it_works(30)
            assert platform.run("doctor").returncode == 0
            assert not (tmp_path / "home" / "kafka").exists()
        finally:
            platform.run("down")
