"""What members may do with each other. Owners do all; admins all but what touches owners."""

from __future__ import annotations

from uuid import UUID

from millstream.api.audit.record import record
from millstream.api.auth.principal import OrgRole, Principal
from millstream.api.auth.repository import Users
from millstream.api.database import Connection
from millstream.api.keys.repository import ApiKeys
from millstream.api.orgs.invitations import InvitationRow, Invitations
from millstream.api.orgs.repository import Organisations, OrgRow
from millstream.api.state import Edge
from millstream.schemas.errors import ForbiddenError


async def require(
    conn: Connection, org_id: UUID, caller: Principal, least: OrgRole, *, lock: bool = False
) -> OrgRow:
    """Return the organisation. Errors: NotFoundError: not a member; ForbiddenError: too low a role."""
    org = await Organisations(conn).get(org_id, user_id=caller.user_id, lock=lock)
    if not org.role.covers(least):
        raise ForbiddenError(f"This needs the role {least} in the organisation; yours is {org.role}.")
    return org


async def set_role(edge: Edge, org_id: UUID, user_id: UUID, role: OrgRole, *, caller: Principal) -> None:
    """Change a member's role. Errors: NotFoundError, ForbiddenError, ConflictError."""
    async with edge.pool.connection() as conn:
        org = await require(conn, org_id, caller, OrgRole.ADMIN, lock=True)
        orgs = Organisations(conn)
        member = await orgs.member(org_id, user_id)
        if org.role is not OrgRole.OWNER and OrgRole.OWNER in (role, member.role):
            raise ForbiddenError("Only owners make owners, or change them.")
        if member.role is OrgRole.OWNER and role is not OrgRole.OWNER:
            await orgs.require_other_owner(org_id, user_id)
        await orgs.set_member(org_id, user_id, role)
        await record(conn, caller, "member.role_set", user_id, org_id=org_id, role=role, before=member.role)
    await _changed(edge, org_id, user_id)


async def remove(edge: Edge, org_id: UUID, user_id: UUID, *, caller: Principal) -> None:
    """Take somebody out, or leave. His keys for the organisation end. Errors: as `set_role`."""
    async with edge.pool.connection() as conn:
        least = OrgRole.VIEWER if user_id == caller.user_id else OrgRole.ADMIN
        org = await require(conn, org_id, caller, least, lock=True)
        orgs = Organisations(conn)
        member = await orgs.member(org_id, user_id)
        if member.role is OrgRole.OWNER:
            if org.role is not OrgRole.OWNER:
                raise ForbiddenError("Only owners take out owners.")
            await orgs.require_other_owner(org_id, user_id)
        await orgs.remove_member(org_id, user_id)
        keys = await ApiKeys(conn).revoke_of(user_id, account_id=org_id)
        await record(conn, caller, "member.removed", user_id, org_id=org_id, keys_revoked=keys)
    await _changed(edge, org_id, user_id)


async def invite(edge: Edge, org_id: UUID, email: str, role: OrgRole, *, caller: Principal) -> InvitationRow:
    """Mail an invitation. Errors: NotFoundError, ForbiddenError."""
    async with edge.pool.connection() as conn:
        org = await require(conn, org_id, caller, OrgRole.ADMIN)
        if role is OrgRole.OWNER and org.role is not OrgRole.OWNER:
            raise ForbiddenError("Only owners make owners.")
        row, secret = await Invitations(conn).add(
            email=email,
            invited_by=caller.user_id,
            lifetime_s=edge.auth.settings.invitation_s,
            org_id=org_id,
            role=role,
        )
        await record(conn, caller, "invitation.made", row.id, org_id=org_id, email=email, role=role)
    says = f"You are invited to {org.name!r} on Millstream:"
    post = edge.auth.post
    post.behind(post.link(email, "An invitation", says=says, page="invitation", secret=secret))
    return row


async def accept(edge: Edge, secret: str, *, caller: Principal) -> list[OrgRow]:
    """Join, and return the caller's organisations. Errors: InputInvalidError, ForbiddenError."""
    async with edge.pool.connection() as conn:
        me = await Users(conn).get(caller.user_id)
        if me.email_verified_at is None:
            raise ForbiddenError("Your address was not checked yet.")
        invitation = await Invitations(conn).use(secret, email=me.email)
        await Invitations(conn).join(invitation, caller.user_id)
        await record(conn, caller, "invitation.accepted", invitation.id, org_id=invitation.org_id)
        rows = await Organisations(conn).list_(user_id=caller.user_id)
    if invitation.org_id is not None:
        await edge.auth.known.forget_member(invitation.org_id, caller.user_id)
    return rows


async def delete(edge: Edge, org_id: UUID, *, caller: Principal) -> None:
    """Remove an organisation and all it owns. Errors: NotFoundError, ForbiddenError."""
    async with edge.pool.connection() as conn:
        await require(conn, org_id, caller, OrgRole.OWNER, lock=True)
        members = await Organisations(conn).members(org_id)
        await Organisations(conn).delete(org_id)
        await record(conn, caller, "organisation.deleted", org_id)
    for member in members:
        await edge.auth.known.forget_member(org_id, member.user_id)
    await edge.auth.revocations.tell(account=org_id)


async def _changed(edge: Edge, org_id: UUID, user_id: UUID) -> None:
    await edge.auth.known.forget_member(org_id, user_id, ends=True)
