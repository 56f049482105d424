"""Parsers of outside formats, as plain functions, so that they can run in a process of their own."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from millstream.schemas.errors import BlockExecutionError
from millstream.schemas.sizes import JSON_DEPTH_LIMIT

CELL_LIMIT_CHARS = 10_000_000
DEPTH_LIMIT = JSON_DEPTH_LIMIT - 4


def json_value(text: str) -> Any:
    """The value of a JSON text. Errors: BlockExecutionError, also for NaN and infinities, which are not JSON."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BlockExecutionError(f"The text is no JSON: {error}.") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def xml_object(text: str) -> dict[str, Any]:
    """The object of an XML text. Errors: BlockExecutionError; entities and outside references are refused."""
    try:
        root = defusedxml.ElementTree.fromstring(
            text, forbid_dtd=False, forbid_entities=True, forbid_external=True
        )
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BlockExecutionError(
            f"The text cannot be read as XML: {error or type(error).__name__}."
        ) from error
    return {root.tag: _element(root, 1)}


def _element(element: Element, depth: int) -> Any:
    """Text of a leaf; else an object of its parts, or a list of one-key objects if a name repeats."""
    if depth > DEPTH_LIMIT:
        raise BlockExecutionError(f"The XML has more than {DEPTH_LIMIT} levels.")
    text = (element.text or "").strip()
    parts = [(f"@{name}", value) for name, value in element.attrib.items()]
    parts += [(child.tag, _element(child, depth + 1)) for child in element]
    if not parts:
        return text
    text += "".join((child.tail or "").strip() for child in element)
    if text:
        parts.append(("#text", text))
    names = [name for name, _ in parts]
    return dict(parts) if len(set(names)) == len(names) else [{name: value} for name, value in parts]


def csv_rows(text: str, delimiter: str, quote: str, escape: str) -> list[list[str]]:
    """Rows of a CSV text. Errors: BlockExecutionError."""
    csv.field_size_limit(CELL_LIMIT_CHARS)
    try:
        return list(
            csv.reader(
                io.StringIO(text, newline=""),
                delimiter=delimiter or ",",
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                escapechar=escape or None,
            )
        )
    except (csv.Error, TypeError) as error:
        raise BlockExecutionError(f"The text cannot be read as CSV: {error}.") from error


def workbook_rows(data: str) -> list[list[str]]:
    """Rows of the first sheet of an Excel or OpenDocument file, given in base64. Errors: BlockExecutionError."""
    import base64

    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(base64.b64decode(data)))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=True)
    except (python_calamine.CalamineError, ValueError, IndexError) as error:
        raise BlockExecutionError(f"The file cannot be read as a spreadsheet: {error}.") from error
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: Any) -> str:
    """A cell as text: whole numbers without `.0`, dates in ISO form."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def feed_entries(data: str) -> list[dict[str, Any]]:
    """Entries of an RSS or Atom document, given in base64, newest as the feed has them.

    `pub_date` is ISO 8601 in UTC, or null. Errors: BlockExecutionError if it is no feed.
    """
    import base64

    import feedparser

    feed = feedparser.parse(io.BytesIO(base64.b64decode(data)))
    if not feed.get("version"):
        reason = feed.get("bozo_exception") or "it is neither RSS nor Atom"
        raise BlockExecutionError(f"The document is no feed: {reason}.")
    return [_entry(entry) for entry in feed["entries"]]


def _entry(entry: Any) -> dict[str, Any]:
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    return {
        "title": str(entry.get("title", "")),
        "link": str(entry.get("link", "")),
        "description": str(entry.get("summary", "")),
        "pub_date": _moment(when).isoformat() if when else None,
        "author": str(entry.get("author", "")),
        "categories": [str(tag.get("term") or "") for tag in entry.get("tags", []) if tag.get("term")],
        "id": str(entry.get("id") or entry.get("link") or entry.get("title") or ""),
    }


def _moment(when: time.struct_time) -> datetime:
    return datetime(*when[:6], tzinfo=UTC)


_BLOCKS = (
    "address,article,blockquote,br,dd,div,dl,dt,figcaption,figure,h1,h2,h3,h4,h5,h6,hr,li,main,ol,p,pre,section,"
    "summary,table,td,th,tr,ul"
)
_NOISE = "script,style,noscript,template,svg,nav,header,footer,aside,form,iframe,head"


def page(html: str) -> dict[str, str]:
    """Title and readable text of an HTML page: no scripts, no navigation; a line a block of text."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    named = " ".join(title.text().split()) if title else ""
    for node in tree.css(_NOISE):
        node.decompose()
    body = tree.css_first("main") or tree.css_first("article") or tree.body
    if body is None:
        return {"title": named, "text": ""}
    for node in body.css(_BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    return {"title": named, "text": "\n".join(_lines(body.text()))}


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if words := " ".join(line.split()):
            yield words
