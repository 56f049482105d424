"""Table `invitations`: to an organisation, or to the platform alone. Mailed, hashed, used once. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import kwargs_row

from millstream.api.auth.principal import OrgRole
from millstream.api.auth.secret import digest, new_secret
from millstream.api.database import Connection
from millstream.api.orgs.repository import Organisations
from millstream.schemas.errors import InputInvalidError, NotFoundError

COLUMNS = "id, org_id, email, role, created_at, expires_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """An invitation that was not used yet."""

    id: UUID
    org_id: UUID | None
    email: str
    role: OrgRole | None
    created_at: datetime
    expires_at: datetime


def _invitation(*, role: str | None, **facts: Any) -> InvitationRow:
    return InvitationRow(role=None if role is None else OrgRole(role), **facts)


class Invitations:
    """One transaction's view of the table."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(
        self,
        *,
        email: str,
        invited_by: UUID,
        lifetime_s: int,
        org_id: UUID | None = None,
        role: OrgRole | None = None,
    ) -> tuple[InvitationRow, str]:
        """Return a new invitation and the secret of its link; an older one for the same address ends."""
        await self._conn.execute(
            "DELETE FROM invitations WHERE lower(email) = lower(%s) AND org_id IS NOT DISTINCT FROM %s::uuid",
            [email, org_id],
        )
        secret = new_secret()
        async with self._conn.cursor(row_factory=kwargs_row(_invitation)) as cur:
            await cur.execute(
                "INSERT INTO invitations (id, hash, org_id, email, role, invited_by, expires_at) "
                f"VALUES (%s, %s, %s, %s, %s, %s, now() + make_interval(secs => %s)) RETURNING {COLUMNS}".encode(),
                [uuid4(), digest(secret), org_id, email, role, invited_by, lifetime_s],
            )
            row = await cur.fetchone()
        assert row is not None
        return row, secret

    async def list_(self, *, org_id: UUID) -> list[InvitationRow]:
        async with self._conn.cursor(row_factory=kwargs_row(_invitation)) as cur:
            await cur.execute(
                f"SELECT {COLUMNS} FROM invitations WHERE org_id = %s AND expires_at > now() "
                "ORDER BY created_at DESC".encode(),
                [org_id],
            )
            return await cur.fetchall()

    async def withdraw(self, invitation_id: UUID, *, org_id: UUID) -> None:
        """Errors: NotFoundError."""
        done = await self._conn.execute(
            "DELETE FROM invitations WHERE id = %s AND org_id = %s", [invitation_id, org_id]
        )
        if done.rowcount == 0:
            raise NotFoundError(f"There is no invitation {invitation_id}.")

    async def use(self, secret: str, *, email: str) -> InvitationRow:
        """Return an invitation and end it. Errors: InputInvalidError: unknown, used, too old, or for somebody else."""
        async with self._conn.cursor(row_factory=kwargs_row(_invitation)) as cur:
            await cur.execute(
                "DELETE FROM invitations WHERE hash = %s AND lower(email) = lower(%s) AND expires_at > now() "
                f"RETURNING {COLUMNS}".encode(),
                [digest(secret), email],
            )
            row = await cur.fetchone()
        if row is None:
            raise InputInvalidError(
                "This invitation is not known, was used, is too old, or is for another address.", path="token"
            )
        return row

    async def join(self, invitation: InvitationRow, user_id: UUID) -> None:
        """Make a user what he was invited to be. Somebody who is a member already keeps the higher role."""
        if invitation.org_id is None or invitation.role is None:
            return
        orgs = Organisations(self._conn)
        try:
            has = (await orgs.member(invitation.org_id, user_id)).role
        except NotFoundError:
            has = None
        if has is None or not has.covers(invitation.role):
            await orgs.set_member(invitation.org_id, user_id, invitation.role)
