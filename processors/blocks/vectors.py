"""Search in documents of one's own: texts with vectors in the platform's database, one user's apart from another's."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, Emit, LongText, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.embedding import EMBEDDERS, embedded
from millstream.processors.models.interface import AUTO
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError, InputInvalidError
from millstream.schemas.vectors import Document, Match

WHERE_TESTED = (
    "needs the database of the lane `data`; see tests/integration/connectors/test_vectors_blocks.py"
)
RESERVED = "~"
"""How names of collections begin that belong to other blocks, such as memories."""

CollectionName = Annotated[str, Field(min_length=1, max_length=100)]
Limit = Annotated[int, Field(ge=1, le=100)]


class Found(TypedDict):
    """One document that was found."""

    id: str
    text: str
    metadata: dict[str, Any]
    score: float


class Held(TypedDict):
    """One collection."""

    name: str
    dimension: int
    documents: int


class Stored(Outputs):
    """Pins of UpsertDocumentsBlock."""

    ids: list[str]
    added: int
    changed: int


class Results(Outputs):
    """Pins of SearchDocumentsBlock."""

    matches: list[Found]
    texts: list[str]
    context: str


class Removed(Outputs):
    """Pins of DeleteDocumentsBlock."""

    deleted: int


class ListedCollections(Outputs):
    """Pins of ListCollectionsBlock."""

    collections: list[Held]


@block(categories=("SEARCH", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def upsert_documents(
    collection: CollectionName,
    texts: list[str],
    ids: list[str] = EMPTY,
    metadata: list[dict[str, Any]] = EMPTY,
    vectors: Advanced[list[list[float]]] = EMPTY,
    language: Advanced[str] = "simple",
    model: Advanced[str] = AUTO,
    credentials: Annotated[Credentials | None, EMBEDDERS] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Stored]]:
    """Put texts into a collection, where they can be searched by meaning and by words. The same ids are written over, so a
    repeat changes nothing.

    collection: Its name; the first texts make it.
    texts: The texts, such as chunks of a document; at most 1,000 of 100,000 characters each.
    ids: Their ids, one each; without them an id is made of each text, so equal texts are kept once.
    metadata: What is to be known of each text, for filters: one object each, or a single one for all.
    vectors: Their vectors, if they were made elsewhere, one each; else a model makes them.
    language: Of the texts, for the search by words, such as `english`; `simple` takes words as they are.
    model: The model that makes vectors; the search has to use the same one.
    credentials: Whose model that is; without it the platform's default.
    added: How many texts are new.
    changed: How many were there under their id before.
    """
    name = _own(collection)
    if not texts:
        raise BlockInputError("There are no texts to keep.")
    ids = ids or [_id(text) for text in texts]
    about = metadata * len(texts) if len(metadata) == 1 else metadata or [{}] * len(texts)
    _same(texts, ids=ids, metadata=about, vectors=vectors or texts)
    found = vectors or (await embedded(ctx, texts, model, credentials)).vectors
    documents = [
        Document(id=id_, text=text, vector=vector, metadata=known)
        for id_, text, vector, known in zip(ids, texts, found, about, strict=True)
    ]
    added, changed = await _given(ctx.vectors.upsert(name, documents, language=language))
    yield "ids", ids
    yield "added", added
    yield "changed", changed


@block(categories=("SEARCH", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def search_documents(
    collection: CollectionName,
    query: LongText = "",
    limit: Limit = 5,
    mode: Literal["hybrid", "vector", "text"] = "hybrid",
    where: dict[str, Any] = EMPTY,
    vector: Advanced[list[float]] = EMPTY,
    language: Advanced[str] = "simple",
    model: Advanced[str] = AUTO,
    credentials: Annotated[Credentials | None, EMBEDDERS] = None,
    after: Advanced[Any] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Results]]:
    """Find the texts of a collection that fit a question best: by meaning, by words, or by both together.

    collection: Its name.
    query: The question, or words.
    limit: How many to find.
    mode: `vector` looks for the meaning, `text` for the words, `hybrid` for both and joins the two rankings.
    where: Only texts whose metadata fit, like {"lang": "en", "year": {"$gte": 2020}}. There are $eq, $ne, $gt, $gte, $lt,
        $lte, $in, $nin, $exists, $and and $or.
    vector: The vector of the question, if it was made elsewhere.
    language: Of the texts, as they were put in.
    model: The model that makes the vector: the one that made those of the texts.
    credentials: Whose model that is; without it the platform's default.
    after: A value that only says when to look: link what has to be done before.
    matches: What was found, the best first.
    texts: Their texts alone.
    context: Their texts as one, numbered, to be put into a prompt.
    """
    name = _own(collection)
    if mode != "vector" and not query.strip():
        raise BlockInputError("Give a query, or a vector with the mode `vector`.")
    asked: Sequence[float] | None = None
    if mode != "text":
        asked = vector or (await embedded(ctx, [query], model, credentials)).vectors[0]
    found = await _given(
        ctx.vectors.search(
            name,
            vector=asked,
            text=None if mode == "vector" else query,
            where=where,
            limit=limit,
            language=language,
        )
    )
    yield "matches", [shown(match) for match in found]
    yield "texts", [match.text for match in found]
    yield "context", "\n\n".join(f"[{number}] {match.text}" for number, match in enumerate(found, start=1))


@block(categories=("SEARCH", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def delete_documents(
    collection: CollectionName,
    ids: list[str] = EMPTY,
    where: dict[str, Any] = EMPTY,
    everything: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Removed]]:
    """Remove texts from a collection: by id, by filter, by both together, or the whole collection.

    collection: Its name.
    ids: Ids of texts.
    where: Only texts whose metadata fit; see SearchDocumentsBlock.
    everything: Remove the collection with all its texts.
    deleted: How many texts were removed.
    """
    name = _own(collection)
    if everything and not ids and not where:
        held = {each.name: each.documents or 0 for each in await _given(ctx.vectors.collections())}
        await _given(ctx.vectors.drop(name))
        yield "deleted", held.get(name, 0)
        return
    if not ids and not where:
        raise BlockInputError("Say which texts: by ids, by a filter, or `everything`.")
    yield "deleted", await _given(ctx.vectors.delete(name, ids=ids, where=where))


@block(categories=("SEARCH", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def list_collections(
    starts_with: str = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[ListedCollections]]:
    """List your collections of documents.

    starts_with: Only those whose name starts so.
    collections: Name, dimension of the vectors and number of texts of each.
    """
    found = await _given(ctx.vectors.collections())
    yield (
        "collections",
        [
            {"name": each.name, "dimension": each.dimension, "documents": each.documents or 0}
            for each in found
            if each.name.startswith(starts_with) and not each.name.startswith(RESERVED)
        ],
    )


def shown(match: Match) -> dict[str, Any]:
    """Return a match for an output pin."""
    return {
        "id": match.id,
        "text": match.text,
        "metadata": dict(match.metadata),
        "score": round(match.score, 6),
    }


async def _given(asked: Any) -> Any:
    """What the store gives; inputs that it refuses are the caller's."""
    try:
        return await asked
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error


def _own(collection: str) -> str:
    if collection.startswith(RESERVED):
        raise BlockInputError(
            f"Names of collections do not begin with {RESERVED!r}; that is kept for memories."
        )
    return collection


def _id(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _same(texts: Sequence[str], **lists: Sequence[Any] | Mapping[str, Any]) -> None:
    for name, values in lists.items():
        if len(values) != len(texts):
            raise BlockInputError(
                f"There are {len(texts)} texts and {len(values)} {name}; give one for each."
            )
