"""Tools and retrievers of LangChain as blocks. They run in a process that is killed at its limit, like every plain `def`.

    from millstream.processors.generated.langchain import from_langchain

    search = from_langchain(MySearchTool(), module=__name__)

Needs the extra `langchain`. What runs is code that somebody installed; it has no environment variables, so no keys of theirs.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from millstream.processors import isolation
from millstream.processors.context import Context
from millstream.processors.generated.building import built, snake
from millstream.processors.runnable import Block
from millstream.schemas.errors import BlockExecutionError

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

DOCUMENTS_MOST: Final = 1_000
_MADE: Final[dict[tuple[str, str], Any]] = {}
"""Tools by module and name. The other process imports the module, which fills it there too."""


def from_langchain(
    tool: BaseTool | BaseRetriever,
    *,
    module: str,
    name: str = "",
    description: str = "",
    lane: str = "cpu",
    timeout_s: float = 120.0,
    repeatable: bool = False,
) -> Block:
    """Return a block of a tool (a pin for each argument; `result`) or of a retriever (`query`; `document`, `documents`).

    `module`: the caller's `__name__`; the block must be made when that module is imported. `lane`: `cpu`, or that of a worker
    group of your own, such as `gpu`.
    """
    from langchain_core.retrievers import BaseRetriever

    is_retriever = isinstance(tool, BaseRetriever)
    called = snake(name or (type(tool).__name__ if isinstance(tool, BaseRetriever) else tool.name))
    _MADE[module, called] = tool

    async def call(ctx: Context, values: dict[str, Any]) -> AsyncIterator[tuple[str, Any]]:
        value = await isolation.call(
            run_made, module, called, values, timeout_s=timeout_s, what=f"The tool {called!r}"
        )
        if not is_retriever:
            yield "result", value
            return
        for document in value:
            yield "document", document
        yield "documents", value

    about = description or (tool.description if not isinstance(tool, BaseRetriever) else "Find documents.")
    return built(
        call,
        module=module,
        name=called,
        description=about or called,
        input_schema=_inputs(tool),
        outputs=_documents()
        if is_retriever
        else {"result": {"title": "Result", "description": "What it gave."}},
        why="A tool of LangChain; its package tests it.",
        categories=("DEVELOPER_TOOLS",),
        lane=lane,
        timeout_s=timeout_s + 30.0,
        repeatable=repeatable or is_retriever,
    )


def run_made(module: str, name: str, values: dict[str, Any]) -> Any:
    """Run a tool here; called in the other process. Errors: BlockExecutionError: the module no longer makes it."""
    importlib.import_module(module)
    tool = _MADE.get((module, name))
    if tool is None:
        raise BlockExecutionError(f"{module} makes no tool {name!r} when it is imported.")
    argument = values["query"] if _is_retriever(tool) else values
    try:
        value = tool.invoke(argument)
    except NotImplementedError:  # one that can only be awaited
        value = asyncio.run(tool.ainvoke(argument))
    return [plain(each) for each in value[:DOCUMENTS_MOST]] if _is_retriever(tool) else plain(value)


def plain(value: Any) -> Any:
    """Return a value of LangChain as JSON: documents and models as objects, what else is no JSON as text."""
    if hasattr(value, "page_content"):
        return {"text": value.page_content, "metadata": plain(dict(value.metadata or {}))}
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        value = dump(mode="json")
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value


def _is_retriever(tool: Any) -> bool:
    from langchain_core.retrievers import BaseRetriever

    return isinstance(tool, BaseRetriever)


def _inputs(tool: Any) -> dict[str, Any]:
    if _is_retriever(tool):
        query = {"type": "string", "description": "What to look for."}
        return {"properties": {"query": query}, "required": ["query"]}
    schema = tool.tool_call_schema
    found: dict[str, Any] = schema if isinstance(schema, dict) else schema.model_json_schema()
    kept: dict[str, Any] = {key: found[key] for key in ("properties", "required", "$defs") if key in found}
    return {"properties": {}, **kept}


def _documents() -> dict[str, dict[str, Any]]:
    one = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "metadata": {"type": "object"}},
        "required": ["text", "metadata"],
    }
    return {
        "document": {"title": "Document", "description": "Each document.", **one},
        "documents": {"title": "Documents", "description": "All documents.", "type": "array", "items": one},
    }
