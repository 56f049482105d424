"""Providers of log-ins, out of one setting with a JSON list: there may be any number of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from millstream.schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from millstream.api.sso.settings import SsoProvider

VARIABLE = "MILLSTREAM_SSO"


class ProviderIn(BaseModel):
    """One provider, as the operator writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    preset: Literal["oidc", "google", "github"] = "oidc"
    issuer: str = ""
    """Not for Google. For GitHub: an Enterprise server."""
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr = SecretStr("")
    title: str = ""
    scopes: str = ""
    sign_up: bool = False
    role_claim: str = ""
    roles: dict[str, Literal["user", "creator", "moderator", "admin"]] = {}


PROVIDERS = TypeAdapter(list[ProviderIn])


def providers(text: SecretStr) -> tuple[SsoProvider, ...]:
    """Return the providers of the setting. Errors: ConfigurationError; what it says has no secret in it."""
    try:
        found = PROVIDERS.validate_python(json.loads(text.get_secret_value() or "[]"))
    except ValidationError as error:
        wrong = ", ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(
            f"{VARIABLE} has something wrong: {wrong[:500]}", variable=VARIABLE
        ) from None
    except ValueError:
        raise ConfigurationError(f"{VARIABLE} is no JSON list of providers.", variable=VARIABLE) from None
    return tuple(_provider(each) for each in found)


def _provider(given: ProviderIn) -> SsoProvider:
    from millstream.api.auth.principal import Role
    from millstream.api.sso.settings import GITHUB, SsoProvider, github, google

    known: dict[str, Any] = {
        "name": given.name,
        "client_id": given.client_id,
        "client_secret": given.client_secret,
        "sign_up": given.sign_up,
        "role_claim": given.role_claim,
        "roles": {value: Role(role) for value, role in given.roles.items()},
    }
    known |= {"scopes": given.scopes} if given.scopes and given.preset != "github" else {}
    if given.preset == "google":
        return google(**known)
    if given.preset == "github":
        return github(**known, url=given.issuer or GITHUB)
    return SsoProvider(**known, issuer=given.issuer, title=given.title)
