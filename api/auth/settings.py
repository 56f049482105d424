"""Settings of log-ins, filled in by a composition root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from millstream.api.sso.settings import SsoProvider
from millstream.connectors.mail import Smtp

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideIssuer:
    """Somebody else whose tokens are good here, such as Supabase: a shared secret (HS256) or public keys by URL."""

    issuer: str
    audience: str = "authenticated"
    secret: SecretStr = SecretStr("")
    jwks_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Who may come in, and how."""

    key: SecretStr = SecretStr("")
    """Root of all keys of log-ins: it signs access tokens and seals second factors. The same for all edges.
    Empty: one for this process alone."""
    setup_code: SecretStr = SecretStr("")
    """With it the first account is made, which becomes admin. Empty: nobody can."""
    sign_up: Literal["open", "invite", "closed"] = "invite"
    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the edge; in the links of mails. With `https` cookies are for TLS only."""
    smtp: Smtp | None = None
    mail_folder: Path | None = None
    """Without SMTP: where mails are kept."""
    outside: OutsideIssuer | None = None
    sso: tuple[SsoProvider, ...] = ()
    """Providers by whom people log in."""
    session_idle_s: int = 7 * DAY_S
    session_most_s: int = 30 * DAY_S
    access_s: int = 15 * 60
    refresh_s: int = 30 * DAY_S
    reset_s: int = 30 * 60
    verify_s: int = DAY_S
    invitation_s: int = 7 * DAY_S
    membership_s: int = 30
    """How long Redis keeps what PostgreSQL knows of a user or a member; changes remove it at once."""
    process_s: float = 5.0
    """How long a process keeps what it knows of keys, sessions, users and members; changes remove it at once."""

    @property
    def tls(self) -> bool:
        """Whether people come over TLS."""
        return self.public_url.startswith("https://")
