"""What the runs of one process share: connections to providers, limits per credential, where usage and answers are kept."""

from __future__ import annotations

import asyncio
import importlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from millstream.processors.guards.http import Resolver, system_resolver
from millstream.processors.models.providers import ECHO, Offer
from millstream.processors.models.resolve import Target
from millstream.schemas.errors import ConfigurationError
from millstream.schemas.messages import ModelCall

if TYPE_CHECKING:
    from millstream.processors.context import Context
    from millstream.processors.models.run import RunModels
    from millstream.processors.models.transport import Transport

PLACES_KEPT: Final = 10_000
"""Credentials whose limit is remembered; those that nobody uses are forgotten first."""


class UsageLog(Protocol):
    """Where each call is written down."""

    async def add(self, call: ModelCall) -> None:
        """Return when it is safe. Never raises: what was paid for must not be lost for want of a note."""
        ...


class AnswerCache(Protocol):
    """Answers by their question, for one user at a time. Losing it costs only money."""

    async def get(self, user_id: str, digest: str) -> bytes | None:
        """Return what was put."""
        ...

    async def put(self, user_id: str, digest: str, answer: bytes, *, keep_s: float) -> None:
        """Keep it for so long."""
        ...


class Switchboard:
    """`ModelSource` of a process. The SDKs are loaded by the first call, in a thread, so that the event loop goes on."""

    def __init__(
        self,
        offer: Offer,
        *,
        usage: UsageLog | None = None,
        cache: AnswerCache | None = None,
        allow: frozenset[str] = frozenset(),
        deny: frozenset[str] = frozenset(),
        resolver: Resolver = system_resolver,
        keep_idle: bool = True,
    ) -> None:
        """`allow`: `host:port` of inner addresses that may be asked; the echo model's is among them by itself."""
        self.offer = offer
        self.usage = usage
        self.cache = cache
        self._allow = allow | _address_of(offer.providers[ECHO].base_url)
        self._deny = deny
        self._resolver = resolver
        self._keep_idle = keep_idle
        self._places: OrderedDict[str, asyncio.Semaphore] = OrderedDict()
        self._transport: Transport | None = None
        self._forms: dict[str, Any] = {}
        self._loading = asyncio.Lock()

    def for_run(self, ctx: Context) -> RunModels:
        """Return the models as one run sees them."""
        from millstream.processors.models.run import RunModels

        return RunModels(self, ctx)

    async def form(self, name: Literal["openai", "anthropic"]) -> Any:
        """Return what speaks a protocol. Errors: ConfigurationError: its package is not installed."""
        found = self._forms.get(name)
        if found is not None:
            return found
        async with self._loading:
            if name not in self._forms:
                self._forms[name] = await self._loaded(name)
        return self._forms[name]

    async def _loaded(self, name: str) -> Any:
        try:
            module = await asyncio.to_thread(
                importlib.import_module, f"millstream.processors.models.{name}_form"
            )
        except ImportError as error:
            raise ConfigurationError(
                f"The package {error.name!r} is not installed here; install millstream[{name}]."
            ) from error
        if self._transport is None:
            transport = await asyncio.to_thread(
                importlib.import_module, "millstream.processors.models.transport"
            )
            self._transport = transport.Transport(
                allow=self._allow, deny=self._deny, resolver=self._resolver, keep_idle=self._keep_idle
            )
        return module.Form(self._transport)

    @asynccontextmanager
    async def place(self, target: Target) -> AsyncIterator[None]:
        """Hold one of the places of a credential."""
        places = self._places.get(target.bound_to)
        if places is None:
            places = self._places[target.bound_to] = asyncio.Semaphore(target.provider.at_once)
            self._forget()
        self._places.move_to_end(target.bound_to)
        async with places:
            yield

    def _forget(self) -> None:
        while len(self._places) > PLACES_KEPT:
            self._places.popitem(last=False)

    async def close(self) -> None:
        """Close all connections."""
        for form in self._forms.values():
            await form.close()
        self._forms.clear()
        self._transport = None


def _address_of(url: str) -> frozenset[str]:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return frozenset({f"{parts.hostname}:{parts.port}"}) if parts.hostname and parts.port else frozenset()
