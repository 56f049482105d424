"""Table `model_calls`: one method a question. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from millstream.api.database import Connection

By = Literal["model", "day", "execution", "graph"]

GROUPS_LIMIT: Final = 1_000
_KEYS: Final[dict[By, sql.SQL]] = {
    "model": sql.SQL("provider || ':' || model"),
    "day": sql.SQL("to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
    "execution": sql.SQL("execution_id::text"),
    "graph": sql.SQL("graph_id"),
}
_SUMS = sql.SQL(
    """count(*) AS calls, coalesce(sum(repeats), 0)::bigint AS repeats, coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
    coalesce(sum(output_tokens), 0)::bigint AS output_tokens, coalesce(sum(cached_tokens), 0)::bigint AS cached_tokens,
    coalesce(sum(cost_microusd), 0)::bigint AS cost_microusd, count(*) FILTER (WHERE NOT priced) AS unpriced,
    coalesce(sum(elapsed_ms), 0)::bigint AS elapsed_ms"""
)
_OF = sql.SQL(
    """FROM model_calls WHERE user_id = %(owner_id)s AND at >= %(since)s AND at < %(until)s
    AND (%(execution_id)s::uuid IS NULL OR execution_id = %(execution_id)s)"""
)
TOTAL = sql.SQL("SELECT 'total' AS key, {} {}").format(_SUMS, _OF)
GROUPED = {
    by: sql.SQL("SELECT {} AS key, {} {} GROUP BY 1 ORDER BY {} LIMIT %(limit)s").format(
        key, _SUMS, _OF, sql.SQL("1 DESC" if by == "day" else "cost_microusd DESC, calls DESC, 1")
    )
    for by, key in _KEYS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Some calls, added up."""

    key: str
    calls: int
    repeats: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_microusd: int
    unpriced: int
    elapsed_ms: int


class ModelCalls:
    """What models were asked, added up."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def sums(
        self, by: By, *, owner_id: UUID, since: datetime, until: datetime, execution_id: UUID | None
    ) -> tuple[Sums, list[Sums]]:
        """Return everything together, and by `by` the `GROUPS_LIMIT` dearest groups (of days: the newest)."""
        values = {
            "owner_id": owner_id,
            "since": since,
            "until": until,
            "execution_id": execution_id,
            "limit": GROUPS_LIMIT,
        }
        async with self._conn.cursor(row_factory=class_row(Sums)) as cur:
            await cur.execute(TOTAL, values)
            total = await cur.fetchone()
            assert total is not None
            await cur.execute(GROUPED[by], values)
            return total, await cur.fetchall()
