"""Firecrawl: pages and sites through a browser of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

FIRECRAWL = Service(
    provider="firecrawl",
    title="Firecrawl",
    url="https://api.firecrawl.dev",
    failed=lambda answer: isinstance(answer, dict) and answer.get("success") is False,
)
FirecrawlLogin = Annotated[Credentials, FIRECRAWL.takes()]
Format = Literal[
    "markdown", "html", "rawHtml", "links", "screenshot", "screenshot@fullPage", "json", "changeTracking"
]
SCRAPE_S = 120.0
_LOGIN = {"id": "00000000-0000-4000-8000-000000000008", "provider": "firecrawl", "type": "api_key"}


def _json(value: Any) -> tuple[str, str]:
    return "application/json", json.dumps(value)


def _formats(names: list[str]) -> list[Any]:
    """Formats as version 2 of the API has them."""
    special = {"screenshot@fullPage": {"type": "screenshot", "fullPage": True}, "json": {"type": "json"}}
    return [special.get(name, name) for name in names]


class Scraped(Outputs):
    """Pins of FirecrawlScrapeBlock."""

    data: dict[str, Any]
    markdown: str
    html: str
    raw_html: str
    links: list[str]
    screenshot: str
    screenshot_full_page: str
    json_data: dict[str, Any]
    change_tracking: dict[str, Any]


_PINS = {
    "markdown": "markdown",
    "html": "html",
    "rawHtml": "raw_html",
    "links": "links",
    "json": "json_data",
    "changeTracking": "change_tracking",
}


@block(
    id="ac444320-cf5e-4697-b586-2604c17a3e75",
    name="FirecrawlScrapeBlock",
    categories=("SEARCH",),
    samples=[
        Sample(
            {"url": "https://e.com", "credentials": _LOGIN},
            [("data", {"markdown": "# A", "metadata": {}}), ("markdown", "# A")],
            serves={"/v2/scrape": _json({"success": True, "data": {"markdown": "# A", "metadata": {}}})},
        ),
        Sample(
            {"url": "https://e.com", "credentials": _LOGIN},
            raises="block_failed",
            serves={"/v2/scrape": _json({"success": False, "error": "no such page"})},
        ),
    ],
)
async def firecrawl_scrape(
    url: str,
    credentials: FirecrawlLogin,
    limit: Advanced[int] = 10,
    only_main_content: Advanced[bool] = True,
    max_age: Advanced[int] = 3600000,
    wait_for: Advanced[int] = 200,
    formats: Advanced[list[Format]] = ["markdown"],  # noqa: B006 - the SDK copies it for each run
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Scraped]]:
    """Read one web page by Firecrawl, which runs its scripts, in one format or several.

    url: The address of the page.
    credentials: A key of Firecrawl.
    limit: Without meaning for one page.
    only_main_content: Leave out menus and footers.
    max_age: How old a stored copy may be, in milliseconds.
    wait_for: How long the page's scripts get, in milliseconds.
    formats: Which formats are wanted.
    data: Everything that Firecrawl gave.
    markdown: The page as Markdown.
    html: The page as clean HTML.
    raw_html: The page as it is.
    links: Where its links lead.
    screenshot: The address of a picture of what is seen first.
    screenshot_full_page: The address of a picture of the whole page.
    json_data: What was taken out of it as JSON.
    change_tracking: What has changed since the last time.
    """
    wanted = {
        "url": url,
        "formats": _formats(list(formats)),
        "onlyMainContent": only_main_content,
        "maxAge": max_age,
        "waitFor": wait_for,
    }
    found = await FIRECRAWL.call(ctx, "POST /v2/scrape", json=wanted, timeout_s=SCRAPE_S)
    data = found.get("data") or {}
    yield "data", data
    for name, pin in _PINS.items():
        if name in formats and data.get(name) is not None:
            yield pin, data[name]
    for name, pin in (("screenshot", "screenshot"), ("screenshot@fullPage", "screenshot_full_page")):
        if name in formats and data.get("screenshot"):
            yield pin, data["screenshot"]


class Mapped(Outputs):
    """Pins of FirecrawlMapWebsiteBlock."""

    links: list[str]
    results: list[dict[str, Any]]


_LINK = {"url": "https://e.com/a", "title": "A"}


@block(
    id="f0f43e2b-c943-48a0-a7f1-40136ca4d3b9",
    name="FirecrawlMapWebsiteBlock",
    categories=("SEARCH",),
    samples=[
        Sample(
            {"url": "https://e.com", "credentials": _LOGIN},
            [("links", ["https://e.com/a"]), ("results", [_LINK])],
            serves={"/v2/map": _json({"success": True, "links": [_LINK]})},
        )
    ],
)
async def firecrawl_map_website(
    url: str, credentials: FirecrawlLogin, *, ctx: Context
) -> AsyncIterator[Emit[Mapped]]:
    """List the pages of a site by Firecrawl.

    url: The address of the site.
    credentials: A key of Firecrawl.
    links: The addresses of its pages.
    results: The pages with titles and descriptions.
    """
    found = await FIRECRAWL.call(ctx, "POST /v2/map", json={"url": url}, timeout_s=SCRAPE_S)
    rows = [row if isinstance(row, dict) else {"url": row} for row in found.get("links") or []]
    yield "links", [row["url"] for row in rows]
    yield "results", rows
