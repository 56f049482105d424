"""Documents with vectors in PostgreSQL: `processors.services.Vectors` of one account, for workers of the lane `data`.

Every statement names the account. Small collections are compared one by one, which finds the nearest for certain; large ones
go through pgvector's HNSW index of their dimension.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from millstream.connectors import database
from millstream.connectors.vectors_search import Searching, matches
from millstream.connectors.vectors_sql import condition_sql
from millstream.schemas.errors import InputInvalidError, NotFoundError, UnavailableError
from millstream.schemas.vectors import (
    BATCH_LIMIT,
    RESULT_LIMIT,
    Collection,
    Document,
    Match,
    Remembered,
    check_document,
    check_name,
    check_vector,
    condition,
)

COLLECTION_LIMIT = 1_000
DOCUMENT_LIMIT = 1_000_000
"""Of one account."""
EXACT_BELOW = 10_000
"""Documents of a collection that are compared one by one."""
STATEMENT_TIMEOUT_MS = 30_000
CONNECTIONS = 8
KEYS_KEPT = 20

_LOCKED = (
    "SELECT id, dimension, documents FROM vector_collections WHERE account_id = %s AND name = %s FOR UPDATE"
)
_UPSERT = (
    "INSERT INTO vector_documents (collection_id, account_id, dimension, id, text, metadata, embedding, words, keys) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s::vector, to_tsvector(%s::regconfig, %s), %s) "
    "ON CONFLICT (collection_id, id) DO UPDATE SET text = excluded.text, metadata = excluded.metadata, "
    "embedding = excluded.embedding, words = excluded.words, keys = excluded.keys, updated_at = clock_timestamp() "
    "WHERE vector_documents.account_id = excluded.account_id RETURNING (xmax = 0) AS is_new"
)

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]


class PostgresVectors:
    """The collections of all accounts; `of` gives those of one."""

    def __init__(self, dsn: str, *, name: str = "millstream-data", exact_below: int = EXACT_BELOW) -> None:
        self.exact_below = exact_below
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = database.pool(
            dsn,
            min_size=0,
            max_size=CONNECTIONS,
            statement_timeout_ms=STATEMENT_TIMEOUT_MS,
            wait_s=60.0,
            application_name=name,
        )

    async def open(self) -> None:
        """Begin; connections are made as they are needed."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    def of(self, account_id: str) -> AccountVectors:
        """Return the collections of one account."""
        return AccountVectors(self, account_id)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction; what PostgreSQL raises leaves as ours. Errors: UnavailableError, InputInvalidError."""
        try:
            async with self._pool.connection() as conn, conn.transaction():
                conn.row_factory = dict_row
                yield conn
        except PoolTimeout as error:
            raise UnavailableError("All connections to the database are busy; try again later.") from error
        except psycopg.errors.QueryCanceled as error:
            raise UnavailableError(
                f"The database took more than {STATEMENT_TIMEOUT_MS // 1000} s; search a smaller collection, or with a filter."
            ) from error
        except psycopg.errors.ForeignKeyViolation as error:
            raise NotFoundError("This account, or this collection, is gone.") from error
        except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidName) as error:
            raise InputInvalidError(
                "The database knows no such language; use 'simple', or one like 'english'."
            ) from error
        except psycopg.DataError as error:
            raise InputInvalidError(
                f"The database cannot keep this: {str(error).splitlines()[0]}."
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise UnavailableError("The database does not answer; try again later.") from error


class AccountVectors:
    """`Vectors` of one account."""

    def __init__(self, vectors: PostgresVectors, account_id: str) -> None:
        self._vectors = vectors
        self._account = account_id

    async def collections(self) -> list[Collection]:
        """List the account's collections by name."""
        async with self._vectors.transaction() as conn:
            rows = await conn.execute(
                "SELECT name, dimension, documents FROM vector_collections WHERE account_id = %s ORDER BY name",
                [self._id()],
            )
            return [Collection(**row) async for row in rows]

    async def drop(self, name: str) -> bool:
        """Remove a collection with all that is in it."""
        async with self._vectors.transaction() as conn:
            done = await conn.execute(
                "DELETE FROM vector_collections WHERE account_id = %s AND name = %s",
                [self._id(), check_name(name)],
            )
            return done.rowcount > 0

    async def upsert(
        self, name: str, documents: Sequence[Document], *, language: str = "simple"
    ) -> tuple[int, int]:
        """Write documents by id; the first ones make the collection. Returns how many are new, and how many changed."""
        if not documents:
            return 0, 0
        if len(documents) > BATCH_LIMIT:
            raise InputInvalidError(
                f"At most {BATCH_LIMIT:,} documents at once; these are {len(documents):,}."
            )
        dimension = len(check_vector(documents[0].vector))
        unique = {each.id: check_document(each, dimension) for each in documents}
        async with self._vectors.transaction() as conn:
            row = await self._locked(conn, check_name(name), dimension)
            new = 0
            for document in unique.values():
                new += await self._write(conn, row, document, language, keys=[])
            await self._count(conn, row, new)
        return new, len(unique) - new

    async def search(
        self,
        name: str,
        *,
        vector: Sequence[float] | None = None,
        text: str | None = None,
        where: Mapping[str, Any] | None = None,
        limit: int = 10,
        language: str = "simple",
    ) -> list[Match]:
        """Find documents near a vector, with words of a text, or both: then ranks count, not scores."""
        part = condition(where)
        row = await self._collection(name)
        given = None if vector is None else check_vector(vector, row["dimension"])
        searching = Searching(
            collection=row,
            account=self._id(),
            where=part,
            limit=max(1, min(limit, RESULT_LIMIT)),
            exact=row["documents"] < self._vectors.exact_below,
        )
        async with self._vectors.transaction() as conn:
            return await searching.run(conn, given, text, language)

    async def documents(
        self, name: str, *, where: Mapping[str, Any] | None = None, limit: int = RESULT_LIMIT
    ) -> list[Match]:
        """List documents, the newest first."""
        row = await self._collection(name)
        holds, bound = condition_sql(condition(where))
        async with self._vectors.transaction() as conn:
            rows = await conn.execute(
                SQL(
                    "SELECT id, text, metadata, updated_at FROM vector_documents WHERE collection_id = %s AND account_id = %s "
                    "AND {} ORDER BY updated_at DESC, id LIMIT %s"
                ).format(SQL(holds)),
                [row["id"], self._id(), *bound, max(1, min(limit, RESULT_LIMIT))],
            )
            return matches(await rows.fetchall())

    async def delete(
        self, name: str, *, ids: Sequence[str] = (), where: Mapping[str, Any] | None = None
    ) -> int:
        """Remove documents by id, by filter, or by both together; returns how many. Neither removes nothing."""
        if not ids and not where:
            return 0
        holds, bound = condition_sql(condition(where))
        async with self._vectors.transaction() as conn:
            row = await (await conn.execute(_LOCKED, [self._id(), check_name(name)])).fetchone()
            if row is None:
                raise _no_collection(name)
            done = await conn.execute(
                SQL(
                    "DELETE FROM vector_documents WHERE collection_id = %s AND account_id = %s AND {} AND (%s OR id = ANY(%s))"
                ).format(SQL(holds)),
                [row["id"], self._id(), *bound, not ids, list(ids)],
            )
            await self._count(conn, row, -done.rowcount)
            return done.rowcount

    async def remember(
        self,
        name: str,
        document: Document,
        *,
        key: str,
        within: Mapping[str, Any] | None = None,
        threshold: float = 0.9,
        language: str = "simple",
    ) -> Remembered:
        """Write a document in the place of the nearest one `within` a filter, if one is as near as `threshold`.

        The newest wins. A call with a `key` that was seen before changes nothing.
        """
        checked = check_document(document)
        holds, bound = condition_sql(condition(within))
        async with self._vectors.transaction() as conn:
            row = await self._locked(conn, check_name(name), len(checked.vector))
            near = SQL(
                "SELECT id, text, keys, 1 - (embedding <=> %s::vector) AS score FROM vector_documents "
                "WHERE collection_id = %s AND account_id = %s AND {} AND (keys @> %s OR 1 - (embedding <=> %s::vector) >= %s) "
                "ORDER BY keys @> %s DESC, score DESC LIMIT 1"
            ).format(SQL(holds))
            shown = _shown(checked.vector)
            found = await (
                await conn.execute(
                    near, [shown, row["id"], self._id(), *bound, [key], shown, threshold, [key]]
                )
            ).fetchone()
            if found is not None and key in found["keys"]:
                return Remembered(action="known", id=found["id"], text=found["text"])
            kept = document.id if found is None else found["id"]
            keys = [key] if found is None else [*found["keys"], key][-KEYS_KEPT:]
            written = Document(id=kept, text=checked.text, vector=checked.vector, metadata=checked.metadata)
            new = await self._write(conn, row, written, language, keys=keys)
            await self._count(conn, row, new)
        if found is None:
            return Remembered(action="added", id=kept, text=checked.text)
        return Remembered(action="updated", id=kept, text=checked.text, replaced=found["text"])

    async def _collection(self, name: str) -> Row:
        async with self._vectors.transaction() as conn:
            row = await (
                await conn.execute(
                    "SELECT id, dimension, documents FROM vector_collections WHERE account_id = %s AND name = %s",
                    [self._id(), check_name(name)],
                )
            ).fetchone()
        if row is None:
            raise _no_collection(name)
        return row

    async def _locked(self, conn: Connection, name: str, dimension: int) -> Row:
        """Return a collection, made if there is none, with its row locked: writers of one collection take turns."""
        await conn.execute(
            "INSERT INTO vector_collections (account_id, name, dimension) SELECT %s, %s, %s WHERE "
            "(SELECT count(*) FROM vector_collections WHERE account_id = %s) < %s ON CONFLICT DO NOTHING",
            [self._id(), name, dimension, self._id(), COLLECTION_LIMIT],
        )
        row = await (await conn.execute(_LOCKED, [self._id(), name])).fetchone()
        if row is None:
            raise InputInvalidError(f"There are {COLLECTION_LIMIT:,} collections already; delete one first.")
        if row["dimension"] != dimension:
            raise InputInvalidError(
                f"The collection {name!r} holds vectors of {row['dimension']} numbers, these have {dimension}: use the model "
                "that made the others, or another collection."
            )
        return row

    async def _write(
        self, conn: Connection, collection: Row, document: Document, language: str, *, keys: list[str]
    ) -> int:
        text = document.text.replace("\0", "")
        done = await conn.execute(
            _UPSERT,
            [
                *(collection["id"], self._id(), collection["dimension"], document.id),
                *(text, Jsonb(dict(document.metadata)), _shown(document.vector)),
                *(language, text, keys),
            ],
        )
        row = await done.fetchone()
        return int(row is not None and row["is_new"])

    async def _count(self, conn: Connection, collection: Row, more: int) -> None:
        if more == 0:
            return
        await conn.execute(
            "UPDATE vector_collections SET documents = documents + %s WHERE id = %s", [more, collection["id"]]
        )
        row = await (
            await conn.execute(
                "SELECT coalesce(sum(documents), 0) AS total FROM vector_collections WHERE account_id = %s",
                [self._id()],
            )
        ).fetchone()
        if row is not None and more > 0 and row["total"] > DOCUMENT_LIMIT:
            raise InputInvalidError(
                f"An account keeps at most {DOCUMENT_LIMIT:,} documents; delete some first."
            )

    def _id(self) -> UUID:
        try:
            return UUID(self._account)
        except ValueError as error:
            raise InputInvalidError(f"{self._account!r} is no account.") from error


def _no_collection(name: str) -> NotFoundError:
    return NotFoundError(f"There is no collection {name!r} yet; documents that are put into it make it.")


def _shown(vector: Sequence[float]) -> str:
    return "[" + ",".join(map(repr, vector)) + "]"
