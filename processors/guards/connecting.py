"""Connections for other protocols than HTTP (mail): to checked addresses only, like those of the web client."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from millstream.processors.credentials import AnyCredential
from millstream.processors.services import Http
from millstream.schemas.errors import AddressRefusedError, UpstreamError

CONNECT_S = 10.0


def require_bound(held: AnyCredential, host: str, port: int) -> None:
    """Refuse a credential that was not made for this server. Errors: AddressRefusedError.

    The server is a pin, so whoever made the graph chose it: only the owner of the credential may say where it goes.
    """
    credential = held.credential()
    if credential.allows("https", host, 443) or credential.allows("", host, port):
        return
    hosts = ", ".join(sorted(credential.hosts)) or "no host"
    raise AddressRefusedError(
        f"This credential is for {hosts}, not for {host!r}; make one that names {host!r} in its hosts.",
        host=host,
    )


async def connected(http: Http, host: str, port: int) -> socket.socket:
    """Return a TCP connection to a checked address of `host`. Errors: AddressRefusedError, UpstreamError."""
    loop = asyncio.get_running_loop()
    reason = "it has no address"
    for address in await http.addresses(host, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        link = socket.socket(family, socket.SOCK_STREAM)
        link.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_S):
                await loop.sock_connect(link, (address, port))
        except (OSError, TimeoutError) as error:
            link.close()
            reason = str(error) or type(error).__name__
        except BaseException:
            with contextlib.suppress(OSError):
                link.close()
            raise
        else:
            return link
    raise UpstreamError(f"{host}:{port} does not answer: {reason}.", host=host)
