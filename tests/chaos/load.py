"""Starts runs at a steady pace whatever happens, and asks again, with the same key, for what got no answer."""

from __future__ import annotations

import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable

import httpx

from tests.platform import Platform

PASSING = (429, 500, 502, 503, 504)
"""Answers after which the same request is made again."""
TWICE = 0.1
"""Share of the accepted starts that are asked for once more: a client whose answer was lost."""


class Load:
    """Runs threads until its `with` ends. `told`: called with each accepted execution."""

    def __init__(
        self,
        mill: Platform,
        graph: str,
        *,
        per_s: float,
        told: Callable[[str], None] = lambda _: None,
        threads: int = 4,
    ) -> None:
        self._mill, self._graph, self._told = mill, graph, told
        self._pause_s = 1 / per_s
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._began = 0.0
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.accepted: list[str] = []
        self.refused = 0
        self.errors: list[str] = []

    def __enter__(self) -> Load:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._mill.token}"}
        with httpx.Client(base_url=self._mill.url, headers=headers, timeout=20, trust_env=False) as client:
            while not self._stop.is_set():
                due = self._began + next(self._numbers) * self._pause_s
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return
                self._start(client)

    def _start(self, client: httpx.Client) -> None:
        key = uuid.uuid4().hex
        execution_id = self._ask(client, key)
        if execution_id is None:
            return
        if random.random() < TWICE and (again := self._ask(client, key)) not in (None, execution_id):
            self.errors.append(f"key {key} gave {execution_id} and {again}")
        with self._lock:
            self.accepted.append(execution_id)
        self._told(execution_id)

    def _ask(self, client: httpx.Client, key: str) -> str | None:
        """Return the execution; None only after an answer that nobody expects. Never gives up otherwise."""
        while True:
            try:
                answer = client.post(
                    f"/api/v1/graphs/{self._graph}/execute",
                    json={"inputs": {}},
                    headers={"Idempotency-Key": key},
                )
            except httpx.HTTPError:
                self.refused += 1
                time.sleep(0.3)
                continue
            if answer.status_code in (200, 202):
                return str(answer.json()["id"])
            if answer.status_code not in PASSING:
                self.errors.append(f"{answer.status_code}: {answer.text[:300]}")
                return None
            self.refused += 1
            time.sleep(0.3)
