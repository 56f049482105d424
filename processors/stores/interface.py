"""What every vector database can do for a block, and the HTTP that they share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote, urlsplit

from millstream.processors.services import Bound, Http, HttpOptions, HttpResponse
from millstream.schemas.errors import BlockExecutionError, BlockInputError, CredentialError, UpstreamError
from millstream.schemas.vectors import Collection, Document, Every, Match

ServiceName = Literal["pinecone", "weaviate", "chroma"]
ANSWER_LIMIT_BYTES: Final = 32_000_000
TIMEOUT_S: Final = 60.0


class VectorStore(Protocol):
    """A vector database. Errors of all: those of `Api.call`; BlockInputError for what it cannot do."""

    async def collections(self) -> list[Collection]:
        """List what it holds."""
        ...

    async def upsert(self, collection: str, documents: Sequence[Document]) -> int:
        """Write documents by id; returns how many."""
        ...

    async def search(
        self, collection: str, vector: Sequence[float], *, where: Every, limit: int
    ) -> list[Match]:
        """Find the nearest documents, the nearest first."""
        ...

    async def delete(self, collection: str, *, ids: Sequence[str], where: Every) -> None:
        """Remove documents by id, or by filter if no ids are given."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The HTTP API of one database. The log-in goes to the hosts of its credential only."""

    http: Http
    title: str
    url: str
    auth: Bound | None
    headers: Mapping[str, str]

    def at(self, url: str) -> Api:
        """The same log-in at another address."""
        return Api(http=self.http, title=self.title, url=url, auth=self.auth, headers=self.headers)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, return the JSON of the answer, None if it is empty.

        Errors: CredentialError, UpstreamError, BlockExecutionError with the words of the database.
        """
        options: HttpOptions = {
            "headers": {"Accept": "application/json", **self.headers},
            "max_bytes": ANSWER_LIMIT_BYTES,
            "timeout_s": TIMEOUT_S,
        }
        if body is not None:
            options["json"] = body
        if self.auth is not None:
            options["auth"] = self.auth
        answer = await self.http.request(method, self.url.rstrip("/") + path, **options)
        if answer.status >= 400:
            raise self._refusal(answer)
        if not answer.body:
            return None
        try:
            return answer.json()
        except (ValueError, RecursionError) as error:
            raise UpstreamError(f"{self.title} did not answer with JSON.", status=answer.status) from error

    def _refusal(self, answer: HttpResponse) -> Exception:
        said = f" It says: {answer.text[:500]}" if answer.body else ""
        if answer.status in (401, 403):
            return CredentialError(f"{self.title} does not accept this credential ({answer.status}).")
        if answer.status == 429 or answer.status >= 500:
            return UpstreamError(
                f"{self.title} cannot do this now ({answer.status}).{said}", status=answer.status
            )
        return BlockExecutionError(
            f"{self.title} refused this ({answer.status}).{said}", status=answer.status
        )


def segment(text: str) -> str:
    """Return a name as one segment of a path. Errors: BlockInputError."""
    if text in ("", ".", "..") or len(text) > 200:
        raise BlockInputError(f"{text[:100]!r} is no name of a collection.")
    return quote(text, safe="")


def base_url(url: str, title: str) -> str:
    """Return the address of a database. Errors: BlockInputError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BlockInputError(
            f"{url[:200]!r} is no address of {title}; give one like https://db.example.com:8000."
        )
    return url.rstrip("/")


def plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as databases take them: texts, numbers, booleans; other values as JSON text, nulls left out."""
    return {
        name: value if isinstance(value, (str, int, float, bool)) else json.dumps(value, ensure_ascii=False)
        for name, value in metadata.items()
        if value is not None
    }
