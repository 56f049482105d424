"""The token of this machine, for the command line on it: whoever reads the platform's home is its operator."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from pydantic import SecretStr
from starlette.requests import HTTPConnection

from millstream.api.auth.principal import LOCAL_USER_ID, Principal, Role
from millstream.schemas.errors import ConfigurationError

TOKEN_LEAST_CHARS = 16
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""A request with one of these came through a proxy: that its peer is this machine says nothing."""


class LocalToken:
    """Knows the token by its digest."""

    def __init__(self, token: SecretStr) -> None:
        secret = token.get_secret_value()
        if len(secret) < TOKEN_LEAST_CHARS:
            raise ConfigurationError(
                f"The token has {len(secret)} characters; at least {TOKEN_LEAST_CHARS} random ones are needed."
            )
        self._digest = hashlib.sha256(secret.encode()).digest()

    def find(self, token: str, connection: HTTPConnection) -> Principal | None:
        """Return the operator, None if it is another token. Time does not depend on how much of a token is right."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        if not hmac.compare_digest(given, self._digest) or not is_here(connection):
            return None
        return Principal(user_id=LOCAL_USER_ID, account_id=LOCAL_USER_ID, role=Role.ADMIN, kind="local")


def is_here(connection: HTTPConnection) -> bool:
    """Tell whether a request comes from this machine, not through a proxy."""
    if connection.client is None or any(name in connection.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(connection.client.host).is_loopback
    except ValueError:
        return False
