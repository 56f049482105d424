"""How often somebody may ask. Log-ins are counted for real before anything is tried: without Redis nobody logs in.

All other requests go through uncounted while Redis is away, with a line in the log: it must not take the API with it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import structlog
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection

from millstream.api.auth.local import is_here
from millstream.api.auth.principal import Principal
from millstream.api.http.rates import Count, Counter, Quota
from millstream.schemas.errors import RateLimitedError, UnavailableError

if TYPE_CHECKING:
    from millstream.api.state import Edge

log = structlog.get_logger(__name__)

Rule = Literal["log_in", "sign_up", "mail", "token", "invitation"]
"""What is limited: trying a password, making an account, having a mail sent, refreshing a token, inviting."""
Kind = Literal["read", "write", "start", "upload", "socket"]
"""What a request costs: a look, a change, an execution, a file, a WebSocket."""

ANSWER_S = 1.0
"""How long a request waits for Redis to count it."""
MINUTE_S = 60
HOUR_S = 3600
KEY_SHARE = 0.5
"""Of a user's quota, what one of his keys may use: a program that runs wild leaves him room to end it."""
ADDRESS_SHARE = 4
"""A house full of users has one address."""
HEADERS = "rate_limit"
"""Where the headers wait in the ASGI scope, so that refusals have them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Settings: requests of one user per minute, by kind."""

    on: bool = True
    """False: nothing but log-ins is counted."""
    reads: int = 1200
    writes: int = 600
    starts: int = 600
    uploads: int = 60
    sockets: int = 600

    def of(self, kind: Kind) -> int:
        """Return the quota of a kind."""
        return {
            "read": self.reads,
            "write": self.writes,
            "start": self.starts,
            "upload": self.uploads,
            "socket": self.sockets,
        }[kind]


RULES: dict[Rule, tuple[int, int, int]] = {
    "log_in": (10, 60, 300),
    "sign_up": (5, 10, HOUR_S),
    "mail": (5, 20, HOUR_S),
    "token": (60, 600, MINUTE_S),
    "invitation": (50, 200, HOUR_S),
}
"""By rule: how often for one account or e-mail, how often for one network address, within how many seconds."""


async def hit(edge: Edge, rule: Rule, *keys: str) -> None:
    """Count one use of `rule` for each key: an address of the network, or whom it is about, such as an e-mail.

    Errors: RateLimitedError: too often; UnavailableError: Redis is away, so nobody can tell.
    """
    each, address, window_s = RULES[rule]
    quotas = []
    for key in keys:
        network = network_of(key)
        if network is None and key:
            quotas.append(Quota(name=rule, key=f"of:{key.lower()}", most=each, window_s=window_s))
        elif network:
            quotas.append(Quota(name=rule, key=f"ip:{network}", most=address, window_s=window_s))
    if not quotas:
        return
    _refuse(edge, rule, await count_strictly(edge, quotas))


async def count_strictly(edge: Edge, quotas: Sequence[Quota]) -> list[Count]:
    """Count what nobody may do uncounted. Errors: UnavailableError."""
    counts = await _count(edge, quotas, outcome="refused")
    if counts is None:
        raise UnavailableError("This is counted, and the counter does not answer now; try again.")
    return counts


async def _count(edge: Edge, quotas: Sequence[Quota], *, outcome: str) -> list[Count] | None:
    """Count; None: Redis is away. `outcome`: what becomes of the request then."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await Counter(edge.redis).count(quotas)
    except (RedisError, OSError, TimeoutError) as error:
        log.warning(f"rate_unknown_{outcome}", what=quotas[0].name, error=type(error).__name__)
        edge.metrics.uncounted.labels(outcome).inc()
        return None


async def admit(
    edge: Edge, request: HTTPConnection, kind: Kind, principal: Principal | None, *, by_address: bool = True
) -> None:
    """Count a request for its user, its key and its address; the headers wait in the scope. Errors: RateLimitedError.

    `by_address`: False if it was counted for its address before it was known who sends it.
    """
    limits = edge.settings.rates
    if not limits.on or (principal is not None and principal.kind == "local"):
        return
    quotas = quotas_of(limits.of(kind), request, kind, principal)
    if not by_address:
        quotas = [quota for quota in quotas if quota.name != f"{kind}-address"]
    if not quotas:
        return
    counts = await _count(edge, quotas, outcome="let_through")
    if counts is None:
        return
    request.scope[HEADERS] = headers_of(counts)
    _refuse(edge, kind, counts)


def quotas_of(most: int, request: HTTPConnection, kind: Kind, principal: Principal | None) -> list[Quota]:
    """Return what a request is counted against. One from this machine has no address of its own."""
    quotas = []
    if principal is not None:
        user = Quota(name=f"{kind}-user", key=str(principal.user_id), most=most, window_s=MINUTE_S)
        quotas.append(user)
        if principal.kind == "api_key":
            share = max(1, int(most * KEY_SHARE))
            quotas.append(Quota(name=f"{kind}-key", key=principal.session_id, most=share, window_s=MINUTE_S))
    if not is_here(request) and request.client is not None:
        network = network_of(request.client.host)
        if network:
            quotas.append(
                Quota(name=f"{kind}-address", key=network, most=most * ADDRESS_SHARE, window_s=MINUTE_S)
            )
    return quotas


def headers_of(counts: Sequence[Count]) -> dict[str, str]:
    """Return `RateLimit-Policy` and `RateLimit`, the quota that ends first (draft-ietf-httpapi-ratelimit-headers-10)."""
    tightest = min(counts, key=lambda count: (count.wait_s == 0, count.left / count.quota.most))
    policies = ", ".join(f'"{c.quota.name}";q={c.quota.most};w={c.quota.window_s}' for c in counts)
    reset_s = tightest.wait_s or tightest.reset_s
    return {
        "RateLimit-Policy": policies,
        "RateLimit": f'"{tightest.quota.name}";r={tightest.left};t={reset_s}',
    }


def network_of(address: str) -> str | None:
    """Return what is counted as one address: of IPv6 the /64 that a house has. Empty: this machine; None: no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if found.is_loopback:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _refuse(edge: Edge, what: str, counts: Sequence[Count]) -> None:
    wait_s = max(count.wait_s for count in counts)
    if not wait_s:
        return
    edge.metrics.limited.labels(what).inc()
    nice = f"{wait_s} s" if wait_s < 2 * MINUTE_S else f"{math.ceil(wait_s / MINUTE_S)} minutes"
    raise RateLimitedError(f"Too many of these; try again in {nice}.", retry_after_s=wait_s)
