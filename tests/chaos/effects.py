"""A server outside the platform that counts what is done to it, by the key that each request carries."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from millstream.local.ports import LOOPBACK

SLOW_S = 0.05
"""How long a request takes, so that kills hit some of them."""


class Effects:
    """What was done, by Idempotency-Key, which is the id of the node execution."""

    def __init__(self, port: int) -> None:
        self.address = f"{LOOPBACK}:{port}"
        self.url = f"http://{self.address}/effect"
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, key: str) -> None:
        with self._lock:
            self._counts[key] += 1

    def counts(self) -> Counter[str]:
        """Return how often each was done."""
        with self._lock:
            return self._counts.copy()


@contextlib.contextmanager
def counting() -> Iterator[Effects]:
    """Run the server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            effects.count(self.headers["Idempotency-Key"])
            time.sleep(SLOW_S)
            with contextlib.suppress(OSError):  # who asked may be dead by now
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            """A client that was killed is no error of ours."""

    server = Server((LOOPBACK, 0), Handler)
    effects = Effects(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield effects
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
