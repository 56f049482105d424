"""Pinecone: an index is a collection; `index/namespace` is a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from millstream.processors.stores.interface import Api, plain, segment
from millstream.schemas.errors import BlockInputError, UpstreamError
from millstream.schemas.vectors import Collection, Compare, Condition, Document, Every, Match, Some

URL: Final = "https://api.pinecone.io"
HOSTS: Final = ("api.pinecone.io", "*.pinecone.io")
VERSION: Final = {"X-Pinecone-Api-Version": "2025-01"}
TEXT: Final = "text"
"""The field of the metadata that holds the text, as Pinecone's own examples do."""
BATCH: Final = 100


class Pinecone:
    """`VectorStore`. The control plane says on which host an index is."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._hosts: dict[str, str] = {}

    async def collections(self) -> list[Collection]:
        """List the indexes."""
        found = await self._api.call("GET", "/indexes")
        return [
            Collection(name=each["name"], dimension=int(each.get("dimension") or 0), documents=None)
            for each in (found or {}).get("indexes") or []
        ]

    async def create(self, name: str, *, dimension: int, metric: str, cloud: str, region: str) -> str:
        """Make an index unless there is one; returns its host."""
        known = {each.name for each in await self.collections()}
        if name not in known:
            spec = {"serverless": {"cloud": cloud, "region": region}}
            body = {"name": name, "dimension": dimension, "metric": metric, "spec": spec}
            await self._api.call("POST", "/indexes", body)
        return await self.host_of(name)

    async def upsert(self, collection: str, documents: Sequence[Document]) -> int:
        """Write documents, a hundred at once."""
        api, namespace = await self._index(collection)
        count = 0
        for start in range(0, len(documents), BATCH):
            vectors: list[dict[str, Any]] = [
                {
                    "id": each.id,
                    "values": list(each.vector),
                    "metadata": {**plain(each.metadata), TEXT: each.text},
                }
                for each in documents[start : start + BATCH]
            ]
            done = await api.call("POST", "/vectors/upsert", {"vectors": vectors, "namespace": namespace})
            count += int((done or {}).get("upsertedCount", len(vectors)))
        return count

    async def search(
        self, collection: str, vector: Sequence[float], *, where: Every, limit: int
    ) -> list[Match]:
        """Find the nearest."""
        api, namespace = await self._index(collection)
        return [
            Match(
                id=each["id"],
                text=str(each.get("metadata", {}).get(TEXT, "")),
                metadata={name: value for name, value in each.get("metadata", {}).items() if name != TEXT},
                score=float(each.get("score", 0.0)),
            )
            for each in await self.query(api, namespace, vector, limit=limit, where=where)
        ]

    async def query(
        self,
        api: Api,
        namespace: str,
        vector: Sequence[float],
        *,
        limit: int,
        where: Every | None = None,
        values: bool = False,
        metadata: bool = True,
    ) -> list[dict[str, Any]]:
        """Ask one index; returns the matches as Pinecone gives them."""
        body: dict[str, Any] = {
            "vector": list(vector),
            "topK": limit,
            "includeMetadata": metadata,
            "includeValues": values,
            "namespace": namespace,
        }
        if where is not None and where.parts:
            body["filter"] = filter_of(where)
        found = await api.call("POST", "/query", body)
        return list((found or {}).get("matches") or [])

    async def delete(self, collection: str, *, ids: Sequence[str], where: Every) -> None:
        """Remove by id or by filter."""
        api, namespace = await self._index(collection)
        body: dict[str, Any] = {"namespace": namespace}
        body |= {"ids": list(ids)} if ids else {"filter": filter_of(where)}
        await api.call("POST", "/vectors/delete", body)

    async def _index(self, collection: str) -> tuple[Api, str]:
        name, _, namespace = collection.partition("/")
        return self.at(await self.host_of(name)), namespace

    def at(self, host: str) -> Api:
        """The data plane on a host. Errors: BlockInputError: no host."""
        given = urlsplit(host if "://" in host else f"//{host}")
        if not given.hostname or given.path.strip("/") or given.query:
            raise BlockInputError(f"{host[:200]!r} is no host of a Pinecone index.")
        return self._api.at(f"{urlsplit(self._api.url).scheme}://{given.netloc}")

    async def host_of(self, name: str) -> str:
        """Ask on which host an index is. Errors: UpstreamError: not ready."""
        if name not in self._hosts:
            found = await self._api.call("GET", f"/indexes/{segment(name)}")
            host = (found or {}).get("host")
            if not isinstance(host, str) or not host:
                raise UpstreamError(
                    f"Pinecone does not say where the index {name!r} is; it may not be ready yet."
                )
            self._hosts[name] = host
        return self._hosts[name]


def filter_of(part: Condition) -> dict[str, Any]:
    """Return a condition in Pinecone's form, which has the same operators."""
    if isinstance(part, Compare):
        return {part.field: {part.operator: part.value}}
    name = "$or" if isinstance(part, Some) else "$and"
    inner = [filter_of(each) for each in part.parts if isinstance(each, Compare) or each.parts]
    return inner[0] if len(inner) == 1 else {name: inner}
