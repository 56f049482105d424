"""Search in vector databases of others, Pinecone, Weaviate and Chroma, with the same pins for all three."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, Emit, LongText, Outputs
from millstream.processors.blocks.vectors import Found, Held, Limit, shown
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.embedding import EMBEDDERS, embedded
from millstream.processors.models.interface import AUTO
from millstream.processors.sdk import block
from millstream.processors.stores.interface import ServiceName
from millstream.processors.stores.store import LOGIN, store
from millstream.schemas.errors import BlockInputError, InputInvalidError
from millstream.schemas.vectors import BATCH_LIMIT, Document, check_document, check_vector, condition

WHERE_TESTED = "asks a vector database; see tests/unit/processors/test_stores.py"
CollectionName = Annotated[str, Field(min_length=1, max_length=200)]


class Written(Outputs):
    """Pins of VectorStoreUpsertBlock."""

    ids: list[str]
    written: int


class Results(Outputs):
    """Pins of VectorStoreSearchBlock."""

    matches: list[Found]
    texts: list[str]


class Removed(Outputs):
    """Pins of VectorStoreDeleteBlock."""

    done: bool


class Listed(Outputs):
    """Pins of VectorStoreCollectionsBlock."""

    collections: list[Held]


@block(categories=("SEARCH", "DATA"), no_samples=WHERE_TESTED)
async def vector_store_upsert(
    service: ServiceName,
    collection: CollectionName,
    texts: list[str],
    ids: list[str],
    url: str = "",
    metadata: list[dict[str, Any]] = EMPTY,
    vectors: list[list[float]] = EMPTY,
    credentials: Annotated[Credentials | None, LOGIN] = None,
    model: Advanced[str] = AUTO,
    model_credentials: Advanced[Annotated[Credentials | None, EMBEDDERS]] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Written]]:
    """Put texts with their vectors into Pinecone, Weaviate or Chroma. The same ids are written over.

    service: Which database.
    collection: The index of Pinecone (`index/namespace` for a part of it), the class of Weaviate, the collection of Chroma.
    texts: The texts, at most 1,000.
    ids: Their ids, one each.
    url: Where your Weaviate or Chroma is.
    metadata: What is to be known of each text, for filters: one object each.
    vectors: Their vectors, one each; else a model makes them.
    credentials: The API key of the database.
    model: The model that makes vectors.
    model_credentials: Whose model that is; without it the platform's default.
    written: How many texts were written.
    """
    about = metadata or [{}] * len(texts)
    if not 0 < len(texts) <= BATCH_LIMIT or not len(texts) == len(ids) == len(about):
        raise BlockInputError(f"Give 1 to {BATCH_LIMIT:,} texts, and an id (and metadata) for each.")
    if vectors and len(vectors) != len(texts):
        raise BlockInputError(f"There are {len(texts)} texts and {len(vectors)} vectors; give one for each.")
    database = await store(ctx, service, url, credentials)
    found = vectors or (await embedded(ctx, texts, model, model_credentials, pin="model_credentials")).vectors
    try:
        documents = [
            check_document(Document(id=id_, text=text, vector=vector, metadata=known), len(found[0]))
            for id_, text, vector, known in zip(ids, texts, found, about, strict=True)
        ]
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error
    yield "written", await database.upsert(collection, documents)
    yield "ids", ids


@block(categories=("SEARCH", "DATA"), no_samples=WHERE_TESTED)
async def vector_store_search(
    service: ServiceName,
    collection: CollectionName,
    query: LongText = "",
    url: str = "",
    limit: Limit = 5,
    where: dict[str, Any] = EMPTY,
    vector: Advanced[list[float]] = EMPTY,
    credentials: Annotated[Credentials | None, LOGIN] = None,
    model: Advanced[str] = AUTO,
    model_credentials: Advanced[Annotated[Credentials | None, EMBEDDERS]] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Results]]:
    """Find the texts in Pinecone, Weaviate or Chroma that are nearest to a question.

    service: Which database.
    collection: The index of Pinecone (`index/namespace` for a part of it), the class of Weaviate, the collection of Chroma.
    query: The question.
    url: Where your Weaviate or Chroma is.
    limit: How many to find.
    where: Only texts whose metadata fit, in the same words for all: see SearchDocumentsBlock.
    vector: The vector of the question, if it was made elsewhere.
    credentials: The API key of the database.
    model: The model that makes the vector: the one that made those of the texts.
    model_credentials: Whose model that is; without it the platform's default.
    matches: What was found, the nearest first.
    texts: Their texts alone.
    """
    if not vector and not query.strip():
        raise BlockInputError("Give a query or a vector.")
    try:
        part = condition(where)
        given = check_vector(vector) if vector else None
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error
    database = await store(ctx, service, url, credentials)
    if given is None:
        made = await embedded(ctx, [query], model, model_credentials, pin="model_credentials")
        given = made.vectors[0]
    found = await database.search(collection, given, where=part, limit=limit)
    yield "matches", [shown(match) for match in found]
    yield "texts", [match.text for match in found]


@block(categories=("SEARCH", "DATA"), no_samples=WHERE_TESTED)
async def vector_store_delete(
    service: ServiceName,
    collection: CollectionName,
    url: str = "",
    ids: list[str] = EMPTY,
    where: dict[str, Any] = EMPTY,
    credentials: Annotated[Credentials | None, LOGIN] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Removed]]:
    """Remove texts from Pinecone, Weaviate or Chroma: by id, or by filter.

    service: Which database.
    collection: The index of Pinecone (`index/namespace` for a part of it), the class of Weaviate, the collection of Chroma.
    url: Where your Weaviate or Chroma is.
    ids: Ids of texts.
    where: Without ids: texts whose metadata fit.
    credentials: The API key of the database.
    done: True once the database has taken it; databases do not say how many there were.
    """
    if bool(ids) == bool(where):
        raise BlockInputError("Say which texts: by ids, or by a filter.")
    if len(ids) > BATCH_LIMIT:
        raise BlockInputError(f"At most {BATCH_LIMIT:,} ids at once.")
    try:
        part = condition(where)
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error
    database = await store(ctx, service, url, credentials)
    await database.delete(collection, ids=ids, where=part)
    yield "done", True


@block(categories=("SEARCH", "DATA"), no_samples=WHERE_TESTED)
async def vector_store_collections(
    service: ServiceName,
    url: str = "",
    credentials: Annotated[Credentials | None, LOGIN] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Listed]]:
    """List what a vector database holds: indexes of Pinecone, classes of Weaviate, collections of Chroma.

    service: Which database.
    url: Where your Weaviate or Chroma is.
    credentials: The API key of the database.
    collections: Name and dimension of each, 0 where the database does not say; the number of texts is not known.
    """
    database = await store(ctx, service, url, credentials)
    yield (
        "collections",
        [
            {"name": each.name, "dimension": each.dimension, "documents": each.documents or 0}
            for each in await database.collections()
        ],
    )
