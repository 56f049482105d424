"""`/api/v1/api-keys`: keys for programs. They open the account in which they were made, as far as their scopes go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from millstream.api.auth.guards import CurrentUser, require_person
from millstream.api.auth.models import In
from millstream.api.auth.principal import OrgRole, Principal, Scope
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.keys.repository import ApiKeys, KeyRow
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ForbiddenError, InputInvalidError, NotFoundError

router = APIRouter(prefix="/api/v1/api-keys", tags=["api keys"], route_class=EdgeRoute)


class KeyIn(In):
    """A key to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["nightly import"])]
    scopes: Annotated[
        list[Scope], Field(min_length=1, max_length=50, examples=[[Scope.READ_GRAPH, Scope.EXECUTE_GRAPH]])
    ]
    expires_at: AwareDatetime | None = None


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: UUID
    name: str
    prefix: str = Field(description="How the key begins, to find it again.")
    scopes: list[Scope]
    account_id: UUID
    user_id: UUID = Field(description="Who made it, and in whose name it acts.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """A new key with its secret, which is shown once."""

    key: str


class KeysOut(BaseModel):
    """All keys of the account."""

    items: list[KeyOut]


def _shown(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "account_id": row.account_id,
        "user_id": row.user_id,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }


@router.post(
    "", status_code=201, response_model=NewKeyOut, responses=documented(ForbiddenError, InputInvalidError)
)
@require_person
async def create_key(body: KeyIn, user: CurrentUser, conn: WriteConnection) -> Response:
    """Make a key for the account that is chosen (`X-Millstream-Org`, or one's own)."""
    if body.expires_at is not None and body.expires_at <= datetime.now(UTC):
        raise InputInvalidError("`expires_at` has passed already.", path="expires_at")
    scopes = sorted(set(body.scopes))
    for scope in scopes:
        user.demand(scope)  # nobody hands out what he has not
    row, secret = await ApiKeys(conn).add(
        account_id=user.account_id,
        user_id=user.user_id,
        name=body.name,
        scopes=scopes,
        expires_at=body.expires_at,
    )
    return JsonAnswer({**_shown(row), "key": secret}, 201, headers={"Location": f"/api/v1/api-keys/{row.id}"})


@router.get("", response_model=KeysOut)
@require_person
async def list_keys(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the account's keys, newest first, revoked ones too."""
    rows = await ApiKeys(conn).list_(owner_id=user.account_id)
    return JsonAnswer({"items": [_shown(row) for row in rows]})


@router.get("/{key_id}", response_model=KeyOut, responses=documented(NotFoundError))
@require_person
async def get_key(key_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return one key."""
    return JsonAnswer(_shown(await ApiKeys(conn).get(key_id, owner_id=user.account_id)))


@router.delete("/{key_id}", response_model=KeyOut, responses=documented(NotFoundError, ForbiddenError))
@require_person
async def revoke_key(key_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """End a key, at once and everywhere. In an organisation its maker and admins may."""
    async with edge.pool.connection() as conn:
        keys = ApiKeys(conn)
        _check_may_revoke(user, await keys.get(key_id, owner_id=user.account_id))
        row = await keys.revoke(key_id, owner_id=user.account_id)
    await edge.auth.revocations.tell(session=key_id)
    return JsonAnswer(_shown(row))


def _check_may_revoke(user: Principal, row: KeyRow) -> None:
    if user.org_role is not None and row.user_id != user.user_id and not user.org_role.covers(OrgRole.ADMIN):
        raise ForbiddenError("Somebody else made this key; the organisation's admins can end it.")
