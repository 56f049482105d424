"""GitHub: OAuth 2 without ID tokens, so who came back is asked of its API."""

from __future__ import annotations

from millstream.api.http.outbound import ask
from millstream.api.sso.oidc import challenge, with_query
from millstream.api.sso.settings import SsoProvider
from millstream.api.sso.vouched import MOST_CHARS, REFUSED, Begun, Vouched
from millstream.schemas.errors import AuthenticationError


class GitHub:
    """github.com, or an Enterprise server."""

    def __init__(self, settings: SsoProvider) -> None:
        self._settings = settings

    async def url(self, begun: Begun) -> str:
        """Return where the browser goes."""
        asked = {
            "client_id": self._settings.client_id,
            "redirect_uri": begun.redirect_uri,
            "scope": self._settings.scopes,
            "state": begun.state,
            "code_challenge": challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        return with_query(f"{self._settings.issuer}/login/oauth/authorize", asked)

    async def vouched(self, begun: Begun, *, code: str, issuer: str | None) -> Vouched:
        """Return who came back. Errors: AuthenticationError, UnavailableError."""
        if issuer not in (None, self._settings.issuer, f"{self._settings.issuer}/login/oauth"):
            raise AuthenticationError(REFUSED)
        form = {
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "code": code,
            "redirect_uri": begun.redirect_uri,
            "code_verifier": begun.verifier,
        }
        status, tokens = await ask("POST", f"{self._settings.issuer}/login/oauth/access_token", data=form)
        if status != 200 or not isinstance(tokens, dict) or not tokens.get("access_token"):
            raise AuthenticationError(REFUSED)  # GitHub says 200 with `error` for a code that is not good
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        status, user = await ask("GET", f"{self._settings.api_url}/user", headers=headers)
        if status != 200 or not isinstance(user, dict) or not isinstance(user.get("id"), int):
            raise AuthenticationError(REFUSED)
        status, emails = await ask("GET", f"{self._settings.api_url}/user/emails", headers=headers)
        listed = emails if status == 200 and isinstance(emails, list) else []
        return Vouched(
            issuer=self._settings.issuer,
            subject=str(user["id"]),  # a login name can be given up and taken by somebody else
            email=primary(listed),
            name=str(user.get("name") or user.get("login") or "")[:MOST_CHARS],
        )


def primary(emails: list[object]) -> str | None:
    """Return the main address, if it was checked."""
    for each in emails:
        if isinstance(each, dict) and each.get("primary") is True and each.get("verified") is True:
            return str(each.get("email") or "") or None
    return None
