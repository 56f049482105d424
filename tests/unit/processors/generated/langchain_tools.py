"""Tools and a retriever of LangChain, as a package of blocks would have them."""

from __future__ import annotations

import time
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import StructuredTool, tool

from millstream.processors.generated.langchain import from_langchain


@tool
def price_of(item: str, count: int = 1, ctx: str = "") -> dict[str, Any]:
    """Tell what something costs."""
    if item == "gold":
        raise ValueError("nobody sells gold here")
    return {"item": item, "total": 2.5 * count, "ctx": ctx}


@tool
def dawdle(seconds: float) -> str:
    """Take a while."""
    time.sleep(seconds)
    return "done"


async def _later(text: str) -> str:
    return text[::-1]


class Shelf(BaseRetriever):
    """Finds by a word."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(page_content=f"{query} {n}", metadata={"n": n, "odd": {1}}) for n in range(2)]


price = from_langchain(price_of, module=__name__, timeout_s=60.0)
slow = from_langchain(dawdle, module=__name__, timeout_s=1.0)
later = from_langchain(
    StructuredTool.from_function(coroutine=_later, name="Say-it-Later", description="Turn round."),
    module=__name__,
    lane="gpu",
)
shelf = from_langchain(Shelf(), module=__name__, description="Look on the shelf.")
