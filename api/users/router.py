"""`/api/v1/users`: people on this platform, for its admins."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from millstream.api.audit.record import record
from millstream.api.auth.families import Families
from millstream.api.auth.guards import CurrentUser, require_role
from millstream.api.auth.models import Email, In, RegisteredOut, UserOut
from millstream.api.auth.principal import Role
from millstream.api.auth.repository import Users
from millstream.api.auth.router import shown
from millstream.api.database import ReadConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.paging import LIMIT_DEFAULT, Cursor, CursorText, Limit, page
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.orgs.invitations import Invitations
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ConflictError, NotFoundError

router = APIRouter(prefix="/api/v1/users", tags=["users"], route_class=EdgeRoute)


class UsersOut(BaseModel):
    """A page of people."""

    items: list[UserOut]
    next_cursor: str | None


class InviteIn(In):
    """Who is invited to the platform."""

    email: Email


class UserIn(In):
    """What an admin changes. What is left out stays."""

    role: Role | None = None
    disabled: Annotated[bool | None, Field(description="Shut out: no login and no key is good.")] = None


@router.get("", response_model=UsersOut)
@require_role(Role.ADMIN)
async def list_users(
    _: CurrentUser, conn: ReadConnection, cursor: CursorText = None, limit: Limit = LIMIT_DEFAULT
) -> Response:
    """Return everybody, newest first."""
    rows = await Users(conn).list_(cursor=Cursor.parse(cursor), limit=limit + 1)
    cursors = [Cursor(row.created_at, row.id) for row in rows]
    return JsonAnswer(page([shown(row) for row in rows], cursors, limit))


@router.post("/invitations", status_code=202, response_model=RegisteredOut)
@require_role(Role.ADMIN)
async def invite_user(body: InviteIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Mail an invitation to this platform."""
    async with edge.pool.connection() as conn:
        _, secret = await Invitations(conn).add(
            email=body.email, invited_by=user.user_id, lifetime_s=edge.auth.settings.invitation_s
        )
        await record(conn, user, "invitation.made", body.email)
    post = edge.auth.post
    says = "You are invited to Millstream:"
    post.behind(post.link(body.email, "An invitation", says=says, page="invitation", secret=secret))
    return JsonAnswer({"status": "check_mail"}, 202)


@router.patch("/{user_id}", response_model=UserOut, responses=documented(NotFoundError, ConflictError))
@require_role(Role.ADMIN)
async def update_user(user_id: UUID, body: UserIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Change somebody's role, or shut somebody out. All that he has open ends."""
    async with edge.pool.connection() as conn:
        users = Users(conn)
        await users.get(user_id, lock=True)
        loses = body.disabled or body.role not in (None, Role.ADMIN)
        if loses and await users.is_last_admin(user_id):
            raise ConflictError("This is the only admin; make somebody else admin first.")
        if body.role is not None:
            await users.set_role(user_id, body.role)
        if body.disabled is not None:
            await users.set_disabled(user_id, disabled=body.disabled)
        families = await Families(conn).end_all(user_id)
        row = await users.get(user_id)
        await record(conn, user, "user.changed", user_id, role=body.role, disabled=body.disabled)
    await edge.auth.end_user(user_id, families)
    return JsonAnswer(shown(row))
