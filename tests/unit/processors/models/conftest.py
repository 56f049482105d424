"""The echo model on a real port, a scripted server of the same protocol, and contexts that may ask them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from millstream.local.echo_model.app import app
from millstream.local.ports import free_ports
from millstream.processors.context import Context
from millstream.processors.models.providers import offer
from millstream.processors.models.switchboard import Switchboard
from millstream.schemas.messages import ModelCall
from millstream.testing import context
from tests.unit.processors.conftest import Request, Server, answer, serving


@asynccontextmanager
async def echo() -> AsyncIterator[str]:
    """Serve the echo model; gives its URL."""
    [port] = free_ports(1)
    config = uvicorn.Config(
        app(), host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    serve = asyncio.create_task(server.serve())
    while not server.started:
        assert not serve.done()
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.should_exit = True
        await serve


class Noted:
    """`UsageLog` that remembers."""

    def __init__(self) -> None:
        self.calls: list[ModelCall] = []

    async def add(self, call: ModelCall) -> None:
        self.calls.append(call)


class Answers:
    """`AnswerCache` in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    async def get(self, user_id: str, digest: str) -> bytes | None:
        return self.kept.get((user_id, digest))

    async def put(self, user_id: str, digest: str, answer: bytes, *, keep_s: float) -> None:
        self.kept[user_id, digest] = answer


@dataclass
class Asking:
    """A switchboard, what it noted, and contexts of runs."""

    board: Switchboard
    noted: Noted = field(default_factory=Noted)

    def run(self, **fields: Any) -> Context:
        """Return the context of one run."""
        return context(model_source=self.board, **fields)


@asynccontextmanager
async def asking(
    config: dict[str, Any] | None = None,
    *,
    echo_url: str = "",
    allow: tuple[str, ...] = (),
    cache: Answers | None = None,
) -> AsyncIterator[Asking]:
    """Make a switchboard; close it in the end."""
    noted = Noted()
    board = Switchboard(
        offer(json.dumps(config or {}), echo_url=echo_url), usage=noted, cache=cache, allow=frozenset(allow)
    )
    try:
        yield Asking(board, noted)
    finally:
        await board.close()


Script = Callable[[Request, int], tuple[int, Any, dict[str, str]]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Server]:
    """Serve what `script(request, number)` says: status, JSON or bytes, headers."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        status, body, headers = script(request, len(server.requests))
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = headers.pop("Content_Type", "application/json")
        await answer(writer, status, raw, Content_Type=kind, **headers)

    async with serving(handle) as server:
        yield server


def said(text: str, **usage: int) -> dict[str, Any]:
    """A whole answer of a chat model."""
    tokens = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15} | usage
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": tokens}


@pytest.fixture
async def demo() -> AsyncIterator[Asking]:
    """A platform without any key: the echo model answers."""
    async with echo() as url, asking(echo_url=url) as it:
        yield it
