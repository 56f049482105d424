"""Finds runs without progress and sends the engine a `Nudge` for each: it knows the true state, the read model does not.

Several edges do not double the work: one looks at a time, and each nudge is noted. A run whose tasks wait in a lane is only
shown, never nudged: the lane is what needs help.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from millstream.api.pressure.service import Pressure
from millstream.api.state import Edge
from millstream.api.watchdog.repository import SilentRuns
from millstream.schemas.errors import UnavailableError
from millstream.schemas.messages import Nudge, Taken
from millstream.topics.catalogue import EVENTS, INBOX, tasks

log = structlog.get_logger(__name__)

AT_ONCE = 200
SETTLED_S = 30.0
"""Inbox and read model may be so far behind: else silence is only that nobody has listened yet."""


async def run(edge: Edge) -> None:
    """Look until cancelled."""
    silent_s = edge.settings.limits.silent_s
    if not silent_s:
        return
    while True:
        await asyncio.sleep(max(1.0, min(30.0, silent_s / 4)))
        try:
            await look(edge)
        except (UnavailableError, OperationalError, PoolTimeout) as error:
            log.warning("watchdog_postponed", error=type(error).__name__)
        except Exception:  # a background task
            log.exception("watchdog_failed")


async def look(edge: Edge) -> list[UUID]:
    """Count runs without progress, and nudge those that are due. Returns which. Errors: UnavailableError."""
    silent_s = edge.settings.limits.silent_s
    async with edge.pool.connection() as conn:
        runs = SilentRuns(conn)
        if not await runs.lock():
            return []
        found = await runs.list_(silent_s=silent_s, limit=AT_ONCE)
        edge.metrics.silent.set(found[0].total if found else 0)
        edge.metrics.silent_oldest.set(found[0].silent_s if found else 0)
        if not _settled(edge.pressure):
            return []
        due = [each for each in found if each.due]
        blocks = await runs.blocks([each.id for each in due])
        ids = [each.id for each in due if waiting_lane(edge, each.silent_s, blocks[each.id]) is None]
        if not ids:
            return []
        taken = taken_of(edge.pressure)
        await asyncio.gather(*(_nudge(edge, id_, silent_s, taken) for id_ in ids))
        await runs.nudged(ids)
    edge.metrics.nudged.inc(len(ids))
    log.warning("executions_nudged", count=len(ids), first=str(ids[0]), silent_s=round(found[0].silent_s))
    return ids


async def _nudge(edge: Edge, id_: UUID, silent_s: float, taken: list[Taken]) -> None:
    at = int(time.time() * 1000)
    await edge.inbox.send(Nudge(execution_id=id_.bytes, at=at, silent_ms=round(silent_s * 1000), taken=taken))


def _settled(pressure: Pressure) -> bool:
    now = time.monotonic()
    ages = [pressure.past.taken_age_s(topic, now) for topic in (INBOX.name, EVENTS.name)]
    return pressure.reading is not None and all(age is not None and age < SETTLED_S for age in ages)


def taken_of(pressure: Pressure) -> list[Taken]:
    """Return how far the workers of each lane are."""
    now = time.monotonic()
    ages = {lane: pressure.past.taken_age_s(tasks(lane).name, now) for lane in pressure.lanes}
    return [Taken(lane=lane, age_ms=round(age * 1000)) for lane, age in ages.items() if age is not None]


def waiting_lane(edge: Edge, silent_s: float, blocks: set[str]) -> dict[str, Any] | None:
    """Return why a run waits if one of its open blocks' lanes has not taken what is as old as its silence."""
    now = time.monotonic()
    lanes = {edge.specs[block].lane for block in blocks if block in edge.specs}
    for lane in sorted(lanes):
        lag = edge.pressure.lane_lag(lane)
        age = edge.pressure.past.taken_age_s(tasks(lane).name, now)
        if lag and (age is None or age > silent_s):
            return {"kind": "lane", "lane": lane, "lag": lag}
    return None
