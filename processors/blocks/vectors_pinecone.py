"""Pinecone with the pins that AutoGPT's graphs know; VectorStore blocks do the same for three databases."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.sdk import block
from millstream.processors.stores.pinecone import TEXT
from millstream.processors.stores.store import PINECONE_LOGIN, pinecone_of
from millstream.schemas.errors import BlockInputError, InputInvalidError
from millstream.schemas.vectors import BATCH_LIMIT, RESULT_LIMIT, Document, check_document, check_vector

WHERE_TESTED = "asks Pinecone; see tests/unit/processors/test_stores.py"
METRICS = ("cosine", "euclidean", "dotproduct")


class Made(Outputs):
    """Pins of PineconeInitBlock."""

    index: str
    message: str


class Inserted(Outputs):
    """Pins of PineconeInsertBlock."""

    upsert_response: str


class Answered(Outputs):
    """Pins of PineconeQueryBlock."""

    results: Any
    combined_results: Any


@block(
    id="48d8fdab-8f03-41f3-8407-8107ba11ec9b",
    name="PineconeInitBlock",
    categories=("LOGIC",),
    no_samples=WHERE_TESTED,
)
async def pinecone_init(
    credentials: Annotated[Credentials, PINECONE_LOGIN],
    index_name: str,
    dimension: Advanced[int] = 768,
    metric: Advanced[str] = "cosine",
    cloud: Advanced[str] = "aws",
    region: Advanced[str] = "us-east-1",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Made]]:
    """Make an index in Pinecone, unless there is one of that name.

    credentials: The API key of Pinecone.
    index_name: Its name.
    dimension: How many numbers its vectors have.
    metric: How vectors are compared: cosine, euclidean or dotproduct.
    cloud: Where it is: aws, gcp or azure.
    region: The region of that cloud.
    index: The name of the index, for PineconeInsertBlock.
    message: That it is there.
    """
    if metric not in METRICS:
        raise BlockInputError(f"The metric is {metric!r}; there are {', '.join(METRICS)}.")
    pinecone = await pinecone_of(ctx, credentials)
    await pinecone.create(index_name, dimension=dimension, metric=metric, cloud=cloud, region=region)
    yield "index", index_name
    yield "message", f"The index {index_name!r} is there."


@block(
    id="477f2168-cd91-475a-8146-9499a5982434",
    name="PineconeInsertBlock",
    categories=("LOGIC",),
    no_samples=WHERE_TESTED,
)
async def pinecone_insert(
    credentials: Annotated[Credentials, PINECONE_LOGIN],
    index: str,
    chunks: list[Any],
    embeddings: list[Any],
    namespace: Advanced[str] = "",
    metadata: Advanced[dict[str, Any]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Inserted]]:
    """Put chunks of text with their vectors into an index of Pinecone. A run that is repeated writes the same ids.

    credentials: The API key of Pinecone.
    index: The name of the index.
    chunks: The texts.
    embeddings: Their vectors, one each.
    namespace: The part of the index.
    metadata: What is to be known of all of them.
    upsert_response: How many were written.
    """
    if not 0 < len(chunks) <= BATCH_LIMIT or len(chunks) != len(embeddings):
        raise BlockInputError(f"Give 1 to {BATCH_LIMIT:,} chunks and a vector for each.")
    try:
        documents = [
            check_document(
                Document(
                    id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{ctx.idempotency_key}:{number}")),
                    text=text if isinstance(text, str) else json.dumps(text),
                    vector=vector,
                    metadata=metadata,
                )
            )
            for number, (text, vector) in enumerate(zip(chunks, embeddings, strict=True))
        ]
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error
    pinecone = await pinecone_of(ctx, credentials)
    written = await pinecone.upsert(f"{index}/{namespace}", documents)
    yield "upsert_response", f"{written} vectors written"


@block(
    id="9ad93d0f-91b4-4c9c-8eb1-82e26b4a01c5",
    name="PineconeQueryBlock",
    categories=("LOGIC",),
    no_samples=WHERE_TESTED,
)
async def pinecone_query(
    credentials: Annotated[Credentials, PINECONE_LOGIN],
    query_vector: list[Any],
    idx_name: str,
    namespace: Advanced[str] = "",
    top_k: Advanced[int] = 3,
    include_values: Advanced[bool] = False,
    include_metadata: Advanced[bool] = True,
    host: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Answered]]:
    """Find the nearest vectors in an index of Pinecone.

    credentials: The API key of Pinecone.
    query_vector: The vector to look for.
    idx_name: The name of the index.
    namespace: The part of the index.
    top_k: How many to find.
    include_values: Give the vectors too.
    include_metadata: Give the metadata too.
    host: The host of the index, if it is known: saves a request.
    results: The matches as Pinecone gives them.
    combined_results: Their texts, one below the other.
    """
    if not 0 < top_k <= RESULT_LIMIT:
        raise BlockInputError(f"top_k goes from 1 to {RESULT_LIMIT}.")
    try:
        vector = check_vector(query_vector)
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error
    pinecone = await pinecone_of(ctx, credentials)
    api = pinecone.at(host or await pinecone.host_of(idx_name))
    found = await pinecone.query(
        api, namespace, vector, limit=top_k, values=include_values, metadata=include_metadata
    )
    yield "results", {"matches": found, "namespace": namespace}
    texts = [str((each.get("metadata") or {}).get(TEXT, "")) for each in found]
    yield "combined_results", "\n\n".join(text for text in texts if text)
