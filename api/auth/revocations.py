"""Who may no longer come in: told to all edges through Redis, so that caches forget and sockets close at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import orjson
import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from redis.asyncio import Redis
from redis.exceptions import RedisError

from millstream.api.auth.principal import Principal

log = structlog.get_logger(__name__)

CHANNEL = "auth:revoked"
POLL_S = 1.0
RECHECK_S = 30.0
"""All open sockets are checked again this often, since a message may be lost while Redis restarts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What ended. What is None is not meant."""

    user: str | None = None
    session: str | None = None
    """A session, a family of tokens, or a key."""
    account: str | None = None
    """An organisation; with `user`: his membership in it."""

    def hits(self, principal: Principal) -> bool:
        """Tell whether it ends what a principal has open."""
        pairs = (
            (self.user, str(principal.user_id)),
            (self.session, principal.session_id),
            (self.account, str(principal.account_id)),
        )
        return all(mine in (None, theirs) for mine, theirs in pairs)


@dataclass(eq=False, slots=True)
class Watched:
    """A socket: `ended` is set when its principal may no longer be here."""

    principal: Principal
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Revocations:
    """Tells others, and hears them."""

    def __init__(
        self,
        redis: Redis,
        *,
        forget: Callable[[Revoked], None],
        check: Callable[[Principal], Awaitable[bool]],
    ) -> None:
        self._redis = redis
        self._forget = forget
        self._check = check
        self._watched: set[Watched] = set()

    @contextlib.contextmanager
    def watching(self, principal: Principal) -> Iterator[asyncio.Event]:
        """Give an event that is set when the principal's rights end."""
        watched = Watched(principal)
        self._watched.add(watched)
        try:
            yield watched.ended
        finally:
            self._watched.discard(watched)

    async def tell(
        self, *, user: UUID | None = None, session: str | UUID | None = None, account: UUID | None = None
    ) -> None:
        """Say to all edges what ended; call it after the commit."""
        revoked = Revoked(
            user=str(user) if user else None,
            session=str(session) if session else None,
            account=str(account) if account else None,
        )
        self._hear(revoked)  # here at once, also if Redis is away
        said = {"user": revoked.user, "session": revoked.session, "account": revoked.account}
        await self._redis.publish(CHANNEL, orjson.dumps(said))

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except (RedisError, OperationalError, PoolTimeout, OSError, TimeoutError) as error:
                log.warning("revocations_unheard", error=type(error).__name__)
                await asyncio.sleep(POLL_S)
            except Exception:  # a background task: without it nothing that ends elsewhere would end here
                log.exception("revocations_unheard")
                await asyncio.sleep(POLL_S)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            checked_at = -RECHECK_S
            while True:
                if loop.time() - checked_at > RECHECK_S:
                    checked_at = loop.time()
                    await self.recheck()
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=POLL_S)
                if message is not None:
                    self._hear(Revoked(**orjson.loads(message["data"])))

    async def recheck(self) -> None:
        """Ask of every open socket whether its principal is still good."""
        for watched in list(self._watched):
            if not await self._check(watched.principal):
                watched.ended.set()

    def _hear(self, revoked: Revoked) -> None:
        self._forget(revoked)
        for watched in list(self._watched):
            if revoked.hits(watched.principal):
                watched.ended.set()
