"""What the credential routes take and answer. Secrets go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from millstream.schemas.secrets import CredentialKind

HOST = r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?$"
MOST_CHARS = 16_384

ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$", examples=["github"])]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Host = Annotated[str, Field(pattern=HOST, examples=["api.example.com", "*.example.com", "127.0.0.1:8080"])]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]


def _one_line(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isprintable() or text != text.strip():
        raise ValueError("control characters, or spaces around it")
    return value


Secret = Annotated[SecretStr, Field(min_length=1, max_length=MOST_CHARS)]
Line = Annotated[SecretStr, Field(min_length=1, max_length=MOST_CHARS), AfterValidator(_one_line)]
"""What goes into a header."""


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")

    provider: ProviderName
    title: Title
    hosts: list[Host] = Field(
        default_factory=list,
        max_length=50,
        description="Where it may be sent: `host`, `host:port`, `*.host`. Empty: where the blocks that take it say. "
        "Without TLS only with a port.",
    )


class ApiKeyIn(_In):
    """A key."""

    type: Literal["api_key"]
    api_key: Line
    expires_at: AwareDatetime | None = None


class UserPasswordIn(_In):
    """A name and a password."""

    type: Literal["user_password"]
    username: str = Field(min_length=1, max_length=500)
    password: Secret


class OAuth2In(_In):
    """Tokens that were got elsewhere. The usual way is to connect: see `/oauth`."""

    type: Literal["oauth2"]
    access_token: Line
    refresh_token: Line | None = None
    expires_at: AwareDatetime | None = None
    scopes: list[str] = Field(default_factory=list, max_length=200)
    username: str | None = Field(None, max_length=500)


class HostScopedIn(_In):
    """Headers for hosts."""

    type: Literal["host_scoped"]
    provider: ProviderName = "http"
    hosts: list[Host] = Field(min_length=1, max_length=50)
    headers: dict[HeaderName, Line] = Field(min_length=1, max_length=50)


CredentialIn = Annotated[ApiKeyIn | UserPasswordIn | OAuth2In | HostScopedIn, Field(discriminator="type")]


class RenameIn(BaseModel):
    """Another title."""

    model_config = ConfigDict(extra="forbid")

    title: Title


class CredentialOut(BaseModel):
    """A credential without what is secret in it; AutoGPT's names, and ours."""

    id: UUID
    provider: str
    type: CredentialKind
    title: str
    username: str | None
    scopes: list[str]
    host: str | None
    hosts: list[str]
    is_managed: bool
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class CredentialsPage(BaseModel):
    """A page of credentials."""

    items: list[CredentialOut]
    next_cursor: str | None


class DeletedOut(BaseModel):
    """What was removed."""

    deleted: bool
    credentials_id: UUID


class ConnectIn(BaseModel):
    """A wish to connect an account at a provider."""

    model_config = ConfigDict(extra="forbid")

    scopes: list[Annotated[str, Field(max_length=300)]] = Field(default_factory=list, max_length=200)
    title: Title | None = None


class ConnectOut(BaseModel):
    """Where to send the person; `state` comes back with the code."""

    authorize_url: str
    state: str


class CallbackIn(BaseModel):
    """What the provider added to the address of our page."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[SecretStr, Field(min_length=1, max_length=4096)]
    state: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class ProviderOut(BaseModel):
    """A provider that can be connected here."""

    name: str
    scopes: list[str]


class InternalIn(BaseModel):
    """For which execution a worker asks."""

    execution_id: UUID


def secret_part(body: ApiKeyIn | UserPasswordIn | OAuth2In | HostScopedIn) -> dict[str, Any]:
    """Return what is to be sealed."""
    if isinstance(body, ApiKeyIn):
        return {"api_key": body.api_key.get_secret_value()}
    if isinstance(body, UserPasswordIn):
        return {"username": body.username, "password": body.password.get_secret_value()}
    if isinstance(body, OAuth2In):
        refresh = None if body.refresh_token is None else body.refresh_token.get_secret_value()
        return {"access_token": body.access_token.get_secret_value(), "refresh_token": refresh}
    return {"headers": {name: value.get_secret_value() for name, value in body.headers.items()}}
