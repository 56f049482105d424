"""Wikipedia, by its REST API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from millstream.processors.annotations import Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

WIKIPEDIA = Service(
    provider="wikipedia",
    title="Wikipedia",
    url="https://en.wikipedia.org/api/rest_v1",
    headers={"User-Agent": "Millstream/0.1 (an open platform for agents)"},
    login=None,
)


class Summary(Outputs):
    """Pins of GetWikipediaSummaryBlock."""

    summary: str


@block(
    id="f5b0f5d0-1862-4d61-94be-3ad0fa772760",
    name="GetWikipediaSummaryBlock",
    categories=("SEARCH",),
    samples=[
        Sample(
            {"topic": "Ada Lovelace"},
            [("summary", "A mathematician.")],
            serves={
                "/page/summary/Ada_Lovelace": (
                    "application/json",
                    json.dumps({"extract": "A mathematician."}),
                )
            },
        ),
        Sample({"topic": "No/such?"}, raises="block_failed", serves={"/x": ("text/plain", "")}),
        Sample({"topic": " "}, raises="block_input_invalid"),
    ],
)
async def get_wikipedia_summary(topic: str, *, ctx: Context) -> AsyncIterator[Emit[Summary]]:
    """Give the summary of a page of the English Wikipedia.

    topic: The title of the page.
    summary: Its first paragraphs.
    """
    title = "_".join(topic.split())
    if not title:
        raise BlockInputError("Give the title of a page.", pin="topic")
    found = await WIKIPEDIA.call(ctx, "GET /page/summary/{title}", path={"title": title})
    yield "summary", found.get("extract") or ""
