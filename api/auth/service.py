"""From a request to its principal: one door for HTTP and sockets."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from millstream.api.auth.local import LocalToken
from millstream.api.auth.principal import Principal
from millstream.schemas.errors import AuthenticationError

NO_TOKEN = "No token; send `Authorization: Bearer <token>` (`millstream token` prints it)."
BAD_TOKEN = "The token is not valid here; `millstream token` prints the one that is."


class Auth:
    """Tells who sends a request."""

    def __init__(self, local: LocalToken) -> None:
        self._local = local

    def is_tried(self, connection: HTTPConnection, token: str | None = None) -> bool:
        """Tell whether somebody has tried to say who he is."""
        return bool(bearer(connection.headers) or token)

    async def principal(self, connection: HTTPConnection, token: str | None = None) -> Principal:
        """Return who calls. `token`: one that came elsewhere than in a header. Errors: AuthenticationError."""
        given = bearer(connection.headers) or token
        if not given:
            raise AuthenticationError(NO_TOKEN)
        found = self._local.find(given, connection)
        if found is None:
            raise AuthenticationError(BAD_TOKEN)
        return found


def bearer(headers: Headers) -> str | None:
    """Return the token of `Authorization: Bearer <token>`, None if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
