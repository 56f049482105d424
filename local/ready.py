"""Cheap questions to servers: does it answer? None needs a client library, none takes over a second."""

from __future__ import annotations

import http.client
import socket
import struct
from pathlib import Path

from millstream.local.ports import LOOPBACK

PATIENCE_S = 0.5
API_VERSIONS = struct.pack(">hhih", 18, 0, 1, -1)
"""Kafka request: ApiVersions v0, correlation id 1, no client id."""


def kafka_answers(port: int, host: str = LOOPBACK) -> bool:
    """Say whether a Kafka broker answers an ApiVersions request on a plain-text port."""
    reply = _ask(host, port, struct.pack(">i", len(API_VERSIONS)) + API_VERSIONS, size=10)
    return len(reply) == 10 and struct.unpack(">ih", reply[4:10]) == (1, 0)


def listens(port: int, host: str = LOOPBACK) -> bool:
    """Say whether anything accepts a connection."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_S):
            return True
    except OSError:
        return False


def redis_answers(port: int, password: str, host: str = LOOPBACK) -> bool:
    """Say whether Redis has loaded its data and accepts the password."""
    return _ask(host, port, f"AUTH {password}\r\nPING\r\n".encode(), size=12) == b"+OK\r\n+PONG\r\n"


def postgres_ready(folder: Path) -> bool:
    """Say whether the postmaster of a data folder has written that it accepts connections."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def http_ok(port: int, path: str, host: str = LOOPBACK) -> bool:
    """Say whether an HTTP GET of `path` answers 200."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ask(host: str, port: int, request: bytes, *, size: int) -> bytes:
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_S) as connection:
            connection.settimeout(PATIENCE_S)
            connection.sendall(request)
            reply = b""
            while len(reply) < size and (more := connection.recv(size - len(reply))):
                reply += more
            return reply
    except OSError:
        return b""
