"""Settings of providers of log-ins, filled in by a composition root."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from millstream.api.auth.principal import Role
from millstream.schemas.errors import ConfigurationError

NAME = r"^[a-z][a-z0-9-]{0,30}$"
GOOGLE = "https://accounts.google.com"
GITHUB = "https://github.com"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SsoProvider:
    """One provider."""

    name: str
    """In paths, so also in the redirect URI that is registered there."""
    client_id: str
    client_secret: SecretStr = SecretStr("")
    issuer: str
    """OpenID Connect: `iss` of its tokens, and where its configuration is found. GitHub: where its pages are."""
    kind: Literal["oidc", "github"] = "oidc"
    api_url: str = ""
    """GitHub: where its API is."""
    title: str = ""
    """What people read on the button."""
    scopes: str = "openid email profile"
    sign_up: bool = False
    """Whoever comes from here may make an account, also where sign-up is not open."""
    role_claim: str = ""
    """Claim that says what somebody is, such as `groups`; set anew at each log-in. Empty: roles are set here."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Value of that claim -> role; the highest counts, none is `user`."""

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME, self.name):
            raise ConfigurationError(
                f"The provider {self.name!r} has no fit name: small letters, digits and dashes."
            )
        for url in filter(None, (self.issuer, self.api_url)):
            check_url(url)
        if self.kind == "oidc" and "openid" not in self.scopes.split():
            raise ConfigurationError(f"The scopes of {self.name!r} lack `openid`.")


def check_url(url: str) -> str:
    """Return a URL of a provider. Errors: ConfigurationError: secrets would go through in the clear."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigurationError(f"{url[:200]!r} is not https://")
    return url


def google(*, client_id: str, client_secret: SecretStr, name: str = "google", **more: object) -> SsoProvider:
    """Return Google."""
    return SsoProvider(
        name=name,
        title="Google",
        issuer=GOOGLE,
        client_id=client_id,
        client_secret=client_secret,
        **more,  # type: ignore[arg-type]
    )


def github(
    *,
    client_id: str,
    client_secret: SecretStr,
    name: str = "github",
    url: str = GITHUB,
    api_url: str = "",
    **more: object,
) -> SsoProvider:
    """Return GitHub, or a GitHub Enterprise server at `url`."""
    default = "https://api.github.com" if url == GITHUB else f"{url.rstrip('/')}/api/v3"
    return SsoProvider(
        name=name,
        title="GitHub",
        kind="github",
        issuer=url.rstrip("/"),
        api_url=(api_url or default).rstrip("/"),
        client_id=client_id,
        client_secret=client_secret,
        scopes="read:user user:email",
        **more,  # type: ignore[arg-type]
    )
