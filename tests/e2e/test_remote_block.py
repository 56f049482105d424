"""A block of which only the form is ours: a worker in JavaScript takes its tasks from Kafka and answers there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from millstream.local import keys
from millstream.local.home import Home
from millstream.processors.sdk import block_id
from tests.canary import kafka_of
from tests.integration.api import graphs
from tests.platform import Platform, running

EXAMPLE = Path(__file__).parents[2] / "examples" / "remote_block"
ID = block_id("shout_blocks", "shout")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.full,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="Node.js is not installed"),
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("blocks")
    shutil.copy(EXAMPLE / "shout_blocks.py", folder)
    with running(tmp_path_factory.mktemp("home"), MILLSTREAM_BLOCKS=str(folder)) as made:
        yield made


@pytest.fixture(scope="module")
def worker(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    folder = tmp_path_factory.mktemp("worker")
    for name in ("worker.mjs", "lz4.mjs", "package.json", "package-lock.json"):
        shutil.copy(EXAMPLE / name, folder)
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True, timeout=120
    )
    secrets = keys.find(Home(platform.home))
    assert secrets is not None
    environ = {
        "PATH": os.environ["PATH"],
        "KAFKA": kafka_of(platform),
        "SIGNING_KEY": secrets.signing_key,
        "SCHEMAS": str(EXAMPLE.parents[1] / "schemas" / "avro"),
    }
    node = subprocess.Popen(
        ["node", "worker.mjs"],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert node.stdout is not None
    said = ""
    while "ready" not in said:
        line = node.stdout.readline()
        assert line, said
        said += line
    yield node
    node.terminate()
    node.wait(20)
    node.stdout.close()


def _graph(text: str) -> dict[str, object]:
    return graphs.graph(
        [
            graphs.node("in", graphs.INPUT, name="text", value=text),
            graphs.node("shout", ID, times=3),
            graphs.node("out", graphs.OUTPUT, name="said"),
        ],
        [graphs.link("in", "result", "shout", "text"), graphs.link("shout", "result", "out", "value")],
    )


def test_a_block_in_another_language_runs_in_a_graph(
    platform: Platform, worker: subprocess.Popen[str]
) -> None:
    ended = platform.wait(platform.execute(platform.save(_graph("hello"))), 90)
    assert (ended["status"], ended["outputs"]["said"]) == ("COMPLETED", ["HELLO!!!"])
    assert worker.poll() is None


def test_what_it_throws_is_the_nodes_failure(platform: Platform, worker: subprocess.Popen[str]) -> None:
    answer = platform.client.post(
        f"/api/v1/blocks/{ID}/execute", json={"inputs": {"text": "x", "times": -1}}, params={"wait_s": 60}
    )
    assert answer.status_code >= 400
    assert "Invalid count value" in answer.text


def test_it_leaves_tasks_of_strangers_alone(platform: Platform, worker: subprocess.Popen[str]) -> None:
    producer = Producer({"bootstrap.servers": kafka_of(platform)})
    producer.produce("nodes.tasks.shout", key=b"x", value=_task_without_signature(platform))
    assert producer.flush(20) == 0
    assert worker.stdout is not None
    while "without a valid signature" not in (line := worker.stdout.readline()):
        assert line, "the worker ended"
    ended = platform.wait(platform.execute(platform.save(_graph("still here"))), 90)
    assert ended["outputs"]["said"] == ["STILL HERE!!!"]


def _task_without_signature(platform: Platform) -> bytes:
    """The bytes of a task that ran before, as anybody who reads the topic has them."""
    from tests.canary import records

    return next(value for topic, _, value, _ in records(platform) if topic == "nodes.tasks.shout" and value)
