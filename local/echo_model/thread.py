"""The echo model in a thread of this process, for tests of blocks. `millstream up` starts a process instead."""

from __future__ import annotations

import functools
import socket
import threading
import time

import uvicorn

from millstream.local.echo_model.app import app
from millstream.local.ports import LOOPBACK

START_S = 10.0


@functools.cache
def url() -> str:
    """Start it, once, and return where it listens. It ends with the process."""
    listener = socket.create_server((LOOPBACK, 0))
    config = uvicorn.Config(app(), log_level="warning", lifespan="off", ws="none", access_log=False)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, args=([listener],), daemon=True, name="echo-model").start()
    deadline = time.monotonic() + START_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}/v1"
