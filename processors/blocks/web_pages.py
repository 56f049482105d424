"""Pages of the web: their text, their parts, what they tell of themselves. Each takes a URL or the HTML itself.

Pages are parsed in a process of their own that can be killed: whoever wrote the page does not choose how long it takes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from millstream.processors import isolation, pages
from millstream.processors.annotations import Advanced, Emit, LongText, Outputs, ShortText
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError, UpstreamError

PARSE_S = 20.0
_ACCEPT = {"Accept": "text/html, application/xhtml+xml, text/plain;q=0.8, */*;q=0.5"}
Most = Annotated[int, Field(ge=1, le=5_000)]


async def page_of(ctx: Context, url: str | None, html: str | None) -> tuple[str, str]:
    """Return the HTML and the address that it came from. Errors: BlockInputError if neither is given; those of `Http`."""
    if html:
        return html, url or ""
    if not url:
        raise BlockInputError("Give the URL of a page, or its HTML.")
    response = await ctx.http.get(url, headers=_ACCEPT)
    if response.status >= 400:
        raise UpstreamError(f"The server answered {response.status} for this page.", status=response.status)
    return response.text, response.url


async def parsed(fn: Any, *arguments: Any) -> Any:
    """Call a parser in a process of its own."""
    return await isolation.call(fn, *arguments, timeout_s=PARSE_S, what="Reading this page")


class Article(Outputs):
    """Pins of PageMarkdownBlock."""

    markdown: str
    title: str
    author: str
    date: str
    site: str
    description: str


_PARAGRAPH = (
    "Kafka keeps records in partitions, in the order in which they came, for as long as it was told to. " * 3
)
_ARTICLE = (
    "<html><head><title>On logs</title><meta name='author' content='Ada Byron'></head><body><nav><a href='/'>Home</a></nav>"
    f"<article><h1>On logs</h1><p>{_PARAGRAPH}</p><h2>Why</h2><p>{_PARAGRAPH}</p></article><footer>c</footer></body></html>"
)


@block(
    categories=("SEARCH", "TEXT"),
    samples=[
        Sample(
            {"html": _ARTICLE, "url": "https://e.com/logs"},
            [
                ("markdown", lambda text: "# Why" in text and "partitions" in text and "Home" not in text),
                ("title", "On logs"),
                ("author", "Ada Byron"),
                ("site", "e.com"),
            ],
        ),
        Sample({"url": "http://127.0.0.1/"}, raises="address_refused"),
        Sample({}, raises="block_input_invalid"),
    ],
)
async def page_markdown(
    url: str | None = None, html: LongText | None = None, *, ctx: Context
) -> AsyncIterator[Emit[Article]]:
    """Turn the main text of a web page into Markdown, without menus, adverts and comments: what a model should read.

    url: The address of the page.
    html: The page itself, instead of an address.
    markdown: The text, with headings, lists, tables and links.
    title: The title.
    author: Who wrote it, if the page says so.
    date: When it was written, if the page says so.
    site: The name of the site.
    description: What the page says that it is about.
    """
    text, base = await page_of(ctx, url, html)
    found = await parsed(pages.article, text, base) if text.strip() else {}
    yield "markdown", found.get("markdown", "")
    for pin, name in (("title", "title"), ("author", "author"), ("date", "date"), ("site", "sitename")):
        if name in found:
            yield pin, found[name]
    if "description" in found:
        yield "description", found["description"]


class Matches(Outputs):
    """Pins of SelectHtmlBlock."""

    match: str
    matches: list[str]


_LIST = '<ul><li class="x">One <b>two</b></li><li class="x"><a href="/b">Three</a></li></ul>'


@block(
    categories=("SEARCH", "DATA"),
    samples=[
        Sample(
            {"html": _LIST, "selector": "li.x"},
            [("match", "One two"), ("match", "Three"), ("matches", ["One two", "Three"])],
        ),
        Sample({"html": _LIST, "selector": "a", "attribute": "href"}, [("match", "/b"), ("matches", ["/b"])]),
        Sample({"html": _LIST, "selector": "li["}, raises="block_input_invalid"),
    ],
)
async def select_html(
    selector: ShortText,
    url: str | None = None,
    html: LongText | None = None,
    what: Literal["text", "html"] = "text",
    attribute: ShortText = "",
    most: Advanced[Most] = 1_000,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Matches]]:
    """Pick parts of a web page by a CSS selector.

    selector: The CSS selector, like `article h2 > a`.
    url: The address of the page.
    html: The page itself, instead of an address.
    what: Whether the text or the HTML of each part is wanted.
    attribute: An attribute that is wanted instead, like `href`.
    most: How many parts are given at most.
    match: Each part.
    matches: All parts.
    """
    text, _ = await page_of(ctx, url, html)
    found = await parsed(pages.selected, text, selector, attribute, what, most)
    for each in found:
        yield "match", each
    yield "matches", found


@block(
    categories=("SEARCH", "DATA"),
    samples=[
        Sample({"html": _LIST, "xpath": "//a/@href"}, [("match", "/b"), ("matches", ["/b"])]),
        Sample({"html": _LIST, "xpath": "count(//li)"}, [("match", "2.0"), ("matches", ["2.0"])]),
        Sample({"html": _LIST, "xpath": "//["}, raises="block_input_invalid"),
    ],
)
async def select_xpath(
    xpath: ShortText,
    url: str | None = None,
    html: LongText | None = None,
    most: Advanced[Most] = 1_000,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Matches]]:
    """Pick parts of a web page by an XPath 1.0 expression.

    xpath: The expression, like `//table[@id="prices"]//td[2]`.
    url: The address of the page.
    html: The page itself, instead of an address.
    most: How many parts are given at most.
    match: Each part: the text of an element, or the value of an attribute.
    matches: All parts.
    """
    text, _ = await page_of(ctx, url, html)
    found = await parsed(pages.by_xpath, text, xpath, most)
    for each in found:
        yield "match", each
    yield "matches", found


class Links(Outputs):
    """Pins of PageLinksBlock."""

    link: dict[str, str]
    links: list[dict[str, str]]


_LINKS = (
    '<a href="/a#top">A</a><a href="https://f.com/">F</a><a href="mailto:x@y.z">m</a><a href="/a">again</a>'
)
_A, _F = {"url": "https://e.com/a", "text": "A", "rel": ""}, {"url": "https://f.com/", "text": "F", "rel": ""}


@block(
    categories=("SEARCH", "DATA"),
    samples=[
        Sample({"html": _LINKS, "url": "https://e.com/x"}, [("link", _A), ("link", _F), ("links", [_A, _F])]),
        Sample(
            {"html": _LINKS, "url": "https://e.com/x", "same_site": True}, [("link", _A), ("links", [_A])]
        ),
    ],
)
async def page_links(
    url: str | None = None,
    html: LongText | None = None,
    same_site: bool = False,
    most: Advanced[Most] = 1_000,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Links]]:
    """List where the links of a web page lead: each address once, in order, as absolute addresses.

    url: The address of the page; with `html`, the address that relative links begin at.
    html: The page itself.
    same_site: Keep only links to the same host.
    most: How many links are given at most.
    link: Each link: `url`, `text`, `rel`.
    links: All links.
    """
    text, base = await page_of(ctx, url, html)
    found = await parsed(pages.links, text, base)
    if same_site:
        host = urlsplit(base).hostname
        found = [each for each in found if urlsplit(each["url"]).hostname == host]
    for each in found[:most]:
        yield "link", each
    yield "links", found[:most]


class About(Outputs):
    """Pins of PageMetadataBlock."""

    title: str
    description: str
    image: str
    canonical_url: str
    icon: str
    language: str
    open_graph: dict[str, str]
    twitter: dict[str, str]
    meta: dict[str, str]
    json_ld: list[Any]
    feeds: list[str]


@block(
    categories=("SEARCH", "DATA"),
    samples=[
        Sample(
            {
                "url": "https://e.com/x",
                "html": '<html lang="de"><title>T</title><meta property="og:title" content="OG"><meta name="a" content="b">'
                '<meta property="og:image" content="/i.png"><script type="application/ld+json">{"@type": "Thing"}</script>',
            },
            [
                ("title", "OG"),
                ("image", "https://e.com/i.png"),
                ("language", "de"),
                ("open_graph", {"title": "OG", "image": "/i.png"}),
                ("twitter", {}),
                ("meta", {"a": "b"}),
                ("json_ld", [{"@type": "Thing"}]),
                ("feeds", []),
            ],
        ),
    ],
)
async def page_metadata(
    url: str | None = None, html: LongText | None = None, *, ctx: Context
) -> AsyncIterator[Emit[About]]:
    """Read what a web page tells of itself to machines: OpenGraph, Twitter card, JSON-LD, feeds.

    url: The address of the page.
    html: The page itself; `url` then completes its links.
    title: The title, as it is meant to be shown.
    description: What the page is about.
    image: The address of its picture.
    canonical_url: The address that the page wants to be known by.
    icon: The address of its icon.
    language: Its language.
    open_graph: What it tells by OpenGraph.
    twitter: What it tells for a Twitter card.
    meta: All other meta elements by name.
    json_ld: Its JSON-LD documents.
    feeds: The addresses of its RSS and Atom feeds.
    """
    text, base = await page_of(ctx, url, html)
    for pin, value in (await parsed(pages.metadata, text, base)).items():
        if value or not isinstance(value, str):
            yield pin, value


class Tables(Outputs):
    """Pins of PageTablesBlock."""

    table: list[dict[str, str]]
    tables: list[dict[str, Any]]


_TABLE = "<table><caption>C</caption><tr><th>a<th>b</tr><tr><td rowspan=2>1<td>2</tr><tr><td>3</tr></table>"
_ROWS = [{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]


@block(
    categories=("SEARCH", "DATA"),
    samples=[
        Sample(
            {"html": _TABLE},
            [("table", _ROWS), ("tables", [{"caption": "C", "columns": ["a", "b"], "rows": _ROWS}])],
        ),
        Sample({"html": "<p>none</p>"}, [("tables", [])]),
    ],
)
async def page_tables(
    url: str | None = None,
    html: LongText | None = None,
    most: Advanced[Annotated[int, Field(ge=1, le=100)]] = 20,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Tables]]:
    """Read the tables of a web page as rows. A first row of headings names the columns.

    url: The address of the page.
    html: The page itself, instead of an address.
    most: How many tables are given at most.
    table: The rows of each table.
    tables: All tables, each with `caption`, `columns` and `rows`.
    """
    text, _ = await page_of(ctx, url, html)
    found = await parsed(pages.tables, text, most)
    for each in found:
        yield "table", each["rows"]
    yield "tables", found


class Difference(Outputs):
    """Pins of CompareTextsBlock."""

    changed: bool
    diff: str
    added: int
    removed: int
    similarity: float


@block(
    categories=("TEXT",),
    samples=[
        Sample(
            {"before": "a\nb", "after": "a\nc"},
            [
                ("changed", True),
                ("diff", "--- before\n+++ after\n@@ -1,2 +1,2 @@\n a\n-b\n+c"),
                ("added", 1),
                ("removed", 1),
                ("similarity", 0.5),
            ],
        ),
        Sample(
            {"before": "a", "after": "a"},
            [("changed", False), ("diff", ""), ("added", 0), ("removed", 0), ("similarity", 1.0)],
        ),
    ],
)
async def compare_texts(
    before: LongText, after: LongText, context_lines: Advanced[Annotated[int, Field(ge=0, le=100)]] = 3
) -> AsyncIterator[Emit[Difference]]:
    """Compare two texts line by line, such as a page of yesterday and of today.

    before: The older text.
    after: The newer text.
    context_lines: How many unchanged lines stand around each change.
    changed: Whether they differ.
    diff: The changes in unified form; empty if there are none.
    added: How many lines came in.
    removed: How many lines went.
    similarity: 1 for the same text, 0 for nothing in common.
    """
    found = await isolation.call(
        pages.differences, before, after, context_lines, timeout_s=PARSE_S, what="Comparing these texts"
    )
    for pin, value in found.items():
        yield pin, value
