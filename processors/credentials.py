"""Credentials as blocks meet them: declared in a signature, and asked for while the block runs.

`credentials: Annotated[Credentials, Provider("jina")]` is a pin that holds `{"id", "provider", "type", "title"}`, all that
records ever see; `await ctx.credentials("credentials")` gives one of the classes here. Their values are `SecretStr`.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NotRequired

from pydantic import SecretStr
from typing_extensions import TypedDict

from millstream.processors.flags import Flag
from millstream.processors.services import Credential
from millstream.schemas.errors import CredentialError
from millstream.schemas.secrets import KINDS, CredentialKind, Opened


class Credentials(TypedDict):
    """What a credentials pin holds; annotate it with a `Provider`."""

    id: str
    provider: str
    type: CredentialKind
    title: NotRequired[str | None]


class Provider(Flag):
    """Whose credentials a pin takes: `Annotated[Credentials, Provider("jina", hosts=("api.jina.ai",))]`."""

    def __init__(
        self,
        *names: str,
        types: tuple[CredentialKind, ...] = ("api_key",),
        scopes: tuple[str, ...] = (),
        hosts: tuple[str, ...] = (),
    ) -> None:
        """`hosts`: where this block sends them, for credentials that name no hosts of their own."""
        if not names or not types or not set(types) <= set(KINDS):
            raise ValueError(f"a Provider has one name or more, and types out of {', '.join(KINDS)}")
        self.types = types
        extra: dict[str, Any] = {
            "credentials_provider": list(names),
            "credentials_types": list(types),
            "credentials_hosts": list(hosts),
        }
        super().__init__(**extra, **({"credentials_scopes": list(scopes)} if scopes else {}))

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Return the schema of the pin in AutoGPT's form, without a definition of its own."""
        names = self.extra["credentials_provider"]
        return {
            "type": "object",
            "properties": {
                "id": {"title": "Id", "type": "string"},
                "title": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Title"},
                "provider": {"title": "Provider", "type": "string", "enum": list(names)},
                "type": {"title": "Type", "type": "string", "enum": list(self.types)},
            },
            "required": ["id", "provider", "type"],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held(ABC):
    """What all have in common. Give it to `ctx.http` as `auth`: it goes to its hosts and to no other."""

    id: str
    provider: str
    title: str
    hosts: frozenset[str]

    @abstractmethod
    def headers(self) -> dict[str, str]:
        """Return the headers that log in with it."""

    def credential(self) -> Credential:
        """Return it as headers bound to hosts."""
        return Credential(hosts=self.hosts, headers=self.headers())


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(_Held):
    """A key."""

    api_key: SecretStr

    def headers(self) -> dict[str, str]:
        """As a bearer token."""
        return {"Authorization": f"Bearer {self.api_key.get_secret_value()}"}

    def in_header(self, name: str, prefix: str = "") -> Credential:
        """Return it for a service that takes it in another header, such as `X-API-Key`."""
        return Credential(hosts=self.hosts, headers={name: prefix + self.api_key.get_secret_value()})


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPassword(_Held):
    """A name and a password."""

    username: str
    password: SecretStr

    def headers(self) -> dict[str, str]:
        """As HTTP's Basic."""
        return {"Authorization": "Basic " + basic(self.username, self.password.get_secret_value())}


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2(_Held):
    """An access token, fresh when it was handed out; what refreshes it stays at the edge."""

    access_token: SecretStr
    scopes: tuple[str, ...] = ()
    username: str = ""

    def headers(self) -> dict[str, str]:
        """As a bearer token."""
        return {"Authorization": f"Bearer {self.access_token.get_secret_value()}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostScoped(_Held):
    """Headers for a host."""

    values: Mapping[str, SecretStr] = field(repr=False)

    def headers(self) -> dict[str, str]:
        """As they were given."""
        return {name: value.get_secret_value() for name, value in self.values.items()}


AnyCredential = ApiKey | UserPassword | OAuth2 | HostScoped

_SECRET_FIELDS: Final = {"api_key": "api_key", "user_password": "password", "oauth2": "access_token"}


def typed(opened: Opened, *, block_hosts: tuple[str, ...] = ()) -> AnyCredential:
    """Return the object of a credential. Errors: CredentialError."""
    common: dict[str, Any] = {
        "id": opened.id,
        "provider": opened.provider,
        "title": opened.title,
        "hosts": frozenset(opened.hosts or block_hosts),
    }
    data = opened.data
    try:
        if opened.kind == "api_key":
            return ApiKey(**common, api_key=SecretStr(data["api_key"]))
        if opened.kind == "user_password":
            return UserPassword(**common, username=data["username"], password=SecretStr(data["password"]))
        if opened.kind == "oauth2":
            token, scopes = SecretStr(data["access_token"]), tuple(data.get("scopes") or ())
            return OAuth2(**common, access_token=token, scopes=scopes, username=data.get("username") or "")
        if opened.kind == "host_scoped":
            return HostScoped(
                **common, values={name: SecretStr(text) for name, text in data["headers"].items()}
            )
    except (KeyError, TypeError) as error:
        raise CredentialError(f"The credential {opened.title!r} is damaged; make it anew.") from error
    raise CredentialError(f"{opened.id!r} is no credential.")


def secret_texts(opened: Opened) -> list[str]:
    """Return the texts of a secret that must not be seen: the value, and the form in which it is sent."""
    data = opened.data
    if opened.kind == "host_scoped":
        return [
            text for header in data.get("headers", {}).values() for text in (header, *header.split(" ")[1:])
        ]
    found = data.get(_SECRET_FIELDS.get(opened.kind, ""))
    if not isinstance(found, str):
        return []
    return [found, basic(data.get("username", ""), found)] if opened.kind == "user_password" else [found]


def basic(username: str, password: str) -> str:
    """Return what stands behind `Basic`."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()
