"""What a block may ask for besides its pins: protocols, so that a worker, a test and the edge each bring
their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict, Unpack, cast

from millstream.schemas.errors import UnavailableError
from millstream.schemas.vectors import Collection, Document, Match, Remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Headers that may only be sent to `hosts`: `host`, `host:port`, or `*.host` for all names below it. Without
    TLS only where the entry names the port. Never shown in a repr.
    """

    hosts: frozenset[str]
    headers: Mapping[str, str] = field(repr=False)

    def credential(self) -> Credential:
        """Return itself: `Bound`."""
        return self

    def allows(self, scheme: str, host: str, port: int) -> bool:
        """Tell whether it may be sent there."""
        host = host.lower().rstrip(".")
        return any(_matches(pattern.lower(), scheme, host, port) for pattern in self.hosts)


def _matches(pattern: str, scheme: str, host: str, port: int) -> bool:
    if pattern == f"{host}:{port}":
        return True
    if scheme != "https":
        return False
    named, _, only = pattern.rpartition(":")
    if named and only.isdecimal() and ":" not in named:
        if int(only) != port:
            return False
        pattern = named
    elif port != 443:
        return False
    return pattern == host or (
        pattern.startswith("*.") and host.endswith(pattern[1:]) and host != pattern[2:]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A whole answer: header names in lower case, the body as bytes after decompression."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """`text/html` of `text/html; charset=utf-8`, in lower case; empty if the server named none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text in the charset that the server names, else UTF-8; wrong bytes become U+FFFD."""
        _, _, rest = self.headers.get("content-type", "").lower().partition("charset=")
        charset = rest.partition(";")[0].strip("\"' ") or "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except (LookupError, ValueError):
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Errors: ValueError."""
        return json.loads(self.text)


class Bound(Protocol):
    """What knows where it may be sent."""

    def credential(self) -> Credential:
        """Return the headers and their hosts."""
        ...


class HttpOptions(TypedDict, total=False):
    """Keyword arguments of `Http.request`."""

    params: Mapping[str, str | list[str]]
    headers: Mapping[str, str]
    json: Any
    data: Mapping[str, Any]
    files: list[tuple[str, tuple[str, bytes, str]]]
    """Multipart parts: (field name, (file name, content, media type))."""
    content: bytes
    credential: Credential
    auth: Bound
    """What `ctx.credentials` gave, or a `Credential`."""
    timeout_s: float
    max_bytes: int
    follow: bool
    """Whether redirects are followed; they are unless this is False."""


class Http(Protocol):
    """The one way out to the web. Errors: AddressRefusedError, UpstreamError, BlockInputError,
    BlockExecutionError.
    """

    async def request(self, method: str, url: str, **options: Unpack[HttpOptions]) -> HttpResponse:
        """Send one request, follow at most five redirects, read the whole answer within its caps."""
        ...

    async def get(self, url: str, **options: Unpack[HttpOptions]) -> HttpResponse:
        """`request("GET", url)`."""
        ...

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the checked addresses of a host, for protocols other than HTTP; connect to these, not to the name."""
        ...

    def service_url(self, name: str) -> str | None:
        """Return where the operator has put the service `name`; None for its public address."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """A file with its bytes."""

    data: bytes = field(repr=False)
    media_type: str
    name: str


class Files(Protocol):
    """The files of one user. References: `workspace://<id>`; `read` also takes data: URIs and http(s) URLs."""

    async def read(self, ref: str) -> FileContent:
        """Return what `ref` names. Errors: NotFoundError, InputInvalidError, PayloadTooLargeError, those of
        Http.
        """
        ...

    async def write(self, data: bytes, *, name: str = "", media_type: str = "") -> str:
        """Keep `data` under a new id and return its reference. Errors: PayloadTooLargeError."""
        ...


class KeyValue(Protocol):
    """Values that outlive a run, kept per user: JSON by text key."""

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        ...

    async def set(self, key: str, value: Any) -> None:
        """Keep `value` under `key`; None removes it."""
        ...


class Vectors(Protocol):
    """Collections of documents with vectors, those of one user. Only workers of the lane `data` have them.

    Filters (`where`, `within`) are those of `schemas.vectors.condition`. Errors of all: InputInvalidError, NotFoundError (no
    such collection), UnavailableError.
    """

    async def collections(self) -> list[Collection]:
        """List them by name."""
        ...

    async def drop(self, name: str) -> bool:
        """Remove a collection and what is in it; tells whether there was one."""
        ...

    async def upsert(
        self, name: str, documents: Sequence[Document], *, language: str = "simple"
    ) -> tuple[int, int]:
        """Write documents by id; the first make the collection. Returns how many are new, how many were there."""
        ...

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
        """Find what is near a vector, has words of a text, or both; the best first."""
        ...

    async def documents(
        self, name: str, *, where: Mapping[str, Any] | None = None, limit: int = 100
    ) -> list[Match]:
        """List documents, the newest first."""
        ...

    async def delete(
        self, name: str, *, ids: Sequence[str] = (), where: Mapping[str, Any] | None = None
    ) -> int:
        """Remove documents by id, by filter, or by both together; returns how many."""
        ...

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
        """Write a document in the place of one that says nearly the same; once for each `key`."""
        ...


class _NoVectors:
    """Of a process without a database."""

    def __getattr__(self, name: str) -> Any:
        """Refuse. Errors: UnavailableError."""
        raise UnavailableError("This worker has no database; blocks that need one run on the lane `data`.")


NO_VECTORS = cast(Vectors, _NoVectors())


class Cancelled(Protocol):
    """Set when the run is to stop; an `asyncio.Event` fits."""

    def is_set(self) -> bool:
        """Tell whether the run is cancelled."""
        ...

    async def wait(self) -> Any:
        """Return once it is."""
        ...


class Progress(Protocol):
    """Reports how far a run is, for the live view; never stored."""

    def __call__(self, fraction: float, note: str, /) -> None:
        """Tell that `fraction` (0 to 1) is done."""
        ...

    def text(self, piece: str, /) -> None:
        """Tell the next piece of a text that is being written."""
        ...

    def close(self) -> None:
        """Tell what was held back; the run has ended."""
        ...
