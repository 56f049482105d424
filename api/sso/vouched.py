"""What a provider says of somebody, and what all kinds of providers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from millstream.schemas.errors import AuthenticationError

REFUSED = "The log-in at the provider did not work out; begin again."
MOST_CHARS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Somebody."""

    issuer: str
    subject: str
    """Who it is, for ever; an address may go to somebody else."""
    email: str | None
    """Only one that the provider has checked."""
    name: str
    claims: frozenset[str] = frozenset()
    """Values of the claim that says what somebody is."""

    def __post_init__(self) -> None:
        if not 0 < len(self.subject) <= MOST_CHARS:
            raise AuthenticationError(REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A log-in under way: what only this browser and we know."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    """PKCE: the provider has its hash."""


class Provider(Protocol):
    """Sends people to a provider, and asks it who came back."""

    async def url(self, begun: Begun) -> str:
        """Return where the browser goes. Errors: UnavailableError."""

    async def vouched(self, begun: Begun, *, code: str, issuer: str | None) -> Vouched:
        """Return who came back with `code`. `issuer`: as the answer says (RFC 9207). Errors: AuthenticationError."""
