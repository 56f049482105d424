"""The edge as a process: uvicorn on uvloop, on a socket that is bound before anything else."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import uvicorn

from millstream.api.app import create_app
from millstream.api.http.protocol import CarefulProtocol
from millstream.api.settings import EdgeSettings, is_loopback
from millstream.processors.catalogue import Catalogue
from millstream.processors.folders import FolderRegistry
from millstream.processors.registry import Registry, load_registry
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import ConfigurationError

BACKLOG = 2048
GRACE_S = 10
"""How long requests under way have at shutdown."""
FRAME_BYTES = 64 * 1024
"""Longest WebSocket message from a client."""


def serve(settings: EdgeSettings, registry: Registry | None = None) -> None:
    """Serve until SIGTERM or SIGINT, with all blocks of this installation unless `registry` says which.

    Errors: ConfigurationError: the port is taken, or the address is not ours; BlockDefinitionError.
    """
    check_exposure(settings)
    with bind(settings.host, settings.port) as listener:
        blocks = load_registry() if registry is None else registry
        folder = blocks if isinstance(blocks, FolderRegistry) else None
        server = EdgeServer(server_config(settings, blocks.catalogue(), folder))
        server.run(sockets=[listener])


class EdgeServer(uvicorn.Server):
    """A server that ends streams of events when it goes down: otherwise it would wait for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests under way end."""
        app: Any = self.config.app
        app.state.edge.stopping = True
        await super().shutdown(sockets)


def server_config(
    settings: EdgeSettings, specs: Iterable[BlockSpec] | Catalogue, folder: FolderRegistry | None = None
) -> uvicorn.Config:
    """Return uvicorn's configuration. Its own logs are off: the app writes one line a request, without queries."""
    return uvicorn.Config(
        create_app(settings, specs, folder),
        loop="uvloop",
        http=CarefulProtocol,
        ws="websockets-sansio",
        ws_max_size=FRAME_BYTES,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        ws_per_message_deflate=False,  # costs more processor time than the wire does on most networks
        access_log=False,
        log_config=None,
        log_level="warning",  # at info, uvicorn writes the URLs of sockets, which have tokens
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        backlog=BACKLOG,
        lifespan="on",
    )


def check_exposure(settings: EdgeSettings) -> None:
    """Errors: ConfigurationError: others could reach the edge, and it is not ready for that; certificates that are none."""
    check_tls(settings)
    if is_loopback(settings.host):
        return
    where = f"MILLSTREAM_HOST is {settings.host!r}, so others reach the edge"
    if not settings.trusted_proxies and settings.tls_certificate is None:
        raise ConfigurationError(
            f"{where}, but nothing says who speaks TLS with them. Put a proxy with TLS before it and name it in "
            "MILLSTREAM_TRUSTED_PROXIES, or give the edge MILLSTREAM_TLS_CERTIFICATE and MILLSTREAM_TLS_KEY, or listen on "
            "127.0.0.1.",
            variable="MILLSTREAM_TRUSTED_PROXIES",
        )
    if not settings.access.key.get_secret_value():
        raise ConfigurationError(
            f"{where}, but there is no account key. Set MILLSTREAM_ACCOUNT_KEY to 32 random characters or more, "
            "the same for all edges.",
            variable="MILLSTREAM_ACCOUNT_KEY",
        )


def check_tls(settings: EdgeSettings) -> None:
    """Errors: ConfigurationError: only one of the two files, files that do not fit, or a public URL without TLS."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise ConfigurationError(
            "MILLSTREAM_TLS_CERTIFICATE and MILLSTREAM_TLS_KEY belong together; set both.",
            variable="MILLSTREAM_TLS_KEY" if key is None else "MILLSTREAM_TLS_CERTIFICATE",
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificate {str(certificate)!r} with the key {str(key)!r} cannot be used: {error}. Both are PEM files; "
            "the key has no password.",
            variable="MILLSTREAM_TLS_CERTIFICATE",
        ) from error
    if not settings.access.tls:
        raise ConfigurationError(
            f"The edge speaks TLS, but MILLSTREAM_PUBLIC_URL is {settings.access.public_url!r}; give it with https://, so "
            "that cookies are for TLS alone.",
            variable="MILLSTREAM_PUBLIC_URL",
        )


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Errors: ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"Port {port} on {host} is taken; stop what uses it, or set MILLSTREAM_PORT to another."
            ) from error
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    return listener
