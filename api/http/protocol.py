"""HTTP/1.1 as uvicorn has it, with an end to what somebody may send before he has said what he wants.

Behind it the app sees whole requests only; a head without end would never come to it, and fill the memory.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from uuid import uuid4

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""Request line and headers. What comes with one read of the socket is on top."""
HEAD_S = 30.0
"""How long they may take."""


class CarefulProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _head_bytes = 0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; refuse a head that is too long before it has ended."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._late is None:
                self._wait()
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, "headers_too_large", "The headers of the request are too long.")

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "not_http", "This is no request of HTTP/1.1.")

    def _wait(self) -> None:
        self._late = self.loop.call_later(HEAD_S, self._on_late)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _on_late(self) -> None:
        self._late = None
        if not self._head_bytes:
            self.transport.close()  # nothing was ever asked
        elif not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self._refuse(408, "too_slow", f"The headers of the request did not come within {HEAD_S:.0f} s.")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        request_id = str(uuid4())
        body = orjson.dumps(
            {
                "type": f"urn:millstream:problem:{code}",
                "title": HTTPStatus(status).phrase,
                "status": status,
                "detail": detail,
                "instance": "",
                "code": code,
                "request_id": request_id,
            }
        )
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\ncache-control: no-store\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
