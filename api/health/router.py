"""`/healthz`, `/readyz`, `/metrics`, `/openapi.json`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from millstream.api.auth.guards import CurrentUser, open_to_all, require, require_role
from millstream.api.auth.principal import Role
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import problem
from millstream.api.http.requests import EdgeRoute
from millstream.api.http.tries import caller
from millstream.api.state import Edge, EdgeDep
from millstream.connectors.redis import ping
from millstream.schemas.errors import MillstreamError, UnavailableError

router = APIRouter(tags=["health"], route_class=EdgeRoute)

CHECK_S = 3.0


@router.get("/healthz")
@open_to_all
async def healthz() -> Response:
    """Say that the process lives. Asks nobody else: a restart would not mend what is away."""
    return JsonAnswer({"status": "ok"})


@router.get("/readyz", responses={503: {"description": "Something is away; `down` says what."}})
@open_to_all
async def readyz(request: Request, edge: EdgeDep) -> Response:
    """Say whether requests can be served, and whether executions are accepted.

    Admins see also what is behind, and how long each server took or why it did not answer.
    """
    checks = await _checks(edge)
    down = sorted(name for name, found in checks.items() if not found["ok"])
    facts: dict[str, Any] = {"down": down} if down else {}
    facts["accepting"] = edge.pressure.refusal is None
    if await _is_operator(request, edge):
        facts["checks"] = checks
        facts["behind"] = [asdict(behind) for behind in edge.pressure.refusal or ()]
    if not down:
        return JsonAnswer({"status": "ok", **facts})
    return problem(
        status=503,
        code=UnavailableError.code,
        detail=f"Not ready: {', '.join(down)}.",
        path="/readyz",
        request_id=request.scope.get("request_id", ""),
        facts=facts,
    )


async def _is_operator(request: Request, edge: Edge) -> bool:
    try:
        principal = await caller(edge, request)
    except (MillstreamError, RedisError, OperationalError, PoolTimeout):
        return False
    return principal.is_person and principal.role.covers(Role.ADMIN)


async def _checks(edge: Edge) -> dict[str, dict[str, Any]]:
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "kafka": edge.inbox.ping,
        "postgresql": lambda: _ask_postgresql(edge),
        "redis": lambda: ping(edge.redis),
        "events": lambda: _ask_events(edge),
    }
    found = await asyncio.gather(*(_check(ask) for ask in asked.values()))
    return dict(zip(asked, found, strict=True))


async def _check(ask: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_S):
            await ask()
    except Exception as error:  # noqa: BLE001 - whatever a client raises, its server is not there
        return {"ok": False, "error": type(error).__name__}
    return {"ok": True, "ms": round((time.perf_counter() - began) * 1000, 1)}


async def _ask_postgresql(edge: Edge) -> None:
    async with edge.pool.connection(timeout=CHECK_S) as conn:
        await conn.execute("SELECT 1")


async def _ask_events(edge: Edge) -> None:
    if not edge.hub.tail.alive:
        raise UnavailableError("The reader of events stands still.")


@router.get("/metrics", response_class=Response)
@require_role(Role.ADMIN)
async def metrics(_: CurrentUser, edge: EdgeDep) -> Response:
    """Return what the edge counts, in the OpenMetrics text form."""
    return Response(edge.metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
@require()
async def openapi(request: Request, _: CurrentUser) -> Response:
    """Return the description of the API. Making it takes seconds, once: not in the loop that sockets wait for."""
    return JsonAnswer(await asyncio.to_thread(request.app.openapi))
