"""OAuth 2: connecting an account (code flow with PKCE and state), and refreshing its token, one edge at a time."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from redis.exceptions import LockError

from millstream.api.auth.principal import Principal
from millstream.api.credentials.repository import CredentialRow, Credentials
from millstream.api.credentials.settings import OAuthProvider
from millstream.api.http.outbound import ask
from millstream.api.state import Edge
from millstream.schemas.errors import CredentialError, InputInvalidError, NotFoundError, UnavailableError

STATE_S = 600
"""How long a person may take at the provider."""
FRESH_S = 300
"""A token that ends sooner is refreshed before it is handed out."""
LOCK_S = 60
WAIT_S = 25
"""How long another edge's refresh is waited for."""


def provider_of(edge: Edge, name: str) -> OAuthProvider:
    """Return a provider that can be connected here. Errors: NotFoundError."""
    found = edge.settings.secrets.providers.get(name)
    if found is None:
        raise NotFoundError(f"The provider {name!r} cannot be connected here; its operator can configure it.")
    return found


async def authorize_url(
    edge: Edge, name: str, *, scopes: list[str], title: str | None, caller: Principal
) -> tuple[str, str]:
    """Begin to connect. Returns where to send the person, and the state. Errors: NotFoundError."""
    provider = provider_of(edge, name)
    edge.vault.keyring.keys()  # rather now than when the person has come back
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    wanted = scopes or list(provider.scopes)
    kept = {
        "account": str(caller.account_id),
        "user": str(caller.user_id),
        "provider": name,
        "verifier": verifier,
        "scopes": wanted,
        "title": title,
    }
    key = _state_key(state)
    await edge.redis.set(key, edge.auth.root.seal(orjson.dumps(kept), key), ex=STATE_S)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        **provider.parameters,
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": _redirect_url(edge),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"scope": " ".join(wanted)} if wanted else {}),
    }
    joint = "&" if "?" in provider.authorize_url else "?"
    return f"{provider.authorize_url}{joint}{urlencode(query)}", state


async def complete(edge: Edge, name: str, *, code: str, state: str, caller: Principal) -> CredentialRow:
    """Take the code that the person came back with; keep the tokens. A state is good once, for who began.

    Errors: InputInvalidError: the state or the code is not good; UnavailableError.
    """
    provider = provider_of(edge, name)
    key = _state_key(state)
    sealed = await edge.redis.getdel(key)
    begun: dict[str, Any] = (
        orjson.loads(edge.auth.root.open(sealed, key)) if isinstance(sealed, bytes) else {}
    )
    mine = (str(caller.account_id), str(caller.user_id), name)
    if (begun.get("account"), begun.get("user"), begun.get("provider")) != mine:
        raise InputInvalidError(
            "This state is not known, was used, or is not yours; connect again.", path="state"
        )
    tokens = await _tokens(
        provider,
        grant_type="authorization_code",
        code=code,
        redirect_uri=_redirect_url(edge),
        code_verifier=begun["verifier"],
    )
    if tokens is None:
        raise InputInvalidError(f"{name} refuses the code; connect again.", path="code")
    async with edge.pool.connection() as conn:
        return await edge.vault.add_credential(
            conn,
            {"access_token": tokens["access_token"], "refresh_token": tokens.get("refresh_token")},
            owner_id=caller.account_id,
            provider=name,
            kind="oauth2",
            title=begun["title"] or name,
            username=None,
            scopes=_scopes(tokens, begun["scopes"]),
            hosts=list(provider.hosts),
            expires_at=_expires_at(tokens),
        )


async def fresh(edge: Edge, row: CredentialRow) -> CredentialRow:
    """Return the credential with a token that lasts a while, refreshed if need be.

    One edge refreshes at a time; the others take what it got, since providers may revoke all tokens when an old refresh
    token comes twice. Errors: CredentialError: the provider refuses, connect again; UnavailableError.
    """
    if not is_stale(row) or row.provider not in edge.settings.secrets.providers:
        return row
    try:
        async with edge.redis.lock(f"oauth:refresh:{row.id}", timeout=LOCK_S, blocking_timeout=WAIT_S):
            async with edge.pool.connection() as conn:
                row = await Credentials(conn).get(row.id, owner_id=row.account_id)
            return await _refreshed(edge, row) if is_stale(row) else row
    except LockError as error:
        raise UnavailableError("The token is being refreshed; try again in a moment.") from error


def is_stale(row: CredentialRow) -> bool:
    """Tell whether a token ends soon, as far as we know."""
    return (
        row.kind == "oauth2"
        and row.expires_at is not None
        and row.expires_at < datetime.now(UTC) + timedelta(seconds=FRESH_S)
    )


async def _refreshed(edge: Edge, row: CredentialRow) -> CredentialRow:
    known = edge.vault.open(row)
    if not known.get("refresh_token"):
        return row
    provider = provider_of(edge, row.provider)
    tokens = await _tokens(provider, grant_type="refresh_token", refresh_token=known["refresh_token"])
    if tokens is None:
        raise CredentialError(f"{row.provider} does not refresh {row.title!r} any more; connect again.")
    data = {
        "access_token": tokens["access_token"],
        "refresh_token": tokens.get("refresh_token") or known["refresh_token"],
    }
    async with edge.pool.connection() as conn:
        return await edge.vault.reseal(
            conn,
            row,
            data,
            expires_at=_expires_at(tokens),
            scopes=_scopes(tokens, row.scopes),
            username=row.username,
        )


async def _tokens(provider: OAuthProvider, **form: str) -> dict[str, Any] | None:
    """Ask the token endpoint; None: it refuses. What it says is in no error: it may repeat the code."""
    form |= {"client_id": provider.client_id}
    if provider.client_secret.get_secret_value():
        form["client_secret"] = provider.client_secret.get_secret_value()
    status, found = await ask("POST", provider.token_url, what="account", data=form)
    good = status == 200 and isinstance(found, dict) and isinstance(found.get("access_token"), str)
    return found if good else None


def _expires_at(tokens: dict[str, Any]) -> datetime | None:
    lasts = tokens.get("expires_in")
    try:
        return None if lasts is None else datetime.now(UTC) + timedelta(seconds=float(lasts))
    except (TypeError, ValueError, OverflowError):
        return None


def _scopes(tokens: dict[str, Any], asked: list[str]) -> list[str]:
    """What was granted, which may be less than was asked for."""
    said = tokens.get("scope")
    return re.split(r"[ ,]+", said.strip()) if isinstance(said, str) and said.strip() else asked


def _state_key(state: str) -> str:
    return f"oauth:state:{hashlib.sha256(state.encode()).hexdigest()}"


def _redirect_url(edge: Edge) -> str:
    return edge.settings.secrets.redirect_url or f"{edge.settings.access.public_url}/oauth/callback"
