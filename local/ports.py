"""TCP ports: which are free, who has one that is not, and remembering those that we took."""

from __future__ import annotations

import contextlib
import errno
import json
import random
import socket
import sys
from collections.abc import Sequence

import psutil

from millstream.local.home import Home, write_private
from millstream.schemas.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_000
"""Below the range from which systems take the ports of outgoing connections: a client that retries a port of that
range on loopback can be given the very port that it calls, connect to itself and keep the server from starting."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Say whether a server could listen on `port` now."""
    return _refusal(port, host) is None


def _refusal(port: int, host: str) -> OSError | None:
    """Try to listen; return what the system says against it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "darwin":  # there, the option would let us bind beside a server on all addresses
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)  # without it a listener that set the same option goes unseen
        except OSError as error:
            return error
    return None


def holder(port: int) -> str:
    """Describe who listens on `port`, as far as this user may see it."""
    for _ in range(3):  # a process that ends while the table is read spoils the reading
        with contextlib.suppress(psutil.Error, OSError):
            for connection in psutil.net_connections("tcp"):
                listens_there = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (
                    port,
                )
                if listens_there and connection.pid:
                    return f"pid {connection.pid}, {psutil.Process(connection.pid).name()!r}"
    return "a process of another user"


def require_free(port: int, host: str, *, variable: str) -> None:
    """Check that we may listen on `port`. Errors: ConfigurationError that says who has it and what to set."""
    refusal = _refusal(port, host)
    if refusal is None:
        return
    remedy = f"choose another port with {variable}"
    if refusal.errno == errno.EADDRINUSE:
        free = next((p for p in range(port + 1, 65_536) if is_free(p, host)), 8080)
        message = f"Port {port} is already taken ({holder(port)}). Stop that process, or {remedy}, such as {variable}={free}."
    elif refusal.errno in (errno.EACCES, errno.EPERM):
        message = f"Port {port} needs more rights than you have; {remedy}, such as {variable}=8080."
    else:
        message = f"Nothing can listen on {host!r}: {refusal.strerror or refusal}. Set MILLSTREAM_HOST to an own address."
    raise ConfigurationError(message, port=port)


def choose(home: Home, names: Sequence[str]) -> dict[str, int]:
    """Return a free loopback port for each name: the remembered one where it is still free. Remembers them.

    Errors: ConfigurationError if the range is full.
    """
    before = remembered(home)
    chosen: dict[str, int] = {}
    for name in names:
        known = before.get(name)
        if known is not None and known not in chosen.values() and is_free(known):
            chosen[name] = known
        else:
            chosen[name] = _free_port(taken={*chosen.values(), *before.values()})
    if before | chosen != before:
        write_private(home.ports, json.dumps(before | chosen, indent=2) + "\n")
    return chosen


def remembered(home: Home) -> dict[str, int]:
    """Return the ports of the last start; a damaged file counts as none."""
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        return {str(name): int(port) for name, port in json.loads(home.ports.read_text()).items()}
    return {}


def free_ports(count: int) -> list[int]:
    """Return ports that are free now, for something that nobody has to find again."""
    found: list[int] = []
    for _ in range(count):
        found.append(_free_port(taken=set(found)))
    return found


def _free_port(*, taken: set[int]) -> int:
    for port in random.sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST):
        if port not in taken and is_free(port):
            return port
    raise ConfigurationError(f"No TCP port between {LOWEST} and {HIGHEST} is free on {LOOPBACK}.")
