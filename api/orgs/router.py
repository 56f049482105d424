"""`/api/v1/organisations`. Which one a request is for is said by the header `X-Millstream-Org`; here it is in the path."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from millstream.api.audit.record import record
from millstream.api.auth.guards import CurrentUser, require_person
from millstream.api.auth.models import Email, In, Link
from millstream.api.auth.principal import OrgRole
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.limits import hit
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.orgs import service
from millstream.api.orgs.invitations import InvitationRow, Invitations
from millstream.api.orgs.repository import Organisations
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ConflictError, ForbiddenError, InputInvalidError, NotFoundError

router = APIRouter(prefix="/api/v1/organisations", tags=["organisations"], route_class=EdgeRoute)

ERRORS = documented(NotFoundError, ForbiddenError)


class OrgIn(In):
    """A name."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Analytical Engines"])]


class OrgOut(BaseModel):
    """An organisation, with the caller's role in it."""

    id: UUID
    name: str
    role: OrgRole
    created_at: datetime


class OrgsOut(BaseModel):
    """The caller's organisations."""

    items: list[OrgOut]


class MemberOut(BaseModel):
    """Somebody in it."""

    user_id: UUID
    email: str
    name: str
    role: OrgRole
    created_at: datetime


class MembersOut(BaseModel):
    """Everybody in it."""

    items: list[MemberOut]


class RoleIn(In):
    """A role."""

    role: OrgRole


class InviteIn(In):
    """Who is invited, as what."""

    email: Email
    role: OrgRole = OrgRole.MEMBER


class InvitationOut(BaseModel):
    """An invitation that was not used yet. Its link is in the mail alone."""

    id: UUID
    email: str
    role: OrgRole
    created_at: datetime
    expires_at: datetime


class InvitationsOut(BaseModel):
    """Those that are open."""

    items: list[InvitationOut]


class AcceptIn(In):
    """A mailed invitation."""

    token: Link


def _shown(row: InvitationRow) -> dict[str, object]:
    return {name: value for name, value in asdict(row).items() if name != "org_id"}


@router.post("", status_code=201, response_model=OrgOut)
@require_person
async def create_organisation(body: OrgIn, user: CurrentUser, conn: WriteConnection) -> Response:
    """Make an organisation; the caller owns it."""
    orgs = Organisations(conn)
    org_id = await orgs.add(body.name, owner_id=user.user_id)
    await record(conn, user, "organisation.made", org_id, name=body.name)
    shown = asdict(await orgs.get(org_id, user_id=user.user_id))
    return JsonAnswer(shown, 201, headers={"Location": f"/api/v1/organisations/{org_id}"})


@router.get("", response_model=OrgsOut)
@require_person
async def list_organisations(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the organisations in which the caller is."""
    rows = await Organisations(conn).list_(user_id=user.user_id)
    return JsonAnswer({"items": [asdict(row) for row in rows]})


@router.post(
    "/invitations/accept", response_model=OrgsOut, responses=documented(InputInvalidError, ForbiddenError)
)
@require_person
async def accept_invitation(body: AcceptIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Join by a mailed invitation to the caller's own address. Returns the caller's organisations."""
    rows = await service.accept(edge, body.token.get_secret_value(), caller=user)
    return JsonAnswer({"items": [asdict(row) for row in rows]})


@router.get("/{org_id}", response_model=OrgOut, responses=documented(NotFoundError))
@require_person
async def get_organisation(org_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return one of the caller's organisations."""
    return JsonAnswer(asdict(await Organisations(conn).get(org_id, user_id=user.user_id)))


@router.patch("/{org_id}", response_model=OrgOut, responses=ERRORS)
@require_person
async def rename_organisation(
    org_id: UUID, body: OrgIn, user: CurrentUser, conn: WriteConnection
) -> Response:
    """Change the name. For admins."""
    await service.require(conn, org_id, user, OrgRole.ADMIN)
    orgs = Organisations(conn)
    await orgs.rename(org_id, body.name)
    await record(conn, user, "organisation.renamed", org_id, name=body.name)
    return JsonAnswer(asdict(await orgs.get(org_id, user_id=user.user_id)))


@router.delete("/{org_id}", status_code=204, responses=ERRORS)
@require_person
async def delete_organisation(org_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Remove an organisation and all it owns, for good. For owners."""
    await service.delete(edge, org_id, caller=user)
    return Response(status_code=204)


@router.get("/{org_id}/members", response_model=MembersOut, responses=documented(NotFoundError))
@require_person
async def list_members(org_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return everybody in it, for everybody in it."""
    await service.require(conn, org_id, user, OrgRole.VIEWER)
    return JsonAnswer({"items": [asdict(row) for row in await Organisations(conn).members(org_id)]})


@router.put(
    "/{org_id}/members/{user_id}",
    status_code=204,
    responses=documented(NotFoundError, ForbiddenError, ConflictError),
)
@require_person
async def set_member_role(
    org_id: UUID, user_id: UUID, body: RoleIn, user: CurrentUser, edge: EdgeDep
) -> Response:
    """Change a member's role. For admins; what touches owners is for owners."""
    await service.set_role(edge, org_id, user_id, body.role, caller=user)
    return Response(status_code=204)


@router.delete(
    "/{org_id}/members/{user_id}",
    status_code=204,
    responses=documented(NotFoundError, ForbiddenError, ConflictError),
)
@require_person
async def remove_member(org_id: UUID, user_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Take somebody out, or leave. His keys for the organisation end, and what he watches in it."""
    await service.remove(edge, org_id, user_id, caller=user)
    return Response(status_code=204)


@router.post("/{org_id}/invitations", status_code=201, response_model=InvitationOut, responses=ERRORS)
@require_person
async def invite(org_id: UUID, body: InviteIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Mail an invitation. For admins."""
    await hit(edge, "invitation", str(user.user_id))
    row = await service.invite(edge, org_id, body.email, body.role, caller=user)
    return JsonAnswer(_shown(row), 201)


@router.get("/{org_id}/invitations", response_model=InvitationsOut, responses=ERRORS)
@require_person
async def list_invitations(org_id: UUID, user: CurrentUser, conn: ReadConnection) -> Response:
    """Return the invitations that are open. For admins."""
    await service.require(conn, org_id, user, OrgRole.ADMIN)
    return JsonAnswer({"items": [_shown(row) for row in await Invitations(conn).list_(org_id=org_id)]})


@router.delete("/{org_id}/invitations/{invitation_id}", status_code=204, responses=ERRORS)
@require_person
async def withdraw_invitation(
    org_id: UUID, invitation_id: UUID, user: CurrentUser, conn: WriteConnection
) -> Response:
    """Take an invitation back. For admins."""
    await service.require(conn, org_id, user, OrgRole.ADMIN)
    await Invitations(conn).withdraw(invitation_id, org_id=org_id)
    await record(conn, user, "invitation.withdrawn", invitation_id, org_id=org_id)
    return Response(status_code=204)
