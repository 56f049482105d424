"""Whole sites: what their owners allow, and what they list."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from millstream.processors import isolation, robots, sitemaps
from millstream.processors.annotations import Advanced, Emit, Outputs, ShortText
from millstream.processors.context import Context
from millstream.processors.guards.http import USER_AGENT
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError, UpstreamError

MAP_BYTES = 16 * 1024 * 1024
MAPS_LIMIT = 50


class Permission(Outputs):
    """Pins of CheckRobotsBlock."""

    allowed: bool
    crawl_delay_s: float
    sitemaps: list[str]


_ROBOTS = "User-agent: *\nDisallow: /private\nAllow: /private/open$\nCrawl-delay: 2\nSitemap: https://e.com/map.xml\n"


@block(
    categories=("SEARCH",),
    samples=[
        Sample(
            {"url": "{server}/private/x"},
            [("allowed", False), ("crawl_delay_s", 2.0), ("sitemaps", ["https://e.com/map.xml"])],
            serves={"/robots.txt": ("text/plain", _ROBOTS)},
        ),
        Sample(
            {"url": "{server}/private/open"},
            [("allowed", True), ("crawl_delay_s", 2.0), ("sitemaps", ["https://e.com/map.xml"])],
            serves={"/robots.txt": ("text/plain", _ROBOTS)},
        ),
        Sample(
            {"url": "{server}/x"}, [("allowed", True), ("sitemaps", [])], serves={"/x": ("text/plain", "")}
        ),
    ],
)
async def check_robots(
    url: str, user_agent: ShortText = USER_AGENT, *, ctx: Context
) -> AsyncIterator[Emit[Permission]]:
    """See whether a site lets robots read an address, by its robots.txt.

    Without a robots.txt everything may be read; one that cannot be reached now forbids everything, as RFC 9309 says.

    url: The address that is to be read.
    user_agent: The name of the robot.
    allowed: Whether it may be read.
    crawl_delay_s: How many seconds the site wants between two requests.
    sitemaps: The sitemaps that the site names.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BlockInputError(f"{url[:200]!r} is no absolute http or https URL.", pin="url")
    try:
        response = await ctx.http.get(f"{parts.scheme}://{parts.netloc}/robots.txt", timeout_s=20.0)
    except UpstreamError:
        yield "allowed", False
        return
    if response.status >= 400:
        yield "allowed", response.status < 500
        yield "sitemaps", []
        return
    found = robots.read(response.text)
    group = found.group(user_agent)
    yield "allowed", found.allows(user_agent, url)
    if group.crawl_delay_s is not None:
        yield "crawl_delay_s", group.crawl_delay_s
    yield "sitemaps", found.sitemaps


class Listed(Outputs):
    """Pins of ReadSitemapBlock."""

    page: dict[str, str]
    pages: list[dict[str, str]]
    complete: bool


_MAP = (
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://e.com/a</loc>'
    "<lastmod>2026-01-02</lastmod></url><url><loc> https://e.com/b </loc></url></urlset>"
)
_PAGES = [{"url": "https://e.com/a", "modified": "2026-01-02"}, {"url": "https://e.com/b", "modified": ""}]


@block(
    categories=("SEARCH", "DATA"),
    samples=[
        Sample(
            {"url": "{server}/sitemap.xml"},
            [("page", _PAGES[0]), ("page", _PAGES[1]), ("pages", _PAGES), ("complete", True)],
            serves={"/sitemap.xml": ("application/xml", _MAP)},
        ),
        Sample(
            {"url": "{server}/"},
            [("pages", []), ("complete", True)],
            serves={"/sitemap.xml": ("text/plain", "\n")},
        ),
        Sample(
            {"url": "{server}/m.xml"},
            raises="block_failed",
            serves={"/m.xml": ("text/html", "<p>no map</p>")},
        ),
    ],
)
async def read_sitemap(
    url: str,
    containing: ShortText = "",
    most: Advanced[Annotated[int, Field(ge=1, le=50_000)]] = 1_000,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Listed]]:
    """List the pages that a site names in its sitemap, also in sitemaps that it leads to and in packed ones.

    url: The address of the sitemap, or of the site.
    containing: Keep only addresses that contain this text.
    most: How many pages are given at most.
    page: Each page: `url`, and when it was `modified` if that is known.
    pages: All pages.
    complete: Whether these are all.
    """
    start = url if urlsplit(url).path.strip("/") else urljoin(url, "/sitemap.xml")
    waiting, seen = [start], {start}
    found: list[dict[str, str]] = []
    read = 0
    while waiting and len(found) < most and read < MAPS_LIMIT:
        target = waiting.pop(0)
        listed = await _map(ctx, target, first=target == start)
        read += 1
        found += [each for each in listed["pages"] if containing in each["url"]]
        for inner in listed["maps"]:
            if inner not in seen and len(seen) < 10 * MAPS_LIMIT:
                seen.add(inner)
                waiting.append(inner)
    for each in found[:most]:
        yield "page", each
    yield "pages", found[:most]
    yield "complete", not waiting and len(found) <= most


async def _map(ctx: Context, url: str, *, first: bool) -> dict[str, Any]:
    response = await ctx.http.get(url, max_bytes=MAP_BYTES)
    if response.status >= 400:
        if not first:
            return {"pages": [], "maps": []}  # one dead part does not make the others worthless
        raise UpstreamError(
            f"The server answered {response.status} for this sitemap.", status=response.status
        )
    body = _unpacked(response.body)
    listed: dict[str, Any] = await isolation.call(
        sitemaps.read, body.decode("utf-8", "replace"), what="Reading this sitemap"
    )
    return listed


def _unpacked(body: bytes) -> bytes:
    """The content of a .gz sitemap. Errors: BlockExecutionError if it is broken or grows beyond the limit."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(body, MAP_BYTES)
    except zlib.error as error:
        raise BlockExecutionError(f"The sitemap is no valid gzip: {error}.") from error
    if unzip.unconsumed_tail:
        raise BlockExecutionError(f"The sitemap has more than {MAP_BYTES} bytes when it is unpacked.")
    return plain
