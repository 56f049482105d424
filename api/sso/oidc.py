"""OpenID Connect: discovery, the code flow with PKCE, and the checks of an ID token."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from millstream.api.http.outbound import ask
from millstream.api.sso.settings import SsoProvider, check_url
from millstream.api.sso.vouched import MOST_CHARS, REFUSED, Begun, Vouched
from millstream.schemas.errors import AuthenticationError, ConfigurationError, UnavailableError

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Public keys alone. `none`, and those of shared secrets, are not among them, whatever a provider offers."""
FRESH_S = 600.0
AGAIN_S = 30.0
"""Keys are asked for no more often than this, whatever tokens come."""
LEEWAY_S = 60
CLAIM_VALUES = 500


@dataclass(slots=True)
class _Known:
    document: dict[str, Any]
    keys: KeySet
    at: float


class Oidc:
    """One issuer."""

    def __init__(self, settings: SsoProvider) -> None:
        self._settings = settings
        self._known: _Known | None = None
        self._lock = asyncio.Lock()

    async def url(self, begun: Begun) -> str:
        """Return where the browser goes."""
        known = await self._discover(FRESH_S)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": begun.redirect_uri,
            "scope": self._settings.scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        return with_query(known.document["authorization_endpoint"], asked)

    async def vouched(self, begun: Begun, *, code: str, issuer: str | None) -> Vouched:
        """Return who came back. Errors: AuthenticationError, UnavailableError."""
        known = await self._discover(FRESH_S)
        promised = known.document.get("authorization_response_iss_parameter_supported") is True
        if issuer != self._settings.issuer and (issuer is not None or promised):
            raise AuthenticationError(REFUSED)
        tokens = await self._exchange(known.document, begun, code)
        claims = await self._claims(str(tokens.get("id_token", "")), begun.nonce)
        if "email" not in claims and known.document.get("userinfo_endpoint"):
            claims = await self._more(known.document, str(tokens.get("access_token", ""))) | claims
        return self._person(claims)

    async def _exchange(self, document: dict[str, Any], begun: Begun, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": begun.redirect_uri,
            "code_verifier": begun.verifier,
            "client_id": self._settings.client_id,
        }
        secret = self._settings.client_secret.get_secret_value()
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        headers = {}
        if secret and "client_secret_basic" in methods:
            pair = f"{quote_plus(self._settings.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif secret:
            form["client_secret"] = secret
        status, answer = await ask("POST", document["token_endpoint"], data=form, headers=headers)
        if status != 200 or not isinstance(answer, dict):
            raise AuthenticationError(REFUSED)
        return answer

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """Return what an ID token says, once all about it is right (OpenID Connect Core 1.0, 3.1.3.7)."""
        settings = self._settings
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = (await self._decode(token)).claims
            registry.validate(claims)
            audience = claims["aud"]
            many = isinstance(audience, list) and len(audience) > 1
            if ("azp" in claims or many) and claims.get("azp") != settings.client_id:
                raise AuthenticationError(REFUSED)
            return dict(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise AuthenticationError(REFUSED) from error

    async def _decode(self, token: str) -> jwt.Token:
        known = await self._discover(FRESH_S)
        try:
            return jwt.decode(token, known.keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # perhaps signed with a key that is new
            fresh = await self._discover(AGAIN_S)
            if fresh is known:
                raise
            return jwt.decode(token, fresh.keys, algorithms=ALGORITHMS)

    async def _more(self, document: dict[str, Any], access_token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"}
        status, found = await ask("GET", document["userinfo_endpoint"], headers=headers)
        return found if status == 200 and isinstance(found, dict) else {}

    def _person(self, claims: dict[str, Any]) -> Vouched:
        email = claims.get("email")
        checked = claims.get("email_verified") is True and isinstance(email, str)
        values = claims.get(self._settings.role_claim, []) if self._settings.role_claim else []
        listed = values if isinstance(values, list) else [values]
        return Vouched(
            issuer=self._settings.issuer,
            subject=str(claims["sub"]),
            email=str(email) if checked else None,
            name=str(claims.get("name") or "")[:MOST_CHARS],
            claims=frozenset(str(value) for value in listed[:CLAIM_VALUES]),
        )

    async def _discover(self, older_than_s: float) -> _Known:
        """Return configuration and keys. Errors: UnavailableError; ConfigurationError: it is another issuer's."""
        async with self._lock:
            if self._known is None or time.monotonic() - self._known.at > older_than_s:
                try:
                    self._known = await self._ask()
                except UnavailableError:
                    if self._known is None:
                        raise
            return self._known

    async def _ask(self) -> _Known:
        issuer = self._settings.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        status, document = await ask("GET", url)
        if status != 200 or not isinstance(document, dict):
            raise UnavailableError("The provider of the log-in does not answer as it should; try again.")
        if document.get("issuer") != issuer:
            raise ConfigurationError(f"{url} is the configuration of {document.get('issuer')!r}.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            check_url(str(document.get(name, "")))
        if document.get("userinfo_endpoint"):
            check_url(str(document["userinfo_endpoint"]))
        _, keys = await ask("GET", document["jwks_uri"])
        try:
            return _Known(document, KeySet.import_key_set(keys), time.monotonic())
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise UnavailableError("The provider's keys cannot be read; try again.") from error


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def with_query(url: str, values: dict[str, str]) -> str:
    """Return a URL with more in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(values)}"
