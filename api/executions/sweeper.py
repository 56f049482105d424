"""Sends again what Kafka did not acknowledge: after an edge died between commit and mark, or while Kafka was away."""

from __future__ import annotations

import asyncio

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from millstream.api.executions.repository import Executions
from millstream.api.state import Edge
from millstream.schemas.errors import UnavailableError

log = structlog.get_logger(__name__)

EVERY_S = 1.0
AT_ONCE = 100


async def run(edge: Edge) -> None:
    """Sweep until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            while await sweep(edge) == AT_ONCE:
                pass
        except (UnavailableError, OperationalError, PoolTimeout) as error:
            log.warning("sweep_postponed", error=type(error).__name__)
        except Exception:  # a background task
            log.exception("sweep_failed")


async def sweep(edge: Edge) -> int:
    """Send overdue Starts, in the order in which they came. Returns how many. Errors: UnavailableError.

    The rows stay locked until they are marked, so that several edges share the work. A request that is sent twice does
    no harm: admission knows the execution by its id, and the coordinator does when it has begun or ended.
    """
    async with edge.pool.connection() as conn:
        executions = Executions(conn)
        overdue = await executions.lock_to_sweep(age_s=edge.settings.limits.sweep_after_s, limit=AT_ONCE)
        if not overdue:
            return 0
        await asyncio.gather(
            *(edge.inbox.request(id_.bytes, str(owner), start) for id_, owner, start in overdue)
        )
        await executions.accept([id_ for id_, _, _ in overdue])
    edge.metrics.swept.inc(len(overdue))
    log.info("executions_swept", count=len(overdue))
    return len(overdue)
