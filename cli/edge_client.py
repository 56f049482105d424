"""A client of the edge for commands: requests with problems as errors, and frames that survive a lost connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from millstream.schemas.errors import MillstreamError, UnavailableError

PATIENCE_S = 30.0
"""How long the edge may be away before a command gives up."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class RequestRefusedError(MillstreamError):
    """The edge refused a request. `facts`: the members of its problem."""

    code = "request_refused"


class EdgeClient:
    """One edge, one token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        local = urlsplit(url).hostname in LOOPBACK
        self._proxy: Any = None if local else True  # a proxy of the environment cannot reach this machine
        self._http = httpx.AsyncClient(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=not local,
            timeout=httpx.Timeout(90.0, connect=5.0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> Any:
        """Return the answer's JSON. Errors: RequestRefusedError, UnavailableError."""
        return await self._asked("GET", path, params=params)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Return the answer's JSON; with an idempotency `key` it is tried again while the platform is not ready."""
        headers = {"Idempotency-Key": key} if key else {}
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                return await self._asked("POST", path, json=body, headers=headers)
            except UnavailableError:
                if key is None or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(2.0)

    async def upload(self, path: Path) -> str:
        """Store a file and return its reference, `workspace://<id>`."""
        data = await asyncio.to_thread(path.read_bytes)
        made = await self._asked("POST", "/api/v1/files", files={"file": (path.name, data)})
        return str(made["uri"])

    async def _asked(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise UnavailableError(
                f"Nothing answers at {self._url} ({type(error).__name__}). Is the platform up? See `millstream status`."
            ) from error
        if answer.is_success:
            return answer.json()
        problem = _problem(answer)
        kind = UnavailableError if answer.status_code == 503 else RequestRefusedError
        detail = problem.pop("detail", None) or f"{self._url} answered {answer.status_code}."
        raise kind(str(detail), **{name: value for name, value in problem.items() if name != "message"})

    async def follow(self, execution_id: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the event frames of an execution from its beginning, without gap or repetition, connecting again
        when the connection is lost. Errors: UnavailableError, RequestRefusedError."""
        since = -1
        deadline: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            try:
                async for frame in self._frames(execution_id, since):
                    deadline = None
                    since = frame.get("sequence", since)
                    yield frame
            except InvalidHandshake as error:
                raise RequestRefusedError(f"The edge refuses the socket: {error}") from error
            except (OSError, ConnectionClosed, TimeoutError) as error:
                deadline = deadline or loop.time() + PATIENCE_S
                if loop.time() > deadline:
                    raise UnavailableError(
                        f"The edge at {self._url} is gone ({type(error).__name__})."
                    ) from error
                await asyncio.sleep(0.5)

    async def _frames(self, execution_id: str, since: int) -> AsyncIterator[dict[str, Any]]:
        url = self._url.replace("http", "ws", 1) + "/ws"
        headers = {"Authorization": f"Bearer {self._token}"}  # not in the URL, which logs may keep
        async with connect(
            url, additional_headers=headers, proxy=self._proxy, max_size=64 << 20, open_timeout=5
        ) as socket:
            data = {"graph_exec_id": execution_id, "since": since}
            await socket.send(json.dumps({"method": "subscribe_graph_execution", "data": data}))
            async for text in socket:
                frame = json.loads(text)
                if frame["method"] == "error":
                    raise RequestRefusedError(str(frame["error"]), **(frame["data"] or {}))
                if frame["method"].endswith("_event"):
                    yield frame
            raise ConnectionError("the edge closed the socket")


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
