"""Tokens of an outside issuer such as Supabase: HS256 with a shared secret, or public keys behind a URL. Never both kinds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from millstream.api.auth.settings import OutsideIssuer
from millstream.api.auth.tokens import REFUSED
from millstream.api.http.outbound import ask
from millstream.schemas.errors import AuthenticationError, UnavailableError

log = structlog.get_logger(__name__)

SHARED = ["HS256"]
PUBLIC = ["ES256", "RS256", "EdDSA", "Ed25519"]
FRESH_S = 600.0
AGAIN_S = 30.0
"""The keys are asked for no more often than this, whatever strangers send."""
AWAY_S = 2.0
"""The same while there are none at all: nobody comes in until they are there."""
SUBJECT_MOST_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Whom the issuer vouches for."""

    user_id: UUID
    """Ours, made from issuer and subject: an issuer cannot name a user of somebody else."""
    subject: str
    email: str
    is_admin: bool
    expires_at: float


class Outside:
    """Checks tokens of one issuer."""

    def __init__(self, settings: OutsideIssuer) -> None:
        self.issuer = settings.issuer
        self._settings = settings
        secret = settings.secret.get_secret_value()
        self._shared = OctKey.import_key(secret) if secret else None
        self._keys: KeySet | None = None
        self._asked_at = -FRESH_S
        self._lock = asyncio.Lock()
        self._claims = jwt.JWTClaimsRegistry(
            leeway=10,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def read(self, token: str) -> Vouched:
        """Return whom a token is of. Errors: AuthenticationError; UnavailableError: the issuer's keys are not to be had."""
        try:
            if self._shared is not None:
                found = jwt.decode(token, self._shared, algorithms=SHARED)
            else:
                found = await self._decode(token)
            self._claims.validate(found.claims)
            subject = str(found.claims["sub"])
            if not 0 < len(subject) <= SUBJECT_MOST_CHARS:
                raise AuthenticationError(REFUSED)
            email = found.claims.get("email")
            return Vouched(
                user_id=uuid5(NAMESPACE_URL, f"{self.issuer}#{subject}"),
                subject=subject,
                email=email if isinstance(email, str) else "",
                is_admin=found.claims.get("role")
                == "admin",  # the operator has chosen to believe this issuer
                expires_at=float(found.claims["exp"]),
            )
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise AuthenticationError(REFUSED) from error

    async def _decode(self, token: str) -> jwt.Token:
        keys = await self._public(older_than_s=FRESH_S)
        try:
            return jwt.decode(token, keys, algorithms=PUBLIC)
        except (JoseError, ValueError):  # perhaps signed with a key that is new
            fresh = await self._public(older_than_s=AGAIN_S)
            if fresh is keys:
                raise
            return jwt.decode(token, fresh, algorithms=PUBLIC)

    async def _public(self, *, older_than_s: float) -> KeySet:
        async with self._lock:
            if time.monotonic() - self._asked_at > (older_than_s if self._keys else AWAY_S):
                self._asked_at = time.monotonic()
                try:
                    _, found = await ask("GET", self._settings.jwks_url)
                    self._keys = KeySet.import_key_set(found)
                except (
                    UnavailableError,
                    ValueError,
                    KeyError,
                    TypeError,
                    AttributeError,
                    JoseError,
                ) as error:
                    log.warning("outside_keys_away", error=type(error).__name__)
        if self._keys is None:
            raise UnavailableError("The issuer's keys cannot be read now; try again in a moment.")
        return self._keys
