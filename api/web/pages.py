"""The web application: its built files, and its one page under every address that it knows.

A middleware, not routes: the API's routes and their 404 and 405 stay what they are, with or without it. All files are read at
the start and never again, so no request names a path of the disk.
"""

from __future__ import annotations

import gzip
import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

PAGES = frozenset(
    {
        "",
        "agents",
        "approvals",
        "blocks",
        "build",
        "forgot",
        "invitation",
        "login",
        "reset",
        "runs",
        "settings",
        "setup",
        "signup",
        "verify",
    }
)
"""First parts of the addresses that the application knows; it answers others with its own 404."""
OTHERS = frozenset(
    {
        ".well-known",
        "api",
        "asyncapi",
        "asyncapi.json",
        "docs",
        "external-api",
        "graphql",
        "health",
        "healthz",
        "internal",
        "mcp",
        "metrics",
        "openapi.json",
        "readyz",
        "ws",
    }
)
"""First parts that are never the application's, even if a browser asks."""
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' data: blob:; font-src 'self'; connect-src 'self' {sockets}; worker-src 'self' blob:; "
    "object-src 'none'; frame-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
"""Scripts from our own files alone. Styles may be inline, since libraries place menus by them; `{sockets}`: our WebSocket."""
INDEX = "/index.html"
FOREVER = "public, max-age=31536000, immutable"
LEAST_BYTES = 1024


class WebPages:
    """Pure ASGI. `folder`: what the build made; None: there is no application, and everything goes on to the API."""

    def __init__(self, app: ASGIApp, folder: Path | None) -> None:
        self._app = app
        self._files: dict[str, _File] = {}
        if folder is not None and (folder / "index.html").is_file():
            root = folder.resolve()
            found = sorted(path for path in root.rglob("*") if path.is_file())
            self._files = {f"/{path.relative_to(root).as_posix()}": _File(path) for path in found}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._files and scope["method"] in ("GET", "HEAD"):
            headers = Headers(scope=scope)
            answer = self._answer(scope["path"], headers)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _answer(self, path: str, headers: Headers) -> Response | None:
        if path != INDEX and (file := self._files.get(path)) is not None:
            return file.answer(headers, FOREVER if path.startswith("/assets/") else "no-cache")
        first = path[1:].partition("/")[0]
        if first in OTHERS or "text/html" not in headers.get("accept", ""):
            return None
        host = headers.get("host", "")
        policy = POLICY.format(sockets=f"ws://{host} wss://{host}" if _plain(host) else "")
        answer = self._files[INDEX].answer(headers, "no-cache", 200 if first in PAGES else 404)
        answer.headers["Content-Security-Policy"] = policy
        return answer


def _plain(host: str) -> bool:
    """Tell whether a Host header is only a name and a port: it goes into another header."""
    return bool(host) and all(char.isalnum() or char in ".-:[]" for char in host)


class _File:
    """One file of the build, in memory, as it is and compressed."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self._type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if path.suffix == ".webmanifest":
            self._type = "application/manifest+json"
        text = self._type.startswith("text/") or self._type.endswith(("javascript", "json", "xml"))
        packed = gzip.compress(self._data, 9, mtime=0) if text and len(self._data) >= LEAST_BYTES else None
        self._packed = packed if packed is not None and len(packed) < len(self._data) else None

    def answer(self, asked: Headers, cached: str, status: int = 200) -> Response:
        headers = {"Cache-Control": cached, "Vary": "Accept-Encoding"}
        data = self._data
        if self._packed is not None and "gzip" in asked.get("accept-encoding", ""):
            data, headers["Content-Encoding"] = self._packed, "gzip"
        return Response(data, status, headers, self._type)
