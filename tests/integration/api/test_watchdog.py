"""Which open runs count as silent, and when each is due for a nudge."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from psycopg.types.json import Json

from millstream.api.settings import EdgeSettings
from millstream.api.watchdog.repository import SilentRuns
from millstream.schemas.ids import new_id
from tests.integration.api.conftest import Running

SILENT_S = 10_000.0
"""Longer than the other tests of this folder take: their runs do not count."""

pytestmark = pytest.mark.integration


def add_run(
    settings: EdgeSettings,
    *nodes: tuple[str, dict[str, Any] | None],
    status: str = "RUNNING",
    age_s: float = SILENT_S + 100,
    nudges: int = 0,
    nudged_s: float | None = None,
) -> UUID:
    """Write a run as the sink would have left it; `nodes`: status and reason of each."""
    id_ = new_id()
    with psycopg.connect(settings.dsn.get_secret_value()) as conn:
        conn.execute(
            "INSERT INTO executions (id, user_id, status, sequence, accepted_at, moved_at, nudges, nudged_at) VALUES "
            "(%s, %s, %s, 5, now(), now() - make_interval(secs => %s), %s, now() - make_interval(secs => %s))",
            [id_, uuid4(), status, age_s, nudges, nudged_s],
        )
        for node_status, reason in nodes:
            conn.execute(
                "INSERT INTO node_executions (id, execution_id, user_id, node_id, block_id, status, created_seq, sequence, "
                "reason) VALUES (%s, %s, %s, 'n', 'b', %s, 1, 1, %s)",
                [
                    uuid4(),
                    id_,
                    uuid4(),
                    node_status,
                    None if reason is None else Json(reason, dumps=_compact),
                ],
            )
    return id_


def _compact(value: Any) -> bytes:
    return orjson.dumps(value)


async def silent(running: Running) -> dict[UUID, bool]:
    """Return the silent runs, each with whether it is due."""
    async with running.edge.pool.connection() as conn:
        found = await SilentRuns(conn).list_(silent_s=SILENT_S, limit=200)
    return {run.id: run.due for run in found}


async def test_runs_that_wait_for_nobody_are_silent_and_others_are_not(
    running: Running, settings: EdgeSettings
) -> None:
    timer, children = {"kind": "timer", "until": 1}, {"kind": "children", "executions": []}
    counted = [
        add_run(settings, ("QUEUED", None)),
        add_run(settings, ("RUNNING", {"kind": "running", "since": 1})),
        add_run(settings, ("RUNNING", timer), ("QUEUED", None)),
        add_run(settings, ("COMPLETED", None)),
        add_run(settings),
    ]
    others = [
        add_run(settings, ("QUEUED", None), age_s=SILENT_S - 100),
        add_run(settings, ("RUNNING", timer), ("QUEUED", {"kind": "retry", "at": 1}), ("COMPLETED", None)),
        add_run(settings, ("RUNNING", children)),
        add_run(settings, ("REVIEW", None), status="REVIEW"),
        add_run(settings, ("QUEUED", None), status="COMPLETED"),
    ]
    found = await silent(running)
    assert found.keys() >= set(counted)
    assert not found.keys() & set(others)


async def test_each_nudge_waits_twice_as_long_as_the_one_before(
    running: Running, settings: EdgeSettings
) -> None:
    due = [
        add_run(settings),
        add_run(settings, nudges=1, nudged_s=SILENT_S * 1.1, age_s=SILENT_S * 3),
        add_run(settings, nudges=3, nudged_s=SILENT_S * 4.1, age_s=SILENT_S * 10),
        add_run(
            settings, nudges=5, nudged_s=SILENT_S * 3, age_s=SILENT_S * 2
        ),  # something was heard after it
    ]
    early = [
        add_run(settings, nudges=1, nudged_s=SILENT_S * 0.9, age_s=SILENT_S * 3),
        add_run(settings, nudges=3, nudged_s=SILENT_S * 3.9, age_s=SILENT_S * 10),
    ]
    found = await silent(running)
    assert {id_: found[id_] for id_ in [*due, *early]} == dict.fromkeys(due, True) | dict.fromkeys(
        early, False
    )
    async with running.edge.pool.connection() as conn:
        await SilentRuns(conn).nudged(due)
    after = await silent(running)
    assert not any(after[id_] for id_ in due)


async def test_one_edge_looks_at_a_time(running: Running) -> None:
    async with running.edge.pool.connection() as one, running.edge.pool.connection() as two:
        assert await SilentRuns(one).lock()
        assert not await SilentRuns(two).lock()
        await one.commit()
        assert await SilentRuns(two).lock()
