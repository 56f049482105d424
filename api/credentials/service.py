"""What is done with credentials, for whatever routes: ours and those for AutoGPT's clients."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from millstream.api.credentials.models import (
    ApiKeyIn,
    CredentialIn,
    HostScopedIn,
    OAuth2In,
    UserPasswordIn,
    secret_part,
)
from millstream.api.credentials.repository import CredentialRow, Credentials, Grants
from millstream.api.database import Connection, statements
from millstream.api.state import Edge


async def create(edge: Edge, conn: Connection, body: CredentialIn, *, owner_id: UUID) -> CredentialRow:
    """Keep a credential. Errors: UnavailableError: there is no master key."""
    return await edge.vault.add_credential(
        conn,
        secret_part(body),
        owner_id=owner_id,
        provider=body.provider,
        kind=body.type,
        title=body.title,
        hosts=[host.lower() for host in body.hosts],
        **_facts(body),
    )


def _facts(body: ApiKeyIn | UserPasswordIn | OAuth2In | HostScopedIn) -> dict[str, Any]:
    facts: dict[str, Any] = {"username": None, "scopes": [], "expires_at": None}
    if isinstance(body, OAuth2In):
        return {"username": body.username, "scopes": body.scopes, "expires_at": body.expires_at}
    if isinstance(body, UserPasswordIn):
        facts["username"] = body.username
    if isinstance(body, ApiKeyIn):
        facts["expires_at"] = body.expires_at
    return facts


async def delete(edge: Edge, id_: UUID, *, owner_id: UUID) -> None:
    """Remove a credential, and its copies for executions that run. Errors: NotFoundError.

    The row goes first: who asks for a copy meanwhile gets none.
    """
    async with statements(edge.pool) as conn:
        await Credentials(conn).delete(id_, owner_id=owner_id)
        executions = await Grants(conn).executions_of(id_)
    await edge.vault.withdraw(executions, id_)


def shown(row: CredentialRow) -> dict[str, Any]:
    """Return a credential without its secrets."""
    return {
        "id": row.id,
        "provider": row.provider,
        "type": row.kind,
        "title": row.title,
        "username": row.username,
        "scopes": row.scopes,
        "host": row.hosts[0] if row.kind == "host_scoped" and row.hosts else None,
        "hosts": row.hosts,
        "is_managed": False,
        "expires_at": row.expires_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
