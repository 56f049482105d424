"""Mem0, the service, with the pins that AutoGPT's graphs know. RememberBlock and RecallBlock do the same without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Login, Service
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

WHERE_TESTED = "asks Mem0; see tests/unit/processors/test_mem0.py"
MEM0 = Service(provider="mem0", title="Mem0", url="https://api.mem0.ai", login=Login(prefix="Token "))
PAGE = 100
MESSAGES_LIMIT = 200


class Content(TypedDict):
    """One text."""

    discriminator: Literal["content"]
    content: str


class Conversation(TypedDict):
    """Messages of a chat."""

    discriminator: Literal["conversation"]
    messages: list[dict[str, str]]


class Added(Outputs):
    """Pins of AddMemoryBlock."""

    action: str
    memory: str
    results: list[dict[str, str]]


class Memories(Outputs):
    """Pins of SearchMemoryBlock and GetAllMemoriesBlock."""

    memories: Any


class Latest(Outputs):
    """Pins of GetLatestMemoryBlock."""

    memory: dict[str, Any] | None
    found: bool


@block(
    id="dce97578-86be-45a4-ae50-f6de33fc935a",
    name="AddMemoryBlock",
    no_samples=WHERE_TESTED,
    repeatable=False,
)
async def add_memory(
    credentials: Annotated[Credentials, MEM0.takes()],
    content: Advanced[Content | Conversation] = {  # noqa: B006 - the SDK copies defaults
        "discriminator": "content",
        "content": "I'm a vegetarian",
    },
    metadata: Advanced[dict[str, Any]] = EMPTY,
    limit_memory_to_run: Advanced[bool] = False,
    limit_memory_to_agent: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Added]]:
    """Have Mem0 remember what is in a text or a conversation.

    credentials: The API key of Mem0.
    content: A text, or the messages of a conversation.
    metadata: What else is to be known of it.
    limit_memory_to_run: Only this run will know.
    limit_memory_to_agent: Only this agent will know.
    action: What Mem0 did, once for each memory: ADD, UPDATE or DELETE.
    memory: What it remembers, once for each.
    results: All of them.
    """
    messages = (
        content["messages"]
        if content["discriminator"] == "conversation"
        else [{"role": "user", "content": content["content"]}]
    )
    if not 0 < len(messages) <= MESSAGES_LIMIT:
        raise BlockInputError(f"Give 1 to {MESSAGES_LIMIT} messages.")
    body = {
        "messages": messages,
        "metadata": metadata,
        "output_format": "v1.1",
        "async_mode": False,
        **_whose(ctx, run=limit_memory_to_run, agent=limit_memory_to_agent),
    }
    found = _list(await MEM0.call(ctx, "POST /v1/memories/", json=body))
    results = [{name: str(value) for name, value in each.items() if value is not None} for each in found]
    for each in results:
        if "event" in each:
            yield "action", each["event"]
            yield "memory", each.get("memory", "")
    yield "results", results


@block(id="bd7c84e3-e073-4b75-810c-600886ec8a5b", name="SearchMemoryBlock", no_samples=WHERE_TESTED)
async def search_memory(
    credentials: Annotated[Credentials, MEM0.takes()],
    query: str,
    trigger: bool = False,
    categories_filter: Advanced[list[str]] = EMPTY,
    metadata_filter: Advanced[dict[str, Any] | None] = None,
    limit_memory_to_run: Advanced[bool] = False,
    limit_memory_to_agent: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Memories]]:
    """Search what Mem0 remembers.

    credentials: The API key of Mem0.
    query: The question.
    trigger: A value that only says when to search.
    categories_filter: Only memories of these categories.
    metadata_filter: Only memories with these values.
    limit_memory_to_run: Only what this run knows.
    limit_memory_to_agent: Only what this agent knows.
    memories: What was found.
    """
    whose = _whose(ctx, run=limit_memory_to_run, agent=limit_memory_to_agent)
    body = {"query": query, "filters": _filters(whose, categories_filter, metadata_filter)}
    yield "memories", _list(await MEM0.call(ctx, "POST /v2/memories/search/", json=body))


@block(id="45aee5bf-4767-45d1-a28b-e01c5aae9fc1", name="GetAllMemoriesBlock", no_samples=WHERE_TESTED)
async def get_all_memories(
    credentials: Annotated[Credentials, MEM0.takes()],
    trigger: bool = False,
    categories: Advanced[list[str] | None] = None,
    metadata_filter: Advanced[dict[str, Any] | None] = None,
    limit_memory_to_run: Advanced[bool] = False,
    limit_memory_to_agent: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Memories]]:
    """Get what Mem0 remembers, the first hundred memories.

    credentials: The API key of Mem0.
    trigger: A value that only says when to look.
    categories: Only memories of these categories.
    metadata_filter: Only memories with these values.
    limit_memory_to_run: Only what this run knows.
    limit_memory_to_agent: Only what this agent knows.
    memories: All that was found.
    """
    whose = _whose(ctx, run=limit_memory_to_run, agent=limit_memory_to_agent)
    yield "memories", await _all(ctx, _filters(whose, categories or [], metadata_filter))


@block(id="0f9d81b5-a145-4c23-b87f-01d6bf37b677", name="GetLatestMemoryBlock", no_samples=WHERE_TESTED)
async def get_latest_memory(
    credentials: Annotated[Credentials, MEM0.takes()],
    trigger: bool = False,
    categories: Advanced[list[str] | None] = None,
    conversation_id: Advanced[str | None] = None,
    metadata_filter: Advanced[dict[str, Any] | None] = None,
    limit_memory_to_run: Advanced[bool] = False,
    limit_memory_to_agent: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Latest]]:
    """Get what Mem0 has remembered last.

    credentials: The API key of Mem0.
    trigger: A value that only says when to look.
    categories: Only memories of these categories.
    conversation_id: Only memories of this run.
    metadata_filter: Only memories with these values.
    limit_memory_to_run: Only what this run knows.
    limit_memory_to_agent: Only what this agent knows.
    memory: The newest memory, if there is one.
    found: Whether there is one.
    """
    whose = _whose(ctx, run=limit_memory_to_run, agent=limit_memory_to_agent)
    if conversation_id:
        whose["run_id"] = conversation_id
    found = await _all(ctx, _filters(whose, categories or [], metadata_filter))
    if found:
        yield "memory", max(found, key=lambda each: str(each.get("created_at", "")))
    yield "found", bool(found)


async def _all(ctx: Context, filters: dict[str, Any]) -> list[dict[str, Any]]:
    query = {"page": 1, "page_size": PAGE}
    return _list(await MEM0.call(ctx, "POST /v2/memories/", query=query, json={"filters": filters}))


def _whose(ctx: Context, *, run: bool, agent: bool) -> dict[str, str]:
    found = {"user_id": ctx.user_id}
    if run:
        found["run_id"] = ctx.execution_id
    if agent:
        found["agent_id"] = ctx.graph_id
    return found


def _filters(whose: dict[str, str], categories: list[str], metadata: dict[str, Any] | None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{name: value} for name, value in whose.items()]
    if categories:
        parts.append({"categories": {"in": categories}})
    if metadata:
        parts.append({"metadata": metadata})
    return {"AND": parts}


def _list(answer: Any) -> list[dict[str, Any]]:
    """Mem0 answers with a list, or with one in `results`."""
    found = answer.get("results", []) if isinstance(answer, dict) else answer
    return [each for each in found or [] if isinstance(each, dict)]
