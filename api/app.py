"""The app factory: routes, middleware, and a lifespan that opens the clients of the servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from millstream.api.asyncapi.router import router as asyncapi
from millstream.api.audit import relay as audit
from millstream.api.auth.local import LocalToken
from millstream.api.auth.principal import LOCAL_USER_ID
from millstream.api.auth.repository import ensure_user
from millstream.api.auth.service import Auth
from millstream.api.blocks import following
from millstream.api.blocks.router import router as blocks
from millstream.api.changes import Changes
from millstream.api.credentials.router import internal as internal_credentials
from millstream.api.credentials.router import router as credentials
from millstream.api.credentials.vault import Vault
from millstream.api.executions import sweeper
from millstream.api.executions.again import router as again
from millstream.api.executions.marks import Marks
from millstream.api.executions.queues import Queues
from millstream.api.executions.router import router as executions
from millstream.api.families import ROUTERS as FAMILIES
from millstream.api.files.router import router as files
from millstream.api.graphql.router import install as install_graphql
from millstream.api.graphs.known import KnownGraphs
from millstream.api.graphs.router import router as graphs
from millstream.api.health.router import router as health
from millstream.api.http import problems
from millstream.api.http.middleware import RequestFrame, Unforeseen
from millstream.api.identity import ROUTERS as IDENTITY
from millstream.api.inbox import Inbox
from millstream.api.ingest.router import router as ingest
from millstream.api.mcp.server import Doorway
from millstream.api.metrics import Metrics
from millstream.api.openapi import describe, operation_id
from millstream.api.pressure.service import Pressure
from millstream.api.reviews.router import router as reviews
from millstream.api.settings import EdgeSettings
from millstream.api.state import Edge
from millstream.api.upkeep import service as upkeep
from millstream.api.watch.hub import Hub
from millstream.api.watchdog import service as watchdog
from millstream.api.web.pages import WebPages
from millstream.api.ws.router import router as ws
from millstream.connectors import database
from millstream.connectors import redis as redis_
from millstream.connectors.objects import Objects
from millstream.processors.catalogue import Catalogue
from millstream.processors.folders import FolderRegistry
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import UnavailableError
from millstream.topics.catalogue import LANES

log = structlog.get_logger(__name__)

CONNECT_S = 60.0
"""How long the servers may take to come up."""
POOL_WAIT_S = 5.0
"""How long a request waits for a connection to PostgreSQL before it is answered 503."""
GOING_AWAY = 1012
"""Close code of sockets at shutdown: service restart."""


def create_app(
    settings: EdgeSettings, specs: Iterable[BlockSpec] | Catalogue, folder: FolderRegistry | None = None
) -> FastAPI:
    """Return the edge. `specs`: the blocks of this installation (`processors.registry.load_registry().catalogue()`), of which
    those of a watched `folder` may change."""
    metrics = Metrics()
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(settings.origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "X-API-Key",
            "X-Millstream-Org",
            "X-Request-ID",
        ],
        expose_headers=[
            "ETag",
            "Idempotency-Replayed",
            "Location",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Request-ID",
        ],
        max_age=600,
    )
    app = FastAPI(
        title="Millstream",
        version=settings.version,
        lifespan=_lifespan(settings, Catalogue.of(specs), metrics, folder),
        middleware=[
            Middleware(RequestFrame, metrics=metrics, tls=settings.access.tls),
            Middleware(WebPages, folder=settings.web),
            cors,
            Middleware(Unforeseen),
        ],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    problems.install(app)
    for router in (
        *IDENTITY,
        graphs,
        executions,
        again,
        ingest,
        reviews,
        blocks,
        credentials,
        files,
        *FAMILIES,
        health,
        asyncapi,
        internal_credentials,
        ws,
    ):
        app.include_router(router)
    install_graphql(app, settings.graphql)
    describe(app)
    return app


def _lifespan(
    settings: EdgeSettings, specs: Catalogue, metrics: Metrics, folder: FolderRegistry | None
) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            edge = await _open(settings, specs, metrics, stack)
            edge.known.upgrade = specs.upgraded
            app.state.edge = edge
            app.state.mcp = Doorway()
            works = {
                "sweeper": sweeper.run(edge),
                "pressure": edge.pressure.run(),
                "watchdog": watchdog.run(edge),
                "upkeep": upkeep.run(edge),
                "mcp": app.state.mcp.run(edge),
                "audit": audit.run(edge.pool, edge.inbox),
                "changes": edge.changes.run(),
                "revocations": edge.auth.revocations.run(),
            }
            if folder is not None:
                works["blocks"] = following.follow(edge, folder)
            tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
            log.info("edge_ready", blocks=len(specs))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                for socket in list(edge.sockets):
                    await _close(socket)

    return lifespan


async def _open(settings: EdgeSettings, specs: Catalogue, metrics: Metrics, stack: AsyncExitStack) -> Edge:
    """Connect to all servers; whatever was opened is closed again by `stack`."""
    pool = database.pool(settings.dsn.get_secret_value(), max_size=settings.pool_size, wait_s=POOL_WAIT_S)
    stack.push_async_callback(pool.close)
    await pool.open()
    await _until_there("PostgreSQL", lambda: ensure_user(pool, LOCAL_USER_ID))
    inbox = Inbox(settings.kafka, ack_s=settings.limits.ack_s, signer=settings.signer)
    stack.push_async_callback(inbox.stop)
    await _until_there("Kafka", inbox.start)
    changes = Changes(settings.kafka, inbox, signer=settings.signer)
    stack.push_async_callback(changes.stop)
    await _until_there("Kafka", changes.start)
    hub = Hub(settings.kafka, pool, metrics, settings.limits)
    stack.push_async_callback(hub.stop)
    await _until_there("Kafka", hub.start)
    marks = Marks(pool)
    stack.push_async_callback(marks.stop)
    marks.start()
    store = redis_.client(settings.redis.get_secret_value(), name="millstream-edge")
    stack.push_async_callback(store.aclose)
    door = Auth(settings.access, LocalToken(settings.token), pool, store, changes, origins=settings.origins)
    known = KnownGraphs()
    changes.hear(lambda changed: known.forget(changed.graph_id) if changed.graph_id else None, known.forget)
    stack.push_async_callback(door.post.stop)
    return Edge(
        settings=settings,
        specs=specs,
        auth=door,
        vault=Vault(settings.secrets, store),
        metrics=metrics,
        pool=pool,
        inbox=inbox,
        changes=changes,
        known=known,
        objects=Objects(settings.objects),
        hub=hub,
        redis=store,
        marks=marks,
        pressure=Pressure(settings, {*LANES, *(spec.lane for spec in specs.values())}, metrics),
        queues=Queues(pool, limit=settings.limits.user_queue),
    )


async def _until_there(server: str, connect: Callable[[], Awaitable[None]]) -> None:
    """Connect, trying again while the server comes up. Errors: UnavailableError after a minute."""
    deadline = time.monotonic() + CONNECT_S
    while True:
        try:
            await connect()
            return
        except (KafkaError, OperationalError, PoolTimeout, OSError) as error:
            if time.monotonic() > deadline:
                raise UnavailableError(f"{server} did not answer within {CONNECT_S:.0f} s.") from error
            log.info("waiting_for_server", server=server, error=type(error).__name__)
            await asyncio.sleep(1.0)


async def _close(socket: Any) -> None:
    try:
        async with asyncio.timeout(1):
            await socket.close(GOING_AWAY, "the server goes away: connect again and subscribe with `since`")
    except (RuntimeError, TimeoutError):
        return  # it was closing by itself
