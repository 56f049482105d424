"""`/api/integrations`: credentials, connecting accounts, and which services blocks use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, Field, SecretStr

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat.providers import providers_of
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.credentials import models, oauth, service
from millstream.api.credentials.repository import CredentialRow, Credentials
from millstream.api.database import Connection, ReadConnection, WriteConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.state import EdgeDep
from millstream.schemas.errors import NotFoundError
from millstream.schemas.secrets import CredentialKind

router = APIRouter(
    prefix="/api/integrations", tags=["AutoGPT: integrations"], route_class=CompatRoute, responses=REFUSALS
)

LISTED_MOST = 250
Epoch = Annotated[int, Field(ge=0, le=253_402_300_799, description="Unix time in seconds.")]


class CredentialMeta(BaseModel):
    """A credential without what is secret in it."""

    id: UUID
    provider: str
    type: CredentialKind
    title: str
    scopes: list[str]
    username: str | None
    host: str | None
    is_managed: bool


class KeyCredentials(BaseModel):
    """A key. `id` and `provider` of the body do not count: the id is made here, the provider is in the path."""

    type: Literal["api_key"]
    title: models.Title | None = None
    api_key: models.Line
    expires_at: Epoch | None = None


class PasswordCredentials(BaseModel):
    """A name and a password."""

    type: Literal["user_password"]
    title: models.Title | None = None
    username: Annotated[str, Field(min_length=1, max_length=500)]
    password: models.Secret


class TokenCredentials(BaseModel):
    """Tokens that were got elsewhere."""

    type: Literal["oauth2"]
    title: models.Title | None = None
    access_token: models.Line
    access_token_expires_at: Epoch | None = None
    refresh_token: models.Line | None = None
    scopes: Annotated[list[str], Field(max_length=200)]
    username: Annotated[str, Field(max_length=500)] | None = None


class HostCredentials(BaseModel):
    """Headers for a host."""

    type: Literal["host_scoped"]
    title: models.Title | None = None
    host: models.Host
    headers: Annotated[dict[models.HeaderName, models.Line], Field(min_length=1, max_length=50)]


Given = Annotated[
    KeyCredentials | PasswordCredentials | TokenCredentials | HostCredentials, Field(discriminator="type")
]


class Deletion(BaseModel):
    """What was removed. Whether the service was told is not known: it was not."""

    deleted: Literal[True]
    revoked: None


class Login(BaseModel):
    """Where to send the person, and what comes back with the code."""

    login_url: str
    state_token: str


class CodeIn(BaseModel):
    """What the provider added to the address of the page."""

    code: Annotated[SecretStr, Field(min_length=1, max_length=4096)]
    state_token: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class ProviderMeta(BaseModel):
    """A service that blocks use."""

    name: str
    description: str | None
    supported_auth_types: list[CredentialKind]


class ProviderNames(BaseModel):
    """Their names."""

    providers: list[str]


def _meta(row: CredentialRow) -> dict[str, Any]:
    shown = service.shown(row)
    return {name: shown[name] for name in CredentialMeta.model_fields}


async def _one(conn: Connection, provider: str, id_: UUID, owner_id: UUID) -> CredentialRow:
    row = await Credentials(conn).get(id_, owner_id=owner_id)
    if row.provider != provider:
        raise NotFoundError(f"There are no credentials {id_} of {provider!r}.")
    return row


async def _listed(conn: Connection, owner_id: UUID, provider: str | None) -> Response:
    rows = await Credentials(conn).list_(owner_id=owner_id, provider=provider, cursor=None, limit=LISTED_MOST)
    return JsonAnswer([_meta(row) for row in rows])


@router.get("/credentials", response_model=list[CredentialMeta])
@require(Scope.READ_INTEGRATIONS)
async def autogpt_list_credentials(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the account's newest 250 credentials."""
    return await _listed(conn, user.account_id, None)


@router.get("/{provider}/credentials", response_model=list[CredentialMeta])
@require(Scope.READ_INTEGRATIONS)
async def autogpt_list_credentials_of(provider: str, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return those of one service."""
    return await _listed(conn, user.account_id, provider)


@router.post("/{provider}/credentials", status_code=201, response_model=CredentialMeta)
@require(Scope.MANAGE_INTEGRATIONS)
async def autogpt_create_credentials(
    provider: models.ProviderName,
    body: Annotated[Given, Body()],
    user: CurrentUser,
    conn: WriteConnection,
    edge: EdgeDep,
) -> Response:
    """Keep a credential, sealed. Nobody reads it again."""
    wanted = _wanted(provider, body)
    return JsonAnswer(_meta(await service.create(edge, conn, wanted, owner_id=user.account_id)), 201)


def _wanted(provider: str, body: Given) -> models.CredentialIn:
    title = body.title or provider
    if isinstance(body, KeyCredentials):
        return models.ApiKeyIn(
            type="api_key",
            provider=provider,
            title=title,
            api_key=body.api_key,
            expires_at=_time(body.expires_at),
        )
    if isinstance(body, PasswordCredentials):
        return models.UserPasswordIn(
            type="user_password",
            provider=provider,
            title=title,
            username=body.username,
            password=body.password,
        )
    if isinstance(body, TokenCredentials):
        return models.OAuth2In(
            type="oauth2",
            provider=provider,
            title=title,
            access_token=body.access_token,
            refresh_token=body.refresh_token,
            expires_at=_time(body.access_token_expires_at),
            scopes=body.scopes,
            username=body.username,
        )
    return models.HostScopedIn(
        type="host_scoped", provider=provider, title=title, hosts=[body.host], headers=body.headers
    )


def _time(epoch: int | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


@router.get("/{provider}/credentials/{cred_id}", response_model=CredentialMeta)
@require(Scope.READ_INTEGRATIONS)
async def autogpt_get_credentials(
    provider: str, cred_id: UUID, user: CurrentUser, conn: ReadConnection
) -> Response:
    """Return one credential without what is secret in it."""
    return JsonAnswer(_meta(await _one(conn, provider, cred_id, user.account_id)))


@router.delete("/{provider}/credentials/{cred_id}", response_model=Deletion)
@require(Scope.DELETE_INTEGRATIONS)
async def autogpt_delete_credentials(
    provider: str,
    cred_id: UUID,
    user: CurrentUser,
    edge: EdgeDep,
    force: Annotated[bool, Query(description="Nothing here keeps a credential from being removed.")] = False,
) -> Response:
    """Remove a credential; runs do not get it any more."""
    async with edge.pool.connection() as conn:
        await _one(conn, provider, cred_id, user.account_id)
    await service.delete(edge, cred_id, owner_id=user.account_id)
    return JsonAnswer({"deleted": True, "revoked": None})


@router.get("/{provider}/login", response_model=Login)
@require(Scope.MANAGE_INTEGRATIONS)
async def autogpt_begin_login(
    provider: str,
    user: CurrentUser,
    edge: EdgeDep,
    scopes: Annotated[str, Query(max_length=4000, description="With commas between them.")] = "",
) -> Response:
    """Begin to connect an account: send the person to `login_url`, within ten minutes."""
    wanted = [scope for scope in scopes.split(",") if scope]
    url, state = await oauth.authorize_url(edge, provider, scopes=wanted, title=None, caller=user)
    return JsonAnswer({"login_url": url, "state_token": state})


@router.post("/{provider}/callback", response_model=CredentialMeta)
@require(Scope.MANAGE_INTEGRATIONS)
async def autogpt_finish_login(provider: str, body: CodeIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Finish with the code and the state. Only whoever began can."""
    code, state = body.code.get_secret_value(), body.state_token.get_secret_value()
    return JsonAnswer(_meta(await oauth.complete(edge, provider, code=code, state=state, caller=user)))


@router.get("/providers", response_model=list[ProviderMeta])
@require(Scope.READ_BLOCK)
async def autogpt_list_providers(_: CurrentUser, edge: EdgeDep) -> Response:
    """Return the services for which blocks take credentials, with the kinds that they take."""
    found = providers_of(edge.specs.values())
    return JsonAnswer(
        [
            {"name": name, "description": None, "supported_auth_types": sorted(used.kinds)}
            for name, used in sorted(found.items())
        ]
    )


@router.get("/providers/names", response_model=ProviderNames)
@require(Scope.READ_BLOCK)
async def autogpt_list_provider_names(_: CurrentUser, edge: EdgeDep) -> Response:
    """Return their names alone."""
    return JsonAnswer({"providers": sorted(providers_of(edge.specs.values()))})
