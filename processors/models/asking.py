"""What every call has in common, whatever it asks for: wait for a place, ask, wait as told after 429 and 5xx, ask again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from millstream.processors.models.resolve import Target
from millstream.schemas.errors import (
    BlockError,
    BlockExecutionError,
    BlockInputError,
    CredentialError,
    UpstreamError,
)

T = TypeVar("T")

TRIES: Final = 4
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
"""A provider that wants a longer wait is told no: the run fails as one that may be tried again, and its policy decides."""
_MESSAGE_CHARS: Final = 500
_QUOTA: Final = ("insufficient_quota", "billing_hard_limit_reached", "insufficient balance")


class Refused(Exception):
    """What a provider said instead of an answer. `status` 0: nothing, the connection broke."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later."""
        if self.status == 429 and any(word in self.message.lower() for word in _QUOTA):
            return False
        return self.status in (0, 408, 409, 425, 429) or self.status >= 500

    def wait_s(self, number: int, *, jitter: Callable[[], float], now: float) -> float:
        """Return how long to wait before the next try: as the provider says, else twice as long each time."""
        told = _told_s(self.headers, now)
        return told if told is not None else FIRST_WAIT_S * 2**number * (1 + jitter() / 4)


def _told_s(headers: Mapping[str, str], now: float) -> float | None:
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        told = headers.get("retry-after", "")
        if not told:
            return None
        if told.replace(".", "", 1).isdecimal():
            return float(told)
        return max(0.0, parsedate_to_datetime(told).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


async def persist(
    target: Target,
    ask: Callable[[], Awaitable[T]],
    *,
    timeout_s: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Ask until there is an answer, `TRIES` times at most and `timeout_s` in all.

    Errors: those of `explained`. A cancelled run stops here at once.
    """
    try:
        async with asyncio.timeout(timeout_s):
            for number in range(TRIES):
                try:
                    return await ask()
                except Refused as refused:
                    wait_s = refused.wait_s(number, jitter=jitter, now=time.time())
                    if not refused.may_pass or number + 1 == TRIES or wait_s > LONGEST_WAIT_S:
                        raise explained(refused, target) from None
                await sleep(wait_s)
    except TimeoutError as error:
        raise UpstreamError(f"{target.name} took more than {timeout_s:g} s.") from error
    raise AssertionError("the last try returns or raises")


def explained(refused: Refused, target: Target) -> BlockError:
    """Return what a refusal means for the run."""
    said = refused.message[:_MESSAGE_CHARS] or "no reason given"
    name = target.name
    if refused.status == 0:
        return UpstreamError(f"{name} does not answer: {said}.")
    if refused.may_pass:
        return UpstreamError(f"{name} answered {refused.status}: {said}", status=refused.status)
    if refused.status in (401, 403):
        return CredentialError(
            f"{name} refuses the key ({refused.status}): {said} Check the credential for {target.provider.name!r}."
        )
    if refused.status in (404, 413, 422):
        return BlockInputError(f"{name} cannot do this ({refused.status}): {said}")
    return BlockExecutionError(f"{name} refuses the request ({refused.status}): {said}")
