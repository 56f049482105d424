"""Handing secrets to workers: laid out in Redis when an execution starts, given again when a worker asks."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from millstream.api.audit.record import record_own
from millstream.api.credentials import oauth
from millstream.api.credentials.repository import Credentials, Grants
from millstream.api.credentials.vault import DAY_S, absent
from millstream.api.database import statements
from millstream.api.state import Edge
from millstream.api.views import FINAL
from millstream.schemas.errors import CredentialError, ForbiddenError, NotFoundError


async def grant(
    edge: Edge, execution_id: UUID, ids: Iterable[UUID], *, owner_id: UUID, lasts_s: float | None
) -> None:
    """Let an execution have secrets, and lay out copies. Call it before the execution can begin.

    `lasts_s`: its time limit. A credential that has gone meanwhile is no error here: the node that wants it says so.
    Errors: UnavailableError, RedisError.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return
    lasts_s = lasts_s or DAY_S
    async with statements(edge.pool) as conn:
        await Grants(conn).add(execution_id, wanted)
        rows = await Credentials(conn).find(wanted, owner_id=owner_id)
        for found in rows:
            await record_own(conn, "credential.used", found, execution_id=execution_id)
        values = await edge.vault.opened_values(conn, wanted, owner_id=owner_id)
    lay_out = edge.vault.lay_out
    for opened in values:
        await lay_out(opened, user_id=owner_id, execution_id=execution_id, lasts_s=lasts_s, expires_at=None)
    for row in rows.values():
        if not oauth.is_stale(row):  # the worker's question refreshes it, when it is needed
            opened, ends = edge.vault.opened(row), row.expires_at
            await lay_out(
                opened, user_id=owner_id, execution_id=execution_id, lasts_s=lasts_s, expires_at=ends
            )


async def hand_out(edge: Edge, secret_id: UUID, *, execution_id: UUID) -> bytes:
    """Return a sealed copy of what an execution was granted, and lay it out again.

    Errors: NotFoundError: the execution is not known yet; ForbiddenError: it may not, or it is gone; UnavailableError.
    """
    async with statements(edge.pool) as conn:
        asked = await Grants(conn).ask(execution_id, secret_id)
        if asked is None:
            raise NotFoundError(f"There is no execution {execution_id} yet.")
        if not asked.granted or asked.status in FINAL:
            raise ForbiddenError(str(absent(secret_id)))
        owner_id = asked.user_id
        row = (await Credentials(conn).find([secret_id], owner_id=owner_id)).get(secret_id)
        values = [] if row else await edge.vault.opened_values(conn, [secret_id], owner_id=owner_id)
    if row is None and not values:
        raise ForbiddenError(str(absent(secret_id)))
    ends = None
    if row is not None:
        try:
            row = await oauth.fresh(edge, row)
        except CredentialError as error:
            raise ForbiddenError(str(error)) from error
        values, ends = [edge.vault.opened(row)], row.expires_at
    async with statements(edge.pool) as conn:
        await Grants(conn).add(
            execution_id, [secret_id]
        )  # of a child too: whoever deletes the secret finds the copy
    return await edge.vault.lay_out(
        values[0], user_id=owner_id, execution_id=execution_id, lasts_s=DAY_S, expires_at=ends
    )
