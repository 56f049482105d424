"""Search in the web, and pages as text, by services that live of it: Jina, Exa, Tavily, Brave, SerpAPI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors import pages
from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs, ShortText
from millstream.processors.blocks.web_pages import page_of, parsed
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Login, Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

JINA_SEARCH = Service(provider="jina", title="Jina", url="https://s.jina.ai", name="jina-search")
JINA_READER = Service(provider="jina", title="Jina", url="https://r.jina.ai", name="jina-reader")
EXA = Service(provider="exa", title="Exa", url="https://api.exa.ai", login=Login(name="x-api-key", prefix=""))
TAVILY = Service(provider="tavily", title="Tavily", url="https://api.tavily.com")
BRAVE = Service(
    provider="brave",
    title="Brave Search",
    url="https://api.search.brave.com",
    login=Login(name="X-Subscription-Token", prefix=""),
)
SERPAPI = Service(
    provider="serpapi", title="SerpAPI", url="https://serpapi.com", login=Login(place="query", name="api_key")
)
Number = Annotated[int, Field(ge=1, le=20)]


def _login(provider: str) -> dict[str, str]:
    return {"id": "00000000-0000-4000-8000-000000000007", "provider": provider, "type": "api_key"}


def _json(value: Any) -> tuple[str, str]:
    return "application/json", json.dumps(value)


class Found(Outputs):
    """Pins of SearchTheWebBlock."""

    results: str


@block(
    id="87840993-2053-44b7-8da4-187ad4ee518c",
    name="SearchTheWebBlock",
    categories=("SEARCH",),
    samples=[
        Sample(
            {"query": "Apache Kafka", "credentials": _login("jina")},
            [("results", "[1] Kafka")],
            serves={"/Apache%20Kafka": ("text/plain", "[1] Kafka")},
        )
    ],
)
async def search_the_web(
    query: str, credentials: Annotated[Credentials, JINA_SEARCH.takes()], *, ctx: Context
) -> AsyncIterator[Emit[Found]]:
    """Search the web by Jina.

    query: What to look for.
    credentials: A key of Jina.
    results: What was found, as text for people and models.
    """
    answer = await JINA_SEARCH.ask(ctx, "GET /{query}", path={"query": query}, timeout_s=60)
    yield "results", answer.text


class Content(Outputs):
    """Pins of ExtractWebsiteContentBlock."""

    content: str


@block(
    id="436c3984-57fd-4b85-8e9a-459b356883bd",
    name="ExtractWebsiteContentBlock",
    categories=("SEARCH",),
    samples=[
        Sample(
            {"url": "https://e.com/a?b=1", "credentials": _login("jina")},
            [("content", "# A")],
            serves={"/https%3A%2F%2Fe.com%2Fa%3Fb%3D1": ("text/plain", "# A")},
        ),
        Sample(
            {"url": "http://127.0.0.1/", "raw_content": True, "credentials": _login("jina")},
            raises="address_refused",
        ),
    ],
)
async def extract_website_content(
    url: str,
    credentials: Annotated[Credentials, JINA_READER.takes()],
    raw_content: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Content]]:
    """Turn a web page into text by Jina's reader, which also runs the page's scripts.

    url: The address of the page.
    credentials: A key of Jina.
    raw_content: Fetch the page from here instead, without Jina.
    content: The text.
    """
    if raw_content:
        html, base = await page_of(ctx, url, None)
        found = await parsed(pages.article, html, base)
        yield "content", found.get("markdown", "")
        return
    answer = await JINA_READER.ask(ctx, "GET /{url}", path={"url": url}, timeout_s=60)
    yield "content", answer.text


class Hit(TypedDict):
    """One result of a search."""

    title: str
    url: str
    text: str
    date: str


class Hits(Outputs):
    """Pins of WebSearchBlock."""

    result: Hit
    results: list[Hit]


_HIT = {"title": "A", "url": "https://e.com/a", "text": "t", "date": ""}


def _hits(rows: Any, text: str) -> list[dict[str, str]]:
    """Rows of any of these services in one form."""
    shown = []
    for row in rows or []:
        address = row.get("url") or row.get("link") or ""
        date = row.get("publishedDate") or row.get("published_date") or row.get("page_age") or row.get("date")
        shown.append(
            {"title": row.get("title") or "", "url": address, "text": row.get(text) or "", "date": date or ""}
        )
    return shown


def _told(hits: list[dict[str, str]]) -> list[tuple[str, Any]]:
    return [*(("result", hit) for hit in hits), ("results", hits)]


@block(
    categories=("SEARCH",),
    samples=[
        Sample(
            {"query": "kafka", "credentials": _login("tavily")},
            [("result", _HIT), ("results", [_HIT])],
            serves={
                "/search": _json({"results": [{"title": "A", "url": "https://e.com/a", "content": "t"}]})
            },
        ),
    ],
)
async def tavily_search(
    query: ShortText,
    credentials: Annotated[Credentials, TAVILY.takes()],
    number: Number = 5,
    depth: Advanced[Literal["basic", "advanced"]] = "basic",
    topic: Advanced[Literal["general", "news"]] = "general",
    include_domains: Advanced[list[str]] = EMPTY,
    exclude_domains: Advanced[list[str]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Hits]]:
    """Search the web by Tavily.

    query: What to look for.
    credentials: A key of Tavily.
    number: How many results.
    depth: How thoroughly; `advanced` costs twice.
    topic: The whole web, or news.
    include_domains: Only these sites.
    exclude_domains: Not these sites.
    result: Each result: `title`, `url`, `text`, `date`.
    results: All results.
    """
    wanted = {
        "query": query,
        "max_results": number,
        "search_depth": depth,
        "topic": topic,
        "include_domains": include_domains or None,
        "exclude_domains": exclude_domains or None,
    }
    found = await TAVILY.call(ctx, "POST /search", json=wanted)
    for emit in _told(_hits(found.get("results"), "content")):
        yield emit


@block(
    categories=("SEARCH",),
    samples=[
        Sample(
            {"query": "kafka", "credentials": _login("brave")},
            [("result", _HIT), ("results", [_HIT])],
            serves={
                "/res/v1/web/search?q=kafka&count=10&offset=0": _json(
                    {"web": {"results": [{"title": "A", "url": "https://e.com/a", "description": "t"}]}}
                )
            },
        ),
        Sample(
            {"query": "x", "credentials": _login("brave")},
            [("results", [])],
            serves={"/res/v1/web/search": _json({})},
        ),
    ],
)
async def brave_search(
    query: ShortText,
    credentials: Annotated[Credentials, BRAVE.takes()],
    number: Number = 10,
    page: Advanced[Annotated[int, Field(ge=0, le=9)]] = 0,
    country: Advanced[ShortText] = "",
    fresh: Advanced[Literal["", "pd", "pw", "pm", "py"]] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Hits]]:
    """Search the web by Brave.

    query: What to look for.
    credentials: A key of Brave's Search API.
    number: How many results.
    page: Which page of them, from 0.
    country: Results as for this country, two letters.
    fresh: Only results of the last day (`pd`), week (`pw`), month (`pm`) or year (`py`).
    result: Each result: `title`, `url`, `text`, `date`.
    results: All results.
    """
    asked = {
        "q": query,
        "count": number,
        "offset": page,
        "country": country or None,
        "freshness": fresh or None,
    }
    found = await BRAVE.call(ctx, "GET /res/v1/web/search", query=asked)
    for emit in _told(_hits((found.get("web") or {}).get("results"), "description")):
        yield emit


@block(
    categories=("SEARCH",),
    samples=[
        Sample(
            {"query": "kafka", "credentials": _login("serpapi")},
            [("result", _HIT), ("results", [_HIT])],
            serves={
                "/search.json?q=kafka&engine=google&num=10&api_key=made-up-secret": _json(
                    {"organic_results": [{"title": "A", "link": "https://e.com/a", "snippet": "t"}]}
                )
            },
        )
    ],
)
async def serpapi_search(
    query: ShortText,
    credentials: Annotated[Credentials, SERPAPI.takes()],
    engine: Literal["google", "bing", "duckduckgo", "yahoo", "yandex", "google_news"] = "google",
    number: Number = 10,
    country: Advanced[ShortText] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Hits]]:
    """Search by Google, Bing and others through SerpAPI.

    query: What to look for.
    credentials: A key of SerpAPI.
    engine: Which search engine.
    number: How many results.
    country: Results as for this country, two letters.
    result: Each result: `title`, `url`, `text`, `date`.
    results: All results.
    """
    asked = {"q": query, "engine": engine, "num": number, "gl": country or None}
    found = await SERPAPI.call(ctx, "GET /search.json", query=asked, timeout_s=60)
    rows = found.get("organic_results") or found.get("news_results")
    for emit in _told(_hits((rows or [])[:number], "snippet")):
        yield emit


@block(
    categories=("SEARCH",),
    samples=[
        Sample(
            {"query": "kafka", "credentials": _login("exa")},
            [("result", _HIT), ("results", [_HIT])],
            serves={"/search": _json({"results": [{"title": "A", "url": "https://e.com/a", "text": "t"}]})},
        )
    ],
)
async def exa_web_search(
    query: ShortText,
    credentials: Annotated[Credentials, EXA.takes()],
    number: Number = 10,
    kind: Advanced[Literal["auto", "neural", "keyword", "fast"]] = "auto",
    include_domains: Advanced[list[str]] = EMPTY,
    exclude_domains: Advanced[list[str]] = EMPTY,
    most_chars: Advanced[Annotated[int, Field(ge=0, le=20_000)]] = 2_000,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Hits]]:
    """Search the web by Exa, by meaning or by words, with the beginning of each page's text.

    query: What to look for.
    credentials: A key of Exa.
    number: How many results.
    kind: How it searches.
    include_domains: Only these sites.
    exclude_domains: Not these sites.
    most_chars: How much of each page's text comes along; 0 for none.
    result: Each result: `title`, `url`, `text`, `date`.
    results: All results.
    """
    wanted = {
        "query": query,
        "type": kind,
        "numResults": number,
        "includeDomains": include_domains or None,
        "excludeDomains": exclude_domains or None,
        "contents": {"text": {"maxCharacters": most_chars}} if most_chars else None,
    }
    found = await EXA.call(ctx, "POST /search", json=wanted, timeout_s=60)
    _spend(ctx, found)
    for emit in _told(_hits(found.get("results"), "text")):
        yield emit


def _spend(ctx: Context, found: Any) -> None:
    """Exa says what a call has cost, in dollars."""
    total = (found.get("costDollars") or {}).get("total")
    if isinstance(total, int | float) and total > 0:
        ctx.spend(round(total * 1_000_000))
