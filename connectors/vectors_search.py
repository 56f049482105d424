"""Searches in one collection: by vector, by words, and by both, joined by rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Composed, Literal

from millstream.connectors.vectors_sql import condition_sql
from millstream.schemas.vectors import Every, Match

Row = dict[str, Any]

VECTOR_INDEX_LIMIT = 2_000
"""Longest vector that pgvector's index takes in full; longer ones go in half precision."""
CANDIDATES = 50
"""Fewest that each half of a hybrid search gives."""
RANK_CONSTANT = 60
"""Of reciprocal rank fusion: how little the difference between two top ranks counts."""
_FIELDS = "id, text, metadata, updated_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """What all searches of one call have in common."""

    collection: Row
    account: UUID
    where: Every
    limit: int
    exact: bool

    async def run(
        self, conn: psycopg.AsyncConnection[Row], vector: list[float] | None, text: str | None, language: str
    ) -> list[Match]:
        """Search by whatever is given. Without anything: nothing is found."""
        if vector is None:
            return [] if text is None else await self.worded(conn, text, language)
        if text is None:
            return await self.near(conn, vector)
        wide = replace(self, limit=max(CANDIDATES, self.limit * 4))
        return fused(await wide.near(conn, vector), await wide.worded(conn, text, language), limit=self.limit)

    async def near(self, conn: psycopg.AsyncConnection[Row], vector: list[float]) -> list[Match]:
        """The nearest documents by cosine. The index may stop before it has enough: then all are compared."""
        shown = "[" + ",".join(map(repr, vector)) + "]"
        if not self.exact:
            # Without this a filter would leave few of the 40 that the index gives at first.
            await conn.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            found = await self._rows(conn, self._indexed(), shown)
            if len(found) >= self.limit:
                return matches(found)
        return matches(await self._rows(conn, self._compared(), shown))

    async def worded(self, conn: psycopg.AsyncConnection[Row], text: str, language: str) -> list[Match]:
        """Documents with any of the words; those with more and rarer of them close together first."""
        holds, bound = condition_sql(self.where)
        # PostgreSQL has taken the words apart and quoted them; people's questions are no queries that want all words.
        query = SQL(
            "WITH asked AS (SELECT replace(plainto_tsquery(%s::regconfig, %s)::text, ' & ', ' | ')::tsquery AS words) "
            "SELECT {}, ts_rank_cd(vector_documents.words, asked.words, 32) AS score FROM vector_documents, asked "
            "WHERE collection_id = %s AND account_id = %s AND vector_documents.words @@ asked.words AND {} "
            "ORDER BY score DESC, id LIMIT %s"
        ).format(SQL(_FIELDS), SQL(holds))
        rows = await conn.execute(
            query,
            [
                language,
                text.replace("\0", "").encode("utf-8", "replace").decode(),
                self.collection["id"],
                self.account,
                *bound,
                self.limit,
            ],
        )
        return matches(await rows.fetchall())

    async def _rows(self, conn: psycopg.AsyncConnection[Row], query: Composed, shown: str) -> list[Row]:
        _, bound = condition_sql(self.where)
        # Not prepared: the plan must know the dimension, or it would not see that the index fits.
        rows = await conn.execute(
            query,
            [shown, self.collection["id"], self.account, *bound, shown, self.limit],
            prepare=False,
        )
        return await rows.fetchall()

    def _indexed(self) -> Composed:
        """A query in the form of the index's expression."""
        dimension = Literal(int(self.collection["dimension"]))
        kind = SQL("vector" if self.collection["dimension"] <= VECTOR_INDEX_LIMIT else "halfvec")
        form = SQL("embedding::{}({})").format(kind, dimension)
        asked = SQL("%s::{}({})").format(kind, dimension)
        return self._query(form, asked, SQL("dimension = {}").format(dimension), SQL(""))

    def _compared(self) -> Composed:
        """A query that no index for neighbours fits: `+ 0` keeps the order from being taken out of one."""
        return self._query(SQL("embedding"), SQL("%s::vector"), SQL("true"), SQL(" + 0"))

    def _query(self, form: Any, asked: Any, more: Any, plain: Any) -> Composed:
        holds, _ = condition_sql(self.where)
        return SQL(
            "SELECT {}, 1 - ({} <=> {}) AS score FROM vector_documents WHERE collection_id = %s AND account_id = %s "
            "AND {} AND {} ORDER BY ({} <=> {}){} LIMIT %s"
        ).format(SQL(_FIELDS), form, asked, more, SQL(holds), form, asked, plain)


def fused(*found: Sequence[Match], limit: int) -> list[Match]:
    """Join rankings: a document's score is the sum of 1 / (60 + its rank) over those that have it."""
    scores: dict[str, float] = {}
    kept: dict[str, Match] = {}
    for ranking in found:
        for rank, match in enumerate(ranking, start=1):
            scores[match.id] = scores.get(match.id, 0.0) + 1 / (RANK_CONSTANT + rank)
            kept.setdefault(match.id, match)
    best = sorted(kept, key=lambda id_: (-scores[id_], id_))[:limit]
    return [replace(kept[id_], score=scores[id_]) for id_ in best]


def matches(rows: Sequence[Row]) -> list[Match]:
    """Return rows as what was found."""
    return [
        Match(
            id=row["id"],
            text=row["text"],
            metadata=row["metadata"],
            score=float(row.get("score", 0.0)),
            updated_at=row["updated_at"].isoformat(),
        )
        for row in rows
    ]
