"""`/api/v1/credentials`, and `/internal/credentials` for workers."""

from __future__ import annotations

import hmac
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Body, Query, Request, Response

from millstream.api.auth.guards import CurrentUser, open_to_all, require
from millstream.api.auth.principal import Scope
from millstream.api.credentials import handing, models, oauth, service
from millstream.api.credentials.repository import Credentials
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.paging import LIMIT_DEFAULT, Cursor, CursorText, Limit, page
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute, counted_as
from millstream.api.http.tries import note_wrong
from millstream.api.state import EdgeDep
from millstream.schemas.errors import (
    AuthenticationError,
    ForbiddenError,
    InputInvalidError,
    NotFoundError,
    UnavailableError,
)

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1/credentials", tags=["credentials"], route_class=EdgeRoute)
internal = APIRouter(prefix="/internal", include_in_schema=False, route_class=EdgeRoute)


@router.post(
    "",
    status_code=201,
    response_model=models.CredentialOut,
    responses=documented(ForbiddenError, UnavailableError),
)
@require(Scope.MANAGE_INTEGRATIONS)
async def create_credential(
    body: Annotated[models.CredentialIn, Body()], user: CurrentUser, conn: WriteConnection, edge: EdgeDep
) -> Response:
    """Keep a credential, sealed. Nobody reads it again: only blocks that run for this account get it."""
    row = await service.create(edge, conn, body, owner_id=user.account_id)
    return JsonAnswer(service.shown(row), 201, headers={"Location": f"/api/v1/credentials/{row.id}"})


@router.get("", response_model=models.CredentialsPage)
@require(Scope.READ_INTEGRATIONS)
async def list_credentials(
    user: CurrentUser,
    conn: ReadConnection,
    provider: Annotated[str | None, Query(max_length=100)] = None,
    cursor: CursorText = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """Return the account's credentials, newest first, without what is secret in them."""
    rows = await Credentials(conn).list_(
        owner_id=user.account_id, provider=provider, cursor=Cursor.parse(cursor), limit=limit + 1
    )
    cursors = [Cursor(row.created_at, row.id) for row in rows]
    return JsonAnswer(page([service.shown(row) for row in rows], cursors, limit))


@router.get("/oauth", response_model=list[models.ProviderOut])
@require(Scope.READ_INTEGRATIONS)
async def list_oauth_providers(_: CurrentUser, edge: EdgeDep) -> Response:
    """Return the providers whose accounts can be connected here."""
    providers = edge.settings.secrets.providers
    return JsonAnswer(
        [{"name": name, "scopes": list(each.scopes)} for name, each in sorted(providers.items())]
    )


@router.post(
    "/oauth/{provider}/authorize",
    response_model=models.ConnectOut,
    responses=documented(NotFoundError, UnavailableError),
)
@require(Scope.MANAGE_INTEGRATIONS)
async def connect(provider: str, body: models.ConnectIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Begin to connect an account: send the person to `authorize_url`, within ten minutes."""
    url, state = await oauth.authorize_url(edge, provider, scopes=body.scopes, title=body.title, caller=user)
    return JsonAnswer({"authorize_url": url, "state": state})


@router.post(
    "/oauth/{provider}/callback",
    status_code=201,
    response_model=models.CredentialOut,
    responses=documented(NotFoundError, InputInvalidError, UnavailableError),
)
@require(Scope.MANAGE_INTEGRATIONS)
async def connected(provider: str, body: models.CallbackIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Finish: give what the provider added to the address of the page. Only whoever began can."""
    code, state = body.code.get_secret_value(), body.state.get_secret_value()
    row = await oauth.complete(edge, provider, code=code, state=state, caller=user)
    return JsonAnswer(service.shown(row), 201, headers={"Location": f"/api/v1/credentials/{row.id}"})


@router.get("/{credential_id}", response_model=models.CredentialOut, responses=documented(NotFoundError))
@require(Scope.READ_INTEGRATIONS)
async def get_credential(credential_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return a credential without what is secret in it."""
    return JsonAnswer(service.shown(await Credentials(conn).get(credential_id, owner_id=user.account_id)))


@router.patch("/{credential_id}", response_model=models.CredentialOut, responses=documented(NotFoundError))
@require(Scope.MANAGE_INTEGRATIONS)
async def rename_credential(
    credential_id: UUID, body: models.RenameIn, user: CurrentUser, conn: WriteConnection
) -> Response:
    """Give a credential another title."""
    credentials = Credentials(conn)
    await credentials.rename(credential_id, body.title, owner_id=user.account_id)
    return JsonAnswer(service.shown(await credentials.get(credential_id, owner_id=user.account_id)))


@router.delete("/{credential_id}", response_model=models.DeletedOut, responses=documented(NotFoundError))
@require(Scope.DELETE_INTEGRATIONS)
async def delete_credential(credential_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Remove a credential; executions that run do not get it any more."""
    await service.delete(edge, credential_id, owner_id=user.account_id)
    return JsonAnswer({"deleted": True, "credentials_id": credential_id})


@internal.post("/credentials/{secret_id}")
@open_to_all  # to workers: they have a token of their own
@counted_as("read")
async def hand_out(request: Request, secret_id: UUID, body: models.InternalIn, edge: EdgeDep) -> Response:
    """Give a worker a sealed copy of what an execution was granted."""
    given = request.headers.get("authorization", "").removeprefix("Worker ")
    if not hmac.compare_digest(given.encode(), edge.vault.worker_key.token.encode()):
        await note_wrong(edge, request, given)
        raise AuthenticationError("Only workers ask here.")
    sealed = await handing.hand_out(edge, secret_id, execution_id=body.execution_id)
    return Response(sealed, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})
