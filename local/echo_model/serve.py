"""The echo model as a process, small: no access log, one event loop, nothing loaded that it does not need."""

from __future__ import annotations

import socket

import uvicorn

from millstream.local.echo_model.app import app


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM. Errors: OSError: the port is taken."""
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2_048
    )
    print(f"the echo model listens on {host}:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - for people
    config = uvicorn.Config(
        app(),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])
