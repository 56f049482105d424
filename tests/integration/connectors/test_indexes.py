"""What queries read is in proportion to what they answer, however many executions there are.

Counted in rows that the plan takes from tables, by `EXPLAIN ANALYZE` of the edge's own statements: a plan that is good by
accident for a small table shows there too. The fill is 20,000 executions, a million with `--full`. Not beside the edge's
tests: filling takes a minute, in which an edge in the same process would not answer its broker.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from millstream.api.executions import reasons, repository, values
from millstream.api.reviews import repository as reviews
from millstream.api.watchdog import repository as watchdog
from millstream.connectors import database
from millstream.connectors.partitions import Month
from tests.integration.connectors.months import explained, kept, rows_read, tables_read
from tests.servers import Servers

pytestmark = pytest.mark.integration
USER, GRAPH, PRESET = (uuid.UUID(int=number) for number in (1, 2, 3))
THIS = Month.of(datetime.now(UTC))
MONTHS = 12
LIMIT = 25
_FILL = """
INSERT INTO executions (id, user_id, graph_id, graph_version, status, created_at, accepted_at, moved_at, sequence,
    preset_id, idempotency_key)
SELECT overlay(overlay(id_at(at)::text PLACING '7' || substr(md5(n::text), 1, 3) FROM 15)
        PLACING '8' || substr(md5(n::text), 5, 3) || '-' || substr(md5(n::text), 9, 12) FROM 20)::uuid,
    -- One user has half of all, hundred others the rest.
    CASE n %% 2 WHEN 0 THEN %(user)s ELSE md5((n %% 100)::text)::uuid END,
    CASE n %% 5 WHEN 0 THEN %(graph)s ELSE md5((n %% 30)::text)::uuid END, 1,
    CASE WHEN n %% 500 = 0 THEN 'FAILED' WHEN n %% 1000 = 2 THEN 'RUNNING' WHEN n %% 1000 = 4 THEN 'QUEUED'
        ELSE 'COMPLETED' END,
    at, CASE WHEN n %% 4000 <> 6 THEN at END, at, 1, CASE WHEN n %% 400 = 8 THEN %(preset)s::uuid END, 'key-' || n
FROM (SELECT n, %(from)s::timestamptz + n * (%(to)s::timestamptz - %(from)s::timestamptz) / %(many)s AS at
    FROM generate_series(1, %(many)s) n) times
"""
_NODES = """
INSERT INTO node_executions (id, execution_id, user_id, node_id, block_id, status, created_seq, sequence, review)
SELECT md5(e.id::text || k)::uuid, e.id, e.user_id, 'n', 'b',
    CASE WHEN e.status = 'RUNNING' AND k = 2 THEN 'REVIEW' ELSE 'COMPLETED' END, k, k, '{}'
FROM executions e, generate_series(1, 2) k
WHERE extract(microseconds FROM e.created_at)::int % 4 = 0 OR e.status <> 'COMPLETED'
"""


@pytest.fixture(scope="module", params=[20_000, pytest.param(1_000_000, marks=pytest.mark.full)])
def filled(request: pytest.FixtureRequest, servers: Servers) -> Iterator[psycopg.Connection[Any]]:
    """A year of executions."""
    import asyncio

    with servers.database() as dsn:
        database.migrate(dsn)
        asyncio.run(kept(dsn, THIS.plus(MONTHS - 3).start))
        facts = {"user": USER, "graph": GRAPH, "preset": PRESET, "many": request.param}
        times = {"from": THIS.start, "to": THIS.plus(MONTHS).start}
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(_FILL, facts | times)
            conn.execute(_NODES)
            conn.execute("INSERT INTO idempotency_keys SELECT user_id, idempotency_key, id FROM executions")
            conn.execute("VACUUM ANALYZE")
            yield conn


def page(conn: psycopg.Connection[Any], **wishes: Any) -> dict[str, Any]:
    asked = {"owner_id": USER, "limit": LIMIT, "offset": 0} | wishes
    return explained(conn, repository.list_query(asked), asked)


def middle(conn: psycopg.Connection[Any], status: str = "COMPLETED") -> tuple[uuid.UUID, datetime]:
    row = conn.execute(
        "SELECT id, created_at FROM executions WHERE user_id = %s AND status = %s AND created_at > %s ORDER BY 2 LIMIT 1",
        [USER, status, THIS.plus(MONTHS // 2).start],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize("where", ["newest", "middle"])
@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"kind": "graph"},
        {"graph_id": GRAPH},
        {"statuses": ["COMPLETED"]},
        {"statuses": ["FAILED"]},
        {"statuses": ["QUEUED"]},
        {"statuses": ["FAILED", "QUEUED"]},
        {"statuses": ["COMPLETED", "FAILED"]},
        {"kind": "graph", "statuses": ["FAILED", "QUEUED", "RUNNING"]},
        {"preset_id": PRESET},
    ],
    ids=str,
)
def test_a_page_of_a_list_reads_about_its_rows(
    filled: psycopg.Connection[Any], wishes: dict[str, Any], where: str
) -> None:
    id_, at = middle(filled)
    cursor = {"at": at, "after": id_} if where == "middle" else {}
    plan = page(filled, **wishes, **cursor)
    assert plan["Actual Rows"] >= min(LIMIT, 5)
    # Of each month at least one row is looked at to find where the page begins, and that for each rare status.
    parts = len({*wishes.get("statuses", ())} - {"COMPLETED"}) or 1
    assert rows_read(plan) <= parts * 3 * (LIMIT + MONTHS + 3)


@pytest.mark.parametrize("wishes", [{"kind": "graph"}, {"statuses": ["FAILED", "REVIEW"]}], ids=str)
def test_prepared_lists_do_as_well(filled: psycopg.Connection[Any], wishes: dict[str, Any]) -> None:
    """After five times PostgreSQL may take one plan for all values."""
    id_, at = middle(filled)
    for _ in range(8):
        asked = {"owner_id": USER, "limit": LIMIT, "offset": 0, "at": at, "after": id_} | wishes
        query = b"EXPLAIN (ANALYZE, FORMAT JSON) " + repository.list_query(asked)
        row = filled.execute(query, asked, prepare=True).fetchone()
        assert row is not None
        assert rows_read(row[0][0]["Plan"]) <= 2 * 3 * (LIMIT + MONTHS + 3)


def test_statuses_that_nobody_has_are_not_looked_for_among_all(filled: psycopg.Connection[Any]) -> None:
    asked = {"statuses": ["INCOMPLETE", "REVIEW", "TERMINATED"]}
    assert rows_read(page(filled, **asked)) == 0
    assert rows_read(page(filled, graph_id=GRAPH, verdict="errors", **asked)) == 0


def test_one_execution_is_looked_for_in_its_month(filled: psycopg.Connection[Any]) -> None:
    id_, at = middle(filled)
    month = f"_{at:%Y_%m}"
    for query, asked in (
        (repository.GET, {"id": id_, "owner_id": USER}),
        (repository.START_RECORD, {"id": id_}),
        (repository.ACCEPT, {"ids": [id_]}),
        (repository.DELETE, {"id": id_, "owner_id": uuid.UUID(int=9)}),
        (values.NODES, {"execution_id": id_, "limit": 100, "offset": 0, "room": 1000}),
        (values.OUTPUTS, {"execution_id": id_, "ids": [id_], "most": 100, "room": 1000}),
        (values.INPUTS, {"execution_id": id_, "ids": [id_]}),
        (values.EXECUTION_OUTPUTS, {"execution_id": id_, "most": 100, "room": 1000}),
        (reviews.LIST, {"execution_id": id_, "owner_id": USER, "limit": 100}),
    ):
        plan = explained(filled, query, asked)
        assert {name for name in tables_read(plan) if not name.endswith(month)} <= {"shares"}, query
        assert rows_read(plan) <= 10, query


def test_what_is_looked_for_without_a_time_reads_one_row(filled: psycopg.Connection[Any]) -> None:
    id_, _ = middle(filled)
    (key,) = filled.execute("SELECT idempotency_key FROM executions WHERE id = %s", [id_]).fetchone() or ("",)
    assert rows_read(explained(filled, repository.EARLIER, {"owner_id": USER, "key": key})) == 2
    busy, _ = middle(filled, "FAILED")
    (node,) = filled.execute(
        "SELECT id FROM node_executions WHERE execution_id = %s LIMIT 1", [busy]
    ).fetchone() or (None,)
    assert rows_read(explained(filled, reviews.GET, {"id": node, "owner_id": USER})) == 2


def test_background_work_reads_what_is_open_and_not_what_is_done(filled: psycopg.Connection[Any]) -> None:
    many, open_, unsent = filled.execute(
        "SELECT count(*), count(*) FILTER (WHERE status IN ('QUEUED', 'RUNNING')),"
        " count(*) FILTER (WHERE accepted_at IS NULL) FROM executions"
    ).fetchone() or (0, 0, 0)
    assert open_ <= many / 300
    sweep = explained(filled, repository.TO_SWEEP, {"age_s": 5, "limit": 100})
    assert rows_read(sweep) <= min(unsent, 100) + MONTHS + 3
    silent = explained(filled, watchdog.SILENT, {"silent_s": 120, "limit": 20})
    assert rows_read(silent) <= 12 * open_
    queued = explained(filled, repository.COUNT_QUEUED, {"owner_id": USER, "most": 10_000})
    assert rows_read(queued) <= open_
    id_, at = middle(filled, "QUEUED")
    place = explained(filled, repository.PLACE, {"owner_id": USER, "created_at": at, "id": id_})
    assert rows_read(place) <= open_
    waiting = {"owner_id": USER, "limit": 50, "offset": 0}
    assert rows_read(explained(filled, reviews.PENDING, waiting)) <= 2 * open_
    why = explained(filled, reasons.OPEN_NODES, {"ids": [id_], "most": 200})
    assert rows_read(why) <= 10
