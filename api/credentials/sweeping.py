"""Secret values that nothing refers to any more are removed: of graphs that were changed or deleted, of runs that are gone.

Whoever saves a reference holds the row that it is to until the commit, and a row that somebody holds is passed over here; so
a reference is either seen by this sweep or refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from millstream.api.database import Connection, Pool
from millstream.schemas.secrets import iter_refs

AT_ONCE = 500
AGE_S = 86_400
"""Younger ones are left: a graph or a run may be about to refer to them."""

CANDIDATES = """
SELECT s.id, s.account_id FROM secret_values s
WHERE s.id > %(after)s AND s.created_at < now() - make_interval(secs => %(age_s)s) AND NOT EXISTS (
    SELECT FROM execution_secrets x JOIN executions e ON e.id = x.execution_id
    WHERE x.secret_id = s.id AND (e.deleted_at IS NULL OR e.status NOT IN ('COMPLETED', 'FAILED', 'TERMINATED'))
)
ORDER BY s.id LIMIT %(limit)s FOR UPDATE OF s SKIP LOCKED
"""
"""Not granted to any run that is still shown: a run can be repeated with what it was given."""
DELETE = "DELETE FROM secret_values WHERE id = ANY(%(ids)s)"
FORGET_GRANTS = "DELETE FROM execution_secrets WHERE secret_id = ANY(%(ids)s)"


@dataclass(frozen=True, slots=True)
class Place:
    """Columns of JSON in which references are kept."""

    table: str
    account: str
    columns: tuple[str, ...]
    where: str = "true"


PLACES = (
    Place("graphs", "user_id", ("body",), "deleted_at IS NULL"),
    Place("presets", "account_id", ("inputs", "nodes_input_masks", "credentials_inputs")),
)
"""All there are: a new table that keeps inputs or graphs gets a line here. A test knows all columns of JSON."""


async def sweep(pool: Pool, *, age_s: float = AGE_S) -> int:
    """Remove what nothing refers to. Returns how many."""
    removed, after = 0, UUID(int=0)
    while True:
        async with pool.connection() as conn:
            asked = {"after": after, "age_s": age_s, "limit": AT_ONCE}
            async with conn.cursor(row_factory=tuple_row) as cur:
                await cur.execute(CANDIDATES, asked)
                found = await cur.fetchall()
            if not found:
                return removed
            after = found[-1][0]
            wanted = await _referred(conn, {account for _, account in found})
            ids = [id_ for id_, _ in found if id_ not in wanted]
            if ids:
                await conn.execute(FORGET_GRANTS, {"ids": ids})
                await conn.execute(DELETE, {"ids": ids})
            removed += len(ids)


async def _referred(conn: Connection, accounts: set[UUID]) -> set[UUID]:
    """Return all secrets that something of these accounts refers to, one document in memory at a time."""
    found: set[UUID] = set()
    for place in PLACES:
        for column in place.columns:
            query = (
                f"SELECT {column}::text FROM {place.table} WHERE {place.account} = ANY(%(accounts)s) "
                f"AND {place.where} AND {column}::text LIKE '%%\"$secret\"%%'"
            )
            found |= await _refs(conn, query, sorted(accounts))
    return found


async def _refs(conn: Connection, query: str, accounts: Sequence[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    async with conn.cursor("referring", row_factory=tuple_row) as cur:
        cur.itersize = 50
        await cur.execute(query.encode(), {"accounts": accounts})
        async for (text,) in cur:
            found.update(iter_refs(orjson.loads(text)))
    return found
