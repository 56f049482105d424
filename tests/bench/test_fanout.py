"""Many sockets on one edge: every frame comes, and many do not make it slow. p99 is for the bench on a quiet machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.fanout import Edge, Found, measure
from millstream.connectors.database import migrate
from millstream.topics.admin import apply
from tests.servers import Servers

pytestmark = pytest.mark.integration

LEAST_MS = 10.0
"""Shorter times than this are the scheduler's."""
SOCKET_BYTES = 256 * 1024


@pytest.fixture(scope="module")
def dsn(servers: Servers) -> Iterator[str]:
    apply({"bootstrap.servers": servers.kafka})
    with servers.database() as found:
        migrate(found)
        yield found


async def measured(servers: Servers, dsn: str, sockets: int, per_s: float) -> Found:
    async with Edge(servers, dsn, servers.home.path) as edge:
        found = await measure(edge, servers, dsn, sockets=sockets, per_s=per_s, seconds=5)
    assert (found.received, found.closed) == (found.sent, 0)
    return found


async def test_500_sockets_are_told_as_soon_as_10_are(servers: Servers, dsn: str) -> None:
    few = await measured(servers, dsn, 10, 100)
    many = await measured(servers, dsn, 500, 100)
    assert many.p50_ms < 5 * max(few.p50_ms, LEAST_MS), (few, many)
    assert many.socket_bytes < SOCKET_BYTES, many


@pytest.mark.full
@pytest.mark.timeout(600)
async def test_5000_sockets_are_told_everything(servers: Servers, dsn: str) -> None:
    found = await measured(servers, dsn, 5000, 500)
    assert found.socket_bytes < SOCKET_BYTES, found
