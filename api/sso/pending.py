"""Log-ins under way, in Redis: the state that comes back is good once, for minutes, and in the browser that began."""

from __future__ import annotations

import hmac

import orjson
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response

from millstream.api.auth.secret import digest, new_secret
from millstream.api.auth.settings import AccessSettings
from millstream.api.sso.vouched import REFUSED, Begun
from millstream.schemas.errors import AuthenticationError

COOKIE = "millstream_sso"
LIFETIME_S = 600


class Pending:
    """Keeps and finds them."""

    def __init__(self, redis: Redis, settings: AccessSettings) -> None:
        self._redis = redis
        self._settings = settings
        self._cookie = f"__Host-{COOKIE}" if settings.tls else COOKIE

    async def begin(self, provider: str, *, redirect_uri: str, next_path: str) -> tuple[Begun, str]:
        """Return a new log-in, and what its browser keeps."""
        browser = new_secret()
        begun = Begun(
            redirect_uri=redirect_uri, state=new_secret(), nonce=new_secret(), verifier=new_secret()
        )
        kept = {
            "provider": provider,
            "nonce": begun.nonce,
            "verifier": begun.verifier,
            "redirect_uri": redirect_uri,
            "next": next_path,
            "browser": digest(browser).hex(),
        }
        await self._redis.set(_key(begun.state), orjson.dumps(kept), ex=LIFETIME_S)
        return begun, browser

    async def finish(self, request: Request, provider: str, state: str) -> tuple[Begun, str]:
        """Return the log-in of a state, which ends, and where to go then. Errors: AuthenticationError."""
        raw = await self._redis.getdel(_key(state)) if state else None
        browser = request.cookies.get(self._cookie, "")
        if raw is None or not browser:
            raise AuthenticationError(REFUSED)
        kept = orjson.loads(raw)
        same = hmac.compare_digest(kept["browser"], digest(browser).hex())
        if not same or kept["provider"] != provider:
            raise AuthenticationError(REFUSED)
        begun = Begun(
            redirect_uri=kept["redirect_uri"], state=state, nonce=kept["nonce"], verifier=kept["verifier"]
        )
        return begun, str(kept["next"])

    def give(self, answer: Response, browser: str) -> None:
        """Put the cookie into an answer. Lax: it must come along when the provider sends the browser back."""
        tls = self._settings.tls
        answer.set_cookie(
            self._cookie, browser, max_age=LIFETIME_S, path="/", secure=tls, httponly=True, samesite="lax"
        )

    def take(self, answer: Response) -> None:
        """Remove it."""
        answer.delete_cookie(self._cookie, path="/", secure=self._settings.tls, httponly=True, samesite="lax")


def _key(state: str) -> str:
    return f"auth:sso:{digest(state).hex()}"
