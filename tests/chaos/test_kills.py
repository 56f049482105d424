"""kill -9 of every process in mid-run: every accepted execution ends, and each node's effect is visible once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.platform import Platform, running

pytestmark = [pytest.mark.integration, pytest.mark.chaos, pytest.mark.timeout(400)]

STORE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
WAIT = "WaitBlock"
CHAIN = 6


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("chaos"), workers=2) as platform:
        yield platform


@pytest.fixture(scope="module")
def graph(mill: Platform) -> str:
    """A chain with a fan-out of five in its middle."""
    blocks = {b["name"]: b["id"] for b in mill.client.get("/api/v1/blocks").json()}
    nodes: list[dict[str, Any]] = [
        {"id": "list", "block_id": STORE, "input_default": {"input": [1, 2, 3, 4, 5]}},
        {"id": "each", "block_id": blocks["StepThroughItemsBlock"]},
        {"id": "wait", "block_id": blocks["WaitBlock"], "input_default": {"seconds": 0.05}},
        *({"id": f"c{i}", "block_id": STORE} for i in range(CHAIN)),
        {"id": "out", "block_id": blocks["AgentOutputBlock"], "input_default": {"name": "out"}},
    ]
    links = [
        ("list", "output", "each", "items"),
        ("each", "item", "wait", "value"),
        ("wait", "value", "c0", "input"),
    ]
    links += [(f"c{i}", "output", f"c{i + 1}", "input") for i in range(CHAIN - 1)]
    links += [(f"c{CHAIN - 1}", "output", "out", "value")]
    keys = ("source_id", "source_name", "sink_id", "sink_name")
    body = {"name": "chaos", "description": "", "nodes": nodes}
    return mill.save(body | {"links": [dict(zip(keys, link, strict=True)) for link in links]})


class Load:
    """Starts runs at a steady pace while things are killed; retries what was refused, with the same key."""

    def __init__(self, mill: Platform, graph: str) -> None:
        self.mill, self.graph = mill, graph
        self.accepted: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self.mill.url, headers=self.mill.client.headers, timeout=30) as client:
            number = 0
            while not self._stop.is_set():
                number += 1
                self._one(client, f"{time.time_ns()}-{number}")
                time.sleep(0.02)

    def _one(self, client: httpx.Client, key: str) -> None:
        while True:
            try:
                answer = client.post(
                    f"/api/v1/graphs/{self.graph}/execute",
                    json={"inputs": {}},
                    headers={"Idempotency-Key": key},
                )
            except httpx.HTTPError:
                time.sleep(0.3)
                continue
            if answer.status_code in (200, 202):
                self.accepted.append(answer.json()["id"])
                return
            assert answer.status_code in (429, 500, 503), answer.text
            time.sleep(0.3)


def check(mill: Platform, accepted: list[str]) -> None:
    """Every accepted run ended well, with each node run visible exactly once and outputs in order."""
    assert len(accepted) > 20
    assert len(set(accepted)) == len(accepted)
    for execution_id in accepted:
        found = mill.wait(execution_id, 120)
        assert found["status"] == "COMPLETED", found
        assert found["verdict"] == {"result": "ok"}, found
        assert found["outputs"] == {"out": [1, 2, 3, 4, 5]}, found
        runs = Counter(entry["node_id"] for entry in found["node_executions"])
        assert sorted(runs.values()) == [1, 1] + [5] * (CHAIN + 2), runs
        assert all(
            len(v) == 1
            for e in found["node_executions"]
            for p, v in e["output_data"].items()
            if p == "output"
        )


@pytest.mark.parametrize("victim", ["worker-0", "coordinator-0", "sink", "edge"])
def test_a_killed_process_loses_and_doubles_nothing(mill: Platform, graph: str, victim: str) -> None:
    with Load(mill, graph) as load:
        time.sleep(1.5)
        mill.kill(victim)
        time.sleep(4)
        mill.kill(victim)
        time.sleep(2)
    mill.wait_ready()
    check(mill, load.accepted)


@pytest.mark.parametrize("victim", ["kafka", "postgres", "redis"])
def test_a_killed_server_loses_and_doubles_nothing(mill: Platform, graph: str, victim: str) -> None:
    with Load(mill, graph) as load:
        time.sleep(1.5)
        mill.kill(victim)
        time.sleep(6)
    mill.wait_ready(90)
    check(mill, load.accepted)


def test_the_whole_tree_killed_and_up_again_loses_and_doubles_nothing(mill: Platform, graph: str) -> None:
    with Load(mill, graph) as load:
        time.sleep(2)
        mill.kill_all()
        mill.client.close()
        mill.start()
        time.sleep(1)
    mill.wait_ready()
    check(mill, load.accepted)
