"""What there is in HTML pages, as plain functions that run in a process of their own: pages are hostile, parsers are C."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urldefrag, urljoin, urlsplit

from millstream.schemas.errors import BlockExecutionError, BlockInputError

LINKS_LIMIT: Final = 5_000
CELLS_LIMIT: Final = 100_000
SPAN_LIMIT: Final = 100
"""A cell may claim to span a billion rows; a table that does is not a table of data."""
LINES_LIMIT: Final = 20_000


def article(html: str, url: str) -> dict[str, str]:
    """The main text of a page as Markdown, with what the page tells of itself."""
    import trafilatura

    text = trafilatura.extract(
        html, url=url or None, output_format="markdown", include_links=True, include_comments=False
    )
    found = trafilatura.extract_metadata(html, default_url=url or None)
    names = ("title", "author", "date", "sitename", "description")
    kept = {name: getattr(found, name, None) for name in names}
    return {"markdown": text or "", **{name: str(value) for name, value in kept.items() if value}}


def selected(html: str, selector: str, attribute: str, what: str, most: int) -> list[str]:
    """What CSS selects, at most `most`: the text, the HTML, or one attribute of each. Errors: BlockInputError."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        nodes = LexborHTMLParser(html).css(selector)
    except (SelectolaxError, ValueError) as error:
        raise BlockInputError(f"{selector[:200]!r} is no CSS selector: {error}.", pin="selector") from error
    if attribute:
        values = (node.attributes.get(attribute) for node in nodes if attribute in node.attributes)
        return [value or "" for value, _ in zip(values, range(most), strict=False)]
    return [(node.html or "") if what == "html" else " ".join(node.text().split()) for node in nodes[:most]]


def by_xpath(html: str, expression: str, most: int) -> list[str]:
    """What an XPath 1.0 expression finds; elements are given by their text. Errors: BlockInputError."""
    from lxml import etree  # type: ignore[import-untyped]
    from lxml import html as parser

    if not html.strip():
        return []
    try:
        tree = parser.document_fromstring(html)
        found = tree.xpath(expression)
    except (etree.ParserError, ValueError) as error:
        raise BlockExecutionError(f"The page cannot be read: {error}.") from error
    except etree.XPathError as error:
        raise BlockInputError(f"{expression[:200]!r} is no XPath: {error}.", pin="xpath") from error
    if not isinstance(found, list):
        return [str(found)]
    return [
        " ".join("".join(each.itertext()).split()) if hasattr(each, "itertext") else str(each)
        for each in found[:most]
    ]


def links(html: str, base: str) -> list[dict[str, str]]:
    """The links of a page, each once, in order, as absolute addresses without what is behind `#`."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    root = _base(tree, base)
    found: dict[str, dict[str, str]] = {}
    for node in tree.css("a[href], area[href]"):
        target = _absolute(root, node.attributes.get("href") or "")
        if target and target not in found:
            text = " ".join(node.text().split())[:500]
            found[target] = {"url": target, "text": text, "rel": (node.attributes.get("rel") or "")[:100]}
            if len(found) >= LINKS_LIMIT:
                break
    return list(found.values())


def _base(tree: Any, base: str) -> str:
    node = tree.css_first("base[href]")
    return _joined(base, node.attributes.get("href") or "") if node is not None else base


def _joined(base: str, target: str) -> str:
    try:
        return urljoin(base, target.strip())
    except ValueError:
        return ""


def _absolute(base: str, target: str) -> str:
    """The address that a link leads to; empty if it leads to no page."""
    whole = urldefrag(_joined(base, target))[0]
    try:
        parts = urlsplit(whole)
    except ValueError:
        return ""
    return whole if parts.scheme in ("http", "https") and parts.netloc else ""


def metadata(html: str, base: str) -> dict[str, Any]:
    """What a page tells of itself to machines: title, description, OpenGraph, Twitter card, JSON-LD, feeds."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    metas: dict[str, str] = {}
    for node in tree.css("meta[content]"):
        name = (node.attributes.get("property") or node.attributes.get("name") or "").strip().lower()
        if name and name not in metas:
            metas[name] = (node.attributes.get("content") or "").strip()[:5_000]
    root = _base(tree, base)
    title, html_node = tree.css_first("title"), tree.css_first("html")
    related = {rel: _related(tree, root, rel) for rel in ("canonical", "icon")}
    feeds = 'link[rel~="alternate"][type="application/rss+xml"], link[rel~="alternate"][type="application/atom+xml"]'
    return {
        "title": metas.get("og:title") or (" ".join(title.text().split()) if title else ""),
        "description": metas.get("og:description") or metas.get("description", ""),
        "image": _absolute(root, metas["og:image"]) if metas.get("og:image") else "",
        "canonical_url": related["canonical"]
        or (_absolute(root, metas["og:url"]) if metas.get("og:url") else ""),
        "icon": related["icon"],
        "language": (html_node.attributes.get("lang") or "") if html_node else "",
        "open_graph": {name[3:]: value for name, value in metas.items() if name.startswith("og:")},
        "twitter": {name[8:]: value for name, value in metas.items() if name.startswith("twitter:")},
        "meta": {name: value for name, value in metas.items() if not name.startswith(("og:", "twitter:"))},
        "json_ld": list(_json_ld(tree)),
        "feeds": [_absolute(root, node.attributes.get("href") or "") for node in tree.css(feeds)][:50],
    }


def _related(tree: Any, root: str, rel: str) -> str:
    node = tree.css_first(f'link[rel~="{rel}"][href]')
    return _absolute(root, node.attributes.get("href") or "") if node is not None else ""


def _json_ld(tree: Any) -> Iterator[Any]:
    for node in tree.css('script[type="application/ld+json"]')[:50]:
        try:
            yield json.loads(node.text())
        except (ValueError, RecursionError):
            continue


def tables(html: str, most: int) -> list[dict[str, Any]]:
    """The tables of a page as rows; cells that span several places are in each of them."""
    from selectolax.lexbor import LexborHTMLParser

    found = []
    for table in LexborHTMLParser(html).css("table"):
        if len(table.css("table")) > 1 or not table.css("tr"):  # a node counts as inside itself
            continue  # tables around tables are layout
        grid, heads = _grid(table)
        caption = table.css_first("caption")
        head = (
            grid[0] if grid and heads else [f"column_{n + 1}" for n in range(max(map(len, grid), default=0))]
        )
        names = _unique(head)
        body = grid[1:] if heads else grid
        found.append(
            {
                "caption": " ".join(caption.text().split()) if caption else "",
                "columns": names,
                "rows": [
                    dict(zip(names, [*row, *[""] * (len(names) - len(row))], strict=False)) for row in body
                ],
            }
        )
        if len(found) >= most:
            break
    return found


def _grid(table: Any) -> tuple[list[list[str]], bool]:
    """Cells by row and column, and whether the first row names the columns."""
    rows: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column -> rows that a cell above still covers, and its text
    cells = 0
    heads = False
    for number, line in enumerate(table.css("tr")):
        row: list[str] = []
        own = line.css("th, td")
        heads = heads or (number == 0 and bool(own) and all(cell.tag == "th" for cell in own))
        for cell in own:
            _fill(row, hanging)
            text = " ".join(cell.text().split())
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            for _ in range(across):
                if down > 1:
                    hanging[len(row)] = (down - 1, text)
                row.append(text)
        _fill(row, hanging)
        cells += len(row)
        if cells > CELLS_LIMIT:
            raise BlockExecutionError(f"The tables have more than {CELLS_LIMIT} cells.")
        rows.append(row)
    return rows, heads


def _fill(row: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Add the cells from above that cover the next places of a row."""
    while (covered := hanging.pop(len(row), None)) is not None:
        left, text = covered
        if left > 1:
            hanging[len(row)] = (left - 1, text)
        row.append(text)


def _span(cell: Any, name: str) -> int:
    text = (cell.attributes.get(name) or "1").strip()
    return max(1, min(int(text), SPAN_LIMIT)) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _unique(names: list[str]) -> list[str]:
    """Names of columns, none empty and none twice."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        plain, again = name or f"column_{number}", 2
        while plain in found:
            plain, again = f"{name or f'column_{number}'}_{again}", again + 1
        found.append(plain)
    return found


def differences(before: str, after: str, context_lines: int) -> dict[str, Any]:
    """How one text became another, line by line. Errors: BlockInputError if they are too long to compare."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > LINES_LIMIT:
        raise BlockInputError(f"More than {LINES_LIMIT} lines are too many to compare.")
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) + len(new) > 4_000)
    added = removed = 0
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            removed += b - a
            added += d - c
    lines = difflib.unified_diff(old, new, "before", "after", lineterm="", n=context_lines)
    return {
        "changed": old != new,
        "diff": "\n".join(lines),
        "added": added,
        "removed": removed,
        "similarity": round(matcher.ratio(), 4),
    }
