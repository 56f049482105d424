"""Who may no longer come in: sockets close at once, whichever edge has them. How edges tell each other: `api/changes.py`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from millstream.api.auth.principal import Principal
from millstream.api.changes import Changes
from millstream.schemas.messages import Changed

log = structlog.get_logger(__name__)

POLL_S = 1.0
RECHECK_S = 30.0
"""All open sockets are checked again this often, since Kafka may be away."""


def hits(changed: Changed, principal: Principal) -> bool:
    """Tell whether a change ends what a principal has open. What it does not name is not meant."""
    pairs = (
        (changed.user_id, str(principal.user_id)),
        (changed.session_id, principal.session_id),
        (changed.account_id, str(principal.account_id)),
    )
    return changed.ends and all(mine in (None, theirs) for mine, theirs in pairs)


@dataclass(eq=False, slots=True)
class Watched:
    """A socket: `ended` is set when its principal may no longer be here."""

    principal: Principal
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Revocations:
    """Tells others, and closes what is open here."""

    def __init__(self, changes: Changes, *, check: Callable[[Principal], Awaitable[bool]]) -> None:
        self._changes = changes
        self._check = check
        self._watched: set[Watched] = set()
        self._missed = asyncio.Event()

    @contextlib.contextmanager
    def watching(self, principal: Principal) -> Iterator[asyncio.Event]:
        """Give an event that is set when the principal's rights end."""
        watched = Watched(principal)
        self._watched.add(watched)
        try:
            yield watched.ended
        finally:
            self._watched.discard(watched)

    async def tell(self, *, session: str | UUID | None = None, account: UUID | None = None) -> None:
        """Say to all edges what ended, after the commit: a session, a family of tokens, a key; or an organisation."""
        await self._changes.tell(session_id=str(session) if session else None, account_id=account, ends=True)

    async def run(self) -> None:
        """Check all sockets now and then, until cancelled."""
        while True:
            try:
                await self.recheck()
            except (RedisError, OperationalError, PoolTimeout, OSError, TimeoutError) as error:
                log.warning("rights_unchecked", error=type(error).__name__)
                await asyncio.sleep(POLL_S)
                continue
            except Exception:  # a background task: without it nothing that ends elsewhere would end here
                log.exception("rights_unchecked")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_S):
                    await self._missed.wait()
            self._missed.clear()

    async def recheck(self) -> None:
        """Ask of every open socket whether its principal is still good."""
        for watched in list(self._watched):
            if not await self._check(watched.principal):
                watched.ended.set()

    def missed(self) -> None:
        """Some changes were not heard: check now."""
        self._missed.set()

    def hear(self, changed: Changed) -> None:
        """Close what a change ends."""
        for watched in list(self._watched):
            if hits(changed, watched.principal):
                watched.ended.set()
