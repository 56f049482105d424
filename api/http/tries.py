"""Who tries wrong tokens, keys and cookies: counted by network address, for HTTP and for sockets.

An address that has sent too many different ones is refused before anything is looked up, whatever it sends, until its window
has moved on. The same wrong token again counts once: a program that was forgotten does not shut out its house.
"""

from __future__ import annotations

import math
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from millstream.api.auth.local import is_here
from millstream.api.auth.principal import Principal
from millstream.api.auth.secret import digest
from millstream.api.auth.service import given_token
from millstream.api.http.limits import HEADERS, count_strictly, headers_of, network_of
from millstream.api.http.rates import Count, Quota
from millstream.schemas.errors import AuthenticationError, RateLimitedError

if TYPE_CHECKING:
    from millstream.api.state import Edge

MOST = 100
WINDOW_S = 300
"""So many different wrong ones in five minutes are more than a house has programs with old tokens."""
SEEN_MOST = 20_000
NAME = "bad-token"


@dataclass(slots=True)
class Tries:
    """What this process remembers; the counts themselves are in Redis, for all edges."""

    shut: dict[str, tuple[float, Count]] = field(default_factory=dict)
    """Until when (monotonic) an address is refused."""
    seen: dict[tuple[str, bytes], float] = field(default_factory=dict)
    """Wrong ones that were counted, and when."""

    def is_new(self, network: str, secret: str) -> bool:
        """Tell whether this one was not counted within the window, and note it."""
        now = time.monotonic()
        key = (network, digest(secret))
        if now - self.seen.get(key, -WINDOW_S) < WINDOW_S:
            return False
        if len(self.seen) >= SEEN_MOST:
            self.seen.clear()
        self.seen[key] = now
        return True

    def refusal(self, network: str) -> Count | None:
        """Return why an address is refused now, None if it is not."""
        until, count = self.shut.get(network, (0.0, None))
        left_s = until - time.monotonic()
        if count is None or left_s <= 0:
            self.shut.pop(network, None)
            return None
        return Count(quota=count.quota, left=0, wait_s=math.ceil(left_s), reset_s=math.ceil(left_s))

    def shut_out(self, network: str, count: Count) -> None:
        """Refuse an address until it may try again."""
        if len(self.shut) >= SEEN_MOST:
            self.shut.clear()
        self.shut[network] = (time.monotonic() + count.wait_s, count)


async def caller(edge: Edge, connection: HTTPConnection, token: str | None = None) -> Principal:
    """Return who calls. `token`: one that came elsewhere than in a header.

    Errors: as `Auth.principal`; RateLimitedError: too many wrong ones came from there; UnavailableError: a wrong one came
    and cannot be counted now.
    """
    secret = given_token(connection.headers) or token or edge.auth.sessions.cookie_of(connection)
    network = None if secret is None else _network(connection)
    if secret is None or not network:
        return await edge.auth.principal(connection, token)
    if (count := edge.tries.refusal(network)) is not None:
        _refuse(edge, connection.scope, count)
    try:
        return await edge.auth.principal(connection, token)
    except AuthenticationError:
        await _count(edge, connection.scope, network, secret)
        raise


async def note_wrong(edge: Edge, connection: HTTPConnection, secret: str) -> None:
    """Count a wrong token of another kind, such as a worker's. Errors: as `caller`."""
    if network := _network(connection):
        await _count(edge, connection.scope, network, secret)


async def _count(edge: Edge, scope: MutableMapping[str, Any], network: str, secret: str) -> None:
    if not edge.tries.is_new(network, secret):
        return
    quota = Quota(name=NAME, key=network, most=MOST, window_s=WINDOW_S)
    [count] = await count_strictly(edge, [quota])
    if count.wait_s:
        edge.tries.shut_out(network, count)
        _refuse(edge, scope, count)
    scope[HEADERS] = headers_of([count])


def _refuse(edge: Edge, scope: MutableMapping[str, Any], count: Count) -> None:
    edge.metrics.limited.labels(NAME).inc()
    scope[HEADERS] = headers_of([count])
    raise RateLimitedError(
        f"Too many wrong tokens came from your address; try again in {count.wait_s} s.",
        retry_after_s=count.wait_s,
    )


def _network(connection: HTTPConnection) -> str | None:
    """What is counted: nothing for this machine, unless a proxy of ours speaks for somebody."""
    if is_here(connection) or connection.client is None:
        return None
    return network_of(connection.client.host)
