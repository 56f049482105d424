"""Writing down a deed in the transaction that does it: both are there, or neither is."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

import orjson
from starlette.requests import HTTPConnection

from millstream.api.auth.principal import Principal
from millstream.api.database import Connection, Pool

Action = Literal[
    "account.deleted",
    "account.email_asked",
    "account.email_verified",
    "account.made",
    "account.password_reset",
    "account.password_set",
    "account.two_factor_off",
    "account.two_factor_on",
    "credential.deleted",
    "credential.made",
    "credential.renamed",
    "credential.used",
    "dead_letters.redriven",
    "execution.deleted",
    "execution.stopped",
    "file.deleted",
    "graph.activated",
    "graph.deleted",
    "graph.saved",
    "identity.linked",
    "invitation.accepted",
    "invitation.made",
    "invitation.withdrawn",
    "key.changed",
    "key.made",
    "key.revoked",
    "log_in",
    "log_in.failed",
    "log_out",
    "member.removed",
    "member.role_set",
    "organisation.deleted",
    "organisation.made",
    "organisation.renamed",
    "preset.deleted",
    "preset.saved",
    "review.answered",
    "session.ended",
    "share.made",
    "share.withdrawn",
    "user.changed",
]
"""What is written down. A new deed gets a line here, and in `docs/security.md`."""

NOBODY = "anonymous"
"""Actor of what somebody did who is not known, such as a log-in that failed."""
TEXT_MOST_CHARS = 300

INSERT = """
INSERT INTO audit_outbox (audit_id, actor_id, action, subject, data, at_ms)
VALUES (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the request comes from that is being answered."""

    request_id: str
    address: str
    principal: Principal | None = None


ORIGIN: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)
"""Set for each request by its route, and again once it is known who calls."""


def arrived(connection: HTTPConnection, principal: Principal | None = None) -> None:
    """Note what the deeds come from that are done from here on, in this task and those that it starts."""
    address = connection.client.host if connection.client else ""
    ORIGIN.set(Origin(connection.scope.get("request_id", ""), address, principal))


async def record(
    conn: Connection, actor: Principal | UUID | None, action: Action, subject: object, **facts: Any
) -> None:
    """Write down a deed, in the transaction of `conn`. `facts`: plain values, never secrets.

    A principal tells also for which account he acts and how he has come in; a UUID is a user who has just shown who he is.
    """
    known: dict[str, Any] = {}
    if isinstance(actor, Principal):
        known = {"account_id": actor.account_id, "kind": actor.kind}
        if actor.kind == "api_key":
            known["key_id"] = actor.session_id
    origin = ORIGIN.get()
    if origin is not None:
        known |= {"request_id": origin.request_id, "address": origin.address}
    who = actor.user_id if isinstance(actor, Principal) else actor or NOBODY
    data = orjson.dumps(known | {name: _plain(value) for name, value in facts.items()}).decode()
    at_ms = int(time.time() * 1000)
    await conn.execute(INSERT, [uuid4(), str(who), action, _plain(str(subject)), data, at_ms])


async def record_own(conn: Connection, action: Action, subject: object, **facts: Any) -> None:
    """Write down a deed of whoever has sent the request that is being answered; without one, of the platform itself."""
    origin = ORIGIN.get()
    actor = origin.principal if origin else None
    await record(conn, actor, action, subject, **({} if actor else {"by": "platform"}), **facts)


async def note(
    pool: Pool, actor: Principal | UUID | None, action: Action, subject: object, **facts: Any
) -> None:
    """Write down a deed whose doing is not in PostgreSQL, in a transaction of its own: before the answer, or not at all."""
    async with pool.connection() as conn:
        await record(conn, actor, action, subject, **facts)


def _plain(value: Any) -> Any:
    """Return text that PostgreSQL and Avro take, short."""
    if isinstance(value, str):
        return value[:TEXT_MOST_CHARS].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return value
