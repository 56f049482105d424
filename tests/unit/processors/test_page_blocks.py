"""Pages, sites and what is hostile in them."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import Any

import pytest

from millstream.processors import isolation, pages, parsing, robots, sitemaps
from millstream.processors.blocks.web import page_text
from millstream.processors.blocks.web_pages import page_links, page_tables, select_html
from millstream.processors.blocks.web_sites import check_robots, read_sitemap
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockTimeoutError
from millstream.testing import context, emits
from tests.unit.processors.conftest import Request, answer, serving


def site(files: dict[str, bytes], status: int = 404) -> Any:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        known = request.path in files
        await answer(
            writer, 200 if known else status, files.get(request.path, b""), Content_Type="text/plain"
        )

    return handle


RULES = """
User-agent: *
Disallow: /private
Allow: /private/open$
Disallow: /*.pdf$
Disallow: /a/*/c
User-agent: millbot
User-agent: other
Disallow: /
Allow: /m
"""


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("x", "/", True),
        ("x", "/private", False),
        ("x", "/privateer", False),
        ("x", "/private/open", True),
        ("x", "/private/open/x", False),
        ("x", "/doc.pdf", False),
        ("x", "/doc.pdf?x", True),
        ("x", "/a/b/c/d", False),
        ("x", "/a/c", True),
        ("x", "/%70rivate", False),
        ("x", "/robots.txt", True),
        ("Millbot/1.0", "/x", False),
        ("Millbot/1.0", "/m/x", True),
        ("OTHER", "/x", False),
    ],
)
def test_the_longest_rule_of_the_nearest_group_decides(agent: str, path: str, allowed: bool) -> None:
    """RFC 9309, 2.2.2."""
    assert robots.read(RULES).allows(agent, f"https://e.com{path}") is allowed


def test_a_hostile_robots_txt_takes_no_time() -> None:
    """A20: patterns of stars are matched without going back; rules have a limit."""
    many = robots.read("User-agent: *\n" + "Disallow: /a\n" * 6000)
    assert len(many.group("x").rules) == robots.RULES_LIMIT
    hostile = robots.read("User-agent: *\n" + ("Disallow: /" + "*a" * 200 + "b\n") * 1000)
    assert hostile.allows("x", "https://e.com/" + "a" * 2_000)


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (500, False), (503, False)])
async def test_a_site_without_rules_and_a_site_that_is_out_of_order(status: int, allowed: bool) -> None:
    async with serving(site({}, status)) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        got = dict(await emits(check_robots, {"url": f"{server.url}/x"}, context(http=http)))
    assert got["allowed"] is allowed


async def test_sitemaps_are_followed_unpacked_and_counted() -> None:
    inner = b"<urlset><url><loc>https://e.com/1</loc></url><url><loc>https://e.com/2</loc></url></urlset>"
    async with serving(site({})) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        parts = "".join(f"<sitemap><loc>{server.url}/{n}</loc></sitemap>" for n in ("a.gz", "gone", "index"))
        files = {"/index": f"<sitemapindex>{parts}</sitemapindex>".encode(), "/a.gz": gzip.compress(inner)}
        async with serving(site(files)) as second, GuardedHttp(allow=frozenset({second.origin})) as far:
            files["/index"] = files["/index"].replace(server.url.encode(), second.url.encode())
            inputs = {"url": f"{second.url}/index"}
            got = dict(await emits(read_sitemap, inputs, context(http=far)))
            assert [page["url"] for page in got["pages"]] == ["https://e.com/1", "https://e.com/2"]
            assert got["complete"]
            got = dict(await emits(read_sitemap, {**inputs, "most": 1}, context(http=far)))
            assert (len(got["pages"]), got["complete"]) == (1, False)
            files["/index"] = files["/index"].replace(second.url.encode(), server.url.encode())
            with pytest.raises(BlockError) as caught:  # A15: a sitemap inside
                await emits(read_sitemap, inputs, context(http=far))
        assert caught.value.code == "address_refused"
        assert not server.requests
        await http.close()


async def test_a_packed_bomb_is_refused() -> None:
    """A20."""
    files = {"/bomb": gzip.compress(b" " * 20_000_000)}
    async with serving(site(files)) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        with pytest.raises(BlockError, match="more than"):
            await emits(read_sitemap, {"url": f"{server.url}/bomb"}, context(http=http))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>',
        "<urlset><url>",
        "<html></html>",
    ],
)
def test_entities_in_a_sitemap_are_refused(text: str) -> None:
    with pytest.raises(BlockExecutionError, match="no sitemap"):
        sitemaps.read(text)


def test_links_are_absolute_and_of_the_web() -> None:
    html = (
        '<base href="/b/"><a href="c">C</a><a href="javascript:alert(1)">j</a><a href="http://[">x</a>'
        '<a href="//f.com/x#y">F</a><a>none</a>'
    )
    assert [link["url"] for link in pages.links(html, "https://e.com/a")] == [
        "https://e.com/b/c",
        "https://f.com/x",
    ]


def test_cells_that_span_are_in_each_of_their_places() -> None:
    html = (
        "<table><tr><th>a<th>a<th></tr><tr><td colspan=2 rowspan=2>x<td>1</tr><tr><td>2</tr><tr><td>y</tr></table>"
        "<table><tr><td><table><tr><td>inner</table></table>"
    )
    first, second = pages.tables(html, 10)
    assert first["columns"] == ["a", "a_2", "column_3"]
    assert [list(row.values()) for row in first["rows"]] == [["x", "x", "1"], ["x", "x", "2"], ["y", "", ""]]
    assert second["rows"] == [{"column_1": "inner"}]


async def test_a_table_that_claims_to_be_endless_is_refused() -> None:
    """A20."""
    row = "<tr>" + "<td colspan=999999999>x" * 300 + "</tr>"
    with pytest.raises(BlockError, match="more than 100000 cells"):
        await emits(page_tables, {"html": f"<table>{row * 10}</table>"})


async def test_a_page_that_nests_without_end_ends_with_its_process() -> None:
    """A20: the parser takes the square of its depth; it is killed, and the next page is read as if nothing had been."""
    with pytest.raises(BlockTimeoutError):
        await isolation.call(pages.links, "<div>" * 200_000, "https://e.com", timeout_s=0.5)
    assert await emits(page_links, {"html": "<a href=/a>A</a>", "url": "https://e.com"})


async def test_a_page_that_nests_does_not_stop_the_worker() -> None:
    """A20: a page of 200,000 characters was once parsed in the worker's own loop, which stood still for 9 s."""
    longest, last = 0.0, time.monotonic()
    task = asyncio.ensure_future(emits(page_text, {"html": "<div>" * 16_000 + "x"}))
    while not task.done():
        await asyncio.sleep(0)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    began = time.monotonic()
    parsing.page("<div>" * 16_000 + "x")
    assert longest < (time.monotonic() - began) / 2
    assert dict(task.result())["text"] == "x"


async def test_an_attribute_that_is_empty_is_found() -> None:
    got = dict(
        await emits(select_html, {"html": "<a href>x</a><a>y</a>", "selector": "a", "attribute": "href"})
    )
    assert got["matches"] == [""]
