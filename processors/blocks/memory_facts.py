"""What agents remember: facts about a user, for one agent, or for one run. What says nearly the same is kept once, as it was
said last.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, Emit, LongText, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.embedding import EMBEDDERS, embedded
from millstream.processors.models.interface import AUTO, Embeddings
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError, InputInvalidError, NotFoundError
from millstream.schemas.vectors import Document, Match

WHERE_TESTED = (
    "needs the database of the lane `data`; see tests/integration/connectors/test_vectors_blocks.py"
)
PREFIX: Final = "~memory "
"""Memories of each model are a collection of their own: vectors of two models say nothing about each other."""
OURS: Final = "~"
"""How the fields of the metadata begin that are ours."""
CATEGORY: Final = f"{OURS}category:"
FACTS_LIMIT: Final = 50

Scope = Literal["user", "agent", "run"]
Category = Annotated[str, Field(min_length=1, max_length=100)]


class Memory(TypedDict):
    """One fact that is remembered."""

    id: str
    memory: str
    score: float
    scope: str
    categories: list[str]
    metadata: dict[str, Any]
    updated_at: str


class Done(TypedDict):
    """What became of a fact."""

    action: str
    id: str
    memory: str
    replaced: str | None


class Kept(Outputs):
    """Pins of RememberBlock."""

    results: list[Done]
    action: str
    memory: str


class Recalled(Outputs):
    """Pins of RecallBlock."""

    memories: list[Memory]
    texts: list[str]
    found: bool


class Listed(Outputs):
    """Pins of ListMemoriesBlock."""

    memories: list[Memory]
    latest: Memory


class Forgotten(Outputs):
    """Pins of ForgetBlock."""

    forgotten: int


@block(categories=("AI", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def remember(
    facts: list[Annotated[str, Field(max_length=10_000)]],
    scope: Scope = "agent",
    categories: Advanced[list[Category]] = EMPTY,
    metadata: Advanced[dict[str, Any]] = EMPTY,
    same_from: Advanced[Annotated[float, Field(ge=0.5, le=1)]] = 0.9,
    model: Advanced[str] = AUTO,
    credentials: Annotated[Credentials | None, EMBEDDERS] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Kept]]:
    """Remember facts beyond this run. One that says nearly what is remembered already takes its place.

    facts: Short sentences, one thing each; at most 50.
    scope: Who will know: all agents of yours (`user`), this one (`agent`), or only this run.
    categories: What the facts are about, to recall by.
    metadata: What else is to be known of them.
    same_from: How alike two facts are to count as the same, from 0.5 to 1.
    model: The model that compares meanings; memories of different models do not mix.
    credentials: Whose model that is; without it the platform's default.
    results: For each fact what was done (`added`, `updated`, or `known` in a repeated run), its id, and what it replaced.
    action: What was done, once for each fact.
    memory: What is remembered now, once for each fact.
    """
    if not 0 < len(facts) <= FACTS_LIMIT:
        raise BlockInputError(f"Give 1 to {FACTS_LIMIT} facts; these are {len(facts)}.")
    owner = _owner(scope, ctx)
    about = {**_theirs(metadata), **owner, **{CATEGORY + each: True for each in categories}}
    made = await embedded(ctx, facts, model, credentials)
    results = []
    for number, (fact, vector) in enumerate(zip(facts, made.vectors, strict=True)):
        key = f"{ctx.idempotency_key}:{number}"
        document = Document(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, key)), text=fact, vector=vector, metadata=about
        )
        try:
            done = await ctx.vectors.remember(
                _collection(made), document, key=key, within=owner, threshold=same_from
            )
        except InputInvalidError as error:
            raise BlockInputError(str(error)) from error
        results.append({"action": done.action, "id": done.id, "memory": done.text, "replaced": done.replaced})
    for result in results:
        yield "action", result["action"]
        yield "memory", result["memory"]
    yield "results", results


@block(categories=("AI", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def recall(
    query: LongText,
    scope: Scope = "run",
    limit: Annotated[int, Field(ge=1, le=100)] = 5,
    categories: Advanced[list[Category]] = EMPTY,
    where: Advanced[dict[str, Any]] = EMPTY,
    least_score: Advanced[Annotated[float, Field(ge=-1, le=1)]] = 0.0,
    model: Advanced[str] = AUTO,
    credentials: Annotated[Credentials | None, EMBEDDERS] = None,
    after: Advanced[Any] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Recalled]]:
    """Recall the facts that have most to do with a question.

    query: The question.
    scope: How far to look: `user` for what all agents know, `agent` for that and what this one knows, `run` for all this and
        what this run has remembered.
    limit: How many facts at most.
    categories: Only facts of at least one of these.
    where: Only facts whose metadata fit; see SearchDocumentsBlock.
    least_score: Leave out what is less alike, from -1 to 1.
    model: The model with which they were remembered.
    credentials: Whose model that is; without it the platform's default.
    after: A value that only says when to look: link what has to be done before.
    memories: The facts, the most fitting first.
    texts: Their texts alone.
    found: Whether there is any.
    """
    made = await embedded(ctx, [query], model, credentials)
    try:
        found = await ctx.vectors.search(
            _collection(made),
            vector=made.vectors[0],
            where=_visible(scope, ctx, categories, where),
            limit=limit,
        )
    except NotFoundError:
        found = []
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error
    memories = [_memory(match) for match in found if match.score >= least_score]
    yield "memories", memories
    yield "texts", [memory["memory"] for memory in memories]
    yield "found", bool(memories)


@block(categories=("AI", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def list_memories(
    scope: Scope = "run",
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
    categories: Advanced[list[Category]] = EMPTY,
    where: Advanced[dict[str, Any]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Listed]]:
    """List what is remembered, the newest first.

    scope: How far to look; see RecallBlock.
    limit: How many facts at most.
    categories: Only facts of at least one of these.
    where: Only facts whose metadata fit; see SearchDocumentsBlock.
    memories: The facts.
    latest: The newest of them, if there is one.
    """
    visible = _visible(scope, ctx, categories, where)
    found: list[Match] = []
    try:
        for name in await _collections(ctx):
            found += await ctx.vectors.documents(name, where=visible, limit=limit)
    except InputInvalidError as error:
        raise BlockInputError(str(error)) from error
    memories = [
        _memory(match) for match in sorted(found, key=lambda each: each.updated_at, reverse=True)[:limit]
    ]
    yield "memories", memories
    if memories:
        yield "latest", memories[0]


@block(categories=("AI", "DATA"), lane="data", no_samples=WHERE_TESTED)
async def forget(
    ids: list[str] = EMPTY,
    scope: Scope = "agent",
    categories: Advanced[list[Category]] = EMPTY,
    everything: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Forgotten]]:
    """Forget facts: by id, by category, or all of one scope.

    ids: Ids of facts, as RecallBlock gives them.
    scope: Whose facts: those known to all agents (`user`), to this one, or to this run. Others are left alone.
    categories: Only facts of at least one of these.
    everything: Forget all facts of the scope, if neither ids nor categories are given.
    forgotten: How many facts were forgotten.
    """
    if not ids and not categories and not everything:
        raise BlockInputError("Say what to forget: ids, categories, or `everything`.")
    where: dict[str, Any] = {**_owner(scope, ctx), **_about(categories)}
    count = 0
    for name in await _collections(ctx):
        count += await ctx.vectors.delete(name, ids=ids, where=where)
    yield "forgotten", count


def _collection(made: Embeddings) -> str:
    return f"{PREFIX}{made.provider}/{made.model}/{len(made.vectors[0])}"[:100].strip()


async def _collections(ctx: Context) -> list[str]:
    return [each.name for each in await ctx.vectors.collections() if each.name.startswith(PREFIX)]


def _owner(scope: Scope, ctx: Context) -> dict[str, Any]:
    """Fields of the metadata that say whom a fact is for."""
    if scope == "user":
        return {f"{OURS}scope": "user"}
    if scope == "agent":
        return {f"{OURS}scope": "agent", f"{OURS}agent": ctx.graph_id}
    return {f"{OURS}scope": "run", f"{OURS}run": ctx.execution_id}


def _visible(scope: Scope, ctx: Context, categories: list[str], where: Mapping[str, Any]) -> dict[str, Any]:
    """A filter for the scope and those wider than it."""
    scopes: tuple[Scope, ...] = ("user", "agent", "run")
    seen = [_owner(each, ctx) for each in scopes[: scopes.index(scope) + 1]]
    return {"$and": [{"$or": seen}, _about(categories), dict(where)]}


def _about(categories: list[str]) -> dict[str, Any]:
    return {"$or": [{CATEGORY + each: True} for each in categories]} if categories else {}


def _theirs(metadata: Mapping[str, Any]) -> dict[str, Any]:
    taken = [name for name in metadata if name.startswith(OURS)]
    if taken:
        raise BlockInputError(f"Fields of metadata do not begin with {OURS!r}: {taken[0]!r}.")
    return dict(metadata)


def _memory(match: Match) -> dict[str, Any]:
    known = match.metadata
    return {
        "id": match.id,
        "memory": match.text,
        "score": round(match.score, 6),
        "scope": known.get(f"{OURS}scope", ""),
        "categories": [name.removeprefix(CATEGORY) for name in known if name.startswith(CATEGORY)],
        "metadata": {name: value for name, value in known.items() if not name.startswith(OURS)},
        "updated_at": match.updated_at,
    }
