"""Tables `organisations` and `org_members`: one method a question. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import kwargs_row

from millstream.api.auth.principal import OrgRole
from millstream.api.database import Connection
from millstream.schemas.errors import ConflictError, NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgRow:
    """An organisation, and the caller's role in it."""

    id: UUID
    name: str
    role: OrgRole
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """Somebody in an organisation."""

    user_id: UUID
    email: str
    name: str
    role: OrgRole
    created_at: datetime


def _org(*, role: str, **facts: Any) -> OrgRow:
    return OrgRow(role=OrgRole(role), **facts)


def _member(*, role: str, **facts: Any) -> MemberRow:
    return MemberRow(role=OrgRole(role), **facts)


ORG = """
SELECT o.id, o.name, m.role, o.created_at FROM organisations o
JOIN org_members m ON m.org_id = o.id AND m.user_id = %(user)s
"""
MEMBER = """
SELECT m.user_id, u.email, u.name, m.role, m.created_at FROM org_members m JOIN users u ON u.id = m.user_id
WHERE m.org_id = %(org)s
"""


class Organisations:
    """One transaction's view of the tables."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(self, name: str, *, owner_id: UUID) -> UUID:
        """Make an organisation with its first owner."""
        org_id = uuid4()
        await self._conn.execute("INSERT INTO accounts (id, kind) VALUES (%s, 'org')", [org_id])
        await self._conn.execute("INSERT INTO organisations (id, name) VALUES (%s, %s)", [org_id, name])
        await self.set_member(org_id, owner_id, OrgRole.OWNER)
        return org_id

    async def list_(self, *, user_id: UUID) -> list[OrgRow]:
        """Return the organisations in which a user is."""
        async with self._conn.cursor(row_factory=kwargs_row(_org)) as cur:
            await cur.execute(ORG + " ORDER BY o.name, o.id", {"user": user_id})
            return await cur.fetchall()

    async def get(self, org_id: UUID, *, user_id: UUID, lock: bool = False) -> OrgRow:
        """Read an organisation. Errors: NotFoundError, also if the user is not in it."""
        async with self._conn.cursor(row_factory=kwargs_row(_org)) as cur:
            tail = " WHERE o.id = %(org)s" + (" FOR UPDATE OF o" if lock else "")
            await cur.execute((ORG + tail).encode(), {"user": user_id, "org": org_id})
            row = await cur.fetchone()
        if row is None:
            raise NotFoundError(f"There is no organisation {org_id} of yours.")
        return row

    async def rename(self, org_id: UUID, name: str) -> None:
        await self._conn.execute("UPDATE organisations SET name = %s WHERE id = %s", [name, org_id])

    async def delete(self, org_id: UUID) -> None:
        """Remove an organisation and what it owns; its executions are no longer shown."""
        await self._conn.execute(
            "UPDATE executions SET deleted_at = now() WHERE user_id = %s AND deleted_at IS NULL", [org_id]
        )
        await self._conn.execute("DELETE FROM accounts WHERE id = %s", [org_id])

    async def members(self, org_id: UUID) -> list[MemberRow]:
        async with self._conn.cursor(row_factory=kwargs_row(_member)) as cur:
            await cur.execute(MEMBER + " ORDER BY m.created_at, m.user_id", {"org": org_id})
            return await cur.fetchall()

    async def member(self, org_id: UUID, user_id: UUID) -> MemberRow:
        """Read one member. Errors: NotFoundError."""
        async with self._conn.cursor(row_factory=kwargs_row(_member)) as cur:
            await cur.execute(MEMBER + " AND m.user_id = %(user)s", {"org": org_id, "user": user_id})
            row = await cur.fetchone()
        if row is None:
            raise NotFoundError(f"There is no member {user_id} in this organisation.")
        return row

    async def set_member(self, org_id: UUID, user_id: UUID, role: OrgRole) -> None:
        await self._conn.execute(
            "INSERT INTO org_members (org_id, user_id, role) VALUES (%s, %s, %s) "
            "ON CONFLICT (org_id, user_id) DO UPDATE SET role = excluded.role",
            [org_id, user_id, role],
        )

    async def remove_member(self, org_id: UUID, user_id: UUID) -> None:
        await self._conn.execute(
            "DELETE FROM org_members WHERE org_id = %s AND user_id = %s", [org_id, user_id]
        )

    async def require_other_owner(self, org_id: UUID, user_id: UUID) -> None:
        """Errors: ConflictError: nobody else owns the organisation. Call it with the organisation locked."""
        found = await self._conn.execute(
            "SELECT 1 FROM org_members WHERE org_id = %s AND role = 'owner' AND user_id <> %s LIMIT 1",
            [org_id, user_id],
        )
        if await found.fetchone() is None:
            raise ConflictError("This is the only owner; make somebody else owner first.")

    async def owned_alone(self, user_id: UUID) -> list[str]:
        """Return names of organisations that nobody else owns."""
        found = await self._conn.execute(
            "SELECT o.name FROM organisations o JOIN org_members m ON m.org_id = o.id AND m.role = 'owner' "
            "GROUP BY o.id HAVING array_agg(m.user_id) = ARRAY[%s::uuid] ORDER BY o.name",
            [user_id],
        )
        return [str(row[0]) for row in await found.fetchall()]
