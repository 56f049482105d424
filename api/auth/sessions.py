"""Log-ins of browsers, in Redis: a random id in a cookie, its hash as the key. They end by idling, by age, or by hand."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from starlette.requests import HTTPConnection
from starlette.responses import Response

from millstream.api.auth.kept import Kept
from millstream.api.auth.secret import RootKey, digest, new_secret
from millstream.api.auth.settings import AccessSettings
from millstream.schemas.errors import ForbiddenError
from millstream.schemas.messages import Changed

COOKIE = "millstream_session"
CSRF_COOKIE = "millstream_csrf"
CSRF_HEADER = "x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SEEN_EVERY_S = 60
AGENT_MOST_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that has logged in."""

    id: str
    """For lists and for revoking; the cookie cannot be told from it."""
    user_id: UUID
    created_at: datetime
    seen_at: datetime
    agent: str


class Sessions:
    """Makes, finds and ends them."""

    def __init__(self, redis: Redis, settings: AccessSettings, key: RootKey) -> None:
        self._redis = redis
        self._settings = settings
        self._key = key
        self._cookie = f"__Host-{COOKIE}" if settings.tls else COOKIE
        self._csrf_cookie = f"__Host-{CSRF_COOKIE}" if settings.tls else CSRF_COOKIE
        self._kept: Kept[str, Session] = Kept(min(settings.process_s, settings.session_idle_s / 4))

    async def start(self, user_id: UUID, agent: str) -> str:
        """Return the secret of a new session."""
        secret = new_secret()
        public = digest(secret).hex()
        now = time.time()
        facts: dict[Any, Any] = {
            "user": str(user_id),
            "created": now,
            "seen": now,
            "agent": agent[:AGENT_MOST_CHARS],
        }
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_key(public), mapping=facts)
            pipe.expire(_key(public), self._settings.session_idle_s)
            pipe.sadd(_list(user_id), public)
            pipe.expire(_list(user_id), self._settings.session_most_s)
            await pipe.execute()
        return secret

    def cookie_of(self, connection: HTTPConnection) -> str | None:
        """Return the secret that a browser has sent."""
        return connection.cookies.get(self._cookie) or None

    async def find(self, secret: str) -> Session | None:
        """Return the session of a cookie, and keep it alive."""
        public = digest(secret).hex()
        session = self._kept.find(public)
        is_kept, asked = session is not None, self._kept.changes
        if session is None:
            session = await self._read(public)
        if session is None:
            return None
        now = time.time()
        if now - session.created_at.timestamp() > self._settings.session_most_s:
            await self.end(session.user_id, public)
            return None
        if is_kept:
            return session
        if now - session.seen_at.timestamp() > min(SEEN_EVERY_S, self._settings.session_idle_s / 4):
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.expire(_key(public), self._settings.session_idle_s)
                pipe.hset(_key(public), "seen", str(now))
                alive, _ = await pipe.execute()
            if not alive:  # it was ended meanwhile: what we wrote must not bring it back
                await self._redis.delete(_key(public))
                return None
        self._kept.keep(public, session, asked=asked)
        return session

    async def is_alive(self, public: str) -> bool:
        """Tell whether a session goes on."""
        return bool(await self._redis.exists(_key(public)))

    async def list_(self, user_id: UUID) -> list[Session]:
        """Return the sessions of a user, newest first; forgets those that have ended."""
        ids = [_text(each) for each in await self._redis.smembers(_list(user_id))]
        found = {public: await self._read(public) for public in ids}
        if gone := [public for public, session in found.items() if session is None]:
            await self._redis.srem(_list(user_id), *gone)
        alive = [session for session in found.values() if session is not None]
        return sorted(alive, key=lambda session: session.created_at, reverse=True)

    async def end(self, user_id: UUID, public: str) -> bool:
        """End one session of a user; False if he has no such."""
        if not await self._redis.srem(_list(user_id), public):
            return False
        await self._redis.delete(_key(public))
        self._kept.forget(lambda key, _: key == public)
        return True

    async def end_all(self, user_id: UUID) -> None:
        """End all sessions of a user."""
        ids = [_text(each) for each in await self._redis.smembers(_list(user_id))]
        await self._redis.delete(_list(user_id), *(_key(public) for public in ids))
        self._kept.forget(lambda _, session: session.user_id == user_id)

    def hear(self, changed: Changed) -> None:
        """Forget what this process keeps of sessions that have ended."""
        if not changed.ends or changed.account_id is not None:
            return
        self._kept.forget(
            lambda key, session: (
                changed.session_id in (None, key) and changed.user_id in (None, str(session.user_id))
            )
        )

    def forget_all(self) -> None:
        """Forget what this process keeps."""
        self._kept.forget(lambda *_: True)

    def csrf_of(self, secret: str) -> str:
        """Return the code that a page of ours sends along: bound to the session, so another's is of no use."""
        return self._key.mark("csrf", digest(secret).hex())

    def check_csrf(self, connection: HTTPConnection, secret: str) -> None:
        """Errors: ForbiddenError: a request that changes something does not come from a page of ours."""
        if connection.scope.get("method", "GET") in SAFE:
            return
        given = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.csrf_of(secret).encode()):
            raise ForbiddenError(
                "The header X-CSRF-Token is missing or not of this session; it is in the log-in's answer and in a cookie."
            )

    def give(self, answer: Response, secret: str) -> None:
        """Put the cookies into an answer."""
        most = self._settings.session_most_s
        tls = self._settings.tls
        answer.set_cookie(
            self._cookie, secret, max_age=most, path="/", secure=tls, httponly=True, samesite="lax"
        )
        csrf = self.csrf_of(secret)
        answer.set_cookie(self._csrf_cookie, csrf, max_age=most, path="/", secure=tls, samesite="lax")

    def take(self, answer: Response) -> None:
        """Remove the cookies from the browser."""
        for name in (self._cookie, self._csrf_cookie):
            answer.delete_cookie(name, path="/", secure=self._settings.tls, samesite="lax")

    async def _read(self, public: str) -> Session | None:
        raw = await self._redis.hgetall(_key(public))
        facts = {_text(name): _text(value) for name, value in raw.items()}
        if "user" not in facts:
            return None
        return Session(
            id=public,
            user_id=UUID(facts["user"]),
            created_at=datetime.fromtimestamp(float(facts["created"]), UTC),
            seen_at=datetime.fromtimestamp(float(facts["seen"]), UTC),
            agent=facts["agent"],
        )


def _key(public: str) -> str:
    return f"auth:session:{public}"


def _list(user_id: UUID) -> str:
    return f"auth:sessions:{user_id}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
