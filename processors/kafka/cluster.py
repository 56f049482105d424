"""Where a user's cluster is and how one logs in there. What may be set is a short list (A21): a Kafka client can be told to
load classes, to read files and to fetch keys from any URL, and none of that is for the author of a graph.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from millstream.processors.context import Context
from millstream.processors.credentials import UserPassword
from millstream.schemas.errors import AddressRefusedError, BlockInputError, CredentialError

Security = Literal["SASL_SSL", "SSL", "SASL_PLAINTEXT", "PLAINTEXT"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]

SERVERS_LIMIT: Final = 10
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")

_CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "acks": ("all", "1", 1),
    "compression.type": ("none", "gzip", "lz4"),
    "isolation.level": ("read_committed", "read_uncommitted"),
    "enable.idempotence": (True, False, "true", "false"),
}
_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "request.timeout.ms": (1_000, 60_000),
    "fetch.max.wait.ms": (1, 10_000),
    "fetch.min.bytes": (1, 1_000_000),
    "linger.ms": (0, 1_000),
}
ALLOWED: Final = (*_CHOICES, *_NUMBERS, "client.id")
"""All that `properties` may set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster, ready to be connected to."""

    servers: tuple[tuple[str, int], ...]
    security: Security
    mechanism: Mechanism
    login: UserPassword | None
    context: ssl.SSLContext | None
    properties: Mapping[str, Any] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """Return what clients of aiokafka are told."""
        told: dict[str, Any] = {
            "bootstrap_servers": [f"{host}:{port}" for host, port in self.servers],
            "client_id": self.properties.get("client.id", "millstream-block"),
            "request_timeout_ms": self.properties.get("request.timeout.ms", 20_000),
            "security_protocol": self.security,
            "ssl_context": self.context,
            "connections_max_idle_ms": None,
        }
        if self.login is not None and self.security.startswith("SASL"):
            told |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.login.username,
                "sasl_plain_password": self.login.password.get_secret_value(),
            }
        return told

    def check(self, host: str, port: int) -> None:
        """Refuse to log in at a broker that the credential is not for. Errors: AddressRefusedError."""
        if self.login is None:
            return
        credential = self.login.credential()
        if not credential.allows("https" if self.context else "http", host, port):
            hosts = (
                ", ".join(sorted(credential.hosts)) or "no host; name its hosts, such as *.example.com:9092"
            )
            raise AddressRefusedError(f"This credential is for {hosts}, not for '{host}:{port}'.")


async def cluster_of(
    ctx: Context,
    servers: str,
    security: Security,
    mechanism: Mechanism,
    credentials: Mapping[str, Any] | None,
    *,
    ca: str = "",
    properties: Mapping[str, Any] | None = None,
) -> Cluster:
    """Check what was given, and ask for the log-in. Errors: BlockInputError, CredentialError, UnavailableError."""
    login: UserPassword | None = None
    if security.startswith("SASL"):
        if not credentials:
            raise CredentialError(
                f"{security} logs in with a name and a password: choose a credential, or another security."
            )
        held = await ctx.credentials()
        if not isinstance(held, UserPassword):
            raise CredentialError("Kafka takes a credential with a name and a password.")
        login = held
    return Cluster(
        servers=addresses(servers),
        security=security,
        mechanism=mechanism,
        login=login,
        context=_context(ca) if security.endswith("SSL") else None,
        properties=checked(properties or {}),
    )


def addresses(servers: str) -> tuple[tuple[str, int], ...]:
    """Read `host:port,host:port`. Errors: BlockInputError."""
    found = []
    for text in (part.strip() for part in servers.split(",")):
        host, _, port = text.rpartition(":")
        if not _HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise BlockInputError(f"{text[:100]!r} is no broker; give host:port, separated by commas.")
        found.append((host.strip("[]"), int(port)))
    if len(found) > SERVERS_LIMIT:
        raise BlockInputError(f"Give at most {SERVERS_LIMIT} brokers; the client finds the others.")
    return tuple(found)


def checked(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties of a client in their types. Errors: BlockInputError: one that nobody may set, or a wrong value."""
    found: dict[str, Any] = {}
    for name, value in properties.items():
        if name in _CHOICES and value in _CHOICES[name]:
            found[name] = {"true": True, "false": False, "1": 1}.get(value, value)
        elif name in _NUMBERS and str(value).isdecimal() and type(value) is not bool:
            least, most = _NUMBERS[name]
            if not least <= int(value) <= most:
                raise BlockInputError(f"{name} is {value}; it goes from {least} to {most}.")
            found[name] = int(value)
        elif name == "client.id" and isinstance(value, str) and _NAME.fullmatch(value):
            found[name] = value
        elif name in ALLOWED:
            raise BlockInputError(f"{value!r} is no value of {name!r}.")
        else:
            raise BlockInputError(
                f"The property {name[:100]!r} cannot be set here; there are {', '.join(sorted(ALLOWED))}. The log-in is a "
                "credential, and certificates go on the pin `ca`."
            )
    return found


def name_of(text: str, what: str) -> str:
    """Return the name of a topic or group. Errors: BlockInputError."""
    if not _NAME.fullmatch(text) or text in (".", ".."):
        raise BlockInputError(
            f"{text[:100]!r} is no name of a {what}: letters, digits, dot, dash, underscore."
        )
    return text


def _context(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise BlockInputError("What is on the pin `ca` is no certificate in PEM form.") from error
