"""What tests of the edge ask for again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx


async def saved(client: httpx.AsyncClient, graph: dict[str, Any]) -> dict[str, Any]:
    """Save a graph."""
    answer = await client.post("/api/v1/graphs", json=graph)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def started(client: httpx.AsyncClient, graph: dict[str, Any], **body: Any) -> str:
    """Save a graph and start it; returns the execution's id."""
    made = await saved(client, graph)
    answer = await client.post(f"/api/v1/graphs/{made['id']}/execute", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/api/v1/executions/{answer.json()['id']}"
    return str(answer.json()["id"])


async def ended(client: httpx.AsyncClient, execution_id: str) -> dict[str, Any]:
    """Return an execution once it has ended."""
    answer = await client.get(f"/api/v1/executions/{execution_id}", params={"wait_s": 20})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] in ("COMPLETED", "FAILED", "TERMINATED"), found["status"]
    return found


async def shown(client: httpx.AsyncClient, execution_id: str) -> dict[str, Any]:
    """Return an execution as it is."""
    found: dict[str, Any] = (await client.get(f"/api/v1/executions/{execution_id}")).json()
    return found


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a problem as RFC 9457 has it, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= set(body)
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:millstream:problem:{code}"
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert "Traceback" not in answer.text
    return body


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait until `check` holds."""
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.05)
