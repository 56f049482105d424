"""Who is calling. For now one local user, whose token the composition root brings; accounts come behind the same door."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.datastructures import Headers

from millstream.schemas.errors import AuthenticationError, ConfigurationError

LOCAL_USER_ID = UUID("3e53486c-cf57-477e-ba2a-cb02dc828e1a")
"""The one user of a platform without accounts; AutoGPT's default user has the same id."""
TOKEN_LEAST_CHARS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who is calling."""

    id: UUID


class Auth:
    """Knows tokens by their digest."""

    def __init__(self, token: SecretStr) -> None:
        secret = token.get_secret_value()
        if len(secret) < TOKEN_LEAST_CHARS:
            raise ConfigurationError(
                f"The token has {len(secret)} characters; at least {TOKEN_LEAST_CHARS} random ones are needed."
            )
        self._digest = hashlib.sha256(secret.encode()).digest()

    def user_of(self, token: str | None) -> User:
        """Return the user. Errors: AuthenticationError. Time does not depend on how much of a token is right."""
        if token is None:
            raise AuthenticationError(
                "No token; send `Authorization: Bearer <token>` (`millstream token` prints it)."
            )
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        if not hmac.compare_digest(given, self._digest):
            raise AuthenticationError(
                "The token is not valid here; `millstream token` prints the one that is."
            )
        return User(id=LOCAL_USER_ID)


def bearer(headers: Headers) -> str | None:
    """Return the token of `Authorization: Bearer <token>`, None if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


_SCHEME = HTTPBearer(auto_error=False, description="The token that `millstream token` prints.")


def current_user(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)]
) -> User:
    """Return the user that the route has let in."""
    user: User | None = getattr(request.state, "user", None)
    if user is None:
        raise AuthenticationError("No token; send `Authorization: Bearer <token>`.")
    return user


CurrentUser = Annotated[User, Depends(current_user)]
