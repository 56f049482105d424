"""What the edge's features work with: made once by the app's lifespan, passed by `Depends`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from redis.asyncio import Redis
from starlette.websockets import WebSocket

from millstream.api.auth.service import Auth
from millstream.api.changes import Changes
from millstream.api.credentials.vault import Vault
from millstream.api.database import Pool
from millstream.api.executions.marks import Marks
from millstream.api.executions.queues import Queues
from millstream.api.graphs.known import KnownGraphs
from millstream.api.http.tries import Tries
from millstream.api.inbox import Inbox
from millstream.api.metrics import Metrics
from millstream.api.pressure.service import Pressure
from millstream.api.settings import EdgeSettings
from millstream.api.watch.hub import Hub
from millstream.api.ws.heap import Heap
from millstream.connectors.objects import Objects
from millstream.processors.catalogue import Catalogue


@dataclass(slots=True, kw_only=True)
class Edge:
    """Clients of the servers, and what is known of the blocks."""

    settings: EdgeSettings
    specs: Catalogue
    auth: Auth
    vault: Vault
    metrics: Metrics
    pool: Pool
    inbox: Inbox
    changes: Changes
    objects: Objects
    hub: Hub
    redis: Redis
    marks: Marks
    queues: Queues
    pressure: Pressure
    known: KnownGraphs = field(default_factory=KnownGraphs)
    tries: Tries = field(default_factory=Tries)
    sockets: set[WebSocket] = field(default_factory=set)
    sockets_of: Counter[UUID] = field(default_factory=Counter)
    """How many of them each user has."""
    heap: Heap = field(default_factory=Heap)
    streams: int = 0
    """Server-sent event streams that are open."""
    stopping: bool = False
    """The process goes down: what would last ends."""


def edge_of(request: Request) -> Edge:
    """Return the edge of the request's app."""
    edge: Edge = request.app.state.edge
    return edge


EdgeDep = Annotated[Edge, Depends(edge_of)]
