"""The echo model as `millstream up` starts it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable

from millstream.local import ports
from millstream.local.ready import http_ok
from millstream.local.spec import ProcessSpec

NAME = "echo-model"


def url(port: int) -> str:
    """Return where workers find it."""
    return f"http://{ports.LOOPBACK}:{port}/v1"


def spec(port: int, *, hidden: Iterable[str]) -> ProcessSpec:
    """Return the process. `hidden`: variables that it is not told, which are all: it needs none and knows no secret."""
    return ProcessSpec(
        name=NAME,
        argv=(sys.executable, "-P", "-m", "millstream.cli.main", NAME, "--port", str(port)),
        env={**dict.fromkeys(hidden, ""), "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "1"},
        port=port,
        ready=functools.partial(http_ok, port, "/healthz", ports.LOOPBACK),
        grace_s=10,
    )
