"""`/api/v1/sessions`: what is logged in for the caller, browsers and programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from millstream.api.audit.record import note, record
from millstream.api.auth import models
from millstream.api.auth.families import Families
from millstream.api.auth.guards import CurrentUser, require_person
from millstream.api.database import ReadConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.state import EdgeDep
from millstream.schemas.errors import NotFoundError

router = APIRouter(prefix="/api/v1/sessions", tags=["me"], route_class=EdgeRoute)


@router.get("", response_model=models.SessionsOut)
@require_person
async def list_sessions(user: CurrentUser, conn: ReadConnection, edge: EdgeDep) -> Response:
    """Return what is logged in, newest first."""
    items: list[dict[str, Any]] = [
        {
            "id": each.id,
            "kind": "browser",
            "client": each.agent,
            "created_at": each.created_at,
            "seen_at": each.seen_at,
            "current": each.id == user.session_id,
        }
        for each in await edge.auth.sessions.list_(user.user_id)
    ]
    items += [
        {
            "id": str(each.id),
            "kind": "program",
            "client": each.client,
            "created_at": each.created_at,
            "seen_at": each.used_at,
            "current": str(each.id) == user.session_id,
        }
        for each in await Families(conn).list_(user.user_id)
    ]
    return JsonAnswer({"items": sorted(items, key=lambda item: item["created_at"], reverse=True)})


@router.delete("/{session_id}", status_code=204, responses=documented(NotFoundError))
@require_person
async def end_session(session_id: str, user: CurrentUser, edge: EdgeDep) -> Response:
    """Log something out, at once."""
    if await edge.auth.sessions.end(user.user_id, session_id):
        await note(edge.pool, user, "session.ended", session_id)
        await edge.auth.revocations.tell(session=session_id)
        return Response(status_code=204)
    async with edge.pool.connection() as conn:
        family_id = _uuid(session_id)
        ended = family_id is not None and await Families(conn).end(user.user_id, family_id)
        if ended:
            await record(conn, user, "session.ended", session_id)
    if not ended or family_id is None:
        raise NotFoundError(f"There is no session {session_id[:80]!r}.")
    await edge.auth.end_family(family_id)
    return Response(status_code=204)


@router.delete("", status_code=204)
@require_person
async def end_sessions(user: CurrentUser, edge: EdgeDep) -> Response:
    """Log everything out at once, this login too. Keys stay."""
    async with edge.pool.connection() as conn:
        families = await Families(conn).end_all(user.user_id)
        await record(conn, user, "session.ended", "all")
    await edge.auth.end_user(user.user_id, families)
    return Response(status_code=204)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
