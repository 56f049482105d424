"""`/api/auth/user`, `/api/api-keys`, `/health`."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from millstream.api.auth.guards import CurrentUser, open_to_all, require, require_person
from millstream.api.auth.principal import Scope
from millstream.api.auth.repository import Users
from millstream.api.compat import models
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.keys import router as keys
from millstream.api.keys.repository import ApiKeys, KeyRow
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ConflictError, ForbiddenError, InputInvalidError

router = APIRouter(tags=["AutoGPT: people"], route_class=CompatRoute, responses=REFUSALS)

HEAD_CHARS = 8


@router.post("/api/auth/user", response_model=models.Caller)
@require(Scope.IDENTITY)
async def autogpt_get_user(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return who calls. Whoever comes with an outside issuer's token for the first time is added."""
    return JsonAnswer(await shown(conn, user.user_id))


async def shown(conn: ReadConnection, user_id: UUID) -> dict[str, Any]:
    """Return a person."""
    row = await Users(conn).get(user_id)
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "timezone": row.timezone,
        "created_at": row.created_at,
    }


@router.get("/api/auth/user/timezone", response_model=models.Zone)
@require(Scope.IDENTITY)
async def autogpt_get_timezone(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the caller's time zone."""
    return JsonAnswer({"timezone": (await Users(conn).get(user.user_id)).timezone})


@router.post("/api/auth/user/timezone", response_model=models.Zone)
@require_person
async def autogpt_set_timezone(body: models.Zone, user: CurrentUser, conn: WriteConnection) -> Response:
    """Choose a time zone by its IANA name."""
    if body.timezone not in zoneinfo.available_timezones():
        raise InputInvalidError(f"There is no time zone {body.timezone!r}.", path="timezone")
    await Users(conn).set_profile(user.user_id, name=None, timezone=body.timezone)
    return JsonAnswer({"timezone": body.timezone})


def _key(row: KeyRow) -> dict[str, Any]:
    ended = row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= datetime.now(UTC))
    return {
        "user_id": row.user_id,
        "scopes": row.scopes,
        "type": "api_key",
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
        "id": row.id,
        "name": row.name,
        "head": row.prefix[:HEAD_CHARS],
        "tail": "",
        "status": "REVOKED" if ended else "ACTIVE",
        "description": None,
    }


@router.get("/api/api-keys", response_model=list[models.Key])
@require_person
async def autogpt_list_keys(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the account's keys."""
    return JsonAnswer([_key(row) for row in await ApiKeys(conn).list_(owner_id=user.account_id)])


@router.post("/api/api-keys", response_model=models.NewKey)
@require_person
async def autogpt_create_key(body: models.KeyRequest, user: CurrentUser, conn: WriteConnection) -> Response:
    """Make a key; its text is shown once. `description` is not kept."""
    for scope in body.permissions:
        user.demand(scope)  # nobody hands out what he has not
    row, secret = await ApiKeys(conn).add(
        account_id=user.account_id,
        user_id=user.user_id,
        name=body.name,
        scopes=sorted(set(body.permissions)),
        expires_at=None,
    )
    return JsonAnswer({"api_key": _key(row), "plain_text_key": secret})


@router.get("/api/api-keys/{key_id}", response_model=models.Key)
@require_person
async def autogpt_get_key(key_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return one key."""
    return JsonAnswer(_key(await ApiKeys(conn).get(key_id, owner_id=user.account_id)))


@router.put("/api/api-keys/{key_id}/permissions", response_model=models.Key)
@require_person
async def autogpt_set_permissions(
    key_id: UUID, body: models.PermissionsRequest, user: CurrentUser, edge: EdgeDep
) -> Response:
    """Say what a key of one's own may do, at once and everywhere."""
    async with edge.pool.connection() as conn:
        api_keys = ApiKeys(conn)
        row = await api_keys.get(key_id, owner_id=user.account_id)
        if row.user_id != user.user_id:
            raise ForbiddenError("Somebody else made this key; it can be ended, not changed.")
        if row.revoked_at is not None:
            raise ConflictError("The key has ended; make a new one.")
        for scope in body.permissions:
            user.demand(scope)  # nobody hands out what he has not
        row = await api_keys.set_scopes(key_id, sorted(set(body.permissions)), owner_id=user.account_id)
    await edge.auth.revocations.tell(session=key_id)
    return JsonAnswer(_key(row))


@router.delete("/api/api-keys/{key_id}", response_model=models.Key)
@require_person
async def autogpt_revoke_key(key_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """End a key, at once and everywhere."""
    await keys.revoke_key(key_id, user, edge)
    async with edge.pool.connection() as conn:
        return JsonAnswer(_key(await ApiKeys(conn).get(key_id, owner_id=user.account_id)))


@router.get("/health")
@open_to_all
async def autogpt_health() -> Response:
    """Say that the process lives."""
    return JsonAnswer({"status": "healthy"})
