"""What is done now and every hour: months are made ahead and old ones dropped (`connectors/partitions.py`, one edge at a
time), and secrets that nothing refers to are removed (`api/credentials/sweeping.py`)."""

from __future__ import annotations

import asyncio

import structlog
from psycopg import OperationalError
from psycopg.errors import InsufficientPrivilege
from psycopg_pool import PoolTimeout

from millstream.api.credentials import sweeping
from millstream.api.database import statements
from millstream.api.state import Edge
from millstream.connectors import partitions

log = structlog.get_logger(__name__)

EVERY_S = 3600.0
AGAIN_S = 20.0
"""After a round that found a table busy, or PostgreSQL away."""


async def run(edge: Edge) -> None:
    """Look after the months until cancelled."""
    while True:
        done = await _round(edge) and await _sweep(edge)
        await asyncio.sleep(EVERY_S if done else AGAIN_S)


async def _round(edge: Edge) -> bool:
    """Return whether it is done for now."""
    try:
        async with statements(edge.pool) as conn:
            kept = await partitions.keep(conn, months=edge.settings.limits.history_months)
    except InsufficientPrivilege as error:
        log.error(
            "months_not_kept", error=type(error).__name__, remedy="give the edge a role that owns the tables"
        )
        return True
    except (OperationalError, PoolTimeout) as error:
        log.warning("months_postponed", error=type(error).__name__)
        return False
    except Exception:  # a background task
        log.exception("months_failed")
        return True
    if kept is None:
        return True
    facts = {"made": kept.made, "dropped": kept.dropped, "held": kept.held}
    if shown := {name: [str(month) for month in found] for name, found in facts.items() if found}:
        log.info("months_kept", **shown)
    return kept.removed < partitions.AT_ONCE


async def _sweep(edge: Edge) -> bool:
    """Return whether it is done for now."""
    try:
        removed = await sweeping.sweep(edge.pool)
    except (OperationalError, PoolTimeout) as error:
        log.warning("secrets_unswept", error=type(error).__name__)
        return False
    except Exception:  # a background task
        log.exception("secrets_unswept")
        return True
    if removed:
        log.info("secrets_swept", count=removed)
    return True
