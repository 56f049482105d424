"""Settings of the edge: plain data, filled in by a composition root (`cli/settings.py` knows the environment)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from millstream.api.auth.settings import AccessSettings
from millstream.api.credentials.settings import SecretSettings
from millstream.api.graphql.settings import GraphqlSettings
from millstream.api.http.limits import RateLimits
from millstream.connectors.objects import OBJECT_LIMIT_BYTES
from millstream.schemas.signing import Signer
from millstream.schemas.sizes import MIB, REQUEST_LIMIT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLimits:
    """What one request, one answer and one socket may cost."""

    body_bytes: int = REQUEST_LIMIT_BYTES
    """Body of any request but an upload."""
    file_bytes: int = OBJECT_LIMIT_BYTES
    """One uploaded file; blocks read no longer ones."""
    answer_bytes: int = 25_000_000
    """Values by reference that one answer resolves; those beyond are given as links."""
    node_executions: int = 1000
    """Node executions in one answer."""
    block_wait_s: float = 60.0
    """How long a block's execution is waited for before the answer is 202."""
    ack_s: float = 10.0
    """How long Kafka has to acknowledge a record before the answer is 503."""
    sweep_after_s: float = 5.0
    """Age at which an execution that Kafka did not acknowledge is sent again."""
    user_queue: int = 10_000
    """Executions of one user that may wait for their turn."""
    inbox_lag: int = 20_000
    """Records that the coordinators, or admission, may be behind before nothing more is accepted; 0: any number."""
    lane_lag: int = 100_000
    """The same for the tasks of one lane."""
    events_lag: int = 200_000
    """The same for the sink."""
    lags_every_s: float = 1.0
    """How often lags are read."""
    silent_s: float = 120.0
    """A run of which nothing was heard for so long is looked at; 0: none is."""
    history_months: int = 0
    """Executions are removed so many months after the end of the month in which they began; 0: never."""
    sockets: int = 10_000
    """WebSockets of this process."""
    user_sockets: int = 200
    """WebSockets of one user in this process."""
    subscriptions: int = 100
    """Subscriptions of one socket."""
    queue_frames: int = 2000
    """Frames that wait for a slow reader before its socket is cut."""
    queue_bytes: int = 16 * MIB
    """The same, in bytes."""
    kept_events: int = 2000
    """A followed execution with at most so many events is kept in memory, so that joiners need not read the log."""
    frame_bytes: int = MIB
    """Longest frame; inputs and outputs of an event are shortened from the middle to fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """Where the servers are, where to listen, and who may come in."""

    kafka: Mapping[str, Any] = field(repr=False)
    """Connection arguments of aiokafka's clients: bootstrap servers, TLS, SASL."""
    dsn: SecretStr
    """PostgreSQL."""
    redis: SecretStr
    """Redis URL."""
    objects: str
    """Object store URL."""
    token: SecretStr
    """Token of the local user."""
    access: AccessSettings = field(default_factory=AccessSettings, repr=False)
    """Log-ins."""
    secrets: SecretSettings = field(default_factory=SecretSettings, repr=False)
    """Credentials."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies before the edge, which speak TLS and whose `X-Forwarded-*` is believed."""
    signer: Signer | None = field(default=None, repr=False)
    """Signs what the engine is told; None: unsigned."""
    tls_certificate: Path | None = None
    """PEM file of the certificate and its chain: the edge speaks TLS itself."""
    tls_key: Path | None = None
    """PEM file of its key, without a password."""
    host: str = "127.0.0.1"
    port: int = 8000
    origins: tuple[str, ...] = ()
    """Origins of web pages (`https://host`) that may call the API and open sockets, besides our own."""
    docs: bool | None = None
    """Whether there is a page at /docs; None: only where nobody but this machine reaches it."""
    web: Path | None = None
    """Folder of the built web application; None: the API alone."""
    version: str = "0.1.0"
    pool_size: int = 10
    """PostgreSQL connections."""
    limits: EdgeLimits = EdgeLimits()
    rates: RateLimits = RateLimits()
    """How often somebody may ask."""
    graphql: GraphqlSettings = GraphqlSettings()
    """What one document of GraphQL may ask for."""

    @property
    def shows_docs(self) -> bool:
        """Whether the page at /docs is there."""
        return is_loopback(self.host) if self.docs is None else self.docs


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
