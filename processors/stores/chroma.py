"""Chroma, by version 2 of its HTTP API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from millstream.processors.stores.interface import Api, plain
from millstream.schemas.errors import BlockExecutionError, BlockInputError
from millstream.schemas.vectors import Collection, Compare, Condition, Document, Every, Match, Some

ROOT: Final = "/api/v2/tenants/default_tenant/databases/default_database/collections"
_EMPTY: Final = "~none"
"""Chroma takes no empty metadata."""


class Chroma:
    """`VectorStore`. Collections are made with the cosine distance."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def collections(self) -> list[Collection]:
        """List the collections."""
        found = await self._api.call("GET", f"{ROOT}?limit=1000")
        return [
            Collection(name=each["name"], dimension=int(each.get("dimension") or 0), documents=None)
            for each in found or []
        ]

    async def upsert(self, collection: str, documents: Sequence[Document]) -> int:
        """Write documents; the first make the collection."""
        made = await self._api.call(
            "POST",
            ROOT,
            {
                "name": collection,
                "get_or_create": True,
                "configuration": {"hnsw": {"space": "cosine"}},
            },
        )
        body = {
            "ids": [each.id for each in documents],
            "embeddings": [list(each.vector) for each in documents],
            "documents": [each.text for each in documents],
            "metadatas": [plain(each.metadata) or {_EMPTY: True} for each in documents],
        }
        await self._api.call("POST", f"{ROOT}/{made['id']}/upsert", body)
        return len(documents)

    async def search(
        self, collection: str, vector: Sequence[float], *, where: Every, limit: int
    ) -> list[Match]:
        """Find the nearest; the score is one minus the distance."""
        body: dict[str, Any] = {
            "query_embeddings": [list(vector)],
            "n_results": limit,
            "include": ["documents", "metadatas", "distances"],
        }
        if where.parts:
            body["where"] = where_of(where)
        found = await self._api.call("POST", f"{ROOT}/{await self._id(collection)}/query", body)
        try:
            rows = zip(
                *(found[name][0] for name in ("ids", "documents", "metadatas", "distances")), strict=True
            )
            return [
                Match(
                    id=id_,
                    text=text or "",
                    metadata={name: value for name, value in (known or {}).items() if name != _EMPTY},
                    score=1.0 - float(distance),
                )
                for id_, text, known, distance in rows
            ]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BlockExecutionError("Chroma answered in a form that is not known here.") from error

    async def delete(self, collection: str, *, ids: Sequence[str], where: Every) -> None:
        """Remove by id or by filter."""
        body: dict[str, Any] = {"ids": list(ids)} if ids else {"where": where_of(where)}
        await self._api.call("POST", f"{ROOT}/{await self._id(collection)}/delete", body)

    async def _id(self, collection: str) -> str:
        for each in await self._api.call("GET", f"{ROOT}?limit=1000") or []:
            if each["name"] == collection:
                return str(each["id"])
        raise BlockExecutionError(f"Chroma has no collection {collection!r}.")


def where_of(part: Condition) -> dict[str, Any]:
    """Return a condition in Chroma's form: one operator an object. Errors: BlockInputError: it has no $exists."""
    if isinstance(part, Compare):
        if part.operator == "$exists":
            raise BlockInputError(
                "Chroma cannot look for fields that exist; leave $exists out of the filter."
            )
        return {part.field: {part.operator: part.value}}
    name = "$or" if isinstance(part, Some) else "$and"
    inner = [where_of(each) for each in part.parts if isinstance(each, Compare) or each.parts]
    return inner[0] if len(inner) == 1 else {name: inner}
