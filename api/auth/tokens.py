"""Access tokens for programs: short-lived JWTs that we sign with Ed25519. Algorithm, type, issuer and audience are pinned."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from millstream.api.auth.secret import RootKey
from millstream.schemas.errors import AuthenticationError

ALGORITHM = "Ed25519"
TYPE = "at+jwt"
AUDIENCE = "millstream"
MOST_CHARS = 8192
REFUSED = "The access token is not valid here, or has expired; log in, or refresh it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an access token says."""

    user_id: UUID
    family_id: UUID
    expires_at: float


class Tokens:
    """Signs and checks."""

    def __init__(self, key: RootKey, *, issuer: str, lifetime_s: int) -> None:
        private = Ed25519PrivateKey.from_private_bytes(key.derive("access tokens"))
        self._key = OKPKey.import_key(private, {"use": "sig", "alg": ALGORITHM})
        self._key.ensure_kid()
        self._issuer = issuer
        self._lifetime_s = lifetime_s
        self._claims = jwt.JWTClaimsRegistry(
            leeway=0,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            sid={"essential": True},
        )

    @property
    def lifetime_s(self) -> int:
        """How long an access token is good."""
        return self._lifetime_s

    def make(self, user_id: UUID, family_id: UUID) -> str:
        """Return an access token."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(family_id),
            "iat": now,
            "exp": now + self._lifetime_s,
        }
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM], default_type=TYPE)

    def read(self, token: str) -> Access:
        """Return what a token says. Errors: AuthenticationError, whatever is wrong with it."""
        try:
            found = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            if found.header.get("typ") != TYPE:
                raise AuthenticationError(REFUSED)
            self._claims.validate(found.claims)
            return Access(
                user_id=UUID(str(found.claims["sub"])),
                family_id=UUID(str(found.claims["sid"])),
                expires_at=float(found.claims["exp"]),
            )
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise AuthenticationError(REFUSED) from error

    def public(self) -> dict[str, Any]:
        """Return our key as a JWK set."""
        return {"keys": [dict(self._key.as_dict(private=False))]}


def issuer_of(token: str) -> str | None:
    """Return who a token says has made it; only to choose who checks it. None: it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > MOST_CHARS:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return str(claims.get("iss", "")) if isinstance(claims, dict) else None
